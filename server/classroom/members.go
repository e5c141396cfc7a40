package classroom

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

// mostMembers bounds a class: the view stays fluid with two hundred.
const mostMembers = 1000

// Member is a place in a class, with the personal code.
type Member struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	ExternalID string     `json:"externalId"`
	Code       string     `json:"code" jsonschema:"the learner's own: it opens the place from another device"`
	Joined     bool       `json:"joined"`
	JoinedAt   *time.Time `json:"joinedAt"`
}

func memberOf(m store.Member) Member {
	return Member{m.ID, m.Name, m.External, auth.ShowPersonalCode(m.Code), m.Learner != "", wall(m.Joined)}
}

// Roster is what came of an import.
type Roster struct {
	Added   []Member  `json:"added"`
	Skipped []Skipped `json:"skipped"`
}

// Skipped is a line of the import that added nobody.
type Skipped struct {
	Line int    `json:"line"`
	Name string `json:"name"`
	Why  string `json:"why"`
	// Whys has it by language, for a page whose reader switches.
	Whys lab.Text `json:"whys"`
}

// JoinInfo is what somebody learns of a class before joining it.
type JoinInfo struct {
	Name       string `json:"name"`
	Language   string `json:"language"`
	State      string `json:"state"`
	BeginsOn   string `json:"beginsOn" jsonschema:"the day on which the labs open; empty: they are open"`
	Recording  bool   `json:"recording"`
	RosterOnly bool   `json:"rosterOnly"`
	RetainDays int    `json:"retainDays"`
}

// byCode finds a class by its join code, as often as the client may guess.
func (s *Service) byCode(ctx context.Context, client, code string) (store.Class, error) {
	c, err := s.store.ClassByCode(ctx, auth.CleanCode(code))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return c, failed(err)
	}
	right := err == nil
	if ok, wait := s.guesses.join.Try(client, c.ID, right, s.o.Now()); !ok {
		return c, &LimitError{wait}
	}
	if !right {
		return c, refuse(session.NotFound, "There is no class with this code. Look at it again: it has 6 letters and digits.",
			"이 코드의 수업이 없습니다. 코드를 다시 확인하십시오. 영문자와 숫자 6자입니다.")
	}
	return c, nil
}

// Info says what class a code is of.
func (s *Service) Info(ctx context.Context, client, code string) (JoinInfo, error) {
	c, err := s.byCode(ctx, client, code)
	if err != nil {
		return JoinInfo{}, err
	}
	if c.State == Ended {
		return JoinInfo{}, ended()
	}
	return JoinInfo{c.Name, c.Language, c.State, s.beginsOn(c), c.Recording, c.RosterOnly, c.RetainDays}, nil
}

// Invitation is what a right join code means to a stranger of a name.
type Invitation struct {
	Class string
	// Awaited: the name stands on the class's roster, and nobody has come for it.
	Awaited bool
}

