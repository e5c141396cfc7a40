package lab

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Bounds of a file's shape. Aliases are bounded since each stands for all that
// its anchor has.
const (
	maxDepth   = 64
	maxAliases = 64
)

// shape refuses what no lab needs: depth, many aliases, and keys without a value.
func (d *document) shape() {
	aliases, deep := 0, false
	var walk func(n *yaml.Node, depth int)
	walk = func(n *yaml.Node, depth int) {
		if depth > maxDepth {
			if !deep {
				d.say(position{n.Line, n.Column}, both("the file is nested more than %d deep", "%d단계보다 깊게 중첩되어 있습니다", maxDepth), both("A lab needs no more than a dozen", "열두 단계면 충분합니다"))
			}
			deep = true
			return
		}
		if n.Kind == yaml.AliasNode {
			aliases++
		}
		for i, c := range n.Content {
			if c.Kind == yaml.ScalarNode && c.Tag == "!!null" && (n.Kind != yaml.MappingNode || i%2 == 1) {
				what := both("the entry has no value", "항목에 값이 없습니다")
				if n.Kind == yaml.MappingNode {
					what = both("%q has no value", "%q에 값이 없습니다", n.Content[i-1].Value)
				}
				d.say(position{c.Line, c.Column}, what, both("Give it one, or remove it; what belongs to it is indented", "값을 쓰거나 지우십시오. 그 아래에 속하는 것은 들여 씁니다"))
			}
			walk(c, depth+1)
		}
	}
	walk(d.root, 0)
	if aliases > d.aliases {
		d.say(position{}, both("the file has %d aliases, more than %d", "별칭이 %d개로, 최대 %d개를 넘습니다", aliases, d.aliases), writeOut)
	}
}

// yamlError turns the library's errors into ours.
func (d *document) yamlError(err error) {
	var many *yaml.LoadErrors
	if errors.As(err, &many) && len(many.Errors) > 0 {
		for _, e := range many.Errors {
			d.oneYAMLError(e)
		}
		return
	}
	var one *yaml.LoadError
	if errors.As(err, &one) {
		d.oneYAMLError(one)
		return
	}
	d.broken(position{}, strings.TrimPrefix(err.Error(), "yaml: "))
}

var (
	unknownField = regexp.MustCompile(`field (\S+) not found in type (?:lab\.)?(\S+)`)
	wrongType    = regexp.MustCompile("(?s)^cannot construct !!(\\w+)(?: `(.*)`)? into (\\S+)")
	notAddress   = regexp.MustCompile(`^(?:netip\.)?Parse(Prefix|Addr)\((.*)\): `)
	defined      = regexp.MustCompile(`^mapping key (".*") already defined`)
	wrongLength  = regexp.MustCompile(`^invalid array: want (\d+) elements but got (\d+)`)
	lineOf       = regexp.MustCompile(`(?:at )?line (\d+)(?:, column (\d+))?:? ?`)
)

// What is said more than once.
var (
	writeOut  = both("Write the values out", "별칭 대신 값을 그대로 쓰십시오")
	plainText = both("Save the file as plain text in UTF-8", "제어 문자가 없는 UTF-8 텍스트로 쓰십시오")
)

