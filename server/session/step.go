package session

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netground/netground/server/check"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/store"
)

// step is how far the learner is with one step. A copy of it is a snapshot:
// its slices and maps are replaced, never changed.
type step struct {
	def      *lab.Step
	passed   time.Time // zero: not yet
	caughtUp bool
	attempts int
	checked  time.Time
	hints    []string // references, see hint
	revealed bool
	answers  map[string]string
	// predictions are those that the learner has made, by name; of a choice, its
	// English text.
	predictions map[string]string
	// results are those of def.Checks, or nil before the first evaluation. One
	// with the reason NotChecked was never established.
	results []check.Result
	// probedAt is the digest of the network that the last probes saw.
	probedAt uint64
	// begun is the digest of the network when the learner came to this step, seen
	// that of the last evaluation; 0: not yet.
	begun, seen uint64
	tries       tries
	// failedOnce are the checks that have failed while the learner was at this
	// step, heldOnce those that have come to hold since.
	failedOnce, heldOnce []bool
	// heldPassed are the checks that have held since the step was passed.
	heldPassed []bool
	// began are the results that the checks had first while the learner was at
	// this step: a change of files changes them and not the network's digest.
	began []check.Result
}

// holds says whether all checks hold now; nil if that is not known.
func (s *step) holds() *bool {
	if len(s.results) == 0 {
		return nil
	}
	all, known := true, true
	for _, r := range s.results {
		switch {
		case r.Reason == NotChecked:
			known = false
		case !r.OK:
			all = false
		}
	}
	if all && !known {
		return nil
	}
	return &all
}

// in returns the step as the API shows it.
func (s step) in(v view) any { return s.state(v) }

func (s *step) state(v view) StepState {
	st := StepState{
		ID: s.def.ID, Passed: !s.passed.IsZero(), PassedAt: wall(s.passed), Holds: s.holds(), CaughtUp: s.caughtUp,
		HintsUsed: len(s.hints), Hints: make([]string, 0, len(s.hints)), SolutionRevealed: s.revealed,
		CheckedAt: wall(s.checked), Attempts: s.attempts, Answers: map[string]string{},
		Predictions: map[string]Prediction{},
		Checks:      make([]CheckState, 0, len(s.results)),
	}
	for name, value := range s.answers {
		st.Answers[name] = value
	}
	for name, value := range s.predictions {
		if p := s.def.Prediction(name); p != nil {
			st.Predictions[name] = predicted(v, p, value)
		}
	}
	shown := map[string]bool{}
	for _, ref := range s.hints {
		shown[ref] = true
		if text := s.hint(ref); text != nil {
			st.Hints = append(st.Hints, v.html(text))
		}
	}
	st.MoreHints = s.nextHint() != ""
	if s.revealed {
		st.Solution = make([]Command, 0, len(s.def.Solution))
		for _, c := range s.def.Solution {
			st.Solution = append(st.Solution, Command{Host: c.Host, Line: s.lineIn(v, c)})
		}
	}
	for i, r := range s.results {
		c := CheckState{
			Kind: r.Kind, OK: r.OK, Reason: r.Reason,
			Expected: v.text(r.Expected), Found: v.text(r.Found), Why: v.text(r.Why),
		}
		if ref := checkHint(i); !r.OK && shown[ref] {
			c.Hint = v.html(s.hint(ref))
		}
		st.Checks = append(st.Checks, c)
	}
	return st
}

// lineIn returns a line of the solution in the caller's language: a choice is
// named in one language only, and the page shows it in another.
func (s *step) lineIn(v view, c lab.Command) string {
	name, value, ok := strings.Cut(c.Line, "=")
	if c.Host != lab.AnswerHost || !ok {
		return c.Line
	}
	if a := s.answerCheck(name); a != nil {
		for _, choice := range a.Choices {
			for _, text := range choice.Text {
				if text == value {
					return name + "=" + v.text(choice.Text)
				}
			}
		}
	}
	return c.Line
}

