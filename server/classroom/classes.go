package classroom

import (
	"context"
	"errors"
	"time"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

// Settings are what a teacher decides about a class.
type Settings struct {
	Name       string   `json:"name"`
	Language   string   `json:"language" jsonschema:"ko, en, or empty: the browser's"`
	Labs       []string `json:"labs" jsonschema:"names, in the class's order"`
	StartsOn   string   `json:"startsOn" jsonschema:"a date, or empty"`
	EndsOn     string   `json:"endsOn" jsonschema:"a date, or empty"`
	Recording  bool     `json:"recording" jsonschema:"whether terminals are recorded; learners are told before they join"`
	RosterOnly bool     `json:"rosterOnly" jsonschema:"whether only who stands on the roster may join"`
	RetainDays int      `json:"retainDays" jsonschema:"days after the end until everything is deleted; 0: never"`
}

// Class is a class as a teacher sees it.
type Class struct {
	Settings
	ID        string      `json:"id"`
	State     string      `json:"state" jsonschema:"open, paused or ended"`
	Code      string      `json:"code"`
	JoinPath  string      `json:"joinPath"`
	CreatedAt time.Time   `json:"createdAt"`
	EndedAt   *time.Time  `json:"endedAt"`
	Role      string      `json:"role" jsonschema:"what the caller is here: owner, teacher or assistant"`
	CanEdit   bool        `json:"canEdit"`
	Staff     []Colleague `json:"staff"`
	Catalog   []ClassLab  `json:"catalog"`
}

// Colleague is somebody who teaches a class or helps there.
type Colleague struct {
	Me
}

// ClassLab is a lab of a class.
type ClassLab struct {
	Name    string       `json:"name"`
	Title   string       `json:"title"`
	Minutes int          `json:"minutes"`
	Steps   []ClassStep  `json:"steps"`
	Faults  []ClassFault `json:"faults"`
}

// ClassStep is a step of a lab, and what it checks.
type ClassStep struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Checks []string `json:"checks" jsonschema:"their kinds"`
}

// ClassFault is a fault that a lab declares.
type ClassFault struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// Summary is a class in a list.
type Summary struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	State     string    `json:"state"`
	Members   int       `json:"members"`
	StartsOn  string    `json:"startsOn"`
	EndsOn    string    `json:"endsOn"`
	Role      string    `json:"role"`
	CreatedAt time.Time `json:"createdAt"`
}

// JoinPath is where learners come in.
const JoinPath = "/join/"

// ClassPath is where a class's live view is.
const ClassPath = "/teach/"

// RoleIn returns what somebody is in a class, or "": owners are everywhere.
func (s *Service) RoleIn(ctx context.Context, m Me, class string) (string, error) {
	if _, err := s.room(ctx, class); err != nil {
		return "", err
	}
	if m.Role == Owner {
		return Owner, nil
	}
	role, err := s.store.RoleIn(ctx, class, m.ID)
	if err != nil {
		return "", failed(err)
	}
	if role == Teacher && m.Role == Assistant {
		role = Assistant // whatever the class says: an assistant changes nothing
	}
	return role, nil
}

// Classes lists the classes that somebody sees.
func (s *Service) Classes(ctx context.Context, m Me) ([]Summary, error) {
	all, err := s.store.Classes(ctx, m.ID, m.Role == Owner)
	if err != nil {
		return nil, failed(err)
	}
	list := make([]Summary, 0, len(all))
	for _, e := range all {
		role := e.RoleHere
		if m.Role == Owner {
			role = Owner
		}
		list = append(list, Summary{e.ID, e.Name, e.State, e.Members, e.StartsOn, e.EndsOn, role, e.Created})
	}
	return list, nil
}

