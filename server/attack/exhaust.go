package attack

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netground/netground/server/drive"
	"github.com/netground/netground/server/session"
)

// exhaustion is typed against the machine for some seconds, while a neighbour
// types and a new learner comes.
type exhaustion struct {
	id, tried, line string
	bound           string        // what must be true on the attacker's other host afterwards
	unread          bool          // the same beside it, for a page that has stopped reading
	lasts           time.Duration // 0: attackFor
	uncharged       bool          // charged to nobody on cgroup v1: the warden's, see its test
}

const (
	// patience is how long a neighbour's echo may take. The goal is 200 ms, and the
	// table has what it took; what fails an attack is far beyond a slow machine: a
	// neighbour who is stuck.
	patience = 3 * time.Second
	// patienceForStart is how long a new learner may wait for a lab meanwhile.
	patienceForStart = 30 * time.Second
	// serverGrowth bounds what an attack may make the server take, in MiB: the
	// garbage of sessions that come and go. (What the kernel keeps for a sandbox
	// may be half as much again as its memory.)
	serverGrowth = 32
	// attackFor is how long an attack goes on. One whose command has come to its end
	// before has done what it can, and is over once enoughEchoes of the neighbour's
	// keys were timed and a new learner has come.
	attackFor    = 4 * time.Second
	enoughEchoes = 100
)

const chatter = `perl -e 'socket(S, 2, 2, 0); setsockopt(S, 1, 6, pack("i", 1)); for (;;) { send(S, "x", 0, pack("S n C4 x8", 2, 9, 10, 0, 0, 255)) }'`

const loop = "ip link add la type veth peer name lb; ip link add lc type veth peer name ld; ip link add s1 type bridge; ip link add s2 type bridge; " +
	"ip link set la master s1; ip link set lc master s1; ip link set lb master s2; ip link set ld master s2; for d in la lb lc ld s1 s2; do ip link set $d up; done; " +
	"ip addr add 10.77.0.1/24 dev s1; for i in $(seq 1 50); do arping -c1 -w1 -I s1 10.77.0.9 >/dev/null & done; wait; sleep 60"

