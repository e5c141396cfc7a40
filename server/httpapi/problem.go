package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/netground/netground/server/classroom"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/session"
)

// Problem is an error as RFC 9457 has it, in the caller's language.
type Problem struct {
	Type   string `json:"type" jsonschema:"a URN that names the kind of problem"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail" jsonschema:"a sentence for people"`
	// Details has the sentence in every language, for a page whose reader switches.
	Details lab.Text `json:"details" jsonschema:"the sentence by language"`
	// Place and EstimateSeconds are of a full server.
	Place           int `json:"place,omitempty" jsonschema:"place in the queue of a full server"`
	EstimateSeconds int `json:"estimateSeconds,omitempty"`
	// Field, Line and Column say where a body is wrong.
	Field  string `json:"field,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// RequestID finds the server's own log of what went wrong.
	RequestID string `json:"requestId,omitempty"`
}

// problem is an error that knows how it is answered.
type problem struct {
	status       int
	code         string
	detail       lab.Text
	retry        time.Duration
	place        int
	field        string
	line, column int
	cause        error
}

// Error returns the English sentence.
func (p *problem) Error() string {
	if p.cause != nil {
		return p.detail.In("en") + ": " + p.cause.Error()
	}
	return p.detail.In("en")
}

// Unwrap returns the cause.
func (p *problem) Unwrap() error { return p.cause }

func text(en, ko string) lab.Text { return lab.Text{"en": en, "ko": ko} }

func problemOf(status int, code string, detail lab.Text) *problem {
	return &problem{status: status, code: code, detail: detail}
}

func notAllowed() *problem {
	return problemOf(http.StatusMethodNotAllowed, "method-not-allowed", text("This address does not know that method.", "이 주소에는 쓸 수 없는 요청 방식입니다."))
}

func noSession() *problem {
	return problemOf(http.StatusNotFound, "not-found", text("There is no such session.", "그런 세션이 없습니다."))
}

func noLab() *problem {
	return problemOf(http.StatusNotFound, "not-found", text("There is no such lab.", "그런 실습이 없습니다."))
}

func closing() *problem {
	p := problemOf(http.StatusServiceUnavailable, "closing", text("The server is being restarted. Try again in a minute.", "서버를 다시 시작하고 있습니다. 1분 뒤에 다시 시도하십시오."))
	p.retry = 10 * time.Second
	return p
}

// asProblem finds out how an error is answered.
func asProblem(err error) *problem {
	var (
		p    *problem
		full *session.FullError
		wait *classroom.LimitError
		own  *session.Error
		echo *echo.HTTPError
	)
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &full):
		return &problem{status: 503, code: "full", detail: full.Text(), place: full.Place, retry: max(time.Second, full.Estimate), cause: err}
	case errors.As(err, &wait):
		return &problem{status: http.StatusTooManyRequests, code: "rate", detail: wait.Text(), retry: max(time.Second, wait.Wait), cause: err}
	case errors.As(err, &own):
		return &problem{status: statusOf(own.Code), code: string(own.Code), detail: own.Text, cause: err, retry: retryOf(own.Code)}
	case errors.As(err, &echo) && echo.Code == 405:
		return notAllowed()
	case errors.As(err, &echo) && echo.Code == 404:
		return problemOf(404, "not-found", text("There is nothing at this address.", "이 주소에는 아무것도 없습니다."))
	case errors.Is(err, context.DeadlineExceeded):
		return &problem{status: 503, code: "slow", retry: 5 * time.Second, cause: err,
			detail: text("The server took too long. Try again.", "서버의 응답이 너무 늦었습니다. 다시 시도하십시오.")}
	}
	return &problem{status: 500, code: "failed", cause: err,
		detail: text("Something went wrong on the server. Try again; if it keeps failing, tell whoever runs this server.",
			"서버에서 문제가 생겼습니다. 다시 시도해 보고, 계속 실패하면 서버 운영자에게 알리십시오.")}
}

func statusOf(code session.Code) int {
	switch code {
	case session.NotFound, classroom.NoLink, "no-code", "no-staff", "not-on-roster":
		return http.StatusNotFound
	case classroom.WrongLogin:
		return http.StatusUnauthorized
	case "login", "name", "password":
		return http.StatusBadRequest
	case session.Quota, session.Busy, session.Playing, session.Paused, classroom.Conflict, "name-taken":
		return http.StatusConflict
	case session.Gone:
		return http.StatusGone
	case session.Invalid:
		return http.StatusBadRequest
	case session.Closing:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func retryOf(code session.Code) time.Duration {
	switch code {
	case session.Busy:
		return time.Second
	case session.Closing:
		return 10 * time.Second
	}
	return 0
}

// answerError is echo's error handler: every error of every route ends here.
func (a *API) answerError(err error, ec echo.Context) {
	r, res := ec.Request(), ec.Response()
	p := asProblem(err)
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // nobody is there to read it
	}
	id := requestID(ec)
	if p.status >= 500 && p.code != "full" && p.code != string(session.Closing) {
		a.log.Error("request failed", "request", id, "method", r.Method, "route", ec.Path(), "error", err)
	}
	if res.Committed {
		return
	}
	language := languageOf(r)
	body := Problem{Details: p.detail,
		Type: "urn:netground:problem:" + p.code, Title: title(p.status, language), Status: p.status, Detail: p.detail.In(language),
		Place: p.place, Field: p.field, Line: p.line, Column: p.column,
	}
	if p.place > 0 {
		body.EstimateSeconds = seconds(p.retry)
	}
	if p.status >= 500 {
		body.RequestID = id
	}
	b, _ := json.Marshal(body) // of strings and numbers
	h := res.Header()
	if p.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(seconds(p.retry)))
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Language", language)
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	h.Del("Content-Encoding")
	h.Set("Content-Length", strconv.Itoa(len(b)+1))
	res.WriteHeader(p.status)
	if r.Method != http.MethodHead {
		_, _ = res.Write(append(b, '\n'))
	}
}

func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

// title is the status in words.
func title(status int, language string) string {
	if language == "ko" {
		if ko, ok := map[int]string{
			400: "잘못된 요청", 401: "로그인 필요", 403: "허용되지 않음", 404: "없음", 405: "쓸 수 없는 요청 방식", 409: "지금은 할 수 없음", 410: "끝남",
			413: "너무 큼", 415: "알 수 없는 형식", 426: "웹소켓이 필요함", 429: "너무 잦음", 500: "서버 오류", 503: "지금은 쓸 수 없음",
		}[status]; ok {
			return ko
		}
	}
	return http.StatusText(status)
}
