package terminal

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// killedEnv makes the test binary the server that is killed; its value says
// whether it begins the terminal or takes it over.
const killedEnv = "NETGROUND_TEST_KILLED"

// said is what page and server say to each other.
type said struct {
	Offset int64
	Data   []byte
	Ack    bool // to the server: parsed up to Offset; from it: input taken up to Offset
	Resync bool
}

// TestKilledServer is the server of TestKilled: files 3 to 6 are the
// terminal's, and the page is at its standard input and output.
func TestKilledServer(t *testing.T) {
	how := os.Getenv(killedEnv)
	if how == "" {
		return
	}
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var files []*os.File
	for fd := 3; fd < 7; fd++ {
		if fd == 3 {
			_ = syscall.SetNonblock(fd, true)
		}
		files = append(files, os.NewFile(uintptr(fd), "inherited"))
	}
	make := Adopt
	if how == "begin" {
		make = New
	}
	term, err := make(files[0], Options{Kept: files[1:], Window: 32 << 10})
	if err != nil {
		fail(err)
	}
	in, out := gob.NewDecoder(os.Stdin), gob.NewEncoder(os.Stdout)
	var hello said
	if err := in.Decode(&hello); err != nil {
		fail(err)
	}
	v := term.Attach(ViewerOptions{ID: "page", Offset: hello.Offset, Writer: true})
	if err := out.Encode(said{Offset: v.InputOffset(), Ack: true}); err != nil {
		fail(err)
	}
	var sending sync.Mutex
	go func() {
		buf := [4096]byte{}
		for {
			c, err := v.Next(t.Context(), buf[:])
			if err != nil {
				fail(err)
			}
			sending.Lock()
			_ = out.Encode(said{Offset: c.Offset, Data: c.Data, Resync: c.Resync})
			sending.Unlock()
		}
	}()
	for {
		var m said
		if err := in.Decode(&m); err != nil {
			fail(err)
		}
		if m.Ack {
			v.Ack(m.Offset)
			continue
		}
		next, _ := v.Input(m.Offset, m.Data)
		sending.Lock()
		_ = out.Encode(said{Offset: next, Ack: true})
		sending.Unlock()
	}
}

// A server is killed many times while a program prints and somebody types, each
// time at another moment. Not one byte is lost or repeated in either direction.
func TestKilled(t *testing.T) {
	kills := 60
	if testing.Short() {
		kills = 20
	}
	// What is typed goes to a file; what is printed counts up meanwhile.
	typedInto := t.TempDir() + "/typed"
	cmd := exec.Command("sh", "-c", `stty raw -echo; echo ready; exec 3<&0; cat <&3 >`+typedInto+` & i=0; while :; do i=$((i+1)); echo $i; done`)
	master, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 80, Rows: 24})
	if err != nil {
		t.Fatal(err)
	}
	for b := [1]byte{}; b[0] != '\n'; { // "ready": what is typed is not echoed any more
		if _, err := master.Read(b[:]); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := Keep(256 << 10)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		closeFiles(append(kept, master))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var typed []byte // all that was, and from which byte on it is not known to have been taken
	var seen int64
	var taken atomic.Int64
	var got bytes.Buffer
	for round := range kills + 1 {
		server := exec.Command(self, "-test.run=^TestKilledServer$")
		server.Env = append(os.Environ(), killedEnv+"="+map[bool]string{true: "begin", false: "adopt"}[round == 0])
		server.ExtraFiles = append([]*os.File{master}, kept...)
		var complaint bytes.Buffer
		server.Stderr = &complaint
		in, err := server.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := server.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		to, from := gob.NewEncoder(in), gob.NewDecoder(out)
		_ = to.Encode(said{Offset: seen})
		var hello said
		if err := from.Decode(&hello); err != nil || hello.Offset < taken.Load() || hello.Offset > int64(len(typed)) {
			_ = server.Process.Kill()
			t.Fatalf("round %d: the server has taken %d of %d typed bytes, %d known: %v %s", round, hello.Offset, len(typed), taken.Load(), err, complaint.String())
		}
		taken.Store(hello.Offset)
		last := round == kills
		if !last {
			delay := time.Duration(rand.IntN(30_000)) * time.Microsecond
			go func() {
				time.Sleep(delay) // a moment, not a condition
				_ = server.Process.Kill()
			}()
		}
		var sending sync.Mutex
		typing := make(chan struct{})
		var gone atomic.Bool
		go func() {
			defer close(typing)
			for at := taken.Load(); ; {
				for at > taken.Load()+2048 && !gone.Load() { // not more than fits
					runtime.Gosched()
				}
				if last && at >= int64(len(typed)) {
					return
				}
				for int64(len(typed)) < at+8 && !last {
					typed = fmt.Appendf(typed, "%d,", len(typed))
				}
				n := min(int64(1+rand.IntN(8)), int64(len(typed))-at)
				sending.Lock()
				err := to.Encode(said{Offset: at, Data: typed[at : at+n]})
				sending.Unlock()
				if err != nil {
					return
				}
				at += n
			}
		}()
		enough := got.Len() + 200_000
		for !last || taken.Load() < int64(len(typed)) || got.Len() < enough {
			var m said
			if err := from.Decode(&m); err != nil {
				break
			}
			if m.Ack {
				taken.Store(max(taken.Load(), m.Offset))
				continue
			}
			if m.Resync || len(m.Data) > 0 && m.Offset != seen {
				t.Fatalf("round %d: bytes from %d (resync %v), but %d were seen", round, m.Offset, m.Resync, seen)
			}
			got.Write(m.Data)
			seen += int64(len(m.Data))
			sending.Lock()
			_ = to.Encode(said{Offset: seen, Ack: true})
			sending.Unlock()
		}
		_ = server.Process.Kill()
		gone.Store(true)
		_, _ = io.Copy(io.Discard, out)
		_ = server.Wait()
		<-typing
		if t.Failed() {
			return
		}
	}
	lines := strings.Split(got.String(), "\n")
	for i, line := range lines[:len(lines)-1] {
		if strings.TrimSuffix(line, "\r") != fmt.Sprint(i+1) {
			t.Fatalf("line %d is %.60q", i+1, line)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		arrived, err := os.ReadFile(typedInto)
		if err == nil && bytes.Equal(arrived, typed) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes were typed and %d arrived: %v", len(typed), len(arrived), err)
		}
	}
	t.Logf("%d kills: %d bytes out, %d bytes in, all of them once", kills, got.Len(), len(typed))
}
