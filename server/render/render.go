// Package render turns the markdown of lessons and hints into HTML that a page
// may insert as it is. Two lines of defence stand one behind the other: the
// renderer knows no raw HTML and writes only what is named here, and what it
// wrote passes an allow-list of elements and attributes (policy.go).
//
// Beyond GitHub's tables, strike-through, task lists and bare links:
//
//   - a fenced block `bash host=A` is a <figure class="run" data-host="A">, with
//     data-fails where the info string says fails;
//   - a fenced block `predict NAME` is an empty <figure class="predict" data-name="NAME">,
//     in which the page asks;
//   - a fenced block `expect` (or with {expect}) is a <figure class="expect">;
//   - `> [!NOTE]`, TIP and WARNING are <aside class="callout note|tip|warning">;
//     IMPORTANT counts as note, CAUTION as warning. The page's style sheet puts
//     the word above it, in the language of the page;
//   - code has <pre class="chroma"> and spans of six classes, whose look belongs
//     to the page: c comment, k keyword, s string, m number, nb name of a
//     command or function, nv variable.
//
// Images are their alternative text: labs have no images, and one from
// elsewhere would tell a stranger who reads.
package render

import (
	"bytes"
	"html"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// maxInput bounds one text, in bytes; a lab's file cannot have more either.
const maxInput = 256 << 10

// Renderer renders markdown. It may be used by several goroutines at once.
type Renderer struct {
	markdown goldmark.Markdown
	policy   *bluemonday.Policy
}

// New returns a Renderer.
func New() *Renderer { return &Renderer{markdown: newMarkdown(), policy: policy()} }

// Lesson renders a section of a lesson.
func (r *Renderer) Lesson(markdown string) string {
	if len(markdown) > maxInput {
		markdown = markdown[:maxInput]
	}
	markdown = strings.ReplaceAll(strings.ToValidUTF8(markdown, "\uFFFD"), "\x00", "\uFFFD")
	var out bytes.Buffer
	if err := r.markdown.Convert([]byte(markdown), &out); err != nil {
		// A buffer takes all writes, so this is a renderer's mistake: the text
		// is better read without form than not at all.
		return "<pre>" + html.EscapeString(markdown) + "</pre>\n"
	}
	return r.policy.SanitizeReader(&out).String()
}

// Hint renders a hint: a sentence or a few, with the same rules.
func (r *Renderer) Hint(markdown string) string { return r.Lesson(markdown) }

// Inline renders one line of text for a place where blocks do not fit: the one
// paragraph's inside. Of anything else it returns the escaped text.
func (r *Renderer) Inline(markdown string) string {
	out := strings.TrimSpace(r.Hint(markdown))
	inside, opened := strings.CutPrefix(out, "<p>")
	inside, closed := strings.CutSuffix(inside, "</p>")
	if !opened || !closed || strings.Contains(inside, "<p>") {
		return html.EscapeString(markdown)
	}
	return inside
}

// newMarkdown has the parsers of CommonMark but those of HTML: a tag is text.
func newMarkdown() goldmark.Markdown {
	p := parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewSetextHeadingParser(), 100),
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(parser.NewListParser(), 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(parser.NewBlockquoteParser(), 800),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(emphasis{parser.NewEmphasisParser()}, 500),
		),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
		parser.WithASTTransformers(util.Prioritized(callouts{}, 100)),
	)
	return goldmark.New(
		goldmark.WithParser(p),
		goldmark.WithExtensions(
			extension.Linkify,
			// The content security policy refuses inline styles.
			extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
			extension.Strikethrough,
			extension.TaskList,
		),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(nodes{}, 10))),
	)
}
