package attack

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// networks are ways out of the sandbox, and into it. Each sends its own mark: no
// frame with it may be seen on the machine's devices, no service of the machine
// may be asked, and no host of a sandbox with the same addresses may hear of it.
func networks() []Attack {
	rows := []struct {
		id, tried, line string
		perl            bool
	}{
		{"services", "reach the machine's own services, on each of its addresses", targets("machine"), false},
		{"lan", "reach the classroom's LAN and the gateway", targets("lan"), false},
		{"metadata", "reach 169.254.169.254 and the internet", "for a in 169.254.169.254 fd00:ec2::254 8.8.8.8 2001:4860:4860::8888; do " + reach + " done; wait", false},
		{"another-sandbox", "reach another sandbox with the same addresses by broadcast, multicast and its hardware address", `
			for my $to ("ffffffffffff", $victim, "0180c2000000", "01005e000001", "333300000001") { ether($to, "020000000001", 0x88b5, $mark x 3); ether($to, "020000000001", 0x8100, pack("n2", 1, 0x88b5) . $mark) }`, true},
		{"spoofed-mac", "send with the hardware address of a host of another sandbox, and of the gateway", `
			for my $from ($victim, "0000000000fe") { ether("ffffffffffff", $from, 0x88b5, $mark); ether($victim, $from, 0x88b5, $mark) }`, true},
		{"spoofed-ip", "send with somebody else's IP address", `
			for my $source ("10.0.0.2", "127.0.0.1", "192.0.2.1", "8.8.8.8") { for my $to ("ffffffffffff", $victim) { ip($to, $source, "10.0.0.2"); ip($to, $source, "255.255.255.255") } }`, true},
		{"spoofed-arp", "tell others by ARP who has an address", `
			for my $to ("ffffffffffff", $victim) { ether($to, "020000000bad", 0x0806, pack("n2 C2 n H12 C4 H12 C4", 1, 0x0800, 6, 4, 2, "020000000bad", 10, 0, 0, 2, "ffffffffffff", 10, 0, 0, 1) . $mark) }`, true},
		{"router-advertisement", "advertise an IPv6 router", "advertise() for 1 .. 3;", true},
	}
	var all []Attack
	for _, r := range rows {
		all = append(all, Attack{ID: r.id, Group: Network, Tried: r.tried, Held: "nothing of it arrives on the machine or in another sandbox",
			run: func(t *trial) { t.send(r.line, r.perl) }})
	}
	return append(all, Attack{ID: "inwards", Group: Network, Tried: "reach a host from the machine, by its address", Held: "it is not asked", run: inwards})
}

// reach is a line's part that asks the address $a for some services with the mark.
const reach = `(echo $MARK | nc -w1 $a $PORT; echo $MARK | nc -u -w1 $a $PORT; echo $MARK | nc -w1 $a 22; ping -c1 -W1 -p $HEX $a) >/dev/null 2>&1 &`

func targets(of string) string {
	return "for a in $" + strings.ToUpper(of) + "; do " + reach + " done; wait"
}

// anyMark is what all marks begin with, and as much as ping sends.
const anyMark = "netground-attack"

// sniffer hears all frames of the machine's own devices.
type sniffer struct {
	fd   int
	stop chan struct{}
	done chan struct{}
	n    int
}

func (t *trial) sniff() *sniffer {
	all := unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all)
	t.must(err)
	s := &sniffer{fd: fd, stop: make(chan struct{}), done: make(chan struct{})}
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000})
	go func() {
		defer close(s.done)
		defer unix.Close(fd)
		buf := make([]byte, 64<<10)
		for {
			if m, _, err := unix.Recvfrom(fd, buf, 0); err == nil && bytes.Contains(buf[:m], []byte(anyMark)) {
				s.n++
			}
			select {
			case <-s.stop:
				return
			default:
			}
		}
	}()
	return s
}

func (s *sniffer) end() int {
	close(s.stop)
	<-s.done
	return s.n
}

