// Package boxtest gives tests what real sandboxes are made from: the programs of
// the tree as it is, and the hosts' root file system.
package boxtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Programs gives a folder with programs, of keeper and netground: built into a new
// one, or, where there is no Go to build them with, as in the emulated machine, that
// of NETGROUND_KEEPER or NETGROUND_PROGRAM.
func Programs(names ...string) (dir string, remove func(), err error) {
	if _, err := exec.LookPath("go"); err != nil {
		for _, name := range []string{"NETGROUND_KEEPER", "NETGROUND_PROGRAM"} {
			if built := os.Getenv(name); built != "" {
				return filepath.Dir(built), func() {}, nil
			}
		}
		return "", nil, fmt.Errorf("NETGROUND_KEEPER names no keeper, and none can be built: %w", err)
	}
	if dir, err = os.MkdirTemp("", "netground-test"); err != nil {
		return "", nil, fmt.Errorf("cannot make a folder for programs: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) }
	args := []string{"build", "-trimpath", "-ldflags=-s -w", "-o", dir + "/"}
	for _, name := range names {
		args = append(args, "github.com/netground/netground/cmd/"+name)
	}
	build := exec.Command("go", args...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("cannot build the programs: %w\n%s", err, out)
	}
	return dir, remove, nil
}

// Main runs a package's tests with the folder of programs that it puts into dir, and
// returns the exit status: it is for TestMain.
func Main(m *testing.M, dir *string, names ...string) int {
	programs, remove, err := Programs(names...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	*dir = programs
	return m.Run()
}

// Build is Programs for one test.
func Build(t testing.TB, names ...string) (dir string) {
	t.Helper()
	dir, remove, err := Programs(names...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	return dir
}

// Rootfs finds the hosts' root file system: that of NETGROUND_ROOTFS, or the one
// that deploy/rootfs has made.
func Rootfs(t testing.TB) string {
	t.Helper()
	root := os.Getenv("NETGROUND_ROOTFS")
	if root == "" {
		root = made()
	}
	if root, err := filepath.EvalSymlinks(root); err == nil {
		if _, err = os.Stat(filepath.Join(root, "usr/bin")); err == nil {
			if root, err = filepath.Abs(root); err == nil {
				return root
			}
		}
	}
	t.Fatalf("no root file system of hosts in %q: run deploy/rootfs, or set NETGROUND_ROOTFS", root)
	return ""
}

// made is where deploy/rootfs puts it: tests run in their package's folder.
func made() string {
	dir, err := os.Getwd()
	for ; err == nil && dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	return filepath.Join(dir, "deploy/.cache/rootfs")
}