func exhaustions() []Attack {
	var all []Attack
	for _, x := range []exhaustion{
		{id: "yes", tried: "yes for a minute: for a page that reads, one that watches and has stopped reading, and one with the keyboard that has stopped", line: "yes", unread: true, lasts: time.Minute},
		{id: "fork-bomb", tried: "a fork bomb", line: "b() { b | b & }; b"},
		{id: "memory-bomb", tried: "a memory bomb", line: `perl -e '$x = "x" x (900 << 20); print "got it"'`},
		{id: "memory-bombs", tried: "memory bombs side by side", line: `for i in 1 2 3 4 5 6; do perl -e '$x = "x" x (120 << 20); sleep 60' & done; wait`},
		{id: "disk", tried: "filling the disk", line: "cat /dev/zero >/big", bound: "test $(stat -c %s /big 2>/dev/null || echo 0) -lt 140000000"},
		{id: "memory-files", tried: "memory by files of /dev/shm, /run and an own tmpfs", line: "cat /dev/zero >/dev/shm/x; cat /dev/zero >/run/x; mkdir /tmp/t; mount -t tmpfs -o size=10g none /tmp/t; cat /dev/zero >/tmp/t/x"},
		{id: "sparse-file", tried: "copying out a sparse file of 100 GB", line: "truncate -s 100G /sparse; cp --sparse=never /sparse /copy"},
		{id: "inodes", tried: "filling inodes", line: `mkdir /i; cd /i; perl -e 'for (1..1e6) { open(F, ">", $_) or die "after $_: $!"; close F }'`, bound: "test $(df --output=iused / | tail -1) -lt 25000"},
		{id: "mounts", tried: "filling mounts", line: "mkdir -p /tmp/m; for i in $(seq 1 300); do mount --rbind / /tmp/m || break; done"},
		{id: "namespaces", tried: "filling network namespaces, also from inner user namespaces", line: "for i in $(seq 1 500); do ip netns add n$i || break; done; for i in 1 2 3; do unshare -Ur sh -c 'for i in $(seq 1 500); do ip netns add n$i || break; done' & done; wait"},
		{id: "user-namespaces", tried: "filling user namespaces", line: "f() { unshare -Ur sh -c 'while :; do unshare -Ur sleep 100 & done'; }; f"},
		{id: "ptys", tried: "filling PTYs", line: `perl -e 'for (1..5000) { open($f[$_], "+<", "/dev/ptmx") or die "after $_: $!" } sleep 60'`},
		{id: "ptys-devpts", tried: "filling PTYs of own devpts mounts", line: `for i in $(seq 1 60); do mkdir -p /tmp/p$i; mount -t devpts -o newinstance,ptmxmode=666 none /tmp/p$i; perl -e '$p = shift; for (1..5000) { open($f[$_], "+<", "$p/ptmx") or last } sleep 60' /tmp/p$i & done; wait`},
		{id: "keys", tried: "filling the kernel's keys", line: `perl -e 'for (1..1e6) { my ($t, $d) = ("user", "k$_"); $n++ if syscall(248, $t, $d, $d, 2, -3) >= 0 } die "$n keys\n" if $n'`},
		{id: "inotify", tried: "filling inotify instances", line: `perl -e 'for (1..5000) { syscall(294, 0) < 0 and die "after $_: $!" }'`},
		{id: "pipes", tried: "filling pipes", line: `for i in $(seq 1 40); do perl -e 'for (1..9000) { pipe($r[$_], $w[$_]) or last; syswrite $w[$_], "x" x 65536 } sleep 60' & done; wait`},
		{id: "sockets", tried: "filling sockets and their buffers", line: `for i in $(seq 1 20); do perl -e 'use Socket; for (1..9000) { socketpair($r[$_], $w[$_], 1, 1, 0) or last; setsockopt($w[$_], 1, 7, pack("i", 1 << 24)); $w[$_]->blocking(0) if 0; syswrite $w[$_], "x" x 65536 } sleep 60' & done; wait`},
		{id: "conntrack", tried: "filling conntrack", line: `iptables -t nat -A POSTROUTING -j MASQUERADE; ip route add 10.128.0.0/9 dev lo; perl -e 'for $q (1 .. 4) { fork or last } socket(S, 2, 2, 0); for (;;) { send(S, "x", 0, pack("S n C4 x8", 2, 1 + rand 65000, 10, 128 + rand 128, rand 256, rand 256)) }'`},
		{id: "routes", tried: "filling routes", line: "seq 1 400000 | awk '{printf \"route add unreachable 11.%d.%d.%d\\n\", $1/65536, $1/256%256, $1%256}' >/dev/shm/r; ip -batch /dev/shm/r"},
		{id: "neighbours", tried: "filling ARP tables", line: `ip link add d0 type bridge; ip link set d0 up; ip addr add 10.200.0.1/16 dev d0; seq 2 60000 | awk '{printf "neigh add 10.200.%d.%d lladdr 02:00:00:00:00:01 dev d0\n", $1/256, $1%256}' >/dev/shm/n; ip -batch /dev/shm/n`},
		{id: "nft-rules", tried: "filling packet filter rules", line: "nft 'add table inet t; add chain inet t c'; seq 1 2000 | sed 's/.*/add rule inet t c tcp dport 80 counter/' >/dev/shm/n; while nft -f /dev/shm/n; do :; done"},
		{id: "veth-pairs", tried: "filling veth pairs", line: "for i in $(seq 1 3000); do ip link add v$i type veth peer name w$i || break; done"},
		{id: "addresses", tried: "filling addresses", line: "seq 1 65000 | awk '{printf \"addr add 12.1.%d.%d/32 dev lo\\n\", $1/256, $1%256}' >/dev/shm/a; ip -batch /dev/shm/a"},
		{id: "cpu-miner", tried: "a CPU miner on all processors", line: "for i in $(seq 1 50); do (while :; do :; done) & done; wait"},
		{id: "flood", tried: "a flood of broadcast datagrams", line: "for i in 1 2 3; do " + chatter + " & done; wait"},
		{id: "bridge-loop", tried: "a bridge loop and broadcast storm", line: loop},
		{id: "link-churn", tried: "links made and removed in loops", line: "for i in $(seq 1 8); do (while :; do ip link add x$i type bridge; ip link del x$i; done) & done; wait"},
		{id: "namespace-churn", tried: "namespaces made and left in loops", line: "for i in 1 2 3 4; do (while :; do unshare -n true; done) & done; wait"},
		{id: "nft-churn", tried: "packet filter tables made and removed in loops", line: "for i in 1 2 3 4; do (while :; do nft add table inet t$i; nft delete table inet t$i; done) & done; wait"},
		{id: "cgroups", tried: "filling cgroups", line: "for h in /sys/fs/cgroup/*/ /sys/fs/cgroup/; do for i in $(seq 1 40); do mkdir $h/x$i-{1..2000} || break; done; done 2>/dev/null; sleep 60", uncharged: true},
	} {
		all = append(all, Attack{ID: x.id, Group: Exhaust, Tried: x.tried, Held: "a neighbour goes on typing, a new learner gets a lab, the memory of the server stays flat and that of the machine is left to others",
			run: func(t *trial) { t.exhaust(&x) }, lasts: x.lasts})
	}
	return append(all,
		Attack{ID: "thousand-terminals", Group: Exhaust, Tried: "1,000 terminals asked for by 20 requests at a time", Held: "there are no more than the limit, and each other answer says why", run: thousandTerminals},
		Attack{ID: "many-sessions", Group: Exhaust, Tried: "many sessions by one client, and by one address without a cookie", Held: "a learner gets 3, an address only so many new learners, and others still come in", run: manySessions},
	)
}

