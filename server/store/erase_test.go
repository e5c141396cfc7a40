package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// diary is a database with a class in which people wrote a word each, by their
// number, and the files that it is in.
type diary struct {
	*testing.T
	s    *Store
	file string
}

func openDiary(t *testing.T) *diary {
	t.Helper()
	d := &diary{T: t, file: filepath.Join(t.TempDir(), "netground.db")}
	d.open()
	d.must(d.s.SaveClass(t.Context(), Class{ID: "c", Name: "Class", Code: "CODE", State: "open", Created: time.Now()}))
	return d
}

func (d *diary) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *diary) open() {
	d.Helper()
	var err error
	d.s, err = Open(d.Context(), d.file)
	d.must(err)
	d.Cleanup(func() { _ = d.s.Close() })
}

// word is what somebody has written: long enough to move rows about.
func word(n int) string { return fmt.Sprintf("written-by-%04d-", n) + strings.Repeat("x", n%700) }

func (d *diary) member(n int) {
	d.Helper()
	id, now := fmt.Sprintf("m%d", n), time.Now()
	d.must(d.s.SaveMember(d.Context(), Member{ID: id, Class: "c", Name: fmt.Sprint("Name ", n), Code: fmt.Sprint("P", n), Learner: "l" + id, Created: now, Joined: now},
		Learner{ID: "l" + id, Created: now}))
	d.must(d.s.SaveHand(d.Context(), Hand{Member: id, Lab: "one", Step: "first", Text: word(n), At: now}))
}

// has says whether the files have what somebody has written.
func (d *diary) has(n int) bool {
	d.Helper()
	files, err := filepath.Glob(d.file + "*")
	d.must(err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue
		}
		d.must(err)
		if bytes.Contains(b, []byte(word(n)[:16])) {
			return true
		}
	}
	return false
}

func (d *diary) eventually(what string, done func() bool) {
	d.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			d.Fatalf("not within 30 s: %s", what)
		}
	}
}

// TestErased deletes every other of many who have written something, and looks for
// it in the bytes of all files, with the others' still there.
func TestErased(t *testing.T) {
	d := openDiary(t)
	const most = 300
	for n := range most {
		d.member(n)
	}
	for n := range most {
		if n%2 == 0 {
			d.must(d.s.DeleteMember(t.Context(), "c", fmt.Sprintf("m%d", n)))
		}
	}
	left := func() (count int) {
		for n := range most {
			if n%2 == 0 && d.has(n) {
				count++
			}
		}
		return count
	}
	d.eventually("what was deleted is gone from the files", func() bool { return left() == 0 })
	for n := 1; n < most; n += 2 {
		if !d.has(n) {
			t.Fatalf("what %d has written is gone, too", n)
		}
	}
	d.must(d.s.DeleteClass(t.Context(), "c"))
	d.must(d.s.Close())
	for n := range most {
		if d.has(n) {
			t.Fatalf("the class is deleted and the database closed, and what %d has written is there", n)
		}
	}
}

// TestErasedAfterACrash has a server end between a deletion and what follows it.
func TestErasedAfterACrash(t *testing.T) {
	d := openDiary(t)
	d.member(1)
	d.member(2)
	// A reader who does not end holds the log as it was, as one would that a crash cuts off.
	rows, err := d.s.read.QueryContext(t.Context(), `SELECT member FROM hands`)
	d.must(err)
	if !rows.Next() {
		t.Fatal("there is no hand")
	}
	told := make(chan error, 10)
	d.s.OnTrouble(func(err error) { told <- err })
	d.must(d.s.DeleteMember(t.Context(), "c", "m1"))
	select {
	case err := <-told:
		if !strings.Contains(err.Error(), "cannot erase") {
			t.Errorf("told %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("nobody is told that it cannot be erased yet")
	}
	if !d.has(1) {
		t.Fatal("it is erased already: this proves nothing")
	}
	// The next server opens a copy of what a crash would leave.
	copied := filepath.Join(t.TempDir(), "netground.db")
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(d.file + suffix)
		d.must(err)
		d.must(os.WriteFile(copied+suffix, b, 0o600))
	}
	next := &diary{T: t, file: copied}
	if !next.has(1) {
		t.Fatal("the copy has nothing of it: this proves nothing")
	}
	next.open()
	next.eventually("the next server erases it", func() bool { return !next.has(1) })
	if !next.has(2) {
		t.Error("what was not deleted is gone, too")
	}
	next.eventually("that is noted", func() bool {
		left, err := isUnclean(t.Context(), next.s.read)
		return err == nil && !left
	})
	d.must(rows.Close())
}
