package render

import (
	"html"
	"regexp"
	"strings"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/yuin/goldmark/util"
)

// maxHighlight bounds the code that is coloured: more is only written.
const maxHighlight = 32 << 10

var (
	hostName       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	predictionName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	languageName   = regexp.MustCompile(`^[a-z0-9][a-z0-9+#_-]{0,31}$`)
)

// info is what the line that opens a fenced block says.
type info struct {
	language string // empty if it is none that can be written as a class
	host     string // of a run block
	fails    bool
	expect   bool
	predict  string // the prediction that is asked here
}

// parseInfo reads an info string: a language, then words of which those that
// mean nothing are ignored.
func parseInfo(s string) info {
	var in info
	if words := strings.Fields(s); len(words) == 2 && words[0] == "predict" && predictionName.MatchString(words[1]) {
		in.predict = words[1]
		return in
	}
	for i, w := range strings.Fields(s) {
		host, isHost := strings.CutPrefix(w, "host=")
		switch {
		case w == "{expect}", i == 0 && w == "expect":
			in.expect = true
		case i == 0:
			if l := strings.ToLower(w); languageName.MatchString(l) {
				in.language = l
			}
		case isHost && hostName.MatchString(host) && (in.language == "bash" || in.language == "sh"):
			in.host = host
		case w == "fails":
			in.fails = true
		}
	}
	return in
}

// writeCode writes a block of code, in its figure if it has one.
func writeCode(w util.BufWriter, in info, code string) {
	switch {
	case in.predict != "":
		_, _ = w.WriteString(`<figure class="predict" data-name="` + in.predict + "\"></figure>\n")
	case in.expect:
		_, _ = w.WriteString(`<figure class="expect"><pre><samp>` + html.EscapeString(code) + "</samp></pre></figure>\n")
		return
	case in.host != "":
		_, _ = w.WriteString(`<figure class="run" data-host="` + html.EscapeString(in.host) + `"`)
		if in.fails {
			_, _ = w.WriteString(` data-fails=""`)
		}
		_, _ = w.WriteString(`><pre class="chroma"><code>`)
		highlight(w, "bash", code)
		_, _ = w.WriteString("</code></pre></figure>\n")
	case in.language != "":
		_, _ = w.WriteString(`<pre class="chroma"><code class="language-` + html.EscapeString(in.language) + `">`)
		highlight(w, in.language, code)
		_, _ = w.WriteString("</code></pre>\n")
	default:
		_, _ = w.WriteString("<pre><code>" + html.EscapeString(code) + "</code></pre>\n")
	}
}

// highlight writes the code with spans of the classes that the package names.
func highlight(w util.BufWriter, language, code string) {
	lexer := lexers.Get(language)
	if lexer == nil || len(code) > maxHighlight {
		_, _ = w.WriteString(html.EscapeString(code))
		return
	}
	tokens, err := chroma.Tokenise(chroma.Coalesce(lexer), nil, code)
	if err != nil || !sameText(tokens, code) {
		_, _ = w.WriteString(html.EscapeString(code))
		return
	}
	for _, t := range tokens {
		class := classOf(t.Type)
		if (class == "m" || class == "nb") && lexer.Config().Name == "Bash" {
			// The lexer takes some numbers of a command for one, and others, addresses
			// say, for words; and the "set" of "ip link set" for the shell's own.
			class = ""
		}
		if class == "" || strings.TrimSpace(t.Value) == "" {
			_, _ = w.WriteString(html.EscapeString(t.Value))
			continue
		}
		_, _ = w.WriteString(`<span class="` + class + `">` + html.EscapeString(t.Value) + `</span>`)
	}
}

// sameText guards what will be typed into a terminal: colours must not change it.
func sameText(tokens []chroma.Token, code string) bool {
	for _, t := range tokens {
		rest, ok := strings.CutPrefix(code, t.Value)
		if !ok {
			return false
		}
		code = rest
	}
	return code == ""
}

func classOf(t chroma.TokenType) string {
	switch {
	case t.InCategory(chroma.Comment):
		return "c"
	case t.InCategory(chroma.Keyword):
		return "k"
	case t.InSubCategory(chroma.LiteralString):
		return "s"
	case t.InSubCategory(chroma.LiteralNumber):
		return "m"
	case t == chroma.NameVariable, t.InSubCategory(chroma.NameVariable):
		return "nv"
	case t == chroma.NameBuiltin, t == chroma.NameFunction, t == chroma.NameTag, t == chroma.NameAttribute, t == chroma.NameProperty:
		return "nb"
	}
	return ""
}