// listen offers services of the machine on all of its addresses, and counts who asks.
func (t *trial) listen() (port int, asked func() []string) {
	tcp, err := net.Listen("tcp", ":0")
	t.must(err)
	port = tcp.Addr().(*net.TCPAddr).Port
	udp, err := net.ListenPacket("udp", fmt.Sprintf(":%d", port))
	if err != nil {
		tcp.Close()
		t.must(err)
	}
	t.after(func() { tcp.Close(); udp.Close() })
	var mu sync.Mutex
	var all []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, what)
	}
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			note("a connection from " + c.RemoteAddr().String())
			c.Close()
		}
	}()
	go func() {
		buf := make([]byte, 1500)
		for {
			_, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			note("a datagram from " + from.String())
		}
	}()
	return port, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// addresses of the machine, and those of its networks' gateways and neighbours.
func (t *trial) addresses() (machine, lan []string) {
	all, err := net.InterfaceAddrs()
	t.must(err)
	machine = []string{"127.0.0.1", "::1"}
	lan = []string{"192.168.1.1", "192.168.0.1", "10.0.0.1", "172.17.0.1"}
	for _, x := range all {
		n, ok := x.(*net.IPNet)
		if !ok || n.IP.IsLoopback() || n.IP.IsLinkLocalUnicast() {
			continue
		}
		machine = append(machine, n.IP.String())
		if ip := n.IP.To4(); ip != nil {
			first := append(net.IP{}, ip.Mask(n.Mask)...)
			for range 2 {
				first[3]++
				lan = append(lan, first.String())
			}
		}
	}
	return machine, lan
}

// pair is two sandboxes with the same addresses, in the second of which both
// hosts write down all that they hear.
func (t *trial) pair() (left, right *player) {
	left, right = t.player("left", plain), t.player("right", plain)
	if right.shells["B"] != nil {
		return left, right
	}
	const ipv6 = "sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0 net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.accept_dad=0"
	for _, p := range []*player{left, right} {
		for _, h := range []string{"A", "B"} {
			p.on(h).do(ipv6)
		}
		p.on("A").do("ping -c1 -W3 10.0.0.2")
	}
	left.on("A").do("ip route replace default dev eth0; ip -6 route replace default dev eth0")
	for _, h := range []string{"A", "B"} {
		right.on(h).do("(setsid tcpdump -lnAi any >/tmp/dump 2>/tmp/dump.log &); for i in $(seq 100); do grep -q listening /tmp/dump.log && exit 0; sleep 0.1; done; exit 1")
	}
	return left, right
}

func (t *trial) send(line string, perl bool) {
	left, right := t.pair()
	mark := anyMark + "-" + t.attack.ID
	const state = "ip -br addr show dev eth0; ip route; ip -6 route show default; ip neigh show | sed 's/ [A-Z]* *$//' | sort"
	var before [2]string
	for i, h := range []string{"A", "B"} {
		before[i] = right.on(h).do(state)
	}
	port, asked := t.listen()
	heard := t.sniff()
	if perl {
		victim := strings.TrimSpace(right.on("A").do("cat /sys/class/net/eth0/address"))
		left.on("A").put("/tmp/send", fmt.Sprintf(frames, mark, strings.ReplaceAll(victim, ":", ""))+line)
		// What is sent does arrive where it belongs.
		left.on("B").do("rm -f /tmp/own /tmp/own.log; (setsid timeout 20 tcpdump -lnAi any >/tmp/own 2>/tmp/own.log &); for i in $(seq 100); do grep -q listening /tmp/own.log && exit 0; sleep 0.1; done; exit 1")
		left.on("A").do("perl /tmp/send")
		if _, exit := left.on("B").try("for i in $(seq 50); do grep -q -e '" + mark + "' -e 'router advertisement' /tmp/own && exit 0; sleep 0.1; done; exit 1"); exit != 0 {
			t.stop("what was sent does not arrive in the own network either")
		}
		left.on("B").do("pkill -f tmp/own; pkill tcpdump; true")
	} else {
		machine, lan := t.addresses()
		left.on("A").put("/tmp/try", fmt.Sprintf("MARK=%s PORT=%d HEX=%s MACHINE='%s' LAN='%s'\n%s\n", mark, port,
			hex.EncodeToString([]byte(anyMark)), strings.Join(machine, " "), strings.Join(lan, " "), line))
		left.on("A").try("timeout 20 bash /tmp/try")
	}
	t.wait(300 * time.Millisecond) // for what is still under way
	if n := heard.end(); n > 0 {
		t.fault("%d frames with the mark were on the machine's devices", n)
	}
	for _, what := range asked() {
		t.fault("the machine had %s", what)
	}
	for i, h := range []string{"A", "B"} {
		if out, exit := right.on(h).try("grep -c -e '" + mark + "' -e 0bad -e '2001:db8:bad' /tmp/dump"); exit == 0 {
			t.fault("%s times something arrived on %s of the other sandbox", strings.TrimSpace(out), h)
		}
		if after := right.on(h).do(state); after != before[i] {
			t.fault("%s of the other sandbox changed from %q to %q", h, before[i], after)
		}
	}
	right.on("A").do("ping -c1 -W3 10.0.0.2")
}