// wall returns the time as JSON shows it, and nil for none.
func wall(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// Hints are stored by reference, so that they follow the learner's language
// and later corrections of the lab: "check 0" is the hint of the first check,
// "mistake 1" that of the second mistake, "hint 2" the third of the step.

func checkHint(i int) string   { return "check " + strconv.Itoa(i) }
func mistakeHint(i int) string { return "mistake " + strconv.Itoa(i) }
func stepHint(i int) string    { return "hint " + strconv.Itoa(i) }

// hint returns the text of a reference, or nil if the lab has it no more.
func (s *step) hint(ref string) lab.Text {
	kind, number, _ := strings.Cut(ref, " ")
	i, err := strconv.Atoi(number)
	if err != nil || i < 0 {
		return nil
	}
	switch {
	case kind == "check" && i < len(s.def.Checks) && len(s.def.Checks[i].Hint) > 0:
		return s.def.Checks[i].Hint
	case kind == "mistake" && i < len(s.def.Mistakes) && len(s.def.Mistakes[i].Hint) > 0:
		return s.def.Mistakes[i].Hint
	case kind == "hint" && i < len(s.def.Hints):
		return s.def.Hints[i]
	}
	return nil
}

// nextHint returns the reference of the hint that helps next, or "": for what
// fails first, the hint of the mistake that it looks like, then the check's
// own; at last the step's hints in order.
func (s *step) nextHint() string {
	shown := map[string]bool{}
	for _, ref := range s.hints {
		shown[ref] = true
	}
	fresh := func(ref string) bool { return !shown[ref] && s.hint(ref) != nil }
	if failing := s.firstFailing(); failing >= 0 && s.touched() {
		for i := range s.def.Mistakes {
			if s.looksLike(&s.def.Mistakes[i], failing) && fresh(mistakeHint(i)) {
				return mistakeHint(i)
			}
		}
	}
	for i, r := range s.results {
		if !r.OK && r.Reason != NotChecked && fresh(checkHint(i)) {
			return checkHint(i)
		}
	}
	for i := range s.def.Hints {
		if fresh(stepHint(i)) {
			return stepHint(i)
		}
	}
	return ""
}

func (s *step) firstFailing() int {
	for i, r := range s.results {
		if !r.OK && r.Reason != NotChecked {
			return i
		}
	}
	return -1
}

// touched says whether the learner has done something at this step that a
// mistake may be in.
func (s *step) touched() bool {
	if s.begun != 0 && s.seen != s.begun || len(s.answers) > 0 {
		return true
	}
	for i := range s.began {
		if i < len(s.results) && known(&s.began[i]) && known(&s.results[i]) && (s.began[i].Reason != s.results[i].Reason || s.began[i].Found.In("en") != s.results[i].Found.In("en")) {
			return true
		}
	}
	return false
}

func known(r *check.Result) bool { return r.Reason != NotChecked && r.Reason != check.Failed }

// begin notes the first results that are known.
func (s *step) begin(results []check.Result) {
	began := slices.Clone(results)
	for i := range s.began {
		if i < len(began) && known(&s.began[i]) {
			began[i] = s.began[i]
		}
	}
	s.began = began
}

// looksLike says whether the learner's network looks as after the mistake: the
// check that the mistake names is the first that fails, in the way that the
// mistake says, or by the answer that it gives.
func (s *step) looksLike(m *lab.Mistake, failing int) bool {
	if s.named(m.Fails) != failing {
		return false
	}
	if a := s.def.Checks[failing].Answer; a != nil {
		for _, c := range m.Run {
			if c.Host != lab.AnswerHost {
				continue
			}
			if name, value := s.def.Answer(c.Line); name == a.Name {
				return check.SameAnswer(a, s.answers[name], value)
			}
		}
	}
	r := &s.results[failing]
	return (m.Reason == "" || m.Reason == r.Reason) && strings.Contains(r.Found.In("en"), m.Found)
}

// mistaken says whether the learner's network looks as after any mistake that the
// lab declares.
func (s *step) mistaken() bool {
	failing := s.firstFailing()
	if failing < 0 || !s.touched() {
		return false
	}
	for i := range s.def.Mistakes {
		if s.looksLike(&s.def.Mistakes[i], failing) {
			return true
		}
	}
	return false
}

// come notes which checks have come to hold for the first time since they failed
// at this step, and returns their names: those of a kind that is there more than
// once have a number.
func (s *step) come() []string {
	failed, held := make([]bool, len(s.results)), make([]bool, len(s.results))
	copy(failed, s.failedOnce)
	copy(held, s.heldOnce)
	kinds := map[string]int{}
	for i := range s.def.Checks {
		kinds[s.def.Checks[i].Kind()]++
	}
	var names []string
	seen := map[string]int{}
	for i, r := range s.results {
		kind := s.def.Checks[i].Kind()
		seen[kind]++
		switch {
		case !r.OK && known(&r):
			failed[i] = true
		case r.OK && failed[i] && !held[i]:
			held[i] = true
			if kinds[kind] > 1 {
				kind += "#" + strconv.Itoa(seen[kind])
			}
			names = append(names, kind)
		}
	}
	s.failedOnce, s.heldOnce = failed, held
	return names
}

// hold notes which checks of a passed step hold: what was there once and is
// forgotten by itself counts as there, see check.Faded.
func (s *step) hold() {
	held := make([]bool, len(s.results))
	copy(held, s.heldPassed)
	for i, r := range s.results {
		held[i] = held[i] || r.OK
	}
	s.heldPassed = held
}

// named returns the index of a check that is named as kind or kind#N; -1 if
// there is none.
func (s *step) named(name string) int {
	kind, number, numbered := strings.Cut(name, "#")
	n := 1
	if numbered {
		n, _ = strconv.Atoi(number)
	}
	for i := range s.def.Checks {
		if s.def.Checks[i].Kind() == kind {
			if n--; n == 0 {
				return i
			}
		}
	}
	return -1
}

// newSteps returns the steps of a lab as the store remembers them.
func newSteps(l *lab.Lab, rec store.LabRecord) []step {
	steps := make([]step, len(l.Steps))
	at := map[string]*step{}
	for i := range l.Steps {
		steps[i].def = &l.Steps[i]
		at[l.Steps[i].ID] = &steps[i]
	}
	for _, r := range rec.Results {
		if s := at[r.Step.Step]; s != nil {
			s.passed, s.caughtUp, s.attempts = r.Passed, r.CaughtUp, r.Attempts
		}
	}
	for _, h := range rec.Hints {
		if s := at[h.Step.Step]; s != nil {
			s.hints = append(s.hints, h.Hint)
		}
	}
	for _, p := range rec.Solutions {
		if s := at[p.Step]; s != nil {
			s.revealed = true
		}
	}
	for _, p := range rec.Predictions {
		if s := at[p.Step.Step]; s != nil {
			s.keepPrediction(p.Name, p.Value)
		}
	}
	for _, a := range rec.Answers {
		if s := at[a.Step.Step]; s != nil {
			s.keepAnswers(map[string]string{a.Name: a.Value})
		}
	}
	return steps
}

func (s *step) answerCheck(name string) *lab.AnswerCheck {
	for i := range s.def.Checks {
		if a := s.def.Checks[i].Answer; a != nil && a.Name == name {
			return a
		}
	}
	return nil
}

// current returns the index of the step that the learner is at: the first one
// with checks that is not passed; -1 if all are.
func current(steps []step) int {
	for i := range steps {
		if steps[i].passed.IsZero() && len(steps[i].def.Checks) > 0 {
			return i
		}
	}
	return -1
}