// syntax says what the library's words of broken YAML mean, and the remedy.
var syntax = []struct {
	says   string
	korean string
	remedy phrase
}{
	{"mapping values are not allowed", "이 자리에는 콜론(:)을 쓸 수 없습니다", both("Put a text with a colon in it into quotes", "콜론이 든 글은 따옴표로 묶고, 들여쓰기를 확인하십시오")},
	{"cannot start any token", "이 문자로는 값을 시작할 수 없습니다", both("Indent with spaces, and put texts with special characters into quotes", "탭 대신 빈칸으로 들여 쓰고, 특수 문자가 든 글은 따옴표로 묶으십시오")},
	{"control characters are not allowed", "제어 문자는 쓸 수 없습니다", plainText},
	{"UTF-8", "UTF-8 텍스트가 아닙니다", plainText},
	{"did not find expected", "있어야 할 괄호나 따옴표, 쉼표가 보이지 않습니다", both("Look for a missing bracket, quote or comma, or for an odd indentation, here or just above", "이 줄이나 바로 윗줄에 빠진 괄호, 따옴표, 쉼표가 있는지, 들여쓰기가 어긋나지 않았는지 확인하십시오")},
	{"could not find expected", "있어야 할 콜론(:)이 보이지 않습니다", both("Write key: value, with a colon and a space", "콜론과 빈칸을 넣어 키: 값으로 쓰십시오")},
	{"found unexpected end", "글이 끝나기 전에 파일이 끝났습니다", both("Look for a missing bracket or quote above", "위쪽에 닫지 않은 괄호나 따옴표가 있는지 확인하십시오")},
	{"unknown anchor", "정의하지 않은 별칭입니다", both("Define it as &name above, or write the value out", "위에서 &이름으로 정의하거나 값을 그대로 쓰십시오")},
	{"max depth", "너무 깊게 중첩되어 있습니다", both("A lab needs no more than a dozen levels", "열두 단계면 충분합니다")},
	{"map merge", "병합 키(<<)를 쓸 수 없는 자리입니다", writeOut},
	{"YAML document", "YAML 문서가 아닙니다", phrase{"Remove the line that begins with %", "%로 시작하는 줄을 지우십시오"}},
	{"excessive aliasing", "별칭을 지나치게 많이 썼습니다", writeOut},
	{"contains itself", "별칭이 자기 자신을 담고 있습니다", writeOut},
}

// broken says what the library says of YAML that it cannot read.
func (d *document) broken(at position, message string) {
	for _, s := range syntax {
		if strings.Contains(message, s.says) {
			d.say(at, phrase{message, s.korean}, s.remedy)
			return
		}
	}
	d.say(at, phrase{message, "올바른 YAML이 아닙니다"}, both("Correct the YAML", "YAML 문법에 맞게 고치십시오"))
}

func (d *document) oneYAMLError(e *yaml.LoadError) {
	at := position{e.Mark.Line, e.Mark.Column}
	message := e.Message
	if inner := errors.Unwrap(e); inner != nil && message == "" {
		message = inner.Error()
	}
	message = strings.TrimSpace(lineOf.ReplaceAllString(strings.TrimPrefix(message, "yaml: "), ""))
	if m := unknownField.FindStringSubmatch(message); m != nil {
		known := d.fieldsOf(m[2])
		remedy := meant(m[1], known)
		if len(known) > 0 {
			list := strings.Join(known, ", ")
			remedy = remedy.orElse(both("Known here: %s", "여기에 쓸 수 있는 것: %s", list))
		}
		d.say(at, both("unknown field %q", "알 수 없는 항목 %q", m[1]), remedy)
		return
	}
	if m := wrongType.FindStringSubmatch(message); m != nil {
		d.wrongType(at, m[1], m[2], m[3])
		return
	}
	if m := notAddress.FindStringSubmatch(message); m != nil {
		if m[1] == "Prefix" {
			d.say(at, both("%s is no address with prefix length", "%s: 프리픽스 길이가 붙은 주소가 아닙니다", m[2]), prefixForm)
		} else {
			d.say(at, both("%s is no address", "%s: 올바른 주소가 아닙니다", m[2]), addressForm)
		}
		return
	}
	if m := defined.FindStringSubmatch(message); m != nil {
		d.say(at, both("%s is written twice here", "%s: 같은 키가 두 번 나옵니다", m[1]), both("Keep one", "하나만 남기십시오"))
		return
	}
	if m := wrongLength.FindStringSubmatch(message); m != nil {
		d.say(at, both("a list of %s is needed, and there are %s", "값 %s개로 된 목록이어야 하는데 %s개입니다", m[1], m[2]), both("A place in the diagram is [column, row]", "그림에서의 위치는 [열, 행]으로 씁니다"))
		return
	}
	if strings.HasPrefix(message, twoEnds.en) {
		d.say(at, twoEnds, both("Join two devices, or a device and a switch", "장치와 장치, 또는 장치와 스위치를 이으십시오"))
		return
	}
	d.broken(at, message)
}