// cleanSettings checks settings; before is the last day that the class has so far.
func (s *Service) cleanSettings(in Settings, before string) (Settings, error) {
	bad := func(en, ko string) error { return refuse(session.Invalid, en, ko) }
	var err error
	if in.Name, err = cleanName(in.Name); err != nil {
		return in, err
	}
	if in.Language != "" && in.Language != "ko" && in.Language != "en" {
		return in, bad("The language is ko, en, or empty.", "언어는 ko, en이거나 비어 있어야 합니다.")
	}
	for _, day := range []string{in.StartsOn, in.EndsOn} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return in, bad("A date is written like 2026-05-04.", "날짜는 2026-05-04처럼 적습니다.")
		}
	}
	if in.StartsOn != "" && in.EndsOn != "" && in.EndsOn < in.StartsOn {
		return in, bad("The class ends before it starts.", "수업이 시작하기 전에 끝납니다.")
	}
	if in.EndsOn != "" && in.EndsOn != before && in.EndsOn < s.today() {
		return in, bad("The day on which the class ends is over already.", "수업이 끝나는 날이 이미 지났습니다.")
	}
	if in.RetainDays < 0 || in.RetainDays > 3650 {
		return in, bad("Data are kept for 0 to 3650 days.", "자료를 보관하는 기간은 0~3650일입니다.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[string]bool{}
	for _, name := range in.Labs {
		if s.labs[name] == nil {
			return in, bad("There is no lab called “"+name+"”.", "“"+name+"”이라는 실습이 없습니다.")
		}
		if seen[name] {
			return in, bad("The lab “"+name+"” is chosen twice.", "“"+name+"” 실습을 두 번 골랐습니다.")
		}
		seen[name] = true
	}
	if len(in.Labs) == 0 {
		return in, bad("Choose one lab at least.", "실습을 하나 이상 고르십시오.")
	}
	return in, nil
}

func settings(c store.Class) Settings {
	return Settings{c.Name, c.Language, c.Labs, c.StartsOn, c.EndsOn, c.Recording, c.RosterOnly, c.RetainDays}
}

func (in Settings) into(c *store.Class) {
	c.Name, c.Language, c.Labs, c.StartsOn, c.EndsOn = in.Name, in.Language, in.Labs, in.StartsOn, in.EndsOn
	c.Recording, c.RosterOnly, c.RetainDays = in.Recording, in.RosterOnly, in.RetainDays
}

// Create makes a class. Whoever makes it teaches it; nobody does where staff is
// empty, and owners see to it.
func (s *Service) Create(ctx context.Context, staff string, in Settings) (string, error) {
	in, err := s.cleanSettings(in, "")
	if err != nil {
		return "", err
	}
	c := store.Class{ID: auth.NewID(), State: Running, Created: s.o.Now()}
	in.into(&c)
	if c, err = s.withCode(ctx, c); err != nil {
		return "", err
	}
	if staff != "" {
		if err := s.store.SetClassStaff(ctx, c.ID, staff, Teacher); err != nil {
			return "", failed(err)
		}
	}
	if _, err := s.load(ctx, c); err != nil {
		return "", failed(err)
	}
	return c.ID, nil
}

// withCode stores the class with a new join code.
func (s *Service) withCode(ctx context.Context, c store.Class) (store.Class, error) {
	for {
		c.Code = auth.NewJoinCode()
		err := s.store.SaveClass(ctx, c)
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, store.ErrTaken) {
			return c, failed(err)
		}
	}
}

// Ensure returns the running class of that name, which it makes with all labs of
// the course where there is none.
func (s *Service) Ensure(ctx context.Context, name string) (id, code string, _ error) {
	name, err := cleanName(name)
	if err != nil {
		return "", "", err
	}
	c, err := s.store.ClassByName(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		s.mu.Lock()
		var labs []string
		if s.course != nil {
			for _, chapter := range s.course.Chapters {
				for _, l := range chapter.Labs {
					if s.labs[l] != nil {
						labs = append(labs, l)
					}
				}
			}
		}
		s.mu.Unlock()
		if id, err = s.Create(ctx, "", Settings{Name: name, Labs: labs}); err != nil {
			return "", "", err
		}
		c, err = s.store.Class(ctx, id)
	}
	if err != nil {
		return "", "", failed(err)
	}
	return c.ID, c.Code, nil
}

// Class returns a class as somebody sees it.
func (s *Service) Class(ctx context.Context, m Me, id, language string) (Class, error) {
	r, err := s.room(ctx, id)
	if err != nil {
		return Class{}, err
	}
	role, err := s.RoleIn(ctx, m, id)
	if err != nil {
		return Class{}, err
	}
	colleagues, err := s.store.ClassStaff(ctx, id)
	if err != nil {
		return Class{}, failed(err)
	}
	r.mu.Lock()
	c := r.describe(language)
	r.mu.Unlock()
	c.Role, c.CanEdit = role, role == Owner || role == Teacher
	for _, p := range colleagues {
		c.Staff = append(c.Staff, Colleague{Me{p.ID, p.Login, p.Name, p.RoleHere}})
	}
	return c, nil
}

