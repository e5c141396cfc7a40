//go:build sandbox

package sandbox

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/sandbox/keeper"
)

// star is n hosts on a switch.
func star(n int) keeper.Spec {
	s := keeper.Spec{Name: "star", Switches: []string{"sw"}}
	for i := range n {
		name := fmt.Sprintf("h%d", i+1)
		s.Hosts = append(s.Hosts, keeper.Host{Name: name})
		s.Links = append(s.Links, keeper.Link{A: keeper.End{Node: name, Device: "eth0"}, B: keeper.End{Node: "sw"}})
	}
	return s
}

// BenchmarkStart measures Create and the first prompt, by phase.
func BenchmarkStart(b *testing.B) {
	for _, n := range []int{2, 3, 5} {
		b.Run(fmt.Sprintf("hosts=%d", n), func(b *testing.B) {
			o := options(b)
			o.Prepared = 2
			m := open(b, o)
			phases := map[string][]time.Duration{}
			var order []string
			add := func(phase string, d time.Duration) {
				if _, ok := phases[phase]; !ok {
					order = append(order, phase)
				}
				phases[phase] = append(phases[phase], d)
			}
			i := 0
			for b.Loop() {
				began := time.Now()
				s, err := m.Create(b.Context(), fmt.Sprintf("b%d", i), star(n))
				if err != nil {
					b.Fatal(err)
				}
				i++
				created := time.Since(began)
				shell, err := s.OpenTerminal(b.Context(), "h1", 80, 24)
				if err != nil {
					b.Fatal(err)
				}
				until(b, shell.Master, ":~# ")
				all := time.Since(began)
				for _, t := range s.Timings() {
					add(t.Phase, t.At)
				}
				add("created", created)
				add("prompt", all)
				b.StopTimer()
				shell.Master.Close()
				s.Destroy()
				began = time.Now()
				if err := m.Drain(b.Context()); err != nil {
					b.Fatal(err)
				}
				add("(destroyed)", time.Since(began))
				b.StartTimer()
			}
			var table strings.Builder // go test cuts the log of a benchmark after ten lines
			for _, p := range order {
				d := phases[p]
				slices.Sort(d)
				at := func(q int) float64 { return float64(d[len(d)*q/100].Microseconds()) / 1000 }
				fmt.Fprintf(&table, "\n%-22s p50 %7.2f  p90 %7.2f  p99 %7.2f ms", p, at(50), at(90), at(99))
			}
			fmt.Println(table.String())
		})
	}
}

// BenchmarkIdleMemory measures what idle sandboxes of three hosts cost the machine.
func BenchmarkIdleMemory(b *testing.B) {
	m := open(b, options(b))
	const count = 20
	free := func() (kib int64) {
		text, err := os.ReadFile("/proc/meminfo")
		if err != nil {
			b.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); err == nil {
				return kib
			}
		}
		b.Fatal("no MemAvailable")
		return 0
	}
	create(b, m, "warm", star(3))
	before := free()
	for i := range count {
		s := create(b, m, fmt.Sprintf("m%d", i), star(3))
		shell, err := s.OpenTerminal(b.Context(), "h1", 80, 24)
		if err != nil {
			b.Fatal(err)
		}
		defer shell.Master.Close()
		until(b, shell.Master, ":~# ")
	}
	used := float64(before-free()) / 1024 / count
	for b.Loop() {
	}
	b.ReportMetric(used, "MiB/sandbox") // after the loop, which clears metrics
}
