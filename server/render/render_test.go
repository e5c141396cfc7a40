package render

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"
)

func TestGolden(t *testing.T) {
	r := New()
	for _, c := range []struct{ name, in, want string }{
		{"text", "A **host** and `ip link`.", "<p>A <strong>host</strong> and <code>ip link</code>.</p>\n"},
		{"emphasis before a particle", "**이름(name)**은 **`ip`**를 *\"값\"*으로 a**\"b\"**c", "<p><strong>이름(name)</strong>은 <strong><code>ip</code></strong>를 <em>&#34;값&#34;</em>으로 a**&#34;b&#34;**c</p>\n"},
		{"emphasis after a word", "값은**(name)** 2 * 3 * 4 가 * 나 *", "<p>값은<strong>(name)</strong> 2 * 3 * 4 가 * 나 *</p>\n"},
		{"no numbers in commands", "```bash\nsleep 1 # x\n```", "<pre class=\"chroma\"><code class=\"language-bash\">sleep 1 <span class=\"c\"># x</span>\n</code></pre>\n"},
		{"run", "```bash host=A\nip link\n```", "<figure class=\"run\" data-host=\"A\"><pre class=\"chroma\"><code>ip link\n</code></pre></figure>\n"},
		{"run fails", "```bash host=web-1 fails\nping B\n```", "<figure class=\"run\" data-host=\"web-1\" data-fails=\"\"><pre class=\"chroma\"><code>ping B\n</code></pre></figure>\n"},
		{"run escapes", "```sh host=A\necho '<b>' & wait # \"x\"\n```", "<figure class=\"run\" data-host=\"A\"><pre class=\"chroma\"><code>echo <span class=\"s\">&#39;&lt;b&gt;&#39;</span> &amp; wait <span class=\"c\"># &#34;x&#34;</span>\n</code></pre></figure>\n"},
		{"expect", "```expect\n64 bytes <a>\n```", "<figure class=\"expect\"><pre><samp>64 bytes &lt;a&gt;\n</samp></pre></figure>\n"},
		{"a prediction", "```predict what-then\n```", "<figure class=\"predict\" data-name=\"what-then\"></figure>\n"},
		{"a prediction of no name", "```predict <b>\n```", "<pre class=\"chroma\"><code class=\"language-predict\"></code></pre>\n"},
		{"expect in braces", "``` {expect}\nok\n```", "<figure class=\"expect\"><pre><samp>ok\n</samp></pre></figure>\n"},
		{"expect of a language", "```bash {expect}\nok\n```", "<figure class=\"expect\"><pre><samp>ok\n</samp></pre></figure>\n"},
		{"host without a language", "```text host=A\nx\n```", "<pre class=\"chroma\"><code class=\"language-text\">x\n</code></pre>\n"},
		{"note", "> [!NOTE]\n> Read *this*.", "<aside class=\"callout note\" role=\"note\">\n<p>Read <em>this</em>.</p>\n</aside>\n"},
		{"note in Korean", "> [!NOTE]\n> 읽으십시오.", "<aside class=\"callout note\" role=\"note\">\n<p>읽으십시오.</p>\n</aside>\n"},
		{"tip", "> [!TIP]\n> 한\n> 번", "<aside class=\"callout tip\" role=\"note\">\n<p>한\n번</p>\n</aside>\n"},
		{"caution", "> [!caution]\n>\n> - 하나", "<aside class=\"callout warning\" role=\"note\">\n<ul>\n<li>하나</li>\n</ul>\n</aside>\n"},
		{"callout with code", "> [!WARNING]\n> ```bash host=A\n> ls\n> ```", "<aside class=\"callout warning\" role=\"note\">\n<figure class=\"run\" data-host=\"A\"><pre class=\"chroma\"><code>ls\n</code></pre></figure>\n</aside>\n"},
		{"no callout", "> [!NOTE] more\n> text", "<blockquote>\n<p>[!NOTE] more\ntext</p>\n</blockquote>\n"},
		{"unknown callout", "> [!DANGER]\n> text", "<blockquote>\n<p>[!DANGER]\ntext</p>\n</blockquote>\n"},
		{"external link", "[x](https://example.org/?a=1&b=2)", "<p><a href=\"https://example.org/?a=1&amp;b=2\" rel=\"noopener noreferrer\" target=\"_blank\">x</a></p>\n"},
		{"own links", "[a](/labs/switching) [b](#step) [c](other) [d](mailto:a@example.org)", "<p><a href=\"/labs/switching\">a</a> <a href=\"#step\">b</a> <a href=\"other\">c</a> <a href=\"mailto:a@example.org\">d</a></p>\n"},
		{"bare link", "see https://example.org/x.", "<p>see <a href=\"https://example.org/x\" rel=\"noopener noreferrer\" target=\"_blank\">https://example.org/x</a>.</p>\n"},
		{"image", "![a *picture*](https://example.org/x.png)", "<p>a <em>picture</em></p>\n"},
		{"heading", "# big\n\n#### small", "<h3>big</h3>\n<h4>small</h4>\n"},
		{"table", "|a|b|\n|:-|-:|\n|1|2|", "<table>\n<thead>\n<tr>\n<th align=\"left\">a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td align=\"left\">1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table>\n"},
		{"tag is text", "an <b>old</b> habit", "<p>an &lt;b&gt;old&lt;/b&gt; habit</p>\n"},
		{"yaml", "```yaml\na: 1\n```", "<pre class=\"chroma\"><code class=\"language-yaml\"><span class=\"nb\">a</span>: <span class=\"m\">1</span>\n</code></pre>\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := r.Lesson(c.in); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestShort(t *testing.T) {
	r := New()
	if got, want := r.Hint("Use `ip`."), "<p>Use <code>ip</code>.</p>\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for in, want := range map[string]string{
		"Use `ip` <b>":    "Use <code>ip</code> &lt;b&gt;",
		"- <i>a</i>\n- b": "- &lt;i&gt;a&lt;/i&gt;\n- b",
		"a\n\nb":          "a\n\nb",
		"":                "",
	} {
		if got := r.Inline(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// attacks are what a lesson may not bring into a page, each in its own way.
func attacks() []string {
	return []string{
		`<script>alert(1)</script>`, `<SCRIPT SRC=//evil></SCRIPT>`, `<scr<script>ipt>alert(1)</script>`, `<svg onload=alert(1)>`,
		`<svg><script>alert(1)</script></svg>`, `<img src=x onerror=alert(1)>`, `<body onload=alert(1)>`, `<iframe src="javascript:alert(1)">`,
		`<a href="javascript:alert(1)">x</a>`, `<math><mi xlink:href="data:x,y">`, `<style>*{}</style>`, `<base href=//evil>`,
		`<meta http-equiv=refresh content="0;url=//evil">`, `<form action=//evil><button>x</button></form>`, `<object data=//evil>`, `<!--><script>`,
		`<?php evil ?>`, `<![CDATA[<script>]]>`, `<!DOCTYPE html>`, "<div\nonclick=alert(1)>", `</p></div></main><script>`,
		`[x](javascript:alert(1))`, `[x](JaVaScRiPt:alert(1))`, `[x](javascript&colon;alert(1))`, `[x](&#106;avascript:alert(1))`,
		`[x](&#x6A;avascript&#58;alert(1))`, "[x](java\tscript:alert(1))", "[x](<java\tscript:alert(1)>)", `[x](<java&Tab;script:alert(1)>)`,
		`[x](<java&NewLine;script:alert(1)>)`, `[x](&#1;javascript:alert(1))`, `[x](< javascript:alert(1)>)`, `[x](vbscript:x)`, `[x](file:///etc/passwd)`,
		`[x](data:text/html,<script>alert(1)</script>)`, `[x](data:text/html;base64,PHNjcmlwdD4=)`, `[x](//evil)`, `[x](/\evil)`, `[x](\\evil)`, `[x](<\/\/evil>)`,
		`[x](&#47;&#47;evil)`, `[x](https:evil)`, `[x](http:\\evil)`, `[x](blob:https://x/y)`, `[x](feed:javascript:alert(1))`, `[x]: javascript:alert(1)` + "\n\n[x]",
		`[x](https://a "onmouseover=alert(1)")`, `[x](https://a" onmouseover="alert(1))`, `[x](https://a'"><script>alert(1)</script>)`, `<javascript:alert(1)>`,
		`<data:text/html,x>`, `<https://a"onclick="x>`, `![x](javascript:alert(1))`, `![x](data:image/svg+xml,<svg/onload=alert(1)>)`, `![" onerror="x](y)`,
		`&lt;script&gt;alert(1)&lt;/script&gt;`, `&#60;script&#62;`, "`<script>`", "    <script>alert(1)</script>",
		"```\n<script>alert(1)</script>", "```html\n</code></pre><script>alert(1)</script>\n```", "```\"><script>alert(1)</script>\nx\n```",
		"```bash host=\"><script>alert(1)</script>\nx\n```", "```bash host=A\"onclick=x\nx\n```", "```bash host=A' fails\nx\n```", "```{expect}\n</samp></pre><svg onload=x>\n```",
		"~~~bash host=A\n```\n<script>\n~~~", "> [!NOTE]\n> <script>alert(1)</script>", "> [!<script>]\n> x", "> [!NOTE\"onclick=x]\n> x",
		"|<script>|\n|-|\n|<img onerror=x>|", "- [x] <input onfocus=alert(1) autofocus>", "# <script>x</script> {onclick=x}", "# x {#id .class onclick=alert(1)}",
		"\x00<script>\x00", "\xff\xfe<script>", "&#0;<scr&#0;ipt>", "+ADw-script+AD4-", "\u2028<script>", "[a](b){onclick=x}", "[^1]\n\n[^1]: <script>",
		"<" + strings.Repeat("a<", 500) + "script>", strings.Repeat("> ", 200) + "<script>", strings.Repeat("[", 500) + "](javascript:x)",
	}
}

func TestAttacks(t *testing.T) {
	r := New()
	for _, in := range attacks() {
		out := r.Lesson(in)
		if problem := unsafe(out); problem != "" {
			t.Errorf("%q: %s in\n%s", in, problem, out)
		}
		if problem := unsafe(r.Inline(in)); problem != "" {
			t.Errorf("inline %q: %s", in, problem)
		}
	}
	// What an author may still want to talk about stays readable.
	if out := r.Lesson("`<script>` and <script>"); out != "<p><code>&lt;script&gt;</code> and &lt;script&gt;</p>\n" {
		t.Error(out)
	}
}

// unsafe parses as a browser does and says what is not on the list.
func unsafe(out string) string {
	allowed := map[string]string{
		"p": "", "br": "", "hr": "", "h3": "", "h4": "", "h5": "", "h6": "", "ul": "", "ol": "start", "li": "", "blockquote": "", "pre": "class",
		"code": "class", "samp": "", "em": "", "strong": "", "del": "", "a": "href rel target", "table": "", "thead": "", "tbody": "", "tr": "",
		"th": "align", "td": "align", "input": "checked disabled type", "figure": "class data-host data-fails data-name", "aside": "class role", "span": "class",
		"html": "", "head": "", "body": "",
	}
	doc, err := html.Parse(strings.NewReader(out))
	if err != nil {
		return err.Error()
	}
	for n := range doc.Descendants() {
		switch n.Type {
		case html.CommentNode, html.DoctypeNode, html.RawNode:
			return "a comment or declaration"
		case html.ElementNode:
			attributes, ok := allowed[n.Data]
			if !ok || n.Namespace != "" {
				return "element " + n.Data
			}
			for _, a := range n.Attr {
				if !strings.Contains(" "+attributes+" ", " "+a.Key+" ") {
					return "attribute " + a.Key + " of " + n.Data
				}
				if a.Key == "href" {
					if _, ok := linkTarget([]byte(a.Val)); !ok {
						return "link to " + a.Val
					}
				}
			}
		}
	}
	return ""
}

func FuzzLesson(f *testing.F) {
	for _, in := range attacks() {
		f.Add(in)
	}
	f.Add("```bash host=A fails\nip link # x\n```\n\n> [!NOTE]\n> x\n\n|a|\n|-|\n|b|\n\n1. x\n2. [y](https://z)")
	r := New()
	f.Fuzz(func(t *testing.T, in string) {
		out := r.Lesson(in)
		if problem := unsafe(out); problem != "" {
			t.Fatalf("%s in\n%s", problem, out)
		}
	})
}

// TestOwnLessons renders the labs of the repository: no syntax must be left over.
func TestOwnLessons(t *testing.T) {
	files, err := filepath.Glob("../../labs/*/lesson.*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d lessons, %v", len(files), err)
	}
	r := New()
	var wg sync.WaitGroup
	for _, file := range files {
		wg.Go(func() {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
				return
			}
			out := r.Lesson(string(source))
			if problem := unsafe(out); problem != "" {
				t.Errorf("%s: %s", file, problem)
			}
			if got, want := strings.Count(out, `<figure class="run"`), strings.Count(string(source), " host="); got != want {
				t.Errorf("%s: %d run blocks, want %d", file, got, want)
			}
			if got, want := strings.Count(out, `<figure class="predict"`), strings.Count(string(source), "```predict"); got != want {
				t.Errorf("%s: %d predictions, want %d", file, got, want)
			}
			for _, left := range []string{"**", "[!", "](", "```"} {
				if strings.Contains(withoutCode(out), left) {
					t.Errorf("%s: %q is left in the text", file, left)
				}
			}
		})
	}
	wg.Wait()
}

func withoutCode(out string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(out, "<code") {
		_, after, found := strings.Cut(part, "</code>")
		if !found {
			after = part
		}
		b.WriteString(after)
	}
	return b.String()
}
