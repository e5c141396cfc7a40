package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// freezer returns the directory and the file of it that stops all processes of
// the hosts. On v1 the keeper stops with them; whoever waits for it waits.
func (g *cgroup) freezer() (dir, file string, err error) {
	if g.v2 {
		return filepath.Join(g.dir, "hosts"), "cgroup.freeze", nil
	}
	dir = g.paths["freezer"]
	if dir == "" {
		return "", "", errors.New("cannot stop processes: this machine has no cgroup freezer")
	}
	return dir, "freezer.state", nil
}

// freeze stops the hosts' processes, each when it next returns from the kernel:
// none is stopped while it holds one of the kernel's locks.
func (g *cgroup) freeze() error {
	dir, file, err := g.freezer()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, file), []byte(map[bool]string{false: "FROZEN", true: "1"}[g.v2]), 0)
	}
	if err != nil {
		return fmt.Errorf("cannot stop a sandbox's processes: %w", err)
	}
	return nil
}

// thaw lets them go on.
func (g *cgroup) thaw() error {
	dir, file, err := g.freezer()
	if err != nil {
		return nil // nothing can have been frozen
	}
	return g.thawOne(filepath.Join(dir, file))
}

func (g *cgroup) thawOne(path string) error {
	err := os.WriteFile(path, []byte(map[bool]string{false: "THAWED", true: "0"}[g.v2]), 0)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot let a sandbox's processes go on: %w", err)
	}
	return nil
}

// thawAll also lets those go on that a learner has frozen in a cgroup of its
// own: on v1 even a killed process does not end before. It helps for good only
// once they are killed.
func (g *cgroup) thawAll() error {
	dir, file, err := g.freezer()
	if err != nil {
		return nil
	}
	var errs []error
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == file {
			errs = append(errs, g.thawOne(path))
		}
		return nil
	})
	return errors.Join(errs...)
}

// threads lists the threads of the hosts' processes, not those of the keeper.
func (g *cgroup) threads() (ids []string) {
	if g.manager == nil {
		return nil
	}
	dir, file := g.paths["memory"], "tasks"
	if g.v2 {
		dir, file = filepath.Join(g.dir, "hosts"), "cgroup.threads"
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == file {
			b, _ := os.ReadFile(path)
			ids = append(ids, strings.Fields(string(b))...)
		}
		return nil
	})
	return ids
}
