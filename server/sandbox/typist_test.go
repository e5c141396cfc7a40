//go:build sandbox

package sandbox

import (
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
)

// typist types into a real shell on a host, as a learner does.
type typist struct {
	t     testing.TB
	s     *Sandbox
	shell Shell
}

func sit(t testing.TB, s *Sandbox, host string) *typist {
	t.Helper()
	shell, err := s.OpenTerminal(t.Context(), host, 120, 40)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shell.Master.Close() })
	until(t, shell.Master, ":~# ")
	return &typist{t, s, shell}
}

var (
	escapes = regexp.MustCompile(`\x1b(\[[0-9;?<=>]*[a-zA-Z]|\][^\x07]*\x07|[()][A-Z0-9]|[=>])`)
	mark    = regexp.MustCompile(`(?s)@(\d+)@\r\n.*# $`)
)

// keys types without waiting.
func (y *typist) keys(text string) {
	y.t.Helper()
	if _, err := io.WriteString(y.shell.Master, text); err != nil {
		y.t.Fatal(err)
	}
}

// try types a line and returns what it shows and its exit code.
func (y *typist) try(line string) (out, code string) {
	y.t.Helper()
	y.keys(line + `; echo @$?"@"` + "\r")
	_ = y.shell.Master.SetReadDeadline(time.Now().Add(20 * time.Second))
	var got strings.Builder
	buf := make([]byte, 32<<10)
	for {
		n, err := y.shell.Master.Read(buf)
		got.Write(buf[:n])
		if m := mark.FindStringSubmatch(got.String()); m != nil {
			text := strings.ReplaceAll(escapes.ReplaceAllString(got.String(), ""), "\r", "")
			return text, m[1]
		}
		if err != nil {
			y.t.Fatalf("%s: %v after %q", line, err, got.String())
		}
	}
}

// typed types a line that must succeed.
func (y *typist) typed(line string) string {
	y.t.Helper()
	out, code := y.try(line)
	if code != "0" {
		y.t.Errorf("%s: exit %s\n%s", line, code, out)
	}
	return out
}
