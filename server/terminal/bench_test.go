package terminal

import (
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// relayEnv makes the test binary a process between a PTY and the server.
const relayEnv = "NETGROUND_TEST_RELAY"

// TestRelay is what the keeper would do if it read the PTY: files 3 and 4 are
// the master and a socket to the server.
func TestRelay(*testing.T) {
	if os.Getenv(relayEnv) == "" {
		return
	}
	var files [2]*os.File
	for i := range files {
		_ = syscall.SetNonblock(3+i, true)
		files[i] = os.NewFile(uintptr(3+i), "inherited")
	}
	go func() { _, _ = io.Copy(files[0], files[1]) }()
	_, _ = io.Copy(files[1], files[0])
}

// BenchmarkEcho is the reason why the server reads the PTY itself, into memory
// that outlives it: how long a key takes to be echoed by the PTY alone, by a
// Terminal, and by way of another process, which would keep the ring.
func BenchmarkEcho(b *testing.B) {
	open := func(b *testing.B) *os.File {
		master, slave, err := pty.Open()
		if err != nil {
			b.Fatal(err)
		}
		fd, err := unix.FcntlInt(master.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err == nil {
			err = unix.SetNonblock(fd, true)
		}
		if err != nil {
			b.Fatal(err)
		}
		_ = master.Close()
		b.Cleanup(func() { _ = slave.Close() })
		return os.NewFile(uintptr(fd), "master")
	}
	measure := func(b *testing.B, echo func()) {
		took := make([]time.Duration, 0, b.N)
		for b.Loop() {
			began := time.Now()
			echo()
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2])/1e3, "µs/p50")
	}
	buf := make([]byte, 4096)
	direct := func(b *testing.B, f io.ReadWriter) {
		measure(b, func() {
			if _, err := f.Write([]byte("x")); err != nil {
				b.Fatal(err)
			}
			if _, err := f.Read(buf); err != nil {
				b.Fatal(err)
			}
		})
	}
	b.Run("bare", func(b *testing.B) {
		f := open(b)
		defer f.Close()
		direct(b, f)
	})
	b.Run("terminal", func(b *testing.B) {
		t, err := New(open(b), Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer t.Close()
		v := t.Attach(ViewerOptions{ID: "page", Offset: -1, Writer: true})
		defer v.Close()
		var typed, seen int64
		measure(b, func() {
			if typed, err = v.Input(typed, []byte("x")); err != nil {
				b.Fatal(err)
			}
			for seen < typed {
				c, err := v.Next(b.Context(), buf)
				if err != nil {
					b.Fatal(err)
				}
				seen = c.Offset + int64(len(c.Data))
				v.Ack(seen)
			}
		})
	})
	b.Run("another process", func(b *testing.B) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			b.Fatal(err)
		}
		mine, theirs, master := os.NewFile(uintptr(fds[0]), "mine"), os.NewFile(uintptr(fds[1]), "theirs"), open(b)
		relay := exec.Command(os.Args[0], "-test.run=^TestRelay$")
		relay.Env = append(os.Environ(), relayEnv+"=1")
		relay.ExtraFiles = []*os.File{master, theirs}
		if err := relay.Start(); err != nil {
			b.Fatal(err)
		}
		defer func() {
			_ = relay.Process.Kill()
			_ = relay.Wait()
		}()
		_, _ = master.Close(), theirs.Close()
		conn, err := net.FileConn(mine)
		if err != nil {
			b.Fatal(err)
		}
		_ = mine.Close()
		defer conn.Close()
		direct(b, conn)
	})
}
