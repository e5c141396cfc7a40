package render

import (
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// callout is a block quote that begins with a line like [!NOTE].
type callout struct {
	ast.BaseBlock
	kind string // note, tip or warning
}

// Kind implements ast.Node.
func (c *callout) Kind() ast.NodeKind { return kindCallout }

// Dump implements ast.Node.
func (c *callout) Dump(source []byte, level int) {
	ast.DumpHelper(c, source, level, map[string]string{"Kind": c.kind}, nil)
}

// kindCallout is goldmark's number of the node: it is given once, for the
// program, and never changes.
var kindCallout = ast.NewNodeKind("Callout")

var marker = regexp.MustCompile(`^\[!([A-Za-z]+)\][ \t]*$`)

// callouts makes callouts of the block quotes that are meant as such.
type callouts struct{}

// Transform implements parser.ASTTransformer.
func (callouts) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	var quotes []*ast.Blockquote
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if q, ok := n.(*ast.Blockquote); ok && entering {
			quotes = append(quotes, q)
		}
		return ast.WalkContinue, nil
	})
	for _, q := range quotes {
		kind, ok := takeMarker(q, reader.Source())
		if !ok {
			continue
		}
		c := &callout{kind: kind}
		for child := q.FirstChild(); child != nil; {
			next := child.NextSibling()
			c.AppendChild(c, child)
			child = next
		}
		q.Parent().ReplaceChild(q.Parent(), q, c)
	}
}

// takeMarker removes the first line of the quote if it is a callout's marker.
func takeMarker(q *ast.Blockquote, source []byte) (kind string, ok bool) {
	p, isParagraph := q.FirstChild().(*ast.Paragraph)
	if !isParagraph || p.Lines().Len() == 0 {
		return "", false
	}
	first := p.Lines().At(0)
	m := marker.FindStringSubmatch(strings.TrimRight(string(first.Value(source)), "\r\n"))
	if m == nil {
		return "", false
	}
	switch strings.ToUpper(m[1]) {
	case "NOTE", "IMPORTANT":
		kind = "note"
	case "TIP":
		kind = "tip"
	case "WARNING", "CAUTION":
		kind = "warning"
	default:
		return "", false
	}
	// The marker has become text nodes, the last of them ending the line.
	for child := p.FirstChild(); child != nil; {
		t, isText := child.(*ast.Text)
		if !isText || t.Segment.Start >= first.Stop {
			break
		}
		next := child.NextSibling()
		p.RemoveChild(p, child)
		child = next
	}
	if p.ChildCount() == 0 {
		q.RemoveChild(q, p)
	}
	return kind, true
}
