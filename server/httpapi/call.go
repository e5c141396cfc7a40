package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/netground/netground/server/classroom"
	"github.com/netground/netground/server/session"
	"golang.org/x/text/language"
)

// call is one request that has passed the guards.
type call struct {
	echo.Context
	caller session.Caller
	in     any // the body, a pointer to what the route's Request points to

	address string // of the client, as limits count it
	tls     bool
	signIn  string       // of who teaches
	me      classroom.Me // who teaches; no id: nobody
}

// idPattern is what ids and names in addresses may look like; whether there is
// such a one is somebody else's question.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// id returns a part of the address, or "" if it cannot name anything.
func (c *call) id(name string) string {
	v := c.Param(name)
	if c.Request().URL.RawPath != "" { // echo then takes the parameters from it
		var err error
		if v, err = url.PathUnescape(v); err != nil {
			return ""
		}
	}
	if !idPattern.MatchString(v) {
		return ""
	}
	return v
}

// json answers with a value that depends on who asks.
func (c *call) json(status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("cannot write the answer: %w", err)
	}
	h := c.Response().Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Language", c.caller.Language)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	c.Response().WriteHeader(status)
	_, err = c.Response().Write(b)
	return err
}

func (c *call) none(status int) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	c.Response().WriteHeader(status)
	return nil
}

// languageOf returns the language of the answer: what ?lang= says, or what the
// browser likes best of those that there are.
func languageOf(r *http.Request) string {
	switch l := r.URL.Query().Get("lang"); l {
	case "ko", "en":
		return l
	}
	header := r.Header.Get("Accept-Language")
	if len(header) > 200 { // a browser's list is shorter
		return "en"
	}
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return "en"
	}
	for _, t := range tags {
		switch base, _ := t.Base(); base.String() {
		case "ko":
			return "ko"
		case "en":
			return "en"
		}
	}
	return "en"
}

// decode reads the body that the route wants: one JSON value, nothing unknown.
func decode(w http.ResponseWriter, r *http.Request, route *route) (any, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return nil, problemOf(http.StatusUnsupportedMediaType, "content-type", text("The body must be JSON, with the content type application/json.", "본문은 JSON이어야 하며 Content-Type은 application/json이어야 합니다."))
	}
	tooLarge := problemOf(http.StatusRequestEntityTooLarge, "too-large", text(
		fmt.Sprintf("The body is larger than %d bytes.", route.MaxBody), fmt.Sprintf("본문이 %d바이트보다 큽니다.", route.MaxBody)))
	if r.ContentLength > route.MaxBody {
		w.Header().Set("Connection", "close")
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, route.MaxBody))
	var tooMany *http.MaxBytesError
	if errors.As(err, &tooMany) {
		return nil, tooLarge
	}
	if err != nil {
		return nil, &problem{status: http.StatusBadRequest, code: "body", cause: err, detail: text("The body did not arrive whole.", "본문이 끝까지 오지 않았습니다.")}
	}
	in := reflect.New(reflect.TypeOf(route.Request).Elem()).Interface()
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		return nil, badJSON(err, body, d.InputOffset())
	}
	end := d.InputOffset()
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed(body, end, nil)
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("null")) {
		return nil, malformed(body, 0, nil)
	}
	return in, nil
}

// badJSON says what is wrong with a body, and where.
func badJSON(err error, body []byte, offset int64) *problem {
	var (
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &kind):
		p := malformed(body, kind.Offset, err)
		if kind.Field == "" {
			return p
		}
		p.code, p.field = "field", kind.Field
		p.detail = text(fmt.Sprintf("The field %q cannot be a %s like this (line %d, column %d).", kind.Field, kind.Value, p.line, p.column),
			fmt.Sprintf("필드 %q의 값이 올바르지 않습니다(%d행 %d열).", kind.Field, p.line, p.column))
		return p
	case errors.As(err, &syntax):
		return malformed(body, syntax.Offset, err)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name, _ = strconv.Unquote(name)
		// The decoder has no place for it; where the name stands first is where to look.
		if i := bytes.Index(body, []byte(strconv.Quote(name))); i >= 0 {
			offset = int64(i) + 1
		}
		p := malformed(body, offset, err)
		p.code, p.field = "field", name
		p.detail = text(fmt.Sprintf("The field %q is not known (line %d, column %d).", name, p.line, p.column),
			fmt.Sprintf("알 수 없는 필드 %q: %d행 %d열을 확인하십시오.", name, p.line, p.column))
		return p
	}
	return malformed(body, int64(len(body)), err) // it ends too early, or is empty
}

func malformed(body []byte, offset int64, cause error) *problem {
	before := body[:min(max(0, offset-1), int64(len(body)))]
	if offset == 0 {
		before = nil
	}
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - (bytes.LastIndexByte(before, '\n') + 1) + 1
	return &problem{status: http.StatusBadRequest, code: "json", line: line, column: column, cause: cause, detail: text(
		fmt.Sprintf("The body is not the JSON object that is wanted here (line %d, column %d).", line, column),
		fmt.Sprintf("본문이 여기에 필요한 JSON 객체가 아닙니다(%d행 %d열).", line, column))}
}