// frames is the part of a program that sends what no kernel would.
const frames = `use strict;
my $index = do { open my $f, "<", "/sys/class/net/eth0/ifindex"; <$f> } + 0;
socket(my $s, 17, 3, 0) or die $!;
my $mark = "%s"; my $victim = "%s";
sub ether { my ($to, $from, $type, $rest) = @_; my $frame = pack("H12 H12 n", $to, $from, $type) . $rest;
  defined send($s, $frame, 0, pack("S n i S C C H16", 17, $type, $index, 0, 0, 6, $to . "0000")) or die $! }
sub sum { my $n = 0; $n += $_ for unpack("n*", $_[0] . (length($_[0]) & 1 ? "\0" : "")); $n = ($n & 0xffff) + ($n >> 16) while $n > 0xffff; 0xffff - $n }
sub ip { my ($to, $source, $target) = @_;
  my $udp = pack("n4", 7, 7, 8 + length $mark, 0) . $mark;
  my $head = pack("C2 n3 C2 n", 0x45, 0, 20 + length $udp, 1, 0, 64, 17, 0) . pack("C8", split(/\./, $source), split(/\./, $target));
  substr($head, 10, 2) = pack("n", sum($head));
  ether($to, "020000000001", 0x0800, $head . $udp) }
sub advertise {
  my ($src, $dst) = (pack("H32", "fe800000000000000000000000000bad"), pack("H32", "ff020000000000000000000000000001"));
  my $ra = pack("C2 n C2 n N2", 134, 0, 0, 64, 0, 1800, 0, 0) . pack("C4 N2 N H32", 3, 4, 64, 0xc0, 86400, 14400, 0, "20010db80bad00000000000000000000");
  substr($ra, 2, 2) = pack("n", sum($src . $dst . pack("N2", length $ra, 58) . $ra));
  ether("333300000001", "020000000bad", 0x86dd, pack("N n C2", 0x60000000, length $ra, 58, 255) . $src . $dst . $ra) }
`

func inwards(t *trial) {
	_, right := t.pair()
	s := right.on("A")
	s.do("rm -f /tmp/got; (setsid timeout 20 nc -l -p 4711 >/tmp/got 2>/dev/null &) ; for i in $(seq 50); do ss -ltn | grep -q :4711 && exit 0; sleep 0.1; done; exit 1")
	if conn, err := net.DialTimeout("tcp", "10.0.0.1:4711", t.within(time.Second)); err == nil { // another network's, maybe
		_, _ = conn.Write([]byte(anyMark))
		_ = conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		_, _ = conn.Read(make([]byte, 1))
		conn.Close()
	}
	if _, exit := s.try("pkill -x nc; test ! -s /tmp/got"); exit != 0 {
		t.fault("what the machine sent arrived")
	}
}
