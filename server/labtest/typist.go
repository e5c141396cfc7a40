package labtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/session"
)

// typist types into one terminal, as a learner.
type typist struct {
	master *os.File
	hangUp func() // the sandbox holds the master, too
	count  int

	mu     sync.Mutex
	output []byte // the newest mostOutput bytes
	more   chan struct{}
	ended  chan struct{}
	last   string // what the last command printed
}

func (w *world) typist(ctx context.Context, host string) (*typist, error) {
	if t := w.typists[host]; t != nil {
		return t, nil
	}
	shell, err := w.sb.OpenTerminal(ctx, host, 100, 40, nil)
	if err != nil {
		return nil, err
	}
	t := &typist{master: shell.Master, hangUp: func() { w.sb.CloseTerminal(shell.ID) }, more: make(chan struct{}, 1), ended: make(chan struct{})}
	go t.read()
	w.typists[host] = t
	return t, t.prompted(ctx, atPrompt)
}

func (t *typist) close() {
	t.master.Close()
	t.hangUp()
	<-t.ended
}

func (t *typist) read() {
	defer close(t.ended)
	buf := make([]byte, 8192)
	for {
		n, err := t.master.Read(buf)
		t.mu.Lock()
		t.output = append(t.output, buf[:n]...)
		if over := len(t.output) - mostOutput; over > 0 {
			t.output = t.output[over:]
		}
		t.mu.Unlock()
		select {
		case t.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// typeLine types a command and Enter on a host, and returns its exit status when
// the prompt is back. A command that reboots the host is waited for, too.
func (w *world) typeLine(ctx context.Context, host, line string) (exit int, err error) {
	limit, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	if t := w.typists[host]; t != nil && t.isGone() { // the host was rebooted by somebody else
		w.drop(host)
		if err := w.up(limit, host); err != nil {
			return 0, err
		}
	}
	t, err := w.typist(limit, host)
	if err != nil {
		return 0, fmt.Errorf("cannot be typed: %w", err)
	}
	w.forgetReboots()
	exit, err = t.line(limit, line)
	switch {
	case errors.Is(err, io.EOF):
		w.drop(host)
		return 0, w.awaitReboot(ctx, host)
	case err != nil && ctx.Err() == nil && limit.Err() != nil:
		// The terminal is of no use any more: the next command gets another.
		w.drop(host)
		return 0, fmt.Errorf("does not come back to the prompt within %v. Let it end: ping -c 3, timeout 5 …, or & behind it", w.patience)
	}
	return exit, err
}

func (w *world) drop(host string) {
	w.typists[host].close()
	delete(w.typists, host)
}

// forgetReboots drops what was heard of reboots that nobody waited for.
func (w *world) forgetReboots() {
	for {
		select {
		case <-w.rebooted:
		default:
			return
		}
	}
}

func (w *world) awaitReboot(ctx context.Context, host string) error {
	limit := time.After(rebootTimeout)
	for {
		select {
		case h := <-w.rebooted:
			if h == host {
				return nil
			}
		case <-limit:
			return errors.New("ends the shell")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// up waits until commands can be run on a host that may be rebooting.
func (w *world) up(ctx context.Context, host string) error {
	limit, cancel := context.WithTimeout(ctx, rebootTimeout)
	defer cancel()
	for {
		_, err := w.sb.Run(limit, host, "true")
		if err == nil {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond): // a host that is down tells nobody when it is up, but by an event that may be gone
		case <-limit.Done():
			return fmt.Errorf("cannot be run: %w", err)
		}
	}
}

// run runs a command without a terminal, as catching up does. It returns its
// exit status; one that never ends or that reboots its host is no error: the
// checks say what came of it.
func (w *world) run(ctx context.Context, c lab.Command) (exit int, err error) {
	for range 2 {
		w.forgetReboots()
		limit, cancel := context.WithTimeout(ctx, w.patience)
		var out session.Output
		out, err = w.sb.Run(limit, c.Host, c.Line)
		ended := limit.Err() == nil
		cancel()
		if c.Reboots() {
			// The command is back before the host is down.
			select {
			case host := <-w.rebooted:
				return 0, w.up(ctx, host)
			case <-time.After(rebootTimeout):
				return 0, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err == nil:
			return out.Exit, nil
		case !ended:
			return 0, nil
		}
		// Its host is down: by this command, or by the one before.
		if up := w.up(ctx, c.Host); up != nil {
			return 0, fmt.Errorf("%q on %s %w", c.Line, c.Host, up)
		}
		if !strings.Contains(err.Error(), "cannot run") {
			return 0, nil // it had begun
		}
	}
	return 0, err
}

func (t *typist) isGone() bool {
	select {
	case <-t.ended:
		return true
	default:
		return false
	}
}

// line types a command and, when the prompt is back, one that prints the exit
// status: its output differs from what is typed by the sum, so that the echo is
// not taken for it. It is not typed ahead: ssh would read it.
func (t *typist) line(ctx context.Context, line string) (exit int, err error) {
	t.count++
	mark := fmt.Sprintf("echo __$((%d+1))_$?__", 1000+t.count)
	if err := t.send(strings.ReplaceAll(line, "\n", "\r")); err != nil {
		return 0, err
	}
	if err := t.prompted(ctx, atPrompt); err != nil {
		return 0, err
	}
	t.mu.Lock()
	output := string(t.output)
	t.mu.Unlock()
	if err := t.send(mark); err != nil {
		return 0, err
	}
	done := regexp.MustCompile(fmt.Sprintf(`(?s)__%d_(\d+)__.*`+atPrompt.String(), 1001+t.count))
	if err := t.prompted(ctx, done); err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if m := done.FindSubmatch(plainText(t.output)); m != nil {
		exit, _ = strconv.Atoi(string(m[1]))
	}
	t.last = printed(output, line, mark)
	return exit, nil
}

// atPrompt is how the prompt of a shell looks: root@A:~#.
var atPrompt = regexp.MustCompile(`(?m)^\S+[#$] `)

func (t *typist) send(line string) error {
	t.mu.Lock()
	t.output = nil
	t.mu.Unlock()
	if _, err := t.master.WriteString(line + "\r"); err != nil {
		return io.EOF
	}
	return nil
}

// The output after a prompt is quiet, but for what runs in the background.
const (
	calm     = 40 * time.Millisecond
	mostWait = 500 * time.Millisecond
)

// prompted waits until the output matches, and then for calm.
func (t *typist) prompted(ctx context.Context, want *regexp.Regexp) error {
	var quiet, end <-chan time.Time
	for {
		if end == nil {
			t.mu.Lock()
			found := want.Match(plainText(t.output))
			t.mu.Unlock()
			if found {
				end = time.After(mostWait)
			}
		}
		if end != nil {
			quiet = time.After(calm)
		}
		select {
		case <-t.more:
		case <-quiet:
			return nil
		case <-end:
			return nil
		case <-t.ended:
			return io.EOF
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// plainText leaves escape sequences and control characters out.
func plainText(output []byte) []byte { return control.ReplaceAll(output, nil) }

// printed is the last line of a command's output, without echoes and prompts.
func printed(output, line, mark string) string {
	last := ""
	for l := range strings.SplitSeq(string(plainText([]byte(output))), "\n") {
		l = strings.TrimSpace(l)
		typed := slices.ContainsFunc(strings.Split(line, "\n"), func(part string) bool {
			part = strings.TrimSpace(part)
			return part != "" && strings.HasSuffix(l, part)
		})
		if l != "" && !strings.Contains(l, mark) && !typed && !strings.HasSuffix(l, "#") {
			last = l
		}
	}
	return last
}

// control are escape sequences and control characters; compiled once.
var control = regexp.MustCompile(`\x1b\[[0-9;?]*[a-zA-Z]|\x1b\][^\x07]*\x07|[\x00-\x08\x0b-\x1f]`)

func (w *world) last(host string) string {
	if t := w.typists[host]; t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.last != "" {
			return t.last
		}
	}
	return "it prints nothing"
}

// statement is a command of a block, and its first line there.
type statement struct {
	code string
	line int
}

// statements cuts a block of a lesson into commands of one line or, where the
// shell would ask for more (a loop, a here-document, a line that ends with a
// backslash), several. The host's own shell says so.
func (w *world) statements(ctx context.Context, host, code string) []statement {
	lines := strings.Split(code, "\n")
	var all []statement
	for i := 0; i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) == "" {
			continue
		}
		one, next, from := lines[i], i, i
		for next+1 < len(lines) && w.open(ctx, host, one) {
			next++
			one += "\n" + lines[next]
		}
		if next > i && w.open(ctx, host, one) { // it never ends: the first line alone shows it best
			one, next = lines[i], i
		}
		all = append(all, statement{one, from})
		i = next
	}
	return all
}

// unfinished is what bash says of a command that needs another line.
var unfinished = regexp.MustCompile(`unexpected (EOF|end of file)|here-document at line \d+ delimited by end-of-file`)

func (w *world) open(ctx context.Context, host, code string) bool {
	if strings.HasSuffix(code, "\\") && !strings.HasSuffix(code, "\\\\") {
		return true
	}
	if !strings.ContainsAny(code, "'\"`({<") && !opening.MatchString(code) {
		return false
	}
	out, err := w.sb.Run(ctx, host, "LC_ALL=C bash -n -c '"+strings.ReplaceAll(code, "'", `'\''`)+"'")
	return err == nil && unfinished.MatchString(out.Text)
}

// opening are the words that begin a command of several lines, or join two.
var opening = regexp.MustCompile(`(^|[\s;&|])(for|while|until|if|case|select|function)\s|(\||&&)\s*$`)
