//go:build sandbox

package sandbox

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/netground/netground/server/sandbox/keeper"
)

// A thousand sandboxes come and go in crowds of two hundred, and nothing of them
// stays. Those of the first crowd have a network and a terminal each; the others
// a host with a cable to itself, as the kernel takes a tenth of a second for the
// end of a switch.
func TestCrowdsLeaveNothing(t *testing.T) {
	const crowds, atOnce = 5, 200
	o := options(t)
	o.Log = nil
	m := open(t, o)
	c := census{TB: t, more: func(n counts) {
		for _, dir := range []string{o.RuntimeDir, o.StateDir} {
			_ = filepath.WalkDir(dir, func(string, fs.DirEntry, error) error {
				n["files"]++
				return nil
			})
		}
	}}
	loop := keeper.Spec{
		Hosts: []keeper.Host{{Name: "A"}},
		Links: []keeper.Link{{A: keeper.End{Node: "A", Device: "eth0"}, B: keeper.End{Node: "A", Device: "eth1"}}},
	}
	crowd(t, m, "first", 10, addressed(), nil) // what is made once, such as the parents of control groups
	before, kernel := c.take(), c.ofKernel()
	t.Logf("before: %v; the kernel has %d network namespaces", before, kernel)
	began := time.Now()
	for i := range crowds {
		spec := loop
		if i == 0 {
			spec = addressed()
		}
		crowd(t, m, fmt.Sprintf("crowd%d", i), atOnce, spec, func() {
			t.Logf("with %d: %v; the kernel has %d network namespaces", atOnce, c.take(), c.ofKernel())
		})
		t.Logf("after %d: %v; the kernel has %d network namespaces", (1+i)*atOnce, c.take(), c.ofKernel())
	}
	t.Logf("%d sandboxes came and went in %v", crowds*atOnce, time.Since(began).Round(time.Second))
	c.same(before)
	c.kernelForgets(kernel)
}

// crowd makes so many sandboxes, each with a terminal where the network has
// addresses, looks at them, and ends them.
func crowd(t *testing.T, m *Manager, name string, size int, spec keeper.Spec, look func()) {
	t.Helper()
	began := time.Now()
	all := make([]*Sandbox, size)
	var wait sync.WaitGroup
	places := make(chan struct{}, 2*runtime.NumCPU())
	for i := range all {
		wait.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			s, err := m.Create(t.Context(), fmt.Sprintf("%s-%d", name, i), spec)
			if err != nil {
				t.Error(err)
				return
			}
			all[i] = s
			if err := s.SetNote([]byte("{}")); err != nil {
				t.Error(err)
			}
			if len(spec.Hosts[0].Interfaces) == 0 {
				return
			}
			null, err := os.Open("/dev/null")
			if err != nil {
				t.Error(err)
				return
			}
			defer null.Close()
			shell, err := s.OpenTerminal(t.Context(), "A", 80, 24, null)
			if err != nil {
				t.Error(err)
				return
			}
			shell.Master.Close()
		})
	}
	wait.Wait()
	if t.Failed() {
		t.FailNow()
	}
	made := time.Since(began)
	if look != nil {
		look()
	}
	began = time.Now()
	for _, s := range all {
		s.Destroy()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := m.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d made in %v, ended in %v", size, made.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
}
