package session

import (
	"errors"
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
	Playing  Code = "playing"   // 409: the learner's playground has another network
	Busy     Code = "busy"      // 409: the session is being reset, or catches up
	Gone     Code = "ended"     // 410: the session has ended
	Invalid  Code = "invalid"   // 400: an argument that cannot be
	Failed   Code = "failed"    // 500: the machine could not do it
	Closing  Code = "closing"   // 503: the server is shutting down
	Paused   Code = "paused"    // 409: the class is
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

func fail(code Code, en, ko string, cause error) *Error {
	return &Error{Code: code, Text: lab.Text{"en": en, "ko": ko}, Cause: cause}
}

func noLab() error {
	return fail(NotFound, "There is no such lab.", "그런 실습이 없습니다.", nil)
}

func noSession() error {
	return fail(NotFound, "There is no such session.", "그런 세션이 없습니다.", nil)
}

func noStep() error {
	return fail(NotFound, "This lab has no such step.", "이 실습에는 그런 단계가 없습니다.", nil)
}

func noHost() error {
	return fail(NotFound, "This lab has no such host.", "이 실습에는 그런 호스트가 없습니다.", nil)
}

func noTerminal() error {
	return fail(NotFound, "There is no such terminal.", "그런 터미널이 없습니다.", nil)
}

func sessionEnded() error {
	return fail(Gone, "This session has ended. Open the lab again to go on.", "세션이 끝났습니다. 실습을 다시 열면 이어서 할 수 있습니다.", nil)
}

func sessionBusy() error {
	return fail(Busy, "The lab is being prepared. Try again in a moment.", "실습을 준비하고 있습니다. 잠시 뒤에 다시 시도하십시오.", nil)
}

func shuttingDown() error {
	return fail(Closing, "The server is being restarted. Try again in a minute.", "서버를 다시 시작하고 있습니다. 1분 뒤에 다시 시도하십시오.", nil)
}

func cannotStart(cause error) error {
	return fail(Failed, "The lab could not be started. Try again; if it keeps failing, tell whoever runs this server.",
		"실습을 시작하지 못했습니다. 다시 시도해 보고, 계속 실패하면 서버 운영자에게 알리십시오.", cause)
}

// errStoring is why a session could not be made of which nothing can be stored.
var errStoring = errors.New("the session's row")

func cannotStore(cause error) error {
	return fail(Failed, "The server cannot store anything just now, so that no lab can be started. What is open goes on. Try again in a minute.",
		"서버가 지금 아무것도 저장하지 못해 새 실습을 시작할 수 없습니다. 이미 열려 있는 실습은 계속됩니다. 1분 뒤에 다시 시도하십시오.", cause)
}

func quota(sessions int) error {
	return fail(Quota,
		fmt.Sprintf("You have %d labs open, which is as many as fit. End one of them first.", sessions),
		fmt.Sprintf("이미 실습 %d개를 열어 두어 더 열 수 없습니다. 하나를 먼저 끝내십시오.", sessions), nil)
}

func playing() error {
	return fail(Playing, "Your playground runs another network. Starting this one replaces it.",
		"자유 실습에서 다른 네트워크가 실행 중입니다. 이 네트워크를 시작하면 실행 중인 네트워크는 사라집니다.", nil)
}

// tooLarge is about a lab for which no queue would do.
func tooLarge(bytes int64) error {
	return fail(Failed,
		fmt.Sprintf("This lab needs %d MiB of memory, which is more than this server has for all labs together. Tell whoever runs it.", bytes>>20),
		fmt.Sprintf("이 실습에는 메모리 %dMiB가 필요한데, 이 서버가 모든 실습에 쓸 수 있는 양보다 큽니다. 서버 운영자에게 알리십시오.", bytes>>20), nil)
}

func noProbe() error {
	return fail(NotFound, "Only a playground can be asked this; a lab has its checks.", "자유 실습에서만 물어볼 수 있습니다. 다른 실습에서는 단계의 확인을 쓰십시오.", nil)
}

func badAddress() error {
	return fail(Invalid, "This is no address of a host. Write one such as 192.168.1.10.", "호스트의 주소가 아닙니다. 192.168.1.10처럼 쓰십시오.", nil)
}

func probing() error {
	return fail(Busy, "One packet is on its way already. Try again in a moment.", "이미 보낸 패킷의 결과를 기다리고 있습니다. 잠시 뒤에 다시 시도하십시오.", nil)
}

func manyTerminals(limit int) error {
	return fail(Quota,
		fmt.Sprintf("There are %d terminals open, which is as many as fit. Close one of them first.", limit),
		fmt.Sprintf("터미널을 이미 %d개 열어 두어 더 열 수 없습니다. 하나를 먼저 닫으십시오.", limit), nil)
}

func manySubscribers(limit int) error {
	return fail(Quota,
		fmt.Sprintf("This lab is open in %d tabs, which is as many as fit. Close one of them first.", limit),
		fmt.Sprintf("이 실습을 이미 탭 %d개에서 열어 두었습니다. 하나를 먼저 닫으십시오.", limit), nil)
}

func cannotReset(cause error) *Error {
	return fail(Failed, "The lab could not be reset, and is as it was. Try again.",
		"실습을 초기화하지 못했습니다. 실습은 이전 상태 그대로이니 다시 시도하십시오.", cause)
}

func hostHalted() error {
	return fail(Failed, "The host has started and halted again at once. See what it does as it boots, and start it again, or reset the lab.",
		"호스트가 시작하자마자 다시 꺼졌습니다. 부팅할 때 무엇을 하는지 확인하고 다시 시작하거나 실습을 초기화하십시오.", nil)
}

func hostBusy() error {
	return fail(Busy, "The host is rebooting. Try again in a moment.", "호스트가 다시 시작하고 있습니다. 잠시 뒤에 다시 시도하십시오.", nil)
}

func badSize() error {
	return fail(Invalid, "A terminal has 1 to 1000 columns and 1 to 500 rows.", "터미널은 1~1000칸, 1~500줄이어야 합니다.", nil)
}

func badAnswer() error {
	return fail(Invalid, "The answer is too long, or is no text.", "답이 너무 길거나 올바른 텍스트가 아닙니다.", nil)
}

func noAnswer() error {
	return fail(NotFound, "This step asks no such question.", "이 단계에는 그런 질문이 없습니다.", nil)
}

func catchUpStopped() lab.Text {
	return lab.Text{
		"en": "Catching up was stopped, because the lab is being reset.",
		"ko": "실습을 초기화하느라 앞 단계 따라잡기를 멈췄습니다.",
	}
}

func catchUpInterrupted() lab.Text {
	return lab.Text{
		"en": "Catching up was interrupted, because the server was restarted. Start it again to go on.",
		"ko": "서버가 다시 시작되어 앞 단계 따라잡기가 중단되었습니다. 이어서 하려면 다시 실행하십시오.",
	}
}