// Invited is Info for who is about to join: nobody becomes a learner for a wrong
// code.
func (s *Service) Invited(ctx context.Context, client, code, name string) (Invitation, error) {
	c, err := s.byCode(ctx, client, code)
	if err != nil {
		return Invitation{}, err
	}
	if c.State == Ended {
		return Invitation{}, ended()
	}
	r, err := s.room(ctx, c.ID)
	if err != nil {
		return Invitation{}, err
	}
	in := Invitation{Class: c.ID}
	if name, err = cleanName(name); err != nil {
		return in, nil // whoever joins is told
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.rows {
		in.Awaited = in.Awaited || w.m.Learner == "" && strings.EqualFold(w.m.Name, name)
	}
	return in, nil
}

// Join makes the learner a member of the class with the code. Who is one already
// stays as they are.
func (s *Service) Join(ctx context.Context, client string, c session.Caller, code, name string) (Membership, error) {
	class, err := s.byCode(ctx, client, code)
	if err != nil {
		return Membership{}, err
	}
	if class.State == Ended {
		return Membership{}, ended()
	}
	r, err := s.room(ctx, class.ID)
	if err != nil {
		return Membership{}, err
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	if m, err := s.store.MemberOf(ctx, class.ID, c.Learner); err == nil {
		return s.membership(r, m.ID, c.Language), nil
	} else if !errors.Is(err, store.ErrNotFound) {
		return Membership{}, failed(err)
	}
	if name, err = cleanName(name); err != nil {
		return Membership{}, err
	}
	now := s.o.Now()
	l := store.Learner{ID: c.Learner, Language: c.Language, Created: now}
	members, err := s.store.Members(ctx, class.ID)
	if err != nil {
		return Membership{}, failed(err)
	}
	m, err := s.place(class, members, name)
	if err != nil {
		return Membership{}, err
	}
	m.Learner, m.Joined = c.Learner, now
	if m.ID != "" {
		err = s.store.ClaimMember(ctx, m.ID, l, now)
		if errors.Is(err, store.ErrTaken) {
			return Membership{}, nameTaken()
		}
		if err != nil {
			return Membership{}, failed(err)
		}
	} else {
		m.ID, m.Class, m.Name, m.Created = auth.NewID(), class.ID, name, now
		if err := s.withPersonalCode(ctx, &m, l); err != nil {
			return Membership{}, err
		}
	}
	if err := s.seat(ctx, r, m); err != nil {
		return Membership{}, err
	}
	return s.membership(r, m.ID, c.Language), nil
}

// place finds the one on the roster whom the name means, or says that a new
// member may come. Members of the same name are told apart by a number.
func (s *Service) place(class store.Class, members []store.Member, name string) (store.Member, error) {
	same := func(a, b string) bool { return strings.EqualFold(a, b) }
	taken := false
	for _, m := range members {
		if same(m.Name, name) {
			if m.Learner == "" {
				return m, nil
			}
			taken = true
		}
	}
	switch {
	case class.RosterOnly && taken, taken:
		return store.Member{}, nameTaken()
	case class.RosterOnly:
		return store.Member{}, refuse("not-on-roster", "This name is not on the class's list. Write it as your teacher has it, or ask.",
			"명단에 없는 이름입니다. 선생님이 적은 대로 쓰거나 선생님에게 물어보십시오.")
	case len(members) >= mostMembers:
		return store.Member{}, refuse(session.Quota, "The class is full.", "수업의 정원이 찼습니다.")
	}
	return store.Member{}, nil
}

func nameTaken() error {
	return refuse("name-taken", "Somebody of this name is in the class already. If that is you, use your personal code; if not, add something to your name.",
		"같은 이름이 이미 수업에 있습니다. 본인이라면 개인 코드로 들어오고, 아니라면 이름에 구별되는 말을 덧붙이십시오.")
}

// withPersonalCode stores a member with a new personal code.
func (s *Service) withPersonalCode(ctx context.Context, m *store.Member, l store.Learner) error {
	for {
		m.Code = auth.NewPersonalCode()
		err := s.store.SaveMember(ctx, *m, l)
		if err == nil {
			return nil
		}
		if !errors.Is(err, store.ErrTaken) {
			return failed(err)
		}
	}
}

// Back finds the place that a personal code opens, and the learner whose it is:
// fresh, where nobody had it yet.
func (s *Service) Back(ctx context.Context, client string, c session.Caller, code string) (learner string, _ Membership, _ error) {
	m, err := s.store.MemberByCode(ctx, auth.CleanCode(code))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", Membership{}, failed(err)
	}
	right := err == nil
	if ok, wait := s.guesses.back.Try(client, m.ID, right, s.o.Now()); !ok {
		return "", Membership{}, &LimitError{wait}
	}
	if !right {
		return "", Membership{}, refuse("no-code", "Nobody has this personal code. It has 10 letters and digits; your teacher can look it up.",
			"이 개인 코드를 쓰는 사람이 없습니다. 코드는 영문자와 숫자 10자이고, 선생님이 찾아 줄 수 있습니다.")
	}
	r, err := s.room(ctx, m.Class)
	if err != nil {
		return "", Membership{}, err
	}
	if m.Learner == "" {
		now := s.o.Now()
		m.Learner, m.Joined = auth.NewID(), now
		if err := s.store.ClaimMember(ctx, m.ID, store.Learner{ID: m.Learner, Language: c.Language, Created: now}, now); err != nil {
			return "", Membership{}, failed(err)
		}
		if err := s.seat(ctx, r, m); err != nil {
			return "", Membership{}, err
		}
	}
	return m.Learner, s.membership(r, m.ID, c.Language), nil
}

// Members lists a class, by name.
func (s *Service) Members(ctx context.Context, class string) ([]Member, error) {
	all, err := s.store.Members(ctx, class)
	if err != nil {
		return nil, failed(err)
	}
	list := make([]Member, 0, len(all))
	for _, m := range all {
		list = append(list, memberOf(m))
	}
	return list, nil
}

// Import adds those of a CSV text to the roster: a name, and what the school
// knows them by. Who is there already is skipped.
func (s *Service) Import(ctx context.Context, class, text, language string) (Roster, error) {
	r, err := s.room(ctx, class)
	if err != nil {
		return Roster{}, err
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	members, err := s.store.Members(ctx, class)
	if err != nil {
		return Roster{}, failed(err)
	}
	known := map[string]bool{}
	for _, m := range members {
		known[strings.ToLower(m.Name)] = true
	}
	text = strings.TrimPrefix(text, "\ufeff") // what spreadsheets put in front
	if !utf8.ValidString(text) {
		return Roster{}, refuse(session.Invalid, "The list is no UTF-8 text. Save it as “CSV UTF-8”.", "UTF-8 텍스트가 아닙니다. “CSV UTF-8”로 저장하십시오.")
	}
	in := csv.NewReader(strings.NewReader(text))
	in.FieldsPerRecord, in.TrimLeadingSpace = -1, true
	first, _, _ := strings.Cut(text, "\n")
	if !strings.Contains(first, ",") {
		if strings.Contains(first, ";") {
			in.Comma = ';'
		} else if strings.Contains(first, "\t") {
			in.Comma = '\t'
		}
	}
	result := Roster{Added: []Member{}, Skipped: []Skipped{}}
	name, id := 0, 1
	skip := func(line int, name, en, ko string) {
		why := lab.Text{"en": en, "ko": ko}
		result.Skipped = append(result.Skipped, Skipped{line, name, why.In(language), why})
	}
	for n := 0; ; n++ {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			return Roster{}, &session.Error{Code: session.Invalid, Cause: err, Text: lineText(wrong.Line)}
		}
		if err != nil {
			return Roster{}, failed(err)
		}
		if n == 0 {
			if a, b, ok := heading(record); ok {
				name, id = a, b
				continue
			}
		}
		line, _ := in.FieldPos(0)
		field := func(i int) string {
			if i < 0 || i >= len(record) {
				return ""
			}
			return record[i]
		}
		who, err := cleanName(field(name))
		external := strings.TrimSpace(field(id))
		switch {
		case err != nil && strings.TrimSpace(strings.Join(record, "")) == "":
			continue
		case err != nil:
			skip(line, field(name), "This is no name.", "이름이 아닙니다.")
		case known[strings.ToLower(who)]:
			skip(line, who, "This name is on the list already.", "이미 명단에 있는 이름입니다.")
		case len(external) > 80 || !printable(external):
			skip(line, who, "The id is too long.", "식별 번호가 너무 깁니다.")
		case len(known) >= mostMembers:
			skip(line, who, "The class is full.", "정원이 찼습니다.")
		default:
			known[strings.ToLower(who)] = true
			m := store.Member{ID: auth.NewID(), Class: class, Name: who, External: external, Created: s.o.Now()}
			if err := s.withPersonalCode(ctx, &m, store.Learner{}); err != nil {
				return Roster{}, err
			}
			if err := s.seat(ctx, r, m); err != nil {
				return Roster{}, err
			}
			result.Added = append(result.Added, memberOf(m))
		}
	}
	return result, nil
}

func lineText(line int) (t map[string]string) {
	n := itoa(line)
	return text("Line "+n+" of the list is not CSV: look at its quotes.", "명단의 "+n+"번째 줄이 CSV 형식이 아닙니다. 따옴표를 확인하십시오.")
}

// heading finds the columns of the name and the id in a first line that names them.
func heading(record []string) (name, id int, ok bool) {
	name, id = -1, -1
	for i, field := range record {
		switch strings.ToLower(strings.TrimSpace(field)) {
		case "name", "이름", "성명":
			name = i
		case "id", "no", "number", "학번", "번호":
			id = i
		}
	}
	return name, id, name >= 0
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// Rename gives a member another name.
func (s *Service) Rename(ctx context.Context, class, member, name string) (Member, error) {
	name, err := cleanName(name)
	if err != nil {
		return Member{}, err
	}
	return s.revise(ctx, class, member, func(m *store.Member) error {
		m.Name = name
		return s.store.SaveMember(ctx, *m, store.Learner{ID: m.Learner, Created: m.Created})
	})
}

// NewPersonalCode gives a member another personal code.
func (s *Service) NewPersonalCode(ctx context.Context, class, member string) (Member, error) {
	return s.revise(ctx, class, member, func(m *store.Member) error {
		return s.withPersonalCode(ctx, m, store.Learner{ID: m.Learner, Created: m.Created})
	})
}

func (s *Service) revise(ctx context.Context, class, member string, do func(*store.Member) error) (Member, error) {
	r, err := s.room(ctx, class)
	if err != nil {
		return Member{}, err
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	m, err := s.store.Member(ctx, class, member)
	if err := found(err, noMember()); err != nil {
		return Member{}, err
	}
	if err := do(&m); err != nil {
		return Member{}, failed(err)
	}
	if err := s.seat(ctx, r, m); err != nil {
		return Member{}, err
	}
	s.tellMember(r, m.ID)
	return memberOf(m), nil
}

// Remove deletes a member, and everything of the learner's who is in no other class.
func (s *Service) Remove(ctx context.Context, class, member string) error {
	r, err := s.room(ctx, class)
	if err != nil {
		return err
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	m, err := s.store.Member(ctx, class, member)
	if err := found(err, noMember()); err != nil {
		return err
	}
	recorded, err := s.store.Recordings(ctx, class, member)
	if err != nil {
		return failed(err)
	}
	if err := found(s.store.DeleteMember(ctx, class, member), noMember()); err != nil {
		return err
	}
	s.unseat(r, m)
	if m.Learner != "" {
		s.endSessions(ctx, m.Learner)
	}
	s.forget(func(r store.Recording) bool { return r.Member == m.ID })
	return s.removeFiles(ctx, recorded)
}

// Leave deletes the learner's own place.
func (s *Service) Leave(ctx context.Context, class, learner string) error {
	m, err := s.store.MemberOf(ctx, class, learner)
	if err := found(err, noClass()); err != nil {
		return err
	}
	return s.Remove(ctx, class, m.ID)
}

// endSessions ends what a learner who was deleted has open.
func (s *Service) endSessions(ctx context.Context, learner string) {
	places, err := s.store.Memberships(ctx, learner)
	if err != nil || len(places) > 0 {
		return // in another class
	}
	sessions := s.manager()
	if sessions == nil {
		return
	}
	for _, b := range sessions.Live(learner) {
		_ = sessions.End(ctx, session.Caller{Learner: learner}, b.ID) // it may have ended meanwhile
	}
}

func (s *Service) manager() Sessions {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions
}

// Expects says whether the code is that of a class for which the address is
// trusted. It asks no database.
func (s *Service) Expects(client, code string) bool {
	code = auth.CleanCode(code)
	for _, r := range s.allRooms() {
		r.mu.Lock()
		right := r.class.Code == code && r.class.State != Ended
		r.mu.Unlock()
		if right && s.guesses.join.Trusts(client, r.id) {
			return true
		}
	}
	return false
}

// Trust notes that a teacher of the class is at the address: learners behind it
// join, whoever else there guesses codes.
func (s *Service) Trust(client, class string) { s.guesses.join.Trust(client, class) }
