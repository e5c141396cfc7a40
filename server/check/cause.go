package check

import (
	"strings"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/trace"
)

// explain says why a packet of a reach check does not arrive.
func (e *evaluation) explain(c *lab.ReachCheck) trace.Cause {
	st, err := e.net.Inspect(e.ctx)
	if err != nil {
		st = e.net.State()
	}
	a, port := target(c)
	p := trace.Packet{From: observe.Place{Node: c.From, NS: c.NS}, To: a, Proto: c.Proto, Port: port}
	if c.Proto == "http" {
		p.Proto = "tcp"
	}
	return trace.Explain(st, p)
}

// because says in a sentence what stops a packet.
func because(c trace.Cause) lab.Text {
	t := cause(c)
	switch {
	case c.Back:
		return tx("The packet arrives, coming from %[2]s, but its answer does not come back: %[1]s", "패킷은 출발지 %[2]s인 채로 도착하지만 응답이 돌아오지 못합니다. %[1]s", t, c.Source)
	case c.Translated.Chain != "" && c.Code != trace.Dropped:
		return tx("Rule %[4]d of %[2]s changes the destination to %[3]s, and then: %[1]s", "%[2]s의 %[4]d번 규칙이 목적지를 %[3]s 쪽으로 바꿉니다. 그다음: %[1]s",
			t, chain(c.Translated), c.Addr, c.Translated.Number)
	}
	if en := t["en"]; en != "" {
		for _, word := range []string{"nobody ", "nothing ", "the ", "there ", "a ", "an ", "by ", "two ", "rule "} {
			if strings.HasPrefix(en, word) {
				t["en"] = strings.ToUpper(en[:1]) + en[1:]
			}
		}
	}
	return t
}

// chain names a chain with its tool and table.
func chain(r trace.Rule) lab.Text {
	if r.Tool == "nft" {
		return tx("chain %[2]s of nft's table %[1]s", "nft 테이블 %[1]s의 체인 %[2]s", r.Family+" "+r.Table, r.Chain)
	}
	return tx("chain %[3]s of %[1]s -t %[2]s", "%[1]s -t %[2]s의 체인 %[3]s", r.Tool, r.Table, r.Chain)
}

