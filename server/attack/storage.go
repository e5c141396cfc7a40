package attack

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netground/netground/server/drive"
	"github.com/netground/netground/server/session"
)

// storageFaults are what may happen to what keeps the results.
func storageFaults() []Attack {
	const goesOn = "terminals go on, learners are told, and results follow once there is a way to keep them"
	row := func(id, tried string, fault func(t *trial, state string) (end func())) Attack {
		return Attack{ID: id, Group: Accidents, Tried: tried, Held: goesOn, run: func(t *trial) { t.cannotStore(fault) }, own: true}
	}
	return []Attack{
		row("disk-full", "a full disk", fullDisk),
		row("database-locked", "somebody else has locked the database", lockedDatabase),
		row("database-gone", "the database's file is replaced by something else, which is removed later", goneDatabase),
		{ID: "power-cut", Group: Accidents, Tried: "the power is cut right after a step was solved: what the disk has then, and nothing that the kernel still held", run: powerCut, own: true,
			Held: "the database is whole, the step is solved, the learner is known, and no session hangs"},
	}
}

// state is the folder of a server's state.
func state(o drive.Options) string { return filepath.Join(o.Machine.State, o.Name) }

// mounted mounts a file system on a new folder until the attack is over.
func (t *trial) mounted(dir string, mount func() error) {
	t.must(os.MkdirAll(dir, 0o700))
	t.must(mount())
	t.after(func() {
		// The last of a server's sandboxes lets go of it a moment after it has ended.
		var err error
		if !t.until(20*time.Second, func() bool { err = unix.Unmount(dir, 0); return err == nil }) {
			t.fault("cannot unmount %s: %v", filepath.Base(dir), err)
		}
	})
}

// cannotStore has a learner solve a step while a server of its own cannot store it.
func (t *trial) cannotStore(fault func(t *trial, state string) (end func())) {
	o := t.options()
	dir := state(o)
	t.mounted(dir, func() error { return unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4m,nr_inodes=256") })
	s, err := drive.Start(t.ctx, o)
	t.must(err)
	t.after(func() { t.close(s) })
	p := t.openOn(s, plain)
	a, b := p.on("A"), p.on("B")
	events, err := p.Events(t.ctx, p.ID)
	t.must(err)
	told := func(what, name, text string) {
		for late := time.After(t.within(60 * time.Second)); ; {
			select {
			case e, ok := <-events:
				if !ok {
					t.stop("the events have ended before the page was told %s", what)
				}
				if e.Name == name && bytes.Contains(e.Data, []byte(text)) {
					return
				}
			case <-late:
				t.fault("the page is not told %s", what)
				return
			}
		}
	}
	if !t.until(20*time.Second, func() bool { return p.unstored() == 0 }) {
		t.stop("the session itself is not stored")
	}
	end := fault(t, dir)
	b.do("ip link add br9 type bridge")
	if !t.until(30*time.Second, func() bool { return p.unstored() > 0 }) {
		t.stop("nothing waits for the database: it was no fault")
	}
	told("that its results wait", session.NoticeEvent, `"storage"`)
	over := make(chan struct{})
	time.AfterFunc(t.within(500*time.Millisecond), func() { close(over) })
	took, err := a.echoes(over, new(atomic.Int64))
	if err != nil {
		t.fault("meanwhile a terminal stands still: %v", err)
	} else if worst := took[len(took)-1]; worst > t.within(patience) {
		t.fault("meanwhile a key took %v", worst)
	}
	if got := passedSteps(p); got != "" {
		t.fault("the steps %q are shown as kept, and are not", got)
	}
	end()
	told("that the step is solved", session.StepEvent, `"passed":true`)
	if !t.until(30*time.Second, func() bool { return p.unstored() == 0 && passedSteps(p) == "three" }) {
		t.fault("the result does not follow: the steps %q are passed", passedSteps(p))
	}
	s.Kill() // it is on the disk indeed
	s, err = drive.Start(t.ctx, o)
	t.must(err)
	p.move(s)
	if got := passedSteps(p); got != "three" {
		t.fault("after the next start the steps %q are passed", got)
	}
	p.leave()
}

// unstored is how many results wait for the database.
func (p *player) unstored() (n int) {
	const name = "\nnetground_results_unstored "
	a := p.t.patiently(p.Learner, "GET", "/metrics", nil)
	_, rest, found := strings.Cut(string(a.Body), name)
	if _, err := fmt.Sscan(rest, &n); !found || err != nil {
		p.t.stop("the server does not say what it has not stored: %d %.100s", a.Status, a.Body)
	}
	return n
}

func fullDisk(t *trial, state string) (end func()) {
	full := filepath.Join(state, "full")
	f, err := os.Create(full)
	t.must(err)
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 2 { // to the last byte
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.stop("the disk cannot be filled: %v", err)
		}
	}
	return func() { t.must(os.Remove(full)) }
}

// lockedDatabase takes the lock of who writes: the first of the lock bytes, which
// are the bytes 120 to 127 of the file beside the write-ahead log
// (https://sqlite.org/walformat.html, "WAL Locks").
func lockedDatabase(t *trial, state string) (end func()) {
	f, err := os.OpenFile(filepath.Join(state, "netground.db-shm"), os.O_RDWR, 0)
	t.must(err)
	t.after(func() { f.Close() })
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: 120, Len: 1}
	t.must(unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLKW, &lock))
	return func() { t.must(f.Close()) }
}

