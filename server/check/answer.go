package check

import (
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
)

func (e *evaluation) answer(c *lab.AnswerCheck) {
	e.expect(tx("the right answer", "맞는 답"))
	given, ok := e.answers[c.Name]
	if !ok || strings.TrimSpace(given) == "" {
		e.fail(Unanswered, tx("not answered yet", "아직 답하지 않음"), tx("Answer the question first.", "먼저 질문에 답하십시오."))
		return
	}
	found := plain(clip(given))
	why := tx("That is not it.", "맞는 답이 아닙니다.")
	switch {
	case len(c.Choices) > 0:
		for i := range c.Choices {
			choice := &c.Choices[i]
			for _, text := range choice.Text {
				if normal(text) != normal(given) {
					continue
				}
				if choice.Right {
					e.ok(choice.Text)
					e.r.Why = choice.Why
					return
				}
				if len(choice.Why) > 0 {
					why = choice.Why
				}
				e.fail(Wrong, choice.Text, why)
				return
			}
		}
	case c.Matches != "":
		re, err := regexp.Compile("^(?:" + c.Matches + ")$")
		if err != nil {
			e.failed(err)
			return
		}
		if re.MatchString(strings.TrimSpace(given)) {
			e.ok(found)
			return
		}
	case c.Is != nil:
		right, ok := Right(c, e.st)
		if !ok {
			e.device(c.Is.Where, c.Is.Dev) // says what is missing
			if e.r.Reason == "" {
				e.failed(nil)
			}
			return
		}
		if normal(right) == normal(given) || c.Is.Fact == "address" && sameAddress(right, given) {
			e.ok(found)
			return
		}
	default:
		if normal(c.Value) == normal(given) {
			e.ok(found)
			return
		}
	}
	e.fail(Wrong, found, why)
}

// normal makes answers comparable: without case, outer and repeated spaces,
// and with colons in hardware addresses.
func normal(s string) string {
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	if m, err := net.ParseMAC(s); err == nil && len(m) == 6 {
		return m.String()
	}
	return s
}

// SameAnswer says whether two answers to a question are the same: in other
// words of the same choice, or but for case and spaces.
func SameAnswer(c *lab.AnswerCheck, a, b string) bool {
	for i := range c.Choices {
		reads := func(s string) bool {
			for _, text := range c.Choices[i].Text {
				if normal(text) == normal(s) {
					return true
				}
			}
			return false
		}
		if reads(a) {
			return reads(b)
		}
	}
	return normal(a) == normal(b)
}

// sameAddress takes an address with its prefix length or without.
func sameAddress(right, given string) bool {
	bare, _, _ := strings.Cut(right, "/")
	return normal(given) == bare
}

// Right returns an answer that is right now; ok is false where nothing says
// it: for a pattern, or a fact of a device that is not there.
func Right(c *lab.AnswerCheck, st *observe.State) (value string, ok bool) {
	switch {
	case len(c.Choices) > 0:
		for i := range c.Choices {
			if c.Choices[i].Right {
				return c.Choices[i].Text.In("en"), true
			}
		}
		return "", false
	case c.Is == nil:
		return c.Value, c.Value != ""
	}
	l := st.Namespace(c.Is.Host, c.Is.NS).Link(c.Is.Dev)
	if l == nil {
		return "", false
	}
	switch c.Is.Fact {
	case "mac":
		return l.MAC, l.MAC != ""
	case "mtu":
		return strconv.Itoa(l.MTU), true
	case "ifindex":
		return strconv.Itoa(l.Index), true
	case "address":
		if len(l.Addresses) > 0 {
			return l.Addresses[0].String(), true
		}
	case "peer-ifindex":
		if l.Peer != nil {
			if peer := st.Namespace(l.Peer.Node, l.Peer.NS).Link(l.Peer.Dev); peer != nil {
				return strconv.Itoa(peer.Index), true
			}
		}
	}
	return "", false
}
