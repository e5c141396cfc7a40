package attack

import (
	"math"
	"strings"
)

// record is what a terminal printed behind a mark, over all connections.
type record struct {
	t        *trial
	terminal string
	got      strings.Builder
	next     int64 // the offset behind it
}

// all is more pieces than ever come.
const all = math.MaxInt

// record types a line in a new shell on a host, which prints a line "begin" and goes
// on then, and leaves it there.
func (p *player) record(host, line string) *record {
	s := p.attach(p.terminal(host), "v", -1, true)
	defer s.close()
	s.expect(":~# ")
	s.press(line)
	const mark = "begin\r\n"
	s.expect(mark)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &record{t: p.t, terminal: s.terminal, next: s.next}
	_, rest, _ := strings.Cut(string(s.out), mark)
	r.got.WriteString(rest)
	return r
}

// take adds what comes by a connection, which nobody else reads: until there is a
// text, and no more than so many pieces. It says whether the text is there.
func (r *record) take(s *shell, until string, pieces int) bool {
	for ; pieces > 0 && !r.has(until); pieces-- {
		out, err := s.Next()
		if err != nil {
			break
		}
		if out.Offset != r.next {
			r.t.fault("after byte %d comes byte %d", r.next, out.Offset)
		}
		r.got.Write(out.Data)
		r.next = out.Offset + int64(len(out.Data))
		_ = s.Ack(r.next) // the next read hears of a connection that has ended
	}
	return r.has(until)
}

func (r *record) has(text string) bool { return strings.Contains(r.got.String(), text) }

// last is so much of its end.
func (r *record) last(n int) string { return r.got.String()[max(0, r.got.Len()-n):] }
