//go:build sandbox

package check_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/netground/netground/server/check"
	"github.com/netground/netground/server/lab"
)

// says asks for a verdict and for what it says.
func (f fooled) says(c *lab.ReachCheck, reason, sentence string) {
	f.t.Helper()
	if _, err := f.obs.Refresh(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	r := f.e.Evaluate(f.t.Context(), &lab.Check{Reach: c}, f.obs, nil)
	if r.Reason != reason || !strings.Contains(r.Why["en"], sentence) {
		f.t.Errorf("%s: got %s (%s: %s), want %s, %q", r.Expected["en"], r.Reason, r.Found["en"], r.Why["en"], reason, sentence)
	}
}

func TestRulesAreNamed(t *testing.T) {
	f := start(t, 1)
	ping := &lab.ReachCheck{From: "A", To: "10.2.0.2", At: "B"}
	web := &lab.ReachCheck{From: "A", To: "http://10.2.0.2/", Proto: "http", At: "B"}
	closed := &lab.ReachCheck{From: "A", To: "10.2.0.2", Proto: "tcp", Port: 81, At: "B"}
	ping6 := &lab.ReachCheck{From: "A", To: "2001:db8:2::2", At: "B"}
	f.says(closed, "refused", "Nothing listens for 10.2.0.2 on port 81 of B")
	for _, c := range []struct {
		host, do, undo string
		check          *lab.ReachCheck
		reason, says   string
	}{
		{"R", "iptables -A FORWARD -p tcp -j ACCEPT; iptables -A FORWARD -s 10.1.0.0/24 -p icmp -j DROP", "iptables -F", ping, "dropped", "Rule 2 of chain FORWARD of iptables -t filter on R drops it: -p icmp -s 10.1.0.0/24 -j DROP"},
		{"R", "iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT; iptables -P FORWARD DROP", "iptables -P FORWARD ACCEPT; iptables -F", ping, "dropped", "The policy of chain FORWARD of iptables -t filter on R drops it"},
		{"R", "iptables -A FORWARD -i eth0 -j ACCEPT; iptables -P FORWARD DROP", "iptables -P FORWARD ACCEPT; iptables -F", ping, "dropped", "its answer does not come back: the policy of chain FORWARD"},
		{"B", "iptables -A INPUT -p tcp -m multiport --dports 79:81,443 -j REJECT --reject-with tcp-reset", "iptables -F", web, "dropped", "Rule 1 of chain INPUT of iptables -t filter on B rejects it: -p tcp --dport 79-81,443 -j REJECT"},
		{"B", "iptables -N MINE; iptables -A INPUT -j MINE; iptables -A MINE -p icmp --icmp-type echo-request -m comment --comment no -j DROP", "iptables -F; iptables -X", ping, "dropped", "Rule 1 of chain MINE of iptables -t filter on B drops it: -p icmp --icmp-type echo-request -j DROP"},
		{"A", "iptables -A OUTPUT -d 10.2.0.2 -j DROP", "iptables -F", ping, "dropped", "Rule 1 of chain OUTPUT of iptables -t filter on A drops it: -d 10.2.0.2 -j DROP"},
		{"R", "ip6tables -A FORWARD -s 2001:db8:1::/64 -j DROP", "ip6tables -F", ping6, "dropped", "Rule 1 of chain FORWARD of ip6tables -t filter on R drops it: -s 2001:db8:1::/64 -j DROP"},
		{"R", "iptables -A FORWARD -p icmp -m conntrack --ctproto icmp --ctstate NEW -j DROP", "iptables -F", ping, "dropped", "Rule 1 of chain FORWARD of iptables -t filter on R may drop it: -p icmp … -j DROP"},
		{"R", `nft add table inet mine; nft 'add chain inet mine c { type filter hook forward priority 0; policy drop; }'; nft 'add rule inet mine c tcp dport { 22, 80-90 } accept'; nft 'add rule inet mine c ct state established,related accept'`,
			"nft delete table inet mine", ping, "dropped", "The policy of chain c of nft's table inet mine on R drops it"},
		{"R", `nft add table inet mine; nft 'add chain inet mine c { type filter hook forward priority 0; policy drop; }'; nft 'add rule inet mine c ct state vmap { established : accept, new : jump }' 2>/dev/null; nft 'add rule inet mine c ct state vmap { established : accept, new : drop }'`,
			"nft delete table inet mine", ping, "dropped", "Rule 1 of chain c of nft's table inet mine on R drops it"},
		{"R", `nft add table ip mine; nft 'add chain ip mine c { type filter hook forward priority 0; }'; nft 'add rule ip mine c ip saddr 10.1.0.1-10.1.0.9 tcp dport { 22, 80-90 } reject'`,
			"nft delete table ip mine", web, "dropped", "of nft's table ip mine on R rejects it"},
		{"R", "sysctl -w net.ipv4.ip_forward=0", "sysctl -w net.ipv4.ip_forward=1", ping, "no-forwarding", "R gets the packet, but does not forward"},
		{"R", "ip route add blackhole 10.2.0.2/32", "ip route del blackhole 10.2.0.2/32", ping, "route-refuses", "A blackhole route of R"},
		{"R", "ip neigh replace 10.2.0.2 lladdr 02:00:00:00:00:99 dev eth1 nud permanent", "ip neigh del 10.2.0.2 dev eth1", ping, "wrong-neighbour", "entry by hand in the neighbour table of R"},
		{"R", "ip neigh replace 10.2.0.2 lladdr 02:00:00:00:00:99 dev eth1 nud reachable", "ip neigh del 10.2.0.2 dev eth1", ping, "wrong-neighbour", "The neighbour table of R gives 10.2.0.2 another hardware address than that of eth0 of B"},
		{"R", "sysctl -w net.ipv4.conf.eth0.forwarding=0", "sysctl -w net.ipv4.conf.eth0.forwarding=1", ping, "no-forwarding", "does not forward what comes in by eth0"},
		{"B", "sysctl -w net.ipv4.icmp_echo_ignore_all=1", "sysctl -w net.ipv4.icmp_echo_ignore_all=0", ping, "echo-ignored", "B gets the ping, but is set not to answer any"},
		{"B", "sysctl -w net.ipv6.icmp.echo_ignore_all=1", "sysctl -w net.ipv6.icmp.echo_ignore_all=0", ping6, "echo-ignored", "B gets the ping, but is set not to answer any"},
		{"B", "ip addr add 10.1.0.2/32 dev lo", "ip addr del 10.1.0.2/32 dev lo", ping, "duplicate-address", "Two have the address 10.1.0.2: A and B"},
		{"R", "ip addr add 10.2.0.2/32 dev lo", "ip addr del 10.2.0.2/32 dev lo", ping, "answered-elsewhere", "R has the address 10.2.0.2 and answers; the packet did not come to B"},
		{"B", "ip route del default", "ip route add default via 10.2.0.1", ping, "no-route", "coming from 10.1.0.2, but its answer does not come back: B has no route to 10.1.0.2"},
		{"R", "iptables -t nat -A POSTROUTING -s 10.1.0.0/24 -j SNAT --to-source 10.2.0.77", "iptables -t nat -F", ping, "nobody", "coming from 10.2.0.77, but its answer does not come back: nobody in the network at eth0 of B has the address 10.2.0.77"},
		{"R", "iptables -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.2.0.2:8080", "iptables -t nat -F", web, "not-listening", "chain PREROUTING of iptables -t nat changes the destination to 10.2.0.2, and then: nothing listens for 10.2.0.2 on port 8080 of B"},
		{"R", `nft add table ip n; nft 'add chain ip n p { type nat hook prerouting priority dstnat; }'; nft add rule ip n p tcp dport 80 dnat to 10.2.0.66:80`, "nft delete table ip n", web, "nobody", "chain p of nft's table ip n changes the destination to 10.2.0.66, and then: nobody in the network at eth1 of R"},
		{"R", "sysctl -w net.ipv4.conf.eth0.rp_filter=1; ip route add 10.1.0.2/32 dev eth1", "ip route del 10.1.0.2/32; sysctl -w net.ipv4.conf.eth0.rp_filter=0", ping, "reverse-path", "eth0 of R drops the packet when it comes in"},
	} {
		f.run(c.host, c.do+"; true")
		f.says(c.check, c.reason, c.says)
		f.run(c.host, c.undo+"; conntrack -F >/dev/null 2>&1; true")
	}
	f.says(ping, check.OK, "")
	f.says(web, check.OK, "")
}

func TestLegacyRulesAreOwnedUpTo(t *testing.T) {
	f := start(t, 2)
	f.run("R", "iptables-legacy -A FORWARD -p icmp -j DROP")
	f.says(&lab.ReachCheck{From: "A", To: "10.2.0.2", At: "B"}, "legacy-rules", "but R has rules of the legacy iptables")
}

func TestTranslationIsSeen(t *testing.T) {
	f := start(t, 3)
	source := func(proto, address string) *lab.ReachCheck {
		c := &lab.ReachCheck{From: "A", To: "10.2.0.2", At: "B", Proto: proto, Source: netip.MustParseAddr(address)}
		switch proto {
		case "tcp":
			c.Port = 80
		case "http":
			c.To, c.Contains = "http://10.2.0.2/", "page of B"
		}
		return c
	}
	door := &lab.ReachCheck{From: "A", To: "http://10.1.0.1:8081/", Proto: "http", At: "B", Destination: "10.2.0.2:80", Contains: "page of B"}
	for _, proto := range []string{"icmp", "tcp", "http"} {
		f.says(source(proto, "10.1.0.2"), check.OK, "")
		f.says(source(proto, "10.2.0.1"), check.OtherSource, "it comes from 10.1.0.2 there, not from 10.2.0.1")
	}
	f.says(door, "refused", "Nothing listens")
	f.run("R", "iptables -t nat -A PREROUTING -p tcp --dport 8081 -j DNAT --to-destination 10.1.0.2:80")
	back := &lab.ReachCheck{From: "B", To: "10.2.0.1", Proto: "tcp", Port: 8081, At: "A"}
	f.says(back, "not-listening", "changes the destination to 10.1.0.2, and then: nothing listens for 10.1.0.2 on port 80 of A") // where nobody listens at all
	f.run("R", "iptables -t nat -F")
	f.run("R", "iptables -t nat -A POSTROUTING -s 10.1.0.0/24 -o eth1 -j MASQUERADE; conntrack -F >/dev/null 2>&1; true")
	for _, proto := range []string{"icmp", "tcp", "http"} {
		f.says(source(proto, "10.2.0.1"), check.OK, "")
	}
	six := &lab.ReachCheck{From: "A", To: "2001:db8:2::2", At: "B", Source: netip.MustParseAddr("2001:db8:1::2")}
	f.says(six, check.OK, "")

	// A program that takes the connection and makes another is no translation.
	f.run("R", "(socat TCP-LISTEN:8081,fork,reuseaddr TCP:10.2.0.2:80 </dev/null >/dev/null 2>&1 & echo $! >/tmp/socat); for i in $(seq 50); do ss -ltn | grep -q :8081 && break; sleep 0.05; done")
	f.says(door, "answered-elsewhere", "the packet did not come to B")
	f.run("R", "kill $(cat /tmp/socat); iptables -t nat -A PREROUTING -p tcp --dport 8081 -j DNAT --to-destination 10.2.0.2:80")
	f.says(door, check.OK, "")
	direct := &lab.ReachCheck{From: "A", To: "http://10.2.0.2/", Proto: "http", At: "B", Destination: "10.2.0.9"}
	f.says(direct, check.OtherDestination, "it is addressed to 10.2.0.2 there, not to 10.2.0.9")
}
