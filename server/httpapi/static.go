package httpapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// document is an answer that is the same for everybody.
type document struct {
	plain, gz, br []byte // gz and br may be nil
	etag          string
}

// newDocument compresses an answer that is made once and sent often.
func newDocument(plain []byte) *document {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level exists
	_, _ = w.Write(plain)
	_ = w.Close()
	d := &document{plain: plain, etag: etagOf(plain)}
	if b.Len() < len(plain) {
		d.gz = b.Bytes()
	}
	return d
}

func etagOf(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// document answers with a document that the browser asks for anew each time,
// and gets only if it has changed.
func (c *call) document(d *document, media string) error {
	c.Response().Header().Set("Cache-Control", "no-cache")
	return c.send(d, media, http.StatusOK)
}

// send writes the smallest form that the client takes.
func (c *call) send(d *document, media string, status int) error {
	r, w := c.Request(), c.Response()
	h := w.Header()
	body, encoding := d.plain, ""
	switch accepted := r.Header.Values("Accept-Encoding"); {
	case d.br != nil && accepts(accepted, "br"):
		body, encoding = d.br, "br"
	case d.gz != nil && accepts(accepted, "gzip"):
		body, encoding = d.gz, "gzip"
	}
	etag := `"` + d.etag + `"`
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
		etag = `"` + d.etag + "-" + encoding + `"`
	}
	h.Add("Vary", "Accept-Encoding")
	h.Set("ETag", etag)
	if status == http.StatusOK && matchesTag(r.Header.Get("If-None-Match"), etag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", media)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	_, _ = w.Write(body) // an error means that nobody reads
	return nil
}

func matchesTag(header, etag string) bool {
	for t := range strings.SplitSeq(header, ",") {
		if t = strings.TrimPrefix(strings.TrimSpace(t), "W/"); t == etag || t == "*" {
			return true
		}
	}
	return false
}

// accepts says whether an Accept-Encoding names the encoding, and not with q=0.
func accepts(headers []string, encoding string) bool {
	for _, header := range headers {
		for part := range strings.SplitSeq(header, ",") {
			name, parameters, _ := strings.Cut(part, ";")
			if !strings.EqualFold(strings.TrimSpace(name), encoding) {
				continue
			}
			q, found := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(parameters), " ", ""), "q=")
			value, err := strconv.ParseFloat(q, 64)
			return !found || err == nil && value > 0
		}
	}
	return false
}

// static is the built page in memory: a path of the address is looked up in a
// map, so that no path can lead anywhere else.
type static struct {
	files map[string]*file // by path without the first slash
	index *file            // nil if the page is not built
}

type file struct {
	document
	media string
}

const maxStatic = 64 << 20

// loadStatic reads all files but hidden ones.
func loadStatic(fsys fs.FS) (*static, error) {
	s := &static{files: map[string]*file{}}
	content := map[string][]byte{}
	total := 0
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != "." && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := fs.ReadFile(fsys, name)
		if total += len(b); err == nil && total > maxStatic {
			err = fmt.Errorf("it has more than %d bytes", maxStatic)
		}
		content[name] = b
		return err
	})
	if err != nil {
		return nil, err
	}
	for name, b := range content {
		if ext := path.Ext(name); ext == ".gz" || ext == ".br" {
			if _, isVariant := content[strings.TrimSuffix(name, ext)]; isVariant {
				continue
			}
		}
		media := mime.TypeByExtension(path.Ext(name))
		switch path.Ext(name) { // not left to what the machine's tables say
		case ".js", ".mjs":
			media = "text/javascript; charset=utf-8"
		case ".css":
			media = "text/css; charset=utf-8"
		case ".html":
			media = "text/html; charset=utf-8"
		case ".svg":
			media = "image/svg+xml"
		case ".woff2":
			media = "font/woff2"
		case ".json", ".webmanifest":
			media = "application/json"
		}
		if media == "" {
			media = "application/octet-stream"
		}
		s.files[name] = &file{document{b, content[name+".gz"], content[name+".br"], etagOf(b)}, media}
	}
	s.index = s.files["index.html"]
	return s, nil
}

// fingerprinted are names that the build gives anew when their content changes.
var fingerprinted = regexp.MustCompile(`^assets/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+(\.map)?$`)

// page answers with a file of the build, or with the page itself: with 404 if
// it will say that there is nothing.
func (a *API) page(c *call) error {
	h := c.Response().Header()
	address := c.Request().URL.Path
	name := strings.TrimPrefix(address, "/")
	if f := a.static.files[name]; f != nil && name != "index.html" {
		h.Set("Cache-Control", "no-cache")
		if fingerprinted.MatchString(name) {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		return c.send(&f.document, f.media, http.StatusOK)
	}
	status := http.StatusNotFound
	if a.isPage(address) {
		status = http.StatusOK
	}
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(address, "/assets/") { // a script's place must not hold a page
		return c.send(&document{plain: []byte("not found\n"), etag: "none"}, "text/plain; charset=utf-8", http.StatusNotFound)
	}
	if a.static.index == nil {
		return c.send(notBuilt(c.caller.Language), "text/html; charset=utf-8", http.StatusServiceUnavailable)
	}
	return c.send(&a.static.index.document, a.static.index.media, status)
}

// isPage says whether the page has something to show at the address.
func (a *API) isPage(address string) bool {
	parts := strings.Split(strings.Trim(address, "/"), "/")
	switch first, more := parts[0], len(parts)-1; first {
	case "", "back", "cheatsheet":
		return more == 0
	case "join":
		return more <= 1
	case "teach": // which classes there are is not for strangers to learn from a status
		return more <= 3
	case "playground":
		return more == 0 || more == 1 && parts[1] == "network"
	case "labs":
		return more == 1 && a.catalog.Load().labs[parts[1]] != nil
	}
	return false
}

func notBuilt(language string) *document {
	title, sentence := "Netground", text("The page is not built yet. Run deploy/setup on the server, then start it again.",
		"아직 페이지가 빌드되지 않았습니다. 서버에서 deploy/setup을 실행한 뒤 다시 시작하십시오.")
	return &document{etag: "none", plain: []byte("<!doctype html><html lang=\"" + language + "\"><meta charset=\"utf-8\"><title>" + title +
		"</title><p>" + html.EscapeString(sentence.In(language)) + "</p></html>\n")}
}
