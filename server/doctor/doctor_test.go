package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func find(t *testing.T, all []Finding, name string) Finding {
	t.Helper()
	for _, f := range all {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("nothing was found out about %q", name)
	return Finding{}
}

func TestExamineNamesWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	tried := false
	all := Examine(t.Context(), Options{Rootfs: dir, Keeper: filepath.Join(dir, "keeper"), Try: func(context.Context) error {
		tried = true
		return nil
	}})
	for _, f := range all {
		if (f.Remedy == "") != (f.Grade == Good) || f.Found == "" {
			t.Errorf("%+v: what is not good has a remedy, and nothing else", f)
		}
	}
	if f := find(t, all, "keeper program"); f.Grade != Bad {
		t.Errorf("a missing keeper is %+v", f)
	}
	if tried || find(t, all, "a sandbox on trial").Grade != Bad {
		t.Error("a sandbox was tried although something is missing")
	}
}

func TestExamineTriesASandbox(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "usr/bin/ip"), 0o700); err != nil {
		t.Fatal(err)
	}
	all := Examine(t.Context(), Options{Rootfs: dir, Keeper: dir, Try: func(context.Context) error { return errors.New("no way") }})
	f := find(t, all, "a sandbox on trial")
	if os.Geteuid() == 0 && f.Found != "no way" && f.Found != "not tried" || f.Grade != Bad {
		t.Errorf("a failed trial is %+v", f)
	}
}
