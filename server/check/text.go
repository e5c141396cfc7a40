package check

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
)

// tx writes a text in both languages. Arguments that are texts themselves are
// put in in the same language. Names stand before 의, 에, 에서, 인, 도 and
// 입니다, which are the same after every syllable, or before a noun that takes
// the particle for them: %s 장치가, %s 주소를.
func tx(en, ko string, args ...any) lab.Text {
	in := func(language, format string) string {
		if len(args) == 0 {
			return format
		}
		own := make([]any, len(args))
		for i, a := range args {
			if t, ok := a.(lab.Text); ok {
				a = t.In(language)
			}
			own[i] = a
		}
		return fmt.Sprintf(format, own...)
	}
	return lab.Text{"en": in("en", en), "ko": in("ko", ko)}
}

// plain is a text that is the same in all languages.
func plain(s string) lab.Text { return lab.Text{"en": s, "ko": s} }

// where names a namespace: node, or red on node.
func where(w lab.Where) lab.Text { return place(observe.Place{Node: w.Host, NS: w.NS}) }

// device names a device of a namespace.
func device(w lab.Where, dev string) lab.Text {
	return place(observe.Place{Node: w.Host, NS: w.NS, Dev: dev})
}

// place names a namespace, with its device where that is set.
func place(p observe.Place) lab.Text {
	at := plain(p.Node)
	if p.NS != "" {
		at = tx("%[2]s on %[1]s", "%[1]s의 %[2]s", p.Node, p.NS)
	}
	if p.Dev == "" {
		return at
	}
	if p.NS != "" { // not 의 twice
		return tx("%[2]s of %[1]s", "%[1]s에 있는 %[2]s", at, p.Dev)
	}
	return tx("%[2]s of %[1]s", "%[1]s의 %[2]s", at, p.Dev)
}

func list[T fmt.Stringer](items []T) string {
	var s []string
	for _, i := range items {
		s = append(s, i.String())
	}
	return strings.Join(s, ", ")
}

func addresses(l *observe.Link) lab.Text {
	if len(l.Addresses) == 0 {
		return tx("no address", "주소 없음")
	}
	return plain(list(l.Addresses))
}

// to names a route's destination as ip does.
func to(p netip.Prefix) string {
	if p.Bits() == 0 {
		return "default"
	}
	return p.String()
}

// clip keeps what a learner wrote short, and free of what is no text.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0xfffd {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 80 {
		s = string(r[:80]) + "…"
	}
	return s
}