// mistake is what programs say of a command that is wrong in itself.
var mistake = regexp.MustCompile(`syntax error|command not found|cannot stat|invalid option`)

// exhaust carries out an attack and measures what others bear.
func (t *trial) exhaust(x *exhaustion) {
	neighbour := t.neighbour()
	keys := neighbour.on("A")
	t.warmUp(t.server)
	attacker := t.open(plain)
	t.after(func() {
		attacker.leave()
		if !t.until(60*time.Second, func() bool { return t.sandboxes() <= prepared+len(t.players) }) {
			t.fault("a minute after the attack its sandbox is still there")
		}
	})
	bad := attacker.attach(attacker.terminal("A"), "bad", -1, true)
	defer bad.close()
	bad.expect(":~# ")
	other := ""
	if x.unread {
		other = attacker.terminal("B")
	}
	// ignored has pages that have stopped reading, until they are closed.
	ignored := func(line string) (end func()) {
		if other == "" {
			return func() {}
		}
		watches, keyboard := attacker.attach(bad.terminal, "watches", -1, false), attacker.attach(other, "stopped", -1, false)
		keyboard.press(line) // the shell reads it whenever it is ready
		return func() { watches.close(); keyboard.close() }
	}
	stop := ignored(" " + x.line + "\r")
	server, kernel := serverMemory(t.server), kernelMemory()
	most, mostKernel := server, kernel
	bad.forget()
	bad.press(x.line + "\r")
	lasts := t.lasting(x.lasts)
	over := make(chan struct{})
	began := time.Now()
	var waiting sync.WaitGroup
	var started time.Duration
	var startError error
	var echoed atomic.Int64
	waiting.Go(func() {
		defer close(over)
		defer func() { stop() }()
		goOn := func(until time.Duration, enough int64) {
			for time.Since(began) < until && !(echoed.Load() >= enough && bad.atPrompt()) {
				time.Sleep(50 * time.Millisecond)
				most, mostKernel = max(most, serverMemory(t.server)), max(mostKernel, kernelMemory())
			}
		}
		goOn(lasts*6/10, enoughEchoes/2)
		started, startError = t.newcomer(t.server)
		stop() // before the server gives them up, and others follow
		stop = ignored("")
		read := bad.read()
		goOn(lasts, enoughEchoes)
		if x.unread && bad.read() == read {
			t.fault("the page that reads gets nothing more after %d bytes", read)
		}
	})
	all, err := keys.echoes(over, &echoed)
	waiting.Wait()
	if len(all) == 0 {
		t.fault("the neighbour's terminal: %v", err)
		return
	}
	f := &Figures{Seconds: time.Since(began).Seconds(), EchoP50: ms(all[len(all)/2]), EchoP99: ms(all[len(all)*99/100]), EchoWorst: ms(all[len(all)-1]), Start: ms(started), Server: most - server, Kernel: mostKernel - kernel}
	t.figures = f
	bad.mu.Lock()
	t.say("the attacker's terminal ended with %.200q", bad.out[max(0, len(bad.out)-200):])
	mistaken := mistake.Find(bad.out)
	bad.mu.Unlock()
	if mistaken != nil {
		t.stop("the attack is none: its command says %q", mistaken)
	}
	if x.unread {
		bad.forget()
		bad.press("\x03")
		if err := bad.see(10*time.Second, func() bool { return bytes.HasSuffix(bad.out, []byte("# ")) }); err != nil {
			t.fault("Ctrl-C ends nothing: %v", err)
		}
	}
	if err != nil {
		t.fault("the neighbour's terminal: %v", err)
	}
	if f.EchoP99 > ms(t.within(patience)) {
		t.fault("the neighbour's keys took %.0f ms", f.EchoP99)
	}
	if startError != nil {
		t.fault("a new learner's lab: %v", startError)
	} else if started > t.within(patienceForStart) {
		t.fault("a new learner's lab took %v", started)
	}
	if f.Server > serverGrowth {
		t.fault("the server's memory grew by %.1f MiB", f.Server)
	}
	if loss := float64(t.o.Machine.MemoryMiB) * 3 / 2; f.Kernel > loss && !x.uncharged {
		t.fault("the kernel took %.0f MiB, more than %.0f", f.Kernel, loss)
	}
	if x.bound != "" {
		if out, exit := attacker.on("B").try(x.bound); exit != 0 {
			t.fault("the bound does not hold: %s", out)
		}
	}
}