// describe is the class without who looks. It is called with the lock.
func (r *room) describe(language string) Class {
	c := Class{
		Settings: settings(r.class), ID: r.class.ID, State: r.class.State, Code: r.class.Code, JoinPath: JoinPath + r.class.Code,
		CreatedAt: r.class.Created, EndedAt: wall(r.class.Ended), Staff: []Colleague{}, Catalog: []ClassLab{},
	}
	for _, name := range r.class.Labs {
		l := r.labs[name]
		if l == nil {
			continue
		}
		cl := ClassLab{Name: name, Title: l.Title.In(language), Minutes: l.Minutes, Steps: []ClassStep{}, Faults: []ClassFault{}}
		titles := map[string]string{}
		for _, section := range l.Lessons[language].Sections {
			titles[section.Step] = section.Title
		}
		for i := range l.Steps {
			st := ClassStep{ID: l.Steps[i].ID, Title: titles[l.Steps[i].ID], Checks: []string{}}
			for j := range l.Steps[i].Checks {
				st.Checks = append(st.Checks, l.Steps[i].Checks[j].Kind())
			}
			cl.Steps = append(cl.Steps, st)
		}
		for i := range l.Faults {
			cl.Faults = append(cl.Faults, ClassFault{l.Faults[i].ID, l.Faults[i].Title.In(language)})
		}
		c.Catalog = append(c.Catalog, cl)
	}
	return c
}

func wall(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// change stores a changed class and tells everybody.
func (s *Service) change(ctx context.Context, id string, do func(*store.Class) error) error {
	r, err := s.room(ctx, id)
	if err != nil {
		return err
	}
	r.changing.Lock() // one after the other: each is made of the one before
	defer r.changing.Unlock()
	r.mu.Lock()
	c := r.class
	r.mu.Unlock()
	if err := do(&c); err != nil {
		return err
	}
	if err := s.store.SaveClass(ctx, c); err != nil {
		return failed(err)
	}
	r.mu.Lock()
	r.class = c
	r.classSeq = r.next()
	for _, w := range r.rows {
		r.touch(w)
	}
	r.mu.Unlock()
	s.tellAll(r)
	return nil
}

// Update replaces a class's settings.
func (s *Service) Update(ctx context.Context, id string, in Settings) error {
	return s.change(ctx, id, func(c *store.Class) error {
		in, err := s.cleanSettings(in, c.EndsOn)
		if err != nil {
			return err
		}
		in.into(c)
		return nil
	})
}

// SetState pauses, resumes or ends a class. With it end its learners' sessions,
// and its results are those of that moment. One that has ended may be opened
// again.
func (s *Service) SetState(ctx context.Context, id, state string) error {
	if state != Running && state != Paused && state != Ended {
		return refuse(session.Invalid, "The state is open, paused or ended.", "상태는 open, paused, ended 가운데 하나입니다.")
	}
	was := ""
	err := s.change(ctx, id, func(c *store.Class) error {
		was = c.State
		c.State = state
		switch {
		case state != Ended:
			c.Ended = time.Time{}
			if c.EndsOn != "" && c.EndsOn < s.today() {
				c.EndsOn = "" // opened again: it would end at once
			}
		case c.Ended.IsZero():
			c.Ended = s.o.Now()
		}
		return nil
	})
	if err != nil || (state == Ended) == (was == Ended) {
		return err
	}
	r, err := s.room(ctx, id)
	if err != nil {
		return err
	}
	if state == Ended {
		return s.wrapUp(ctx, r)
	}
	return s.reopen(ctx, r)
}

// NewCode gives a class another join code.
func (s *Service) NewCode(ctx context.Context, id string) error {
	return s.change(ctx, id, func(c *store.Class) error {
		made, err := s.withCode(ctx, *c)
		c.Code = made.Code
		return err
	})
}

// Delete deletes a class and everything of learners who are in no other.
func (s *Service) Delete(ctx context.Context, id string) error {
	r, err := s.room(ctx, id)
	if err != nil {
		return err
	}
	r.mu.Lock()
	var learners []string
	for _, w := range r.rows {
		if w.m.Learner != "" {
			learners = append(learners, w.m.Learner)
		}
	}
	r.mu.Unlock()
	if err := found(s.store.DeleteClass(ctx, id), noClass()); err != nil {
		return err
	}
	s.unload(r)
	s.forget(func(x store.Recording) bool { return x.Class == id })
	for _, l := range learners {
		s.endSessions(ctx, l)
	}
	return s.removeAll(id)
}

// AddColleague makes somebody a teacher or an assistant of the class.
func (s *Service) AddColleague(ctx context.Context, id, login, role string) error {
	if role != Teacher && role != Assistant {
		return refuse(session.Invalid, "The role in a class is teacher or assistant.", "수업 안의 역할은 teacher나 assistant입니다.")
	}
	login, err := cleanLogin(login)
	if err != nil {
		return err
	}
	p, err := s.store.StaffByLogin(ctx, login)
	if err := found(err, noStaff()); err != nil {
		return err
	}
	if p.Role == Assistant {
		role = Assistant
	}
	if err := s.store.SetClassStaff(ctx, id, p.ID, role); err != nil {
		return failed(err)
	}
	return nil
}

// RemoveColleague takes the class away from somebody.
func (s *Service) RemoveColleague(ctx context.Context, id, staff string) error {
	return found(s.store.SetClassStaff(ctx, id, staff, ""), noStaff())
}
