package store

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/netground/netground/server/store/pgtest"
)

// postgres serves all tests of the package.
var postgres *pgtest.Server

func TestMain(m *testing.M) {
	var err error
	if postgres, err = pgtest.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := postgres.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// both runs a test against an empty database of each kind.
func both(t *testing.T, test func(*testing.T, *Store)) {
	t.Run("SQLite", func(t *testing.T) { test(t, open(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, openURL(t, postgres.Database(t))) })
}

func openURL(t *testing.T, url string) *Store {
	t.Helper()
	s, err := OpenURL(t.Context(), url)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %+v\nwant %+v", what, got, want)
	}
}

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestStaff(t *testing.T) { both(t, testStaff) }

func testStaff(t *testing.T, s *Store) {
	ctx := t.Context()
	kim := Staff{ID: "a", Login: "kim", Name: "Kim", Role: "owner", Created: day}
	must(t, s.SaveStaff(ctx, kim))
	wantErr(t, s.SaveStaff(ctx, Staff{ID: "b", Login: "kim", Name: "Other", Role: "teacher", Created: day}), ErrTaken)
	got, err := s.StaffByLogin(ctx, "kim")
	must(t, err)
	want(t, "staff", got, kim)
	must(t, s.SaveLink(ctx, "a", "first", day.Add(time.Hour)))
	must(t, s.SaveLink(ctx, "a", "second", day.Add(time.Hour)))
	_, err = s.Link(ctx, "first", day)
	wantErr(t, err, ErrNotFound) // a new link voids the old one
	_, err = s.Link(ctx, "second", day.Add(time.Hour))
	wantErr(t, err, ErrNotFound) // too old
	must(t, s.SignedIn(ctx, "x", "a", day, day.Add(time.Hour)))
	kim.Password = "hash"
	must(t, s.UseLink(ctx, "second", kim, day))
	wantErr(t, s.UseLink(ctx, "second", kim, day), ErrNotFound) // once
	_, err = s.SignedInAs(ctx, "x", day)
	wantErr(t, err, ErrNotFound) // signed in before the new password
	must(t, s.SignedIn(ctx, "y", "a", day, day.Add(time.Hour)))
	must(t, s.SignedIn(ctx, "z", "a", day, day.Add(time.Hour)))
	got, err = s.SignedInAs(ctx, "y", day)
	must(t, err)
	want(t, "signed in", got, kim)
	_, err = s.SignedInAs(ctx, "y", day.Add(time.Hour))
	wantErr(t, err, ErrNotFound)
	must(t, s.SignOut(ctx, "y", "a")) // all others
	_, err = s.SignedInAs(ctx, "z", day)
	wantErr(t, err, ErrNotFound)
	must(t, s.SignOut(ctx, "y", ""))
	_, err = s.SignedInAs(ctx, "y", day)
	wantErr(t, err, ErrNotFound)
	_, err = s.StaffBySubject(ctx, "")
	wantErr(t, err, ErrNotFound)
	must(t, s.DeleteStaff(ctx, "a"))
	wantErr(t, s.DeleteStaff(ctx, "a"), ErrNotFound)
}

func TestClasses(t *testing.T) { both(t, testClasses) }

func testClasses(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.SaveStaff(ctx, Staff{ID: "kim", Login: "kim", Name: "Kim", Role: "teacher", Created: day}))
	c := Class{ID: "c", Name: "Class", Code: "K7M3QX", State: "open", Labs: []string{"b", "a"}, Recording: true, RetainDays: 9, Created: day}
	must(t, s.SaveClass(ctx, c))
	wantErr(t, s.SaveClass(ctx, Class{ID: "d", Name: "Other", Code: "K7M3QX", State: "open", Created: day}), ErrTaken)
	must(t, s.SaveClass(ctx, Class{ID: "d", Name: "Other", Code: "K7M3QY", State: "ended", Labs: []string{}, Created: day.Add(time.Hour), Ended: day.Add(2 * time.Hour)}))
	got, err := s.ClassByCode(ctx, "K7M3QX")
	must(t, err)
	want(t, "class", got, c)
	_, err = s.ClassByName(ctx, "Other")
	wantErr(t, err, ErrNotFound) // it has ended
	must(t, s.SetClassStaff(ctx, "c", "kim", "assistant"))
	must(t, s.SetClassStaff(ctx, "c", "kim", "teacher"))
	list, err := s.Classes(ctx, "kim", false)
	must(t, err)
	want(t, "classes", list, []ClassEntry{{c, "teacher", 0}})
	if list, err = s.Classes(ctx, "kim", true); err != nil || len(list) != 2 || list[0].ID != "d" {
		t.Errorf("got %+v, %v", list, err)
	}
	anna := Member{ID: "m", Class: "c", Name: "Anna", Code: "P", Created: day}
	must(t, s.SaveMember(ctx, anna, Learner{}))
	wantErr(t, s.SaveMember(ctx, Member{ID: "n", Class: "c", Name: "Bert", Code: "P", Created: day}, Learner{}), ErrTaken)
	must(t, s.ClaimMember(ctx, "m", learner("l"), day))
	wantErr(t, s.ClaimMember(ctx, "m", learner("other"), day), ErrTaken)
	anna.Learner, anna.Joined = "l", day
	m, err := s.MemberOf(ctx, "c", "l")
	must(t, err)
	want(t, "member", m, anna)
	must(t, s.SaveMember(ctx, Member{ID: "also", Class: "d", Name: "Anna", Code: "Q", Learner: "l", Created: day, Joined: day}, learner("l")))

	k := Step{Learner: "l", Lab: "b", Step: "one", Session: "s"}
	must(t, s.SaveResult(ctx, StepResult{Step: k, Passed: day, Attempts: 2}))
	must(t, s.SaveHint(ctx, Hint{Step: k, Hint: "hint 0", At: day}))
	must(t, s.SaveSolution(ctx, k, day))
	must(t, s.SaveAnswer(ctx, Answer{Step: k, Name: "n", Value: "a\x00b", At: day}))
	f := Failure{ID: "f", Step: k, At: day, Asked: true, Failing: []Failing{{Place: 1, Kind: "reach", Reason: "no-route", Why: map[string]string{"en": "No \x00 route.", "ko": "경로가 없습니다."}}}}
	must(t, s.SaveFailure(ctx, f))
	must(t, s.SaveFailure(ctx, f))
	at := StepTime{Step: Step{Learner: "l", Lab: "b", Step: "one"}, Begun: day, Spent: time.Minute, Input: day}
	gone := at
	gone.Learner = "deleted"
	must(t, s.SaveTimes(ctx, []StepTime{at, gone}))
	less := at
	less.Spent = time.Second
	must(t, s.SaveTimes(ctx, []StepTime{less}))
	facts, err := s.ClassFacts(ctx, "c", "")
	must(t, err)
	want(t, "facts", facts, ClassFacts{
		Results: []StepResult{{Step: k, Passed: day, Attempts: 2}}, Hints: []Hint{{Step: k, Hint: "hint 0", At: day}}, Solutions: []Step{k},
		Failures: []Failure{f}, Times: []StepTime{at},
	})

	h := Hand{Member: "m", Lab: "b", Step: "one", Text: "?", At: day, ClaimedBy: "Kim", Claimed: day}
	must(t, s.SaveHand(ctx, h))
	must(t, s.Dismiss(ctx, "m", day))
	msg := Message{ID: "1", Class: "c", From: "Kim", Text: "hello", Members: []string{"m"}, At: day}
	must(t, s.AddMessage(ctx, msg))
	in := Injection{ID: "i", Class: "c", From: "Kim", Lab: "b", Fault: "down", At: day, Members: []Injected{{Member: "m", Session: "s"}}}
	must(t, s.SaveInjection(ctx, in))
	in.Members[0].Repaired = day
	must(t, s.SaveInjection(ctx, in))
	b := &Broadcast{Class: "c", From: "Kim", Learner: "t", Session: "s", Terminal: "t1", Lab: "b", Host: "A", At: day}
	must(t, s.SaveBroadcast(ctx, "c", b))
	acting, err := s.Acting(ctx, "c")
	must(t, err)
	want(t, "acting", acting, Acting{Hands: []Hand{h}, Dismissals: map[string]time.Time{"m": day}, Messages: []Message{msg}, Injections: []Injection{in}, Broadcast: b})
	must(t, s.LowerHand(ctx, "m"))
	must(t, s.SaveBroadcast(ctx, "c", nil))
	if acting, err = s.Acting(ctx, "c"); err != nil || acting.Hands != nil || acting.Broadcast != nil {
		t.Errorf("got %+v, %v", acting, err)
	}

	must(t, s.DeleteClass(ctx, "c"))
	_, err = s.Learner(ctx, "l") // in the other class yet
	must(t, err)
	must(t, s.DeleteMember(ctx, "d", "also"))
	_, err = s.Learner(ctx, "l")
	wantErr(t, err, ErrNotFound)
	rec, err := s.LabRecord(ctx, "l", "b")
	must(t, err)
	want(t, "what is left", rec, LabRecord{})
}
