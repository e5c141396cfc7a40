package sandbox

import (
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// One lock of the kernel guards the network devices of all namespaces. To
// delete a bridge means to hold it for some 20 ms without working, so that no
// limit of cpu holds a learner who makes and deletes devices in a loop, while
// every other sandbox's start waits. The governor watches how long the lock
// takes to get; while that is long, it looks who holds it, and stops the
// processes of those who go on for a while, each time for longer.
type governor struct {
	m       *Manager
	stop    chan struct{}
	gone    chan struct{}
	socket  int
	suspect map[*Sandbox]*suspicion
}

const (
	// lockEvery is how often the lock is tried in ordinary times, at some 12 µs.
	lockEvery = 250 * time.Millisecond
	lockSlow  = 5 * time.Millisecond
	// window is how long is looked at once in other times; longer, but not longer
	// than longestWindow, where a slow machine has not looked enough times by then:
	// of few looks each finds another one, and nobody would be seen often.
	window        = 500 * time.Millisecond
	longestWindow = 6 * time.Second
	enoughLooks   = 12
	sampleEvery   = 20 * time.Millisecond
	// tolerance is how long one sandbox may hold the lock more than others for
	// the first time, and relapse how long one that was stopped before may.
	tolerance = 2 * time.Second
	relapse   = window
	// A stop gets longer from the first to the longest, which is shorter than
	// what anybody waits for a keeper: on cgroup v1 it is stopped too.
	firstStop   = time.Second
	longestStop = 8 * time.Second
	// forgiven is after how long without a stop the next one is a first one.
	forgiven = time.Minute
)

// suspicion is what is held against a sandbox.
type suspicion struct {
	held  time.Duration // how long it was among those who hold the lock
	pause time.Duration // the last stop's length
	until time.Time     // its end
}

func newGovernor(m *Manager) (*governor, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	g := &governor{m: m, socket: socket, stop: make(chan struct{}), gone: make(chan struct{}), suspect: map[*Sandbox]*suspicion{}}
	go g.loop()
	return g, nil
}

func (g *governor) close() {
	close(g.stop)
	<-g.gone
}

// lock returns how long the lock took to get: ethtool's question for the driver
// of a device changes nothing, and has to hold it.
func (g *governor) lock() time.Duration {
	began := time.Now()
	_, _ = unix.IoctlGetEthtoolDrvinfo(g.socket, "lo") // that lo has no driver is known
	return time.Since(began)
}

func (g *governor) loop() {
	defer close(g.gone)
	defer unix.Close(g.socket)
	timer := time.NewTimer(lockEvery)
	defer timer.Stop()
	for {
		select {
		case <-g.stop:
			return
		case <-timer.C:
		}
		for g.lock() > lockSlow && g.look() {
		}
		timer.Reset(lockEvery)
	}
}

// look looks for one window at who holds the lock, stops whom it must, and says
// whether to look again.
func (g *governor) look() bool {
	var waited time.Duration // for the lock, in the window
	var waiting sync.WaitGroup
	over := make(chan struct{})
	waiting.Go(func() {
		for {
			took := g.lock()
			waited += took
			select {
			case <-over:
				return
			case <-time.After(max(time.Millisecond, min(sampleEvery, took))):
			}
		}
	})
	hits := map[*Sandbox]int{}
	every := sampleEvery
	again := true
	start := time.Now()
	enough := func(looks int) bool {
		took := time.Since(start)
		return took > window && (looks >= enoughLooks || took > longestWindow)
	}
	for looks := 0; again && !enough(looks); looks++ {
		began := time.Now()
		for _, s := range g.m.live() {
			if holds(s) {
				hits[s]++
			}
		}
		every = max(every, 3*time.Since(began)) // a third of a processor at most, while others wait
		select {
		case <-time.After(every):
		case <-g.stop:
			again = false
		}
	}
	looked := time.Since(start)
	close(over)
	waiting.Wait()
	if !again {
		return false
	}
	g.judge(hits, waited, looked, time.Now())
	return true
}

// holds says whether a thread of the sandbox waits for all processors to pass a
// quiet state, as those do who delete a device and hold the lock meanwhile.
func holds(s *Sandbox) bool {
	for _, id := range s.cgroup.threads() {
		if where, err := os.ReadFile("/proc/" + id + "/wchan"); err == nil && strings.Contains(string(where), "rcu") {
			return true
		}
	}
	return false
}

// judge keeps the accounts of a window in which so long was waited for the lock.
// Whoever was seen with it about as often as the others who were, while it was
// hard to get, pays for it.
func (g *governor) judge(hits map[*Sandbox]int, waited, looked time.Duration, now time.Time) {
	busy, easy := waited > looked/2, waited < looked/4 // in between, nobody is charged and nobody forgiven
	shortest := max(firstStop, looked)                 // who is found slowly is stopped for longer
	looked = min(looked, tolerance/2)                  // nobody is stopped for the first time by one window
	total := 0
	for _, n := range hits {
		total += n
	}
	for s, n := range hits {
		if busy && 2*n*len(hits) >= total && g.suspect[s] == nil {
			g.suspect[s] = &suspicion{}
		}
	}
	// Not to have been seen says the less, the fewer were: on a slow machine one who
	// holds the lock as often as the others is not seen in most windows.
	forgive := looked / 2
	if n := len(g.suspect); !easy && total < n {
		forgive = forgive * time.Duration(total) / time.Duration(n)
	}
	for s, c := range g.suspect {
		n := hits[s]
		switch {
		case busy && n > 0 && 2*n*len(hits) >= total:
			c.held += looked
		case busy || easy:
			c.held = max(0, c.held-forgive)
		}
		if now.Sub(c.until) > forgiven {
			c.pause = 0
		}
		limit := tolerance
		if c.pause > 0 {
			limit = relapse
		}
		switch {
		case s.ending.Load(), c.held == 0 && c.pause == 0:
			delete(g.suspect, s)
		case c.held >= limit && now.After(c.until):
			c.held, c.pause = 0, min(longestStop, max(shortest, 2*c.pause))
			c.until = now.Add(c.pause)
			s.pause(c.pause)
		}
	}
}

// pause stops the hosts' processes for a while, and says so.
func (s *Sandbox) pause(d time.Duration) {
	s.freezing.Lock()
	defer s.freezing.Unlock()
	if s.killed {
		return
	}
	if err := s.cgroup.freeze(); err != nil {
		s.manager.o.Log.Warn("cannot slow a sandbox down that holds up all others", "sandbox", s.id, "error", err)
		return
	}
	s.manager.o.Log.Warn("a sandbox makes and deletes network devices so fast that others wait; its processes are stopped for a while", "sandbox", s.id, "pause", d)
	s.emit(Event{Kind: "slowed", Pause: d})
	time.AfterFunc(d, func() {
		s.freezing.Lock()
		defer s.freezing.Unlock()
		if s.killed {
			return // who killed them has thawed them
		}
		if err := s.cgroup.thaw(); err != nil {
			s.manager.o.Log.Error("ending a sandbox that cannot go on", "sandbox", s.id, "error", err)
			s.Destroy()
		}
	})
}
