package classroom

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// cast writes a terminal as asciicast v3 (docs.asciinema.org/manual/asciicast/v3):
// a line of JSON for the header, then one an event, each with the seconds since
// the one before. It is bounded; what comes after is dropped.
type cast struct {
	w         *bufio.Writer
	most      int64
	bytes     int64
	truncated bool
	last      time.Time
	rest      []byte // the beginning of a character whose end has not come yet
}

// newCast begins a cast with its header.
func newCast(w io.Writer, most int64, at time.Time, cols, rows uint16, title string) (*cast, error) {
	c := &cast{w: bufio.NewWriter(w), most: most, last: at}
	type term struct {
		Cols uint16 `json:"cols"`
		Rows uint16 `json:"rows"`
		Type string `json:"type"`
	}
	return c, c.line(struct {
		Version   int    `json:"version"`
		Term      term   `json:"term"`
		Timestamp int64  `json:"timestamp"`
		Title     string `json:"title"`
	}{3, term{cols, rows, "xterm-256color"}, at.Unix(), title})
}

func (c *cast) line(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if c.bytes+int64(len(b))+1 > c.most {
		c.truncated = true
		return nil
	}
	c.bytes += int64(len(b)) + 1
	if _, err := c.w.Write(b); err != nil {
		return err
	}
	return c.w.WriteByte('\n')
}

func (c *cast) event(at time.Time, code, data string) error {
	if c.truncated {
		return nil
	}
	// To the millisecond, and what that leaves out belongs to the next one.
	ms := max(0, at.Sub(c.last).Milliseconds())
	c.last = c.last.Add(time.Duration(ms) * time.Millisecond)
	return c.line([]any{json.RawMessage(fmt.Sprintf("%d.%03d", ms/1000, ms%1000)), code, data})
}

// output writes what the terminal printed. A character that is cut in two is
// written with its end.
func (c *cast) output(at time.Time, p []byte) error {
	p = append(c.rest, p...)
	whole := len(p)
	for back := 1; back <= min(utf8.UTFMax-1, len(p)); back++ {
		if b := p[len(p)-back]; utf8.RuneStart(b) {
			if !utf8.FullRune(p[len(p)-back:]) {
				whole = len(p) - back
			}
			break
		}
	}
	c.rest = append([]byte(nil), p[whole:]...)
	if whole == 0 {
		return nil
	}
	return c.event(at, "o", string(p[:whole]))
}

func (c *cast) resize(at time.Time, cols, rows uint16) error {
	return c.event(at, "r", fmt.Sprintf("%dx%d", cols, rows))
}

func (c *cast) mark(at time.Time, label string) error { return c.event(at, "m", label) }

func (c *cast) exit(at time.Time, code int) error { return c.event(at, "x", itoa(code)) }