// How things are written.
var (
	prefixForm  = both("Write it as 192.168.1.10/24 or 2001:db8::1/64", "192.168.1.10/24나 2001:db8::1/64처럼 쓰십시오")
	addressForm = both("Write it as 192.168.1.10 or 2001:db8::1", "192.168.1.10이나 2001:db8::1처럼 쓰십시오")
	inLanguages = both(`Write it in each language: {en: "…", ko: "…"}`, `언어마다 쓰십시오: {en: "…", ko: "…"}`)
	twoEnds     = both("a link is written as two ends: [A:eth0, sw]", "링크는 두 끝을 [A:eth0, sw]처럼 씁니다")
)

// wrongType says what was written and what is needed in an author's words.
func (d *document) wrongType(at position, tag, value, into string) {
	wanted, remedy := both("a mapping (key: value)", "키: 값 꼴의 매핑"), both("Indent its keys below it", "키를 그 아래에 들여 쓰십시오")
	digits := both("Write digits only", "숫자만 쓰십시오")
	switch {
	case into == "string":
		wanted, remedy = both("a text", "글"), both("Put it into quotes: a colon and a space in a text make a mapping, a bracket at its beginning a list",
			"따옴표로 묶으십시오. 글 안의 콜론과 빈칸은 매핑이 되고, 맨 앞의 괄호는 목록이 됩니다")
	case into == "int":
		wanted, remedy = both("a whole number", "정수"), digits
	case into == "bool":
		wanted, remedy = both("true or false", "true나 false"), both("Write true or false, without quotes", "따옴표 없이 true나 false를 쓰십시오")
	case strings.HasPrefix(into, "float"):
		wanted, remedy = both("a number", "수"), digits
	case strings.HasPrefix(into, "netip.Prefix"):
		wanted, remedy = both("an address with prefix length", "프리픽스 길이가 붙은 주소"), prefixForm
	case strings.HasPrefix(into, "netip.Addr"):
		wanted, remedy = both("an address", "주소"), addressForm
	case strings.HasSuffix(into, "lab.Point"):
		wanted, remedy = both("a place in the diagram", "그림에서의 위치"), both("Write it as [column, row]", "[열, 행]으로 쓰십시오")
	case strings.HasSuffix(into, "lab.Text"):
		wanted, remedy = both("a text in each language", "언어별 글"), both(`Write {en: "…", ko: "…"}`, `{en: "…", ko: "…"}처럼 쓰십시오`)
		if strings.HasPrefix(into, "[]") {
			wanted, remedy = both("a list of texts", "글의 목록"), both(`Write - {en: "…", ko: "…"} for each`, `하나마다 - {en: "…", ko: "…"}처럼 쓰십시오`)
		}
	case strings.HasPrefix(into, "[]"):
		wanted, remedy = both("a list", "목록"), both("Write each entry on a line of its own behind a hyphen, or all in [ ]", "줄마다 하이픈(-)을 붙여 하나씩 쓰거나 [ ] 안에 모두 쓰십시오")
	}
	found, known := map[string]phrase{"map": both("a mapping", "매핑"), "seq": both("a list", "목록"), "null": both("nothing", "빈 값")}[tag]
	if !known {
		found = both("%q", "%q", strings.Trim(value, "`"))
	}
	d.say(at, phrase{
		fmt.Sprintf("%s is needed here, and %s is written", wanted.en, found.en),
		fmt.Sprintf("필요한 값: %s, 적힌 값: %s", wanted.ko, found.ko),
	}, remedy)
}