func cause(c trace.Cause) lab.Text {
	at := c.Place
	at.Dev = ""
	switch c.Code {
	case trace.NoNamespace:
		return tx("there is no %s.", "%s 네임스페이스가 없습니다.", place(at))
	case trace.HostDown:
		return tx("%s is not running.", "%s 호스트가 켜져 있지 않습니다.", place(at))
	case trace.LinkDown:
		return tx("%s is switched off.", "%s 장치가 꺼져 있습니다.", place(c.Place))
	case trace.NoCarrier:
		if c.Other.Node == "" {
			return tx("nothing is at the other end of the cable of %s.", "%s 장치의 케이블 반대쪽에 아무것도 없습니다.", place(c.Place))
		}
		return tx("%[1]s has no carrier: the other end of its cable, %[2]s, is down.", "%[1]s 장치에 신호가 없습니다. 케이블 반대쪽 끝(%[2]s)이 꺼져 있습니다.", place(c.Place), place(c.Other))
	case trace.NoAddress:
		return tx("%s has no address.", "%s에 주소가 없습니다.", place(at))
	case trace.NoRoute:
		return tx("%[1]s has no route to %[2]s.", "%[1]s에 %[2]s까지 가는 경로가 없습니다.", place(at), c.Addr)
	case trace.RouteRefuses:
		if c.Type == "blackhole" {
			return tx("a blackhole route of %[1]s swallows packets to %[2]s.", "%[1]s의 blackhole 경로가 %[2]s행 패킷을 말없이 버립니다.", place(at), c.Addr)
		}
		return tx("a route of %[1]s of the type %[3]s refuses packets to %[2]s.", "%[1]s의 %[3]s 경로가 %[2]s행 패킷을 거부합니다.", place(at), c.Addr, c.Type)
	case trace.NoForwarding:
		if c.Place.Dev != "" {
			return tx("%[1]s gets the packet, but does not forward what comes in by %[2]s: net.ipv4.conf.%[2]s.forwarding is 0.",
				"%[1]s까지 패킷이 오지만, %[2]s 장치로 들어온 것은 전달하지 않습니다. net.ipv4.conf.%[2]s.forwarding 값이 0입니다.", place(at), c.Place.Dev)
		}
		return tx("%s gets the packet, but does not forward: its ip_forward is 0.", "%s까지 패킷이 오지만 전달하지 않습니다. ip_forward 값이 0입니다.", place(at))
	case trace.Nobody:
		return tx("nobody in the network at %[1]s has the address %[2]s.", "%[1]s에 이어진 네트워크에 %[2]s 주소를 가진 곳이 없습니다.", place(c.Place), c.Addr)
	case trace.Elsewhere:
		if c.Near.IsValid() {
			return tx("by its route %[4]s, %[1]s looks for %[2]s among the neighbours on its own cable, but that is the address of %[3]s, which is not there.",
				"%[1]s에서는 경로 %[4]s에 따라 %[2]s 주소를 같은 케이블의 이웃에게서 찾습니다. 하지만 그 주소는 %[3]s에 있고, 그 케이블에 이어져 있지 않습니다.", place(c.Place), c.Addr, place(c.Other), c.Near)
		}
		return tx("%[2]s is the address of %[3]s, which is not in the network at %[1]s.", "%[2]s 주소는 %[3]s에 있는데, %[1]s 쪽 네트워크와 이어져 있지 않습니다.", place(c.Place), c.Addr, place(c.Other))
	case trace.EchoIgnored:
		return tx("%[1]s gets the ping, but is set not to answer any: its icmp_echo_ignore_all is 1.", "%[1]s까지 ping 요청이 오지만 응답하지 않도록 설정되어 있습니다. icmp_echo_ignore_all 값이 1입니다.", place(at))
	case trace.WrongNeighbour:
		if c.Type != "permanent" {
			return tx("the neighbour table of %[1]s gives %[2]s another hardware address than that of %[3]s; ip neigh flush all has it ask anew.",
				"%[1]s의 이웃 테이블에 있는 %[2]s 항목이 %[3]s의 하드웨어 주소와 다릅니다. ip neigh flush all 명령을 쓰면 다시 물어봅니다.", place(at), c.Addr, place(c.Other))
		}
		return tx("an entry by hand in the neighbour table of %[1]s gives %[2]s another hardware address than that of %[3]s.",
			"%[1]s의 이웃 테이블에 손으로 적은 %[2]s 항목이 있는데, %[3]s의 하드웨어 주소와 다릅니다.", place(at), c.Addr, place(c.Other))
	case trace.Duplicate:
		return tx("two have the address %[2]s: %[1]s and %[3]s.", "%[2]s 주소가 두 곳(%[1]s, %[3]s)에 있습니다.", place(c.Place), c.Addr, place(c.Other))
	case trace.Loop:
		return tx("the packet goes round in circles; %s is on the circle.", "패킷이 같은 길을 맴돕니다. %s도 그 길에 있습니다.", place(at))
	case trace.ReversePath:
		return tx("%[1]s drops the packet when it comes in, since its own routes lead to %[2]s by another way (rp_filter).",
			"%[1]s 장치로 들어온 패킷이 버려집니다. 그 호스트의 경로로는 %[2]s 쪽이 다른 길이기 때문입니다(rp_filter).", place(c.Place), c.Addr)
	case trace.NotListening:
		return tx("nothing listens for %[2]s on port %[3]d of %[1]s.", "%[1]s의 %[3]d번 포트에서 %[2]s 주소로 대기하는 프로그램이 없습니다.", place(at), c.Addr, c.Port)
	case trace.Legacy:
		return tx("Devices, addresses and routes look right, but %[1]s has rules of the legacy iptables (iptables-legacy -L), or very many rules; they cannot be read here.",
			"장치, 주소, 경로는 맞아 보입니다. 그런데 %[1]s에 예전 방식의 iptables 규칙(iptables-legacy -L)이 있거나 규칙이 너무 많아서, 어느 규칙이 막는지 여기서는 읽을 수 없습니다.", place(at))
	case trace.Dropped:
		return dropped(c.Rule, place(at))
	}
	return tx("Devices, addresses, routes and the firewall rules that are understood look right; something else drops the packet.",
		"장치, 주소, 경로, 그리고 해석할 수 있는 방화벽 규칙은 맞아 보입니다. 다른 무언가가 패킷을 버리고 있습니다.")
}

// dropped names the rule that ends a packet.
func dropped(r trace.Rule, at lab.Text) lab.Text {
	where := tx("%[1]s on %[2]s", "%[2]s에 있는 %[1]s", chain(r), at)
	switch {
	case r.Perhaps && r.Number == 0:
		return tx("the policy of %s may drop it; a rule before it is too special to tell.", "%s의 기본 정책이 버리는 것으로 보입니다. 그 앞에 판단할 수 없는 규칙이 있습니다.", where)
	case r.Perhaps:
		return tx("rule %[2]d of %[1]s may drop it: %[3]s; whether all conditions fit cannot be told here.", "%[1]s의 %[2]d번 규칙이 버리는 것으로 보입니다: %[3]s. 조건에 모두 맞는지는 여기서 판단할 수 없습니다.", where, r.Number, r.Text)
	case r.Number == 0:
		return tx("the policy of %s drops it: no rule accepts it before.", "%s의 기본 정책이 버립니다. 그 전에 받아들이는 규칙이 없습니다.", where)
	case r.Rejects:
		return tx("rule %[2]d of %[1]s rejects it: %[3]s", "%[1]s의 %[2]d번 규칙이 거부합니다: %[3]s", where, r.Number, r.Text)
	}
	return tx("rule %[2]d of %[1]s drops it: %[3]s", "%[1]s의 %[2]d번 규칙이 버립니다: %[3]s", where, r.Number, r.Text)
}
