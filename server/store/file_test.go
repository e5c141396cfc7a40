package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func passedBy(t *testing.T, s *Store, learner string) []string {
	t.Helper()
	steps, err := s.PassedSteps(t.Context(), learner)
	if err != nil {
		t.Fatal(err)
	}
	return steps["demo"]
}

func passStep(t *testing.T, s *Store, learner, step string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return s.SaveResult(ctx, StepResult{Step: Step{Learner: learner, Lab: "demo", Step: step, Session: "s"}, Passed: time.Unix(1, 0)})
}

// The file is removed, or replaced by a backup, while the server runs: nothing
// that it held is lost, nor what comes afterwards.
func TestFileGone(t *testing.T) {
	for name, change := range map[string]func(dir, path, backup string) error{
		"all but the log removed": func(_, path, _ string) error { return os.Remove(path) },
		"everything removed": func(_, path, _ string) error {
			for _, suffix := range []string{"", "-wal", "-shm"} {
				if err := os.Remove(path + suffix); err != nil {
					return err
				}
			}
			return nil
		},
		"its folder removed":        func(dir, _, _ string) error { return os.RemoveAll(dir) },
		"a backup put in its place": func(_, path, backup string) error { return os.Rename(backup, path) },
		"an empty file": func(_, path, _ string) error {
			return os.WriteFile(path+".empty", nil, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path, backup := filepath.Join(dir, "netground.db"), filepath.Join(dir, "backup")
			s, err := Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.SaveLearner(t.Context(), Learner{ID: "ann", Created: time.Unix(1, 0)}); err != nil {
				t.Fatal(err)
			}
			if err := passStep(t, s, "ann", "one"); err != nil {
				t.Fatal(err)
			}
			if _, err := s.write.ExecContext(t.Context(), `VACUUM INTO $1`, backup); err != nil {
				t.Fatal(err)
			}
			if err := s.SaveLearner(t.Context(), Learner{ID: "bob", Created: time.Unix(1, 0)}); err != nil {
				t.Fatal(err)
			}
			if err := passStep(t, s, "bob", "two"); err != nil {
				t.Fatal(err)
			}
			if err := change(dir, path, backup); err != nil {
				t.Fatal(err)
			}
			if name == "an empty file" {
				if err := os.Rename(path+".empty", path); err != nil {
					t.Fatal(err)
				}
			}
			if err := passStep(t, s, "bob", "three"); err != nil {
				t.Fatal(err)
			}
			if got := passedBy(t, s, "bob"); strings.Join(got, " ") != "three two" {
				t.Errorf("the server shows %v", got)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if s, err = Open(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if a, b := passedBy(t, s, "ann"), passedBy(t, s, "bob"); strings.Join(a, " ") != "one" || strings.Join(b, " ") != "three two" {
				t.Errorf("the next server finds %v and %v", a, b)
			}
			if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
				t.Errorf("%v are left", left)
			}
		})
	}
}

// What is no database takes nothing with it: it is said until it is gone.
func TestFileIsNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "netground.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.SaveLearner(t.Context(), Learner{ID: "ann", Created: time.Unix(1, 0)}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte("shopping: bread, milk, eggs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	if err := passStep(t, s, "ann", "one"); err == nil || !strings.Contains(err.Error(), "no database") {
		t.Fatalf("storing into a shopping list: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := passStep(t, s, "ann", "one"); err != nil {
		t.Fatal(err)
	}
	if got := passedBy(t, s, "ann"); len(got) != 1 {
		t.Errorf("%v are passed", got)
	}
}
