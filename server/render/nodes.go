package render

import (
	"bytes"
	"html"
	"net/url"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// nodes writes the nodes for which goldmark's own way is too generous, or
// which it does not know.
type nodes struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (n nodes) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindFencedCodeBlock, n.fenced)
	reg.Register(ast.KindCodeBlock, n.indented)
	reg.Register(ast.KindLink, n.link)
	reg.Register(ast.KindAutoLink, n.autoLink)
	reg.Register(ast.KindImage, n.image)
	reg.Register(ast.KindHeading, n.heading)
	reg.Register(kindCallout, n.callout)
}

func (nodes) fenced(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		b := node.(*ast.FencedCodeBlock)
		var in info
		if b.Info != nil {
			in = parseInfo(string(b.Info.Segment.Value(source)))
		}
		writeCode(w, in, lines(b, source))
	}
	return ast.WalkSkipChildren, nil
}

func (nodes) indented(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		writeCode(w, info{}, lines(node, source))
	}
	return ast.WalkSkipChildren, nil
}

func lines(node ast.Node, source []byte) string {
	var b strings.Builder
	for i := range node.Lines().Len() {
		segment := node.Lines().At(i)
		b.Write(segment.Value(source))
	}
	return b.String()
}

// heading is a plain one: its level follows the page's, whose sections are h2.
func (nodes) heading(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	tag := "h" + string(rune('0'+min(6, max(3, node.(*ast.Heading).Level))))
	if entering {
		_, _ = w.WriteString("<" + tag + ">")
	} else {
		_, _ = w.WriteString("</" + tag + ">\n")
	}
	return ast.WalkContinue, nil
}

// link writes an allowed link; of another one only the text stays.
func (nodes) link(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	target, ok := linkTarget(util.URLEscape(node.(*ast.Link).Destination, true))
	switch {
	case !ok:
	case entering:
		openLink(w, target)
	default:
		_, _ = w.WriteString("</a>")
	}
	return ast.WalkContinue, nil
}

func (nodes) autoLink(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	l := node.(*ast.AutoLink)
	to := util.URLEscape(l.URL(source), false)
	if l.AutoLinkType == ast.AutoLinkEmail && !bytes.HasPrefix(bytes.ToLower(to), []byte("mailto:")) {
		to = append([]byte("mailto:"), to...)
	}
	label := html.EscapeString(string(l.Label(source)))
	target, ok := linkTarget(to)
	if !ok {
		_, _ = w.WriteString(label)
		return ast.WalkContinue, nil
	}
	openLink(w, target)
	_, _ = w.WriteString(label + "</a>")
	return ast.WalkContinue, nil
}

func (nodes) image(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) {
	return ast.WalkContinue, nil // its children are the alternative text
}

func openLink(w util.BufWriter, target string) {
	_, _ = w.WriteString(`<a href="` + html.EscapeString(target) + `"`)
	if isExternal(target) {
		_, _ = w.WriteString(` rel="noopener noreferrer" target="_blank"`)
	}
	_, _ = w.WriteString(">")
}

// linkTarget says whether a link may lead there: http, https, mailto, or
// within this site. It looks at exactly the bytes that are written.
func linkTarget(b []byte) (string, bool) {
	s := string(b)
	// Browsers drop control characters, and read \ as /, when they parse.
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", false
	}
	switch u.Scheme {
	case "http", "https":
		return s, u.Host != ""
	case "mailto":
		return s, u.Opaque != ""
	case "":
		return s, s != "" && u.Host == "" && !strings.HasPrefix(s, "//")
	}
	return "", false
}

func isExternal(target string) bool {
	u, err := url.Parse(target)
	return err != nil || u.Scheme == "http" || u.Scheme == "https"
}

func (nodes) callout(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		_, _ = w.WriteString("</aside>\n")
		return ast.WalkContinue, nil
	}
	_, _ = w.WriteString(`<aside class="callout ` + node.(*callout).kind + `" role="note">` + "\n")
	return ast.WalkContinue, nil
}
