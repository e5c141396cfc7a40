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

// An ordinary user's hosts come from the archive beside the folder.
func TestExamineLooksForTheArchive(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rootfs")
	if err := os.MkdirAll(filepath.Join(dir, "usr/bin/ip"), 0o700); err != nil {
		t.Fatal(err)
	}
	link := dir + "-link"
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	found := func() Finding {
		return find(t, Examine(t.Context(), Options{Rootfs: link, Keeper: dir, Rootless: true}), "root file system of hosts")
	}
	if f := found(); f.Grade != Bad || f.Remedy == "" {
		t.Errorf("without the archive it is %+v", f)
	}
	if err := os.WriteFile(dir+".tar", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if f := found(); f.Grade != Good || f.Found != dir+".tar" {
		t.Errorf("with the archive it is %+v", f)
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