// lasting is how long an attack that asks for so long goes on. Where there is not
// time for everything, it leaves some to the others.
func (t *trial) lasting(asked time.Duration) time.Duration {
	if t.o.Within > 0 {
		asked = min(asked, t.o.Within/10)
	}
	return max(asked, attackFor)
}

// prepared is how many sandboxes a server keeps without a session.
const prepared = 2

// sandboxes counts those that are there.
func (t *trial) sandboxes() int {
	all, _ := os.ReadDir(t.server.Machine.Runtime)
	return len(all)
}

// newcomer is a learner who comes, gets a prompt and goes.
func (t *trial) newcomer(to *drive.Server) (time.Duration, error) {
	began := time.Now()
	l := to.Learner()
	var s session.Session
	if _, err := l.Do(t.ctx, http.MethodPost, "/api/sessions", map[string]string{"lab": plain}, &s); err != nil {
		return 0, err
	}
	p := &player{Learner: l, Session: s, t: t, path: "/api/sessions/" + s.ID, shells: map[string]*shell{}}
	y, err := p.dial(s.Terminals[0].ID, "newcomer", -1)
	if err == nil {
		go y.follow()
		err = y.see(20*time.Second, func() bool { return bytes.Contains(y.out, []byte(":~# ")) })
		y.close()
	}
	took := time.Since(began)
	p.leave()
	return took, err
}

// warmUp lets the server do, once, what every attack makes it do: its memory is
// what it needs for that.
func (t *trial) warmUp(server *drive.Server) {
	if t.warm[server] {
		return
	}
	t.warm[server] = true
	p := t.openOn(server, plain)
	s := p.on("A")
	s.press("yes\r")
	if err := s.see(10*time.Second, func() bool { return s.total > 2<<20 }); err != nil {
		t.stop("yes: %v", err)
	}
	p.leave()
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func thousandTerminals(t *trial) {
	p := t.guest(plain)
	status := map[int]int{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			for range 50 {
				a, err := p.Send(t.ctx, http.MethodPost, p.path+"/terminals", map[string]any{"host": "A", "cols": 80, "rows": 24})
				mu.Lock()
				if err != nil {
					t.fault("%v", err)
				}
				status[a.Status]++
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	t.say("the answers were %v", status)
	if status[201] > 15 || status[201] == 0 || status[201]+status[409]+status[429] != 1000 {
		t.fault("the answers were %v", status)
	}
	y := p.attach(p.Terminals[0].ID, "v", -1, true)
	defer y.close()
	y.expect(":~# ")
	p.shells["A"] = y
}

func manySessions(t *trial) {
	one := t.server.Learner()
	open := func(lab string) (s session.Session, status int) {
		a, err := one.Send(t.ctx, http.MethodPost, "/api/sessions", map[string]string{"lab": lab})
		t.must(err)
		one.Keep(a)
		_ = json.Unmarshal(a.Body, &s) // a refusal is no session
		return s, a.Status
	}
	ids := map[string]bool{}
	for range 10 {
		for _, lab := range []string{plain, path} {
			if s, status := open(lab); status == http.StatusCreated || status == http.StatusOK {
				ids[s.ID] = true
			} else if status != http.StatusConflict && status != http.StatusTooManyRequests {
				t.fault("a session: %d", status)
			}
		}
	}
	for id := range ids {
		t.after(func() { _, _ = one.Send(t.fight.ctx, http.MethodDelete, "/api/sessions/"+id, nil) })
	}
	if len(ids) > 3 {
		t.fault("one learner has %d sessions", len(ids))
	}
	// New learners without number from one address, who keep no cookie.
	flood := t.server.Learner()
	refused := 0
	for range 400 {
		a, err := flood.Send(t.ctx, http.MethodPost, "/api/sessions", map[string]string{"lab": "nosuch"})
		t.must(err)
		if a.Status == http.StatusTooManyRequests {
			refused++
		} else if a.Status != http.StatusNotFound {
			t.fault("%d %s", a.Status, a.Body)
		}
	}
	if refused < 200 {
		t.fault("of 400 new learners from one address %d were refused", refused)
	}
	if _, err := t.newcomer(t.server); err != nil {
		t.fault("a learner from elsewhere: %v", err)
	}
}
