package session

import (
	"fmt"
	"time"

	"github.com/netground/netground/server/lab"
)

// Code is a stable name of what went wrong, which HTTP status codes follow.
type Code string

// The codes of Error.
const (
	NotFound Code = "not-found" // 404: no such lab, session, step, host or terminal, or not the caller's
	Quota    Code = "quota"     // 409: the learner has too many sessions or terminals
	Busy     Code = "busy"      // 409: the session is being reset, or catches up
	Gone     Code = "ended"     // 410: the session has ended
	Invalid  Code = "invalid"   // 400: an argument that cannot be
	Failed   Code = "failed"    // 500: the machine could not do it
	Closing  Code = "closing"   // 503: the server is shutting down
)

// Error is what a Manager's methods return for everything but a full server
// (FullError). Text is a sentence for the learner.
type Error struct {
	Code  Code
	Text  lab.Text
	Cause error
}

// Error returns the English sentence and the cause.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %v", e.Text.In("en"), e.Cause)
	}
	return e.Text.In("en")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// FullError says that the server has no place for another session.
type FullError struct {
	Place    int           // in the queue; 1 is next
	Estimate time.Duration // until a place may be free
}

// Error returns the English sentence.
func (e *FullError) Error() string { return e.Text().In("en") }

// Text returns the sentence for the learner.
func (e *FullError) Text() lab.Text {
	minutes := max(1, int((e.Estimate+time.Minute-1)/time.Minute))
	unit := "minutes"
	if minutes == 1 {
		unit = "minute"
	}
	return lab.Text{
		"en": fmt.Sprintf("All places are taken. You are number %d in the queue; a place should be free in about %d %s.", e.Place, minutes, unit),
		"ko": fmt.Sprintf("빈자리가 없습니다. 대기 순서는 %d번이고, 약 %d분 뒤에 자리가 날 것으로 보입니다.", e.Place, minutes),
	}
}