func goneDatabase(t *trial, state string) (end func()) {
	path := filepath.Join(state, "netground.db")
	t.must(os.WriteFile(path+".new", []byte("this was a database once"), 0o600))
	t.must(os.Rename(path+".new", path))
	return func() { t.must(os.Remove(path)) }
}

// powerCut copies the disk of a server at the moment in which a step is solved:
// the file behind a loop device has what was written through to the disk.
func powerCut(t *trial) {
	run := func(name string, args ...string) error {
		if out, err := exec.CommandContext(t.ctx, name, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %.300s", name, err, out)
		}
		return nil
	}
	disk, copied := filepath.Join(t.dir, "disk"), filepath.Join(t.dir, "disk-copied")
	for _, path := range []string{disk, copied} {
		t.after(func() { os.Remove(path) })
	}
	t.must(os.WriteFile(disk, nil, 0o600))
	t.must(os.Truncate(disk, 32<<20))
	if err := run("mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=0,lazy_journal_init=0", disk); err != nil {
		t.skip("it needs mke2fs, of the package e2fsprogs: %v", err)
	}
	loop := func(image, dir string) {
		t.mounted(dir, func() error { return run("mount", "-o", "loop", image, dir) })
	}

	o := t.options()
	loop(disk, state(o))
	s, err := drive.Start(t.ctx, o)
	t.must(err)
	t.after(func() { t.close(s) })
	p := t.openOn(s, plain)
	p.on("B").do("ip link add br9 type bridge")
	if !p.check("three").Passed {
		t.stop("the step does not pass")
	}
	now, err := os.ReadFile(disk)
	for same := false; !same && err == nil; { // read in one moment, as it were
		var again []byte
		again, err = os.ReadFile(disk)
		same, now = bytes.Equal(now, again), again
		t.must(t.ctx.Err())
	}
	t.must(err)
	t.must(os.WriteFile(copied, now, 0o600))
	t.close(s) // a machine that boots has no sandboxes

	o = t.options()
	loop(copied, state(o))
	s, err = drive.Start(t.ctx, o)
	t.after(func() { t.close(s) }) // before its disk goes
	if err != nil {
		t.fault("the server does not start on what the power cut left: %v", err)
		return
	}
	if a, err := s.Learner().Send(t.ctx, "GET", p.path, nil, "Cookie", p.Header.Get("Cookie")); err != nil || a.Status < 400 && !bytes.Contains(a.Body, []byte(`"ended"`)) {
		t.fault("the session that had a sandbox: %d %.200s %v", a.Status, a.Body, err)
	}
	l := s.Learner()
	l.Header.Set("Cookie", p.Header.Get("Cookie"))
	again := t.openAs(l, plain)
	if got := passedSteps(again); got != "three" {
		t.fault("after the power cut the steps %q are passed", got)
	}
	again.on("A").do("true")
	again.leave()
}
