package attack

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netground/netground/server/drive"
	"github.com/netground/netground/server/httpapi/ws"
	"github.com/netground/netground/server/session"
)

// player is a learner in a lab, with the shells that are open.
type player struct {
	*drive.Learner
	session.Session
	t      *trial // whose turn it is
	path   string
	shells map[string]*shell // by host
}

// open opens a lab as a new learner.
func (t *trial) open(lab string) *player {
	s, err := t.running()
	t.must(err)
	return t.openAs(s.Learner(), lab)
}

func (t *trial) openAs(l *drive.Learner, lab string) *player {
	p := &player{Learner: l, t: t, shells: map[string]*shell{}}
	_, err := l.Do(t.ctx, http.MethodPost, "/api/sessions", map[string]string{"lab": lab}, &p.Session)
	t.must(err)
	p.path = "/api/sessions/" + p.ID
	return p
}

// guest is a player for this attack alone.
func (t *trial) guest(lab string) *player {
	p := t.open(lab)
	t.after(p.leave)
	return p
}

// player returns the one who plays this part in all attacks of a group.
func (t *trial) player(part, lab string) *player {
	_, err := t.running()
	t.must(err)
	p := t.players[part]
	if p == nil {
		p = t.open(lab)
		t.players[part] = p
	}
	p.t = t
	return p
}

func (t *trial) attacker() *player  { return t.player("attacker", plain) }
func (t *trial) neighbour() *player { return t.player("neighbour", plain) }

func (f *fight) dismiss(part string) {
	if p := f.players[part]; p != nil {
		p.leave()
		delete(f.players, part)
	}
}

