package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNewLabIsClean(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "first-ping")
	files, err := New(dir)
	if err != nil || len(files) != 3 {
		t.Fatalf("got %v, %v", files, err)
	}
	l, err := LoadDir(os.DirFS(dir), "first-ping", dir)
	if err != nil {
		t.Fatal(err)
	}
	if all := Lint(l, dir); len(all) > 0 {
		t.Errorf("a new lab is not clean: %v", all)
	}
	if _, err := New(dir); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second lab in the same folder: %v", err)
	}
	if _, err := New(filepath.Join(t.TempDir(), "Bad Name")); err == nil {
		t.Error("a lab with a bad name was made")
	}
}

func TestLint(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "drift")
	if _, err := New(dir); err != nil {
		t.Fatal(err)
	}
	edit := func(file, old, with string) {
		t.Helper()
		path := filepath.Join(dir, file)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := strings.Replace(string(b), old, with, 1)
		if s == string(b) {
			t.Fatalf("%s has no %q", file, old)
		}
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit("lesson.ko.md", "ip -br addr\n", "ip addr\n")
	edit("lesson.ko.md", "host=A fails", "host=B")
	b, err := os.ReadFile(filepath.Join(dir, "lab.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	short, _, _ := strings.Cut(string(b), "    mistakes:")
	if err := os.WriteFile(filepath.Join(dir, "lab.yaml"), []byte(short), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := LoadDir(os.DirFS(dir), "drift", "drift")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range Lint(l, "drift") {
		if e.Line == 0 {
			t.Errorf("%v has no place", e)
		}
		got = append(got, e.Error())
	}
	for i, want := range []string{`"ip addr" on A is "ip -br addr" on A`, `10.0.0.2" on B is`, "step address has no mistake"} {
		if i >= len(got) || !strings.Contains(got[i], want) {
			t.Errorf("finding %d of %q lacks %q", i, got, want)
		}
	}
}
