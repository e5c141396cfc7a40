//go:build sandbox

package sandbox

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

// crowdsEnv says how many crowds come and go instead of one; 5 are a thousand
// sandboxes, which takes minutes.
const crowdsEnv = "NETGROUND_TEST_CROWDS"

// Crowds of two hundred sandboxes come and go, each sandbox with a network and a
// terminal, and nothing of them stays.
func TestCrowdsLeaveNothing(t *testing.T) {
	const atOnce = 200
	rounds := 1
	if n, err := strconv.Atoi(os.Getenv(crowdsEnv)); err == nil {
		rounds = n
	}
	o := options(t)
	o.Log = nil
	m := open(t, o)
	crowd := func(round, size int) {
		all := make([]*Sandbox, size)
		var wait sync.WaitGroup
		places := make(chan struct{}, 2*runtime.NumCPU())
		for i := range all {
			wait.Go(func() {
				places <- struct{}{}
				defer func() { <-places }()
				s, err := m.Create(t.Context(), fmt.Sprintf("crowd%d-%d", round, i), addressed())
				if err != nil {
					t.Error(err)
					return
				}
				all[i] = s
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
				if err := s.SetNote([]byte("{}")); err != nil {
					t.Error(err)
				}
				shell.Master.Close()
			})
		}
		wait.Wait()
		if t.Failed() {
			t.FailNow()
		}
		for _, s := range all {
			s.Destroy()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		if err := m.Drain(ctx); err != nil {
			t.Fatal(err)
		}
	}
	count := func() counts {
		c := census(t)
		for _, dir := range []string{o.RuntimeDir, o.StateDir} {
			_ = filepath.WalkDir(dir, func(string, fs.DirEntry, error) error {
				c["files"]++
				return nil
			})
		}
		return c
	}
	crowd(0, 10) // what is made once, such as the parents of control groups
	before := count()
	kernel := netNamespaces(t)
	began := time.Now()
	for round := range rounds {
		crowd(1+round, atOnce)
		now := count()
		t.Logf("after %d: %v, network namespaces of the machine %d (before: %v, %d)", (1+round)*atOnce, now, netNamespaces(t), before, kernel)
	}
	t.Logf("%d sandboxes came and went in %v", rounds*atOnce, time.Since(began).Round(time.Second))
	before.same(t, count())
	deadline := time.Now().Add(10 * time.Second)
	for netNamespaces(t) >= kernel+30 { // counted by whole slabs
		if time.Now().After(deadline) {
			t.Errorf("the kernel has %d network namespaces, %d before", netNamespaces(t), kernel)
			break
		}
	}
}
