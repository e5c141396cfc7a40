package render

import (
	"regexp"

	"github.com/microcosm-cc/bluemonday"
)

// policy is the second line of defence: everything that the renderer writes on
// purpose, and nothing else.
func policy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "samp", "em", "strong", "del",
		"table", "thead", "tbody", "tr", "th", "td", "figure", "aside", "span")
	class := func(values string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + values + `)$`) }
	p.AllowAttrs("class").Matching(class("run|expect|predict")).OnElements("figure")
	p.AllowAttrs("data-host").Matching(hostName).OnElements("figure")
	p.AllowAttrs("data-name").Matching(predictionName).OnElements("figure")
	p.AllowAttrs("data-fails").Matching(class("")).OnElements("figure")
	p.AllowAttrs("class").Matching(class("callout (?:note|tip|warning)")).OnElements("aside")
	p.AllowAttrs("role").Matching(class("note")).OnElements("aside")
	p.AllowAttrs("class").Matching(class("chroma")).OnElements("pre")
	p.AllowAttrs("class").Matching(class("language-[a-z0-9+#_-]+")).OnElements("code")
	p.AllowAttrs("class").Matching(class("c|k|s|m|nb|nv")).OnElements("span")
	p.AllowAttrs("start").Matching(class("[0-9]{1,9}")).OnElements("ol")
	p.AllowAttrs("align").Matching(class("left|center|right")).OnElements("th", "td")
	p.AllowAttrs("type").Matching(class("checkbox")).OnElements("input")
	p.AllowAttrs("checked", "disabled").Matching(class("")).OnElements("input")

	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("rel").Matching(class("noopener noreferrer")).OnElements("a")
	p.AllowAttrs("target").Matching(class("_blank")).OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	return p
}
