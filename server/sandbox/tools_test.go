//go:build sandbox

package sandbox

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/netground/netground/server/sandbox/keeper"
)

// addressed is A and B on a switch, each with an address.
func addressed() keeper.Spec {
	s := two()
	for i := range s.Hosts {
		s.Hosts[i].Interfaces = []keeper.Interface{{
			Name: "eth0", Up: true, Addresses: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 24)},
		}}
	}
	return s
}

// What a learner types, and what must be seen then.
func TestToolsOfAHost(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "tools", addressed())
	y := sit(t, s, "A")
	for _, c := range []struct{ line, want string }{
		{"hostname; hostname -f", "A\nA"},
		{"cat /etc/hostname", "\nA\n"},
		{"id -un; echo $HOME $SHELL", "root\n/root /bin/bash"},
		{"getent hosts B", "10.0.0.2"},
		{"ping -c1 -W2 B", "1 received"},
		{"ping -c1 -W2 localhost", "1 received"},
		{"traceroute -n -w1 -q1 B", " 10.0.0.2 "},
		{"arping -c1 -w2 B", "Received 1 response"},
		{"ssh B hostname", "\nB\n"},
		{"ssh B 'echo $LANG; tty; true'", "C.UTF-8\nnot a tty"},
		{"ssh -t B tty", "/dev/pts/"},
		{"echo copied >/tmp/f; scp -q /tmp/f B:/tmp/f && ssh B cat /tmp/f", "copied"},
		{"sed -n 1p <(ssh 10.0.0.2 hostname)", "\nB\n"},
		{"arp -n", "10.0.0.2"},
		{"route -n", "10.0.0.0"},
		{"ifconfig eth0", "inet 10.0.0.1"},
		{"netstat -rn", "10.0.0.0"},
		{"netstat -ltn", ":22 "},
		{"ss -ltn", ":22"},
		{"ip -4 -br addr", "10.0.0.1/24"},
		{"ip netns add red && ip netns exec red ip -br link && ip netns", "lo "},
		{"ip netns exec red ls /sys/class/net", "\nlo\n"},
		{"mkdir -p /etc/netns/red && echo nameserver 10.9.9.9 >/etc/netns/red/resolv.conf && ip netns exec red cat /etc/resolv.conf", "10.9.9.9"},
		{"ip link add v0 type veth peer name v1 netns red && ip addr add 10.1.0.1/24 dev v0 && ip link set v0 up && ip -n red addr add 10.1.0.2/24 dev v1 && ip -n red link set v1 up && ping -c1 -W2 10.1.0.2", "1 received"},
		{"ip netns exec red ping -c1 -W2 10.1.0.1", "1 received"},
		{"ip netns del red; ip netns | wc -l", "\n0\n"},
		{"iptables -A INPUT -p tcp --dport 81 -j DROP && iptables -t nat -A POSTROUTING -s 10.9.0.0/16 -j MASQUERADE && iptables -S && iptables -t nat -L -n", "--dport 81"},
		{"iptables-legacy -A INPUT -p tcp --dport 82 -j DROP && iptables-legacy -S", "--dport 82"},
		{"iptables -F && iptables -t nat -F && iptables-legacy -F", ""},
		{"nft add table inet t && nft 'add chain inet t c { type filter hook input priority 0; }' && nft add rule inet t c tcp dport 80 counter && nft list ruleset", "tcp dport 80 counter"},
		{"nft flush ruleset", ""},
		{"ip link add br9 type bridge && bridge link && brctl show && ip link del br9", "br9"},
		{"conntrack -L", "flow entries"},
		{"ethtool -i eth0", "driver: veth"},
		{"sysctl -w net.ipv4.ip_forward=1", "net.ipv4.ip_forward = 1"},
		{"cat /proc/sys/net/ipv4/ip_forward", "\n1\n"},
		{"(sleep 0.3; ping -c2 -i0.2 B >/dev/null) & tcpdump -l -n -c1 -i eth0 icmp", "ICMP echo request"},
		{"tcpdump -c1 -w /tmp/cap -i eth0 icmp & sleep 0.5; ping -c2 -i0.2 B >/dev/null; wait; tcpdump -n -r /tmp/cap", "ICMP echo"},
		{"wait; echo hello | nc -l -N -p 8001 >/dev/null & sleep 0.2; ssh B nc -w2 -d A 8001", "hello"},
		{"cd /etc && (busybox httpd -f -p 8002 & echo $! >/tmp/httpd) ; cd; sleep 0.2; ssh B curl -s http://A:8002/hostname; kill $(cat /tmp/httpd)", "\nA\n"},
		{"dig -v", "DiG"},
		{"dig +time=1 +tries=1 @10.0.0.2 example.org; true", "no servers could be reached"},
		{"nslookup -timeout=1 -retry=0 example.org 10.0.0.2; true", "no servers could be reached"},
		{"host -V", "host "},
		{"ip -d link show eth0 | grep -o veth", "veth"},
		{"unshare -Urn sh -c 'id -u; ip -br link'", "\n0\nlo "},
		{"unshare --user --map-root-user --pid --fork --mount --mount-proc ps ax", "ps ax"},
		{"mkdir -p /tmp/m && mount -t tmpfs none /tmp/m && umount /tmp/m", ""},
		{"python3 -V || perl -v | head -2", "v5"},
		{"nano -V | head -1; vi --version | head -1", "GNU nano"},
		{"ps ax | sed -n 2p", "1 ?        Ss     0:00 init -P"},
		{"pidof -s init; echo $$; ps -o pid= -p $$", "\n1\n"},
		{"free -m; df -h / | tail -1", "overlay"},
		{"lsof -v 2>&1 | head -2; tree --version; jq -V; wget -V | head -1; socat -V | head -1", "jq-"},
	} {
		if got := y.typed(c.line); !strings.Contains(strings.ReplaceAll(got, c.line, ""), c.want) {
			t.Errorf("%s: %q is missing in\n%s", c.line, c.want, got)
		}
	}
}

