//go:build sandbox

package app

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const marker = "netground-must-stay-inside"

// sniff listens to all frames of the machine's own devices until the function
// that it returns is called, which says how many carried the marker.
func sniff(t *testing.T) (seen func() int) {
	t.Helper()
	all := unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all)
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000})
	stop, done, n := make(chan struct{}), make(chan struct{}), 0
	go func() {
		defer close(done)
		defer unix.Close(fd)
		buf := make([]byte, 64<<10)
		for {
			m, _, err := unix.Recvfrom(fd, buf, 0)
			if err == nil && bytes.Contains(buf[:m], []byte(marker)) {
				n++
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	return func() int {
		close(stop)
		<-done
		return n
	}
}

// What is sent in one sandbox arrives nowhere else: not on the machine, not in
// another sandbox whose network has the same addresses.
func TestNothingCrosses(t *testing.T) {
	// Services of the machine, on every address of it.
	tcp, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	port := tcp.Addr().(*net.TCPAddr).Port
	udp, err := net.ListenPacket("udp", fmt.Sprintf(":%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	arrived := make(chan string, 100)
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			arrived <- "a connection from " + c.RemoteAddr().String()
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
			arrived <- "a datagram from " + from.String()
		}
	}()

	w := start(t, nil)
	left, right := w.learner().open("switching"), w.learner().open("switching")
	setup := "sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0 net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.accept_dad=0; ip link set eth0 up; ip addr add 192.168.1.%d/24 dev eth0"
	a, b := left.sit(), left.on("B")
	c, d := right.sit(), right.on("B")
	for i, y := range []*tty{a, b, c, d} {
		y.run(fmt.Sprintf(setup, 10+i%2))
	}
	a.run("ping -c1 -W3 192.168.1.11")
	c.run("ping -c1 -W3 192.168.1.11")
	// The other network, before.
	state := "ip -br addr show dev eth0; ip route; ip -6 route show default; ip neigh show | sed 's/ [A-Z]*$//'"
	_ = c.run(state + " >/tmp/before; echo kept")
	c.run("(tcpdump -lnXi eth0 >/tmp/dump 2>/dev/null &); sleep 0.3")
	d.run("(tcpdump -lnXi any >/tmp/dump 2>/dev/null &); sleep 0.3")
	seen := sniff(t)

	// Every address of the machine, its gateway's, the cloud's, and who knows.
	targets := []string{"127.0.0.1", "169.254.169.254", "8.8.8.8", "192.168.1.1", "10.0.0.1", "172.17.0.1", "[fd00:ec2::254]", "[2001:4860:4860::8888]"}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range addrs {
		if n, ok := x.(*net.IPNet); ok && !n.IP.IsLoopback() {
			if n.IP.To4() != nil {
				targets = append(targets, n.IP.String())
				gateway := append(net.IP{}, n.IP.To4().Mask(n.Mask)...)
				gateway[3]++
				targets = append(targets, gateway.String())
			} else if !n.IP.IsLinkLocalUnicast() {
				targets = append(targets, "["+n.IP.String()+"]")
			}
		}
	}
	var lines strings.Builder
	lines.WriteString("ip route replace default dev eth0; ip -6 route replace default dev eth0; ")
	for _, x := range targets {
		x = strings.Trim(x, "[]")
		fmt.Fprintf(&lines, "(echo %s | nc -w1 %s %d; echo %s | nc -u -w1 %s %d; echo %s | nc -w1 %s 22) & ", marker, x, port, marker, x, port, marker, x)
	}
	lines.WriteString("wait")
	a.put("/tmp/try", lines.String())
	a.run("bash /tmp/try >/dev/null 2>&1; true")

	// Broadcast, multicast, somebody else's MAC and address, ARP, a router's advertisement.
	macC := strings.TrimSpace(strings.SplitN(c.run("cat /sys/class/net/eth0/address"), "\n", 2)[0])
	a.put("/tmp/spoof", fmt.Sprintf(`use strict;
my $index = do { open my $f, "<", "/sys/class/net/eth0/ifindex"; <$f> } + 0;
socket(my $s, 17, 3, 0) or die $!;
sub sendto { my ($to, $from, $type, $rest) = @_; my $frame = pack("H12 H12 n", $to, $from, $type) . $rest;
  defined send($s, $frame, 0, pack("S n i S C C H16", 17, $type, $index, 0, 0, 6, $to . "0000")) or die $! }
sub sum { my $n = 0; $n += $_ for unpack("n*", $_[0] . (length($_[0]) %% 2 ? "\0" : "")); $n = ($n & 0xffff) + ($n >> 16) while $n > 0xffff; 0xffff - $n }
my $mark = "%s"; my $victim = "%s";
for my $to ("ffffffffffff", $victim, "0180c2000000", "01005e000001") { for my $from ($victim, "020000000001") {
  my $udp = pack("n4", 7, 7, 8 + length $mark, 0) . $mark;
  my $head = pack("C2 n3 C2 n", 0x45, 0, 20 + length $udp, 1, 0, 64, 17, 0) . pack("C8", 192, 168, 1, 10, 192, 168, 1, 11);
  substr($head, 10, 2) = pack("n", sum($head));
  sendto($to, $from, 0x0800, $head . $udp);
  sendto($to, $from, 0x0806, pack("n2 C2 n H12 C4 H12 C4", 1, 0x0800, 6, 4, 2, "020000000bad", 192, 168, 1, 11, "ffffffffffff", 192, 168, 1, 10) . $mark);
  sendto($to, $from, 0x88b5, $mark x 3);
  sendto($to, $from, 0x8100, pack("n2", 1, 0x88b5) . $mark);
} }
my ($src, $dst) = (pack("H32", "fe800000000000000000000000000bad"), pack("H32", "ff020000000000000000000000000001"));
my $ra = pack("C2 n C2 n N2", 134, 0, 0, 64, 0, 1800, 0, 0) . pack("C4 N2 N H32", 3, 4, 64, 0xc0, 86400, 14400, 0, "20010db80bad00000000000000000000");
my $check = sum($src . $dst . pack("N2", length $ra, 58) . $ra);
substr($ra, 2, 2) = pack("n", $check);
sendto("333300000001", "020000000bad", 0x86dd, pack("N n C2", 0x60000000, length $ra, 58, 255) . $src . $dst . $ra) for 1 .. 3;
`, marker, strings.ReplaceAll(macC, ":", "")))
	a.run("perl /tmp/spoof")
	// The frames do arrive where they belong, the advertisement too.
	until(t, 10*time.Second, "the own network takes the router's advertisement", func() bool {
		out, _ := b.try("ip -6 route show default; ip -6 addr show dev eth0")
		return strings.Contains(out, "2001:db8:bad:") || strings.Contains(out, "2001:db8:0bad:")
	})
	// As somebody else altogether.
	a.run("ip link set eth0 down; ip link set eth0 address " + macC + "; ip link set eth0 up; ip addr add 192.168.1.11/24 dev eth0; arping -U -c2 -w1 -I eth0 192.168.1.11 >/dev/null; ping -b -c2 -i0.2 -w1 -p 6e65 192.168.1.255 >/dev/null; true")

	if n := seen(); n != 0 {
		t.Errorf("%d frames with the marker were on the machine's devices", n)
	}
	for name, y := range map[string]*tty{"A": c, "B": d} {
		if out, code := y.try("pkill tcpdump; sleep 0.2; tr -d '\\n' </tmp/dump | grep -c -e must-stay -e 0bad -e 020000000001"); code == "0" {
			t.Errorf("something arrived on %s of the other sandbox: %s", name, out)
		}
	}
	c.run(state + " >/tmp/after; diff /tmp/before /tmp/after")
	c.run("ping -c1 -W3 192.168.1.11")
	select {
	case what := <-arrived:
		t.Errorf("on the machine there was %s", what)
	default:
	}
	// And nobody gets in. (What answers for these addresses may be another network.)
	c.run("(nc -l -p 4711 >/tmp/got 2>/dev/null &) ; sleep 0.2")
	if conn, err := net.DialTimeout("tcp", "192.168.1.10:4711", 500*time.Millisecond); err == nil {
		_, _ = conn.Write([]byte(marker))
		_ = conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		_, _ = conn.Read(make([]byte, 1))
		conn.Close()
	}
	c.run("pkill nc; test ! -s /tmp/got")
}