// leave ends the session, as far as it has not ended.
func (p *player) leave() {
	for _, s := range p.shells {
		s.close()
	}
	clear(p.shells)
	for range 40 {
		a, err := p.Send(p.t.fight.ctx, http.MethodDelete, p.path, nil)
		if err != nil || a.Status != http.StatusTooManyRequests {
			return // it may have ended
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// ask sends a request about the session.
func (p *player) ask(method, path string, body any, change ...string) drive.Answer {
	a, err := p.Send(p.t.ctx, method, p.path+path, body, change...)
	p.t.must(err)
	return a
}

// check has a step checked, as often as the server lets it.
func (p *player) check(step string) (s session.StepState) {
	for {
		a := p.ask(http.MethodPost, "/steps/"+step+"/check", "{}")
		if a.Status == http.StatusTooManyRequests {
			p.t.wait(time.Second)
			continue
		}
		if a.Status != http.StatusOK {
			p.t.stop("checking %s: %d %s", step, a.Status, a.Body)
		}
		p.t.must(json.Unmarshal(a.Body, &s))
		return s
	}
}

// terminal opens another shell, and returns its id.
func (p *player) terminal(host string) string {
	var term session.Terminal
	_, err := p.Do(p.t.ctx, http.MethodPost, p.path+"/terminals", map[string]any{"host": host, "cols": 200, "rows": 40}, &term)
	p.t.must(err)
	return term.ID
}

func (p *player) address(terminal string) string {
	return "ws" + strings.TrimPrefix(p.Server.URL, "http") + p.path + "/terminals/" + terminal + "/ws"
}

// dial connects to a terminal as a viewer, which does not read yet. Where there
// were too many connections at once it tries again, as a page does.
func (p *player) dial(terminal, viewer string, offset int64) (*shell, error) {
	var c *ws.Client
	var err error
	for {
		c, err = ws.Dial(p.t.fight.ctx, fmt.Sprintf("%s?offset=%d&viewer=%s", p.address(terminal), offset, viewer), p.Header)
		if refused := ws.Refused(0); !errors.As(err, &refused) || refused != http.StatusTooManyRequests {
			break
		}
		p.t.wait(time.Second)
	}
	if err != nil {
		return nil, err
	}
	s := &shell{Client: c, p: p, terminal: terminal}
	s.moved = sync.NewCond(&s.mu)
	return s, nil
}

// attach connects to a terminal as a viewer; who does not read is connected and no more.
func (p *player) attach(terminal, viewer string, offset int64, reads bool) *shell {
	s, err := p.dial(terminal, viewer, offset)
	p.t.must(err)
	if reads {
		go s.follow()
	}
	return s
}

// on is the player's shell on a host, at its prompt.
func (p *player) on(host string) *shell {
	if s := p.shells[host]; s != nil {
		s.mu.Lock()
		err := s.err
		s.mu.Unlock()
		if err == nil {
			return s
		}
	}
	s := p.attach(p.terminal(host), "attack", -1, true)
	p.shells[host] = s
	s.expect(":~# ")
	// What a line prints stands between two characters that nobody types.
	s.press(`unalias -a; z() { printf '\x02'; (eval "$(base64 -d <<<"$1")") </dev/null 2>/dev/null; printf '\x03%d\x03' $?; }; bind 'set horizontal-scroll-mode on'` + "\r")
	return s
}

// shell is a page's terminal: it reads and acknowledges.
type shell struct {
	*ws.Client
	p        *player
	terminal string

	mu       sync.Mutex
	moved    *sync.Cond
	out      []byte // the last of it
	total    int64  // bytes of output
	next     int64  // the offset behind what was seen
	refusals []string
	err      error
}

// kept is how much of the output is kept.
const kept = 256 << 10

func (s *shell) follow() {
	for {
		out, err := s.Next()
		var refusal ws.Refusal
		s.mu.Lock()
		switch {
		case errors.As(err, &refusal):
			s.refusals = append(s.refusals, string(refusal))
		case err != nil:
			s.err = err
		default:
			s.out = append(s.out, out.Data...)
			s.out = s.out[max(0, len(s.out)-kept):]
			s.total += int64(len(out.Data))
			s.next = out.Offset + int64(len(out.Data))
		}
		ended, next := s.err != nil, s.next
		s.mu.Unlock()
		s.moved.Broadcast()
		if ended {
			return
		}
		_ = s.Ack(next) // the reader hears of a connection that has ended
	}
}

func (s *shell) close() { s.Client.Close() }

// see waits until what was seen is as wanted, or the connection's end.
func (s *shell) see(limit time.Duration, wanted func() bool) error {
	expired := false
	timer := time.AfterFunc(s.p.t.within(limit), func() {
		s.mu.Lock()
		expired = true
		s.mu.Unlock()
		s.moved.Broadcast()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !wanted() {
		if s.err != nil {
			return s.err
		}
		if expired {
			return fmt.Errorf("nothing came for %v, after %.300q", s.p.t.within(limit), s.out[max(0, len(s.out)-300):])
		}
		s.moved.Wait()
	}
	return nil
}

// read is how many bytes have come.
func (s *shell) read() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// forget drops what was seen.
func (s *shell) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out, s.refusals = nil, nil
}

func (s *shell) expect(text string) {
	err := s.see(20*time.Second, func() bool { return strings.Contains(string(s.out), text) })
	if err != nil {
		s.p.t.stop("waiting for %q: %v", text, err)
	}
}

// press types without waiting.
func (s *shell) press(text string) { s.p.t.must(s.Type([]byte(text))) }

// closed waits for the connection's end and returns its close code.
func (s *shell) closed(limit time.Duration) int {
	return ws.CloseCode(s.see(limit, func() bool { return false }))
}

var printed = regexp.MustCompile(`(?s)\x02([^\x02]*)\x03(\d+)\x03`)

// try types a line, and returns what it prints and its exit status.
func (s *shell) try(line string) (out string, exit int) {
	s.forget()
	s.press("z " + base64.StdEncoding.EncodeToString([]byte(line)) + "\r")
	var m [][]byte
	err := s.see(60*time.Second, func() bool {
		m = printed.FindSubmatch(s.out)
		return m != nil
	})
	if err != nil {
		s.p.t.stop("%.200s: %v", line, err)
	}
	exit, _ = strconv.Atoi(string(m[2]))
	return strings.ReplaceAll(string(m[1]), "\r", ""), exit
}

// do types a line that must succeed for the attack to go on.
func (s *shell) do(line string) string {
	out, exit := s.try(line)
	if exit != 0 {
		s.p.t.stop("%.300s: exit status %d, %.500s", line, exit, out)
	}
	return out
}

// put writes a file.
func (s *shell) put(path, text string) {
	s.do(": >" + path)
	for len(text) > 0 {
		n := min(len(text), 1500)
		s.do("echo " + base64.StdEncoding.EncodeToString([]byte(text[:n])) + " | base64 -d >>" + path)
		text = text[n:]
	}
}

// atPrompt says whether the shell, of whom all was forgotten before the last line,
// waits for another one.
func (s *shell) atPrompt() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.HasSuffix(s.out, []byte("# "))
}

// echoes types keys for as long as the channel is open, and returns the sorted
// times of their echoes; count counts them meanwhile.
func (s *shell) echoes(open <-chan struct{}, count *atomic.Int64) (all []time.Duration, err error) {
	for {
		s.forget()
		began := time.Now()
		if err := s.Type([]byte("x\x7f")); err != nil {
			return all, err
		}
		err := s.see(15*time.Second, func() bool { return slices.Contains(s.out, 'x') })
		all = append(all, time.Since(began))
		count.Add(1)
		if err != nil {
			return all, fmt.Errorf("a key was not echoed: %w", err)
		}
		select {
		case <-open:
			slices.Sort(all)
			return all, nil
		case <-time.After(10 * time.Millisecond):
		}
	}
}
