//go:build sandbox

package sandbox

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netground/netground/server/sandbox/keeper"
)

// TestStock takes sandboxes that stand prepared, faster than they are made,
// together with ones whose keeper was killed and networks that are too large.
func TestStock(t *testing.T) {
	o := options(t)
	c := census{TB: t}
	before := c.take()
	o.Prepared = 2
	m, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	drain(t, m)
	m.stock.mu.Lock()
	first, second := m.stock.ready[0], m.stock.ready[1]
	m.stock.mu.Unlock()
	for _, pid := range second.cgroup.processes() {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	<-second.done
	for i := range 4 {
		s := create(t, m, fmt.Sprintf("s%d", i), addressed())
		if i == 0 && s != first {
			t.Error("what stood prepared was not taken")
		}
		if s == second {
			t.Error("a dead one was taken")
		}
		sh(t, s, "A", "ping -c1 -W2 B")
	}
	large := star(preparedNodes)
	s := create(t, m, "large", large)
	sh(t, s, fmt.Sprintf("h%d", preparedNodes), "ip link show eth0")
	if _, err := m.Create(t.Context(), "s1", addressed()); err == nil {
		t.Error("a second sandbox has the name of one that is there")
	}
	if _, err := m.Create(t.Context(), "bad", keeper.Spec{Name: "bad"}); err == nil {
		t.Error("a sandbox without hosts was made")
	}
	if err := m.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Create(t.Context(), "late", addressed()); err == nil {
		t.Error("a sandbox was made after the end")
	}
	c.same(before)
}