func TestManualPages(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "manual", two())
	y := sit(t, s, "A")
	y.keys("man ip\r")
	until(t, y.shell.Master, "ip - show / manipulate routing") // in the pager, which waits
	y.keys("q")
	until(t, y.shell.Master, ":~# ")
	for _, page := range strings.Fields("ip-address ip-link ip-route ip-netns ip-neighbour bridge ss tc ping arping traceroute tcpdump iptables nft " +
		"arp route ifconfig netstat dig nslookup host curl nc ssh sysctl sysctl.conf ifup interfaces hosts resolv.conf conntrack ethtool socat wget brctl veth network_namespaces") {
		if got := sh(t, s, "A", "MANPAGER=cat man "+page+" 2>&1 | head -40"); len(got) < 200 || strings.Contains(got, "No manual entry") {
			t.Errorf("man %s shows %q", page, got)
		}
	}
	if got := sh(t, s, "A", "whatis ip; apropos netns; help cd"); !strings.Contains(got, "manipulate routing") || !strings.Contains(got, "ip-netns") {
		t.Errorf("whatis and apropos say %q", got)
	}
}

func TestEditorsCompletionAndHangul(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "edit", two())
	y := sit(t, s, "A")

	y.keys("nano note\r")
	until(t, y.shell.Master, "GNU nano")
	y.keys("안녕\x0f\r\x18")
	until(t, y.shell.Master, ":~# ")
	if got := sh(t, s, "A", "cat note"); got != "안녕\n" {
		t.Errorf("nano wrote %q", got)
	}
	y.keys("vi note\r")
	until(t, y.shell.Master, "note")
	y.keys("o세계\x1b:wq\r")
	until(t, y.shell.Master, ":~# ")
	if got := sh(t, s, "A", "cat note"); got != "안녕\n세계\n" {
		t.Errorf("vi wrote %q", got)
	}

	// A typing error in Hangul is erased by characters, in readline and in cooked mode.
	if got := y.typed("echo 한글가\x7f"); !strings.Contains(got, "\n한글\n") {
		t.Errorf("the shell shows %q", got)
	}
	y.keys("echo re''ady; cat >cooked\r")
	until(t, y.shell.Master, "ready")
	y.keys("한글가\x7f\r\x04")
	until(t, y.shell.Master, ":~# ")
	if got := sh(t, s, "A", "cat cooked"); got != "한글\n" {
		t.Errorf("cooked mode gave %q", got)
	}
	if got := y.typed("touch 파일; ls"); !strings.Contains(got, "\n파일") && !strings.Contains(got, " 파일") {
		t.Errorf("ls shows %q", got)
	}

	y.keys("ip addr sho\t")
	until(t, y.shell.Master, "show ")
	y.keys("\x15ip link set eth\t")
	until(t, y.shell.Master, "eth0")
	y.keys("\x15sysctl net.ipv4.ip_forw\t")
	until(t, y.shell.Master, "ard") // two keys begin with ip_forward
	y.keys("\x15")
	y.typed("true")
}
