package lab

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed scaffold
var scaffold embed.FS

// New makes a folder with a small lab in it that passes its own test, for an
// author to begin with. It returns the files that it wrote, and touches nothing
// where one of them is there already.
func New(dir string) (files []string, err error) {
	name := filepath.Base(dir)
	if !isLabName(name) {
		return nil, fmt.Errorf("cannot name a lab %q: use lower-case letters, digits and hyphens", name)
	}
	entries, err := fs.ReadDir(scaffold, "scaffold")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the lab's folder: %w", err)
	}
	for _, e := range entries {
		if _, err := os.Lstat(filepath.Join(dir, e.Name())); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("cannot begin a lab in %s: there is a %s already", dir, e.Name())
		}
	}
	for _, e := range entries {
		b, err := fs.ReadFile(scaffold, "scaffold/"+e.Name())
		if err != nil {
			return files, err
		}
		path := filepath.Join(dir, e.Name())
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return files, fmt.Errorf("cannot write a file of the lab: %w", err)
		}
		_, err = f.Write(b)
		if err = errors.Join(err, f.Close()); err != nil {
			return files, fmt.Errorf("cannot write a file of the lab: %w", err)
		}
		files = append(files, path)
	}
	return files, nil
}
