package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/creack/pty"

	"github.com/netground/netground/server/httpapi/ws"
)

// prompt ends a line that a shell waits in; see the hosts' .bashrc.
const prompt = "# "

// tty is a shell: in a host behind a websocket, or on a bare PTY.
type tty interface {
	Type(p []byte) error
	// Read waits for output, which is good until the next call.
	Read() ([]byte, error)
	// CPU is what stands between the PTY and this program has used.
	CPU() (time.Duration, error)
}

// webTTY is a terminal over its websocket, of a page that is as fast as it can.
type webTTY struct {
	*ws.Client
	pid          int
	shown, acked int64
}

// ackEvery is how much the page shows between two acknowledgements.
const ackEvery = 32 << 10

// Read implements tty.
func (t *webTTY) Read() ([]byte, error) {
	out, err := t.Next()
	t.shown = out.Offset + int64(len(out.Data))
	if err == nil && t.shown-t.acked >= ackEvery {
		t.acked = t.shown
		err = t.Ack(t.shown)
	}
	return out.Data, err
}

// CPU implements tty.
func (t *webTTY) CPU() (time.Duration, error) { return cpuTime(t.pid) }

// bareTTY is bash on a PTY of this process, non-blocking as the server's.
type bareTTY struct {
	master *os.File
	cmd    *exec.Cmd
	buf    []byte
}

func openBare(dir string) (_ *bareTTY, err error) {
	m, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("cannot open a PTY: %w", err)
	}
	defer m.Close()
	defer slave.Close()
	if err := pty.Setsize(m, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		return nil, fmt.Errorf("cannot size a PTY: %w", err)
	}
	fd, err := syscall.Dup(int(m.Fd()))
	if err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open a PTY: %w", err)
	}
	t := &bareTTY{master: os.NewFile(uintptr(fd), "pty"), buf: make([]byte, 64<<10)}
	t.cmd = exec.Command("bash", "--noprofile", "--norc", "-i")
	t.cmd.Dir = dir
	t.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TERM=xterm-256color", "LANG=C.UTF-8", `PS1=\u@\h:\w\$ `}
	t.cmd.Stdin, t.cmd.Stdout, t.cmd.Stderr = slave, slave, slave
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := t.cmd.Start(); err != nil {
		t.master.Close()
		return nil, fmt.Errorf("cannot start bash: %w", err)
	}
	return t, nil
}

func (t *bareTTY) close() {
	t.master.Close() // hangs up
	_ = t.cmd.Process.Kill()
	_ = t.cmd.Wait() // killed
}

// Type implements tty.
func (t *bareTTY) Type(p []byte) error { _, err := t.master.Write(p); return err }

// Read implements tty.
func (t *bareTTY) Read() ([]byte, error) {
	n, err := t.master.Read(t.buf)
	return t.buf[:n], err
}

// CPU implements tty.
func (t *bareTTY) CPU() (time.Duration, error) { return cpuTime(os.Getpid()) }

// readUntil reads until the texts have come, one after the other, in what is
// last; it returns how much came, and when the first of it did.
func readUntil(t tty, texts ...string) (n int64, first time.Time, err error) {
	const keep = 512
	var last []byte
	for {
		b, err := t.Read()
		if err != nil {
			return n, first, fmt.Errorf("cannot read the terminal: %w", err)
		}
		if n == 0 {
			first = time.Now()
		}
		n += int64(len(b))
		last = append(last, b[max(0, len(b)-keep):]...)
		last = last[max(0, len(last)-keep):]
		rest, all := last, true
		for _, text := range texts {
			var found bool
			_, rest, found = bytes.Cut(rest, []byte(text))
			all = all && found
		}
		if all {
			return n, first, nil
		}
	}
}

// command types a line, and waits for the prompt after it.
func command(t tty, line string) error {
	// The sum appears in the output alone, not in the echo of what is typed.
	if err := t.Type([]byte(line + "; echo $((40000+2))\n")); err != nil {
		return err
	}
	_, _, err := readUntil(t, "40002\r\n", prompt)
	return err
}

// echo types keys at a prompt, one at a time, and measures until each is seen:
// a letter and its deletion by turns, so that the line stays short.
func echo(ctx context.Context, t tty, keys int, gap time.Duration) (took samples, cpu time.Duration, err error) {
	if err := command(t, "true"); err != nil {
		return nil, 0, err
	}
	before, err := t.CPU()
	if err != nil {
		return nil, 0, err
	}
	pause := time.NewTicker(gap)
	defer pause.Stop()
	for i := range keys {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
		key, seen := "a", "a"
		if i%2 == 1 {
			key, seen = "\x7f", "\b"
		}
		began := time.Now()
		if err := t.Type([]byte(key)); err != nil {
			return nil, 0, err
		}
		if _, _, err := readUntil(t, seen); err != nil {
			return nil, 0, err
		}
		took = append(took, float64(time.Since(began))/float64(time.Microsecond))
	}
	after, err := t.CPU()
	if err == nil && keys%2 == 1 {
		err = t.Type([]byte{0x15}) // Ctrl-U: an empty line again
	}
	return took, after - before, err
}

// bulkMB is the size of the file that bulk prints, of lines of 79 characters.
const bulkMB = 8

// bulkPrepare writes the file.
func bulkPrepare(t tty, dir string) error {
	return command(t, fmt.Sprintf("yes 0123456789012345678901234567890123456789012345678901234567890123456789012345678 | head -c %d >%s", bulkMB*1_000_000, filepath.Join(dir, "bulk")))
}

// bulk prints the file so many times, and measures from the first byte on.
func bulk(t tty, dir string, times int) (rate, cpuPerMB float64, err error) {
	before, err := t.CPU()
	if err != nil {
		return 0, 0, err
	}
	file := filepath.Join(dir, "bulk")
	line := "for i in " + string(bytes.Repeat([]byte("1 "), times)) + "; do cat " + file + "; done; echo $((50000+3))\n"
	if err := t.Type([]byte(line)); err != nil {
		return 0, 0, err
	}
	n, first, err := readUntil(t, "50003\r\n", prompt)
	if err != nil {
		return 0, 0, err
	}
	took := time.Since(first)
	after, err := t.CPU()
	if n < int64(times)*bulkMB*1_000_000 {
		err = errors.Join(err, fmt.Errorf("only %d bytes came", n))
	}
	mb := float64(n) / 1e6
	return mb / took.Seconds(), ms(after-before) / mb, err
}
