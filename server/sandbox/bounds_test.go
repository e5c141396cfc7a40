//go:build sandbox

package sandbox

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func available(t testing.TB) (kib int) {
	t.Helper()
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "MemAvailable:")
	_, _ = fmt.Sscan(rest, &kib)
	return kib
}

// All network namespaces have one bound for their neighbour tables: a learner who
// asks a whole network leaves room for others.
func TestNeighboursOfACrowd(t *testing.T) {
	m := open(t, options(t))
	crowd, other := create(t, m, "crowd", addressed()), create(t, m, "other", addressed())
	sh(t, other, "A", "ip neigh add 10.0.0.200 lladdr 02:00:00:00:00:02 dev eth0 nud stale")
	sh(t, crowd, "A", `ip link add d0 type bridge; ip link set d0 up; ip addr add 10.200.0.1/16 dev d0
seq 2 3000 | awk '{printf "neigh add 10.200.%d.%d lladdr 02:00:00:00:00:01 dev d0 nud stale\n", $1/256, $1%256}' >/tmp/n && ip -batch /tmp/n`)
	if got := strings.TrimSpace(sh(t, crowd, "A", "ip neigh show dev d0 | wc -l")); got != "2999" {
		t.Errorf("of 2999 neighbours %s are known", got)
	}
	if got := sh(t, other, "A", "ip neigh"); !strings.Contains(got, "10.0.0.200") {
		t.Errorf("another learner's host knows only %q", got)
	}
}

// What is charged to nobody is bounded by the warden, who ends the right sandbox.
func TestWarden(t *testing.T) {
	for _, c := range []struct{ name, line string }{
		{"routes", `for n in $(seq 11 60); do seq 1 400000 | awk "{printf \"route add unreachable $n.%d.%d.%d\n\", \$1/65536, \$1/256%256, \$1%256}" >/tmp/r; ip -batch /tmp/r; done`},
		{"cgroups", "while :; do for h in /sys/fs/cgroup/*/; do mkdir $h/x$((i++))-{1..2000}; done; done 2>/dev/null"},
		{"terminals", `for i in $(seq 1 40); do mkdir -p /tmp/p$i; mount -t devpts -o newinstance,ptmxmode=666 none /tmp/p$i; perl -e '$p = shift; for (1..5000) { open($f[$_], "+<", "$p/ptmx") or last } sleep 60' /tmp/p$i & done; wait`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(t)
			if c.name == "cgroups" {
				if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil { // v2
					t.Skip("cgroup v2 limits their number itself")
				}
			}
			if c.name != "terminals" {
				// Little enough that the attack comes there in seconds, whatever else the
				// machine gives back meanwhile.
				o.ReserveBytes = int64(available(t))<<10 - 200<<20
			}
			m := open(t, o)
			attacker, neighbour := create(t, m, "attacker", addressed()), create(t, m, "neighbour", addressed())
			sit(t, neighbour, "A") // who holds a few terminals, as everybody does
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			if out, err := attacker.Run(ctx, "A", c.line, nil); err == nil {
				t.Errorf("the attack was carried to its end: %d %s; %d MiB are available", out.Exit, out.Stderr, available(t)>>10)
			}
			select {
			case <-attacker.Done():
			case <-ctx.Done():
				t.Fatal("the attacker goes on")
			}
			// What the attacker held is given back, and nobody else was ended for it.
			for used, limit := terminals(); used > limit/2 && ctx.Err() == nil; used, limit = terminals() {
				time.Sleep(wardenPeriod)
			}
			if used, limit := terminals(); used > limit/2 {
				t.Errorf("%d of %d terminals are still held", used, limit)
			}
			sh(t, neighbour, "A", "ping -c1 -W2 B")
			sit(t, neighbour, "A")
			if err := m.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}
