package session

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFreeMemory(t *testing.T) {
	machine, err := availableMemory()
	if err != nil || machine < 1<<20 {
		t.Errorf("%d bytes are available: %v", machine, err)
	}
	if free, err := freeMemory("/no/such/group"); err != nil || free < 1 {
		t.Errorf("%d bytes are free: %v", free, err)
	}
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		file := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if free := freeInGroups(root, "/a/b"); free != unlimited {
		t.Errorf("without groups %d are free", free)
	}
	write("a/b/memory.max", "max\n")
	write("a/b/memory.current", "1000\n")
	write("a/memory.max", "5000\n") // of a container, say
	write("a/memory.current", "3000\n")
	write("a/memory.stat", "anon 1\ninactive_file 500\nactive_file 7\n")
	if free := freeInGroups(root, "/a/b"); free != 2500 {
		t.Errorf("on cgroup v2 %d are free", free)
	}
	write("x/memory.limit_in_bytes", "9000\n")
	write("x/memory.usage_in_bytes", "8000\n")
	write("x/memory.stat", "inactive_file 1\ntotal_inactive_file 200\n")
	write("memory.limit_in_bytes", "9223372036854771712\n")
	write("memory.usage_in_bytes", "100000\n")
	if free := freeInGroups(root, "x"); free != 1200 {
		t.Errorf("on cgroup v1 %d are free", free)
	}
}

// A lab that needs more counts as several, whoever says so: its author, or what
// its sessions take.
func TestLargeLabs(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		large := demo("large")
		large.Memory = 4 * 64 // 4 places
		huge := demo("huge")
		huge.Memory = 11 * 64
		o.Labs["large"], o.Labs["huge"] = large, huge
	})
	cho, dan := Caller{Learner: "cho", Language: "en"}, Caller{Learner: "dan", Language: "en"}
	isCode(w, createError(w, dan, "huge"), Failed) // of 10 places
	s := w.create(ann, "large")
	w.create(bob, "large")
	var full *FullError
	if err := createError(w, cho, "large"); !errors.As(err, &full) || full.Place != 1 {
		t.Errorf("with 2 places of 10 left a lab of 4: %v", err)
	}
	if err := w.m.End(t.Context(), ann, s.ID); err != nil {
		t.Fatal(err)
	}
	w.create(cho, "large")
	// Now 8 places are taken, and an ordinary lab fits. It turns out to be none.
	w.create(dan, "demo")
	box := w.e.box()
	box.mu.Lock()
	box.memory = 3 * sessionMemory
	box.mu.Unlock()
	for range 30 {
		w.m.measure()
	}
	if err := createError(w, ann, "other"); !errors.As(err, &full) {
		t.Errorf("with a lab that takes three times as much: %v", err)
	}
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	if n := w.m.places(w.m.labs["demo"]); n != 3 {
		t.Errorf("the lab counts as %d", n)
	}
}

func createError(w *world, c Caller, lab string) error {
	w.Helper()
	_, err := w.m.Create(w.Context(), c, lab)
	return err
}
