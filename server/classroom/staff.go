package classroom

import (
	"context"
	"crypto/rand"
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

const (
	signInFor = 14 * 24 * time.Hour
	linkFor   = 7 * 24 * time.Hour
)

// SetupPath is where a one-time link leads; the token stands behind #, which
// no browser sends and no log keeps.
const SetupPath = "/teach/setup#"

// Staff is somebody who teaches, as the API shows it.
type Staff struct {
	ID        string    `json:"id"`
	Login     string    `json:"login"`
	Name      string    `json:"name"`
	Role      string    `json:"role" jsonschema:"owner, teacher or assistant"`
	CreatedAt time.Time `json:"createdAt"`
	// Pending is whether the link was not used yet.
	Pending bool `json:"pending"`
}

// Me is who has signed in.
type Me struct {
	ID    string `json:"id"`
	Login string `json:"login"`
	Name  string `json:"name"`
	Role  string `json:"role"`
}

func me(p store.Staff) Me { return Me{p.ID, p.Login, p.Name, p.Role} }

func staffOf(p store.Staff) Staff {
	return Staff{p.ID, p.Login, p.Name, p.Role, p.Created, p.Password == "" && p.Subject == ""}
}

var loginPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,63}$`)

func cleanLogin(login string) (string, error) {
	login = strings.ToLower(strings.TrimSpace(login))
	if !loginPattern.MatchString(login) {
		return "", refuse("login", "A sign-in name has 1 to 64 letters, digits, dots, hyphens, underscores, + and @.",
			"로그인 이름은 영문자, 숫자, 점, 하이픈, 밑줄, +, @로 된 1~64자여야 합니다.")
	}
	return login, nil
}

// cleanName is a person's or a class's name without what cannot be seen.
func cleanName(name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	if name == "" || utf8.RuneCountInString(name) > 80 || !utf8.ValidString(name) ||
		strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		return "", refuse("name", "A name has 1 to 80 characters.", "이름은 1~80자여야 합니다.")
	}
	return name, nil
}

// NeedsSetup says whether there is no owner who could sign in.
func (s *Service) NeedsSetup(ctx context.Context) (bool, error) {
	all, err := s.store.AllStaff(ctx)
	if err != nil {
		return false, failed(err)
	}
	for _, p := range all {
		if p.Role == Owner && !staffOf(p).Pending {
			return false, nil
		}
	}
	return true, nil
}

// OwnerLink returns the one-time link with which the first owner sets a
// password, or "" where there is one who has.
func (s *Service) OwnerLink(ctx context.Context) (string, error) {
	needs, err := s.NeedsSetup(ctx)
	if err != nil || !needs {
		return "", err
	}
	all, err := s.store.AllStaff(ctx)
	if err != nil {
		return "", failed(err)
	}
	var owner *store.Staff
	for i := range all {
		if all[i].Role == Owner {
			owner = &all[i]
		}
	}
	if owner == nil {
		id := auth.NewID()
		owner = &store.Staff{ID: id, Login: "owner-" + id[:6], Name: "", Role: Owner, Created: s.o.Now()}
		if err := s.store.SaveStaff(ctx, *owner); err != nil {
			return "", failed(err)
		}
	}
	return s.link(ctx, owner.ID)
}

func (s *Service) link(ctx context.Context, staff string) (string, error) {
	token := rand.Text()
	if err := s.store.SaveLink(ctx, staff, auth.HashToken(token), s.o.Now().Add(linkFor)); err != nil {
		return "", failed(err)
	}
	return SetupPath + token, nil
}

func noLink() error {
	return refuse(NoLink, "This link is used or too old. Ask for a new one.", "이미 쓴 링크이거나 기한이 지난 링크입니다. 새 링크를 받으십시오.")
}

// Linked returns who a one-time link is for. An owner who was never named has no login.
func (s *Service) Linked(ctx context.Context, token string) (Me, error) {
	p, err := s.store.Link(ctx, auth.HashToken(token), s.o.Now())
	if err := found(err, noLink()); err != nil {
		return Me{}, err
	}
	if p.Name == "" {
		p.Login = ""
	}
	return me(p), nil
}

// SetUp uses a one-time link: it sets the password, and for who was not named yet
// the names. It returns the new sign-in.
func (s *Service) SetUp(ctx context.Context, token, login, name, password string) (Me, string, error) {
	hash := auth.HashToken(token)
	p, err := s.store.Link(ctx, hash, s.o.Now())
	if err := found(err, noLink()); err != nil {
		return Me{}, "", err
	}
	if p.Name == "" || login != "" {
		if p.Login, err = cleanLogin(login); err != nil {
			return Me{}, "", err
		}
	}
	if p.Name == "" || name != "" {
		if p.Name, err = cleanName(name); err != nil {
			return Me{}, "", err
		}
	}
	if p.Password, err = s.hash(ctx, password); err != nil {
		return Me{}, "", err
	}
	err = s.store.UseLink(ctx, hash, p, s.o.Now())
	if errors.Is(err, store.ErrTaken) {
		return Me{}, "", loginTaken()
	}
	if err := found(err, noLink()); err != nil {
		return Me{}, "", err
	}
	return s.signIn(ctx, p)
}

func loginTaken() error {
	return refuse("login", "Somebody else has this sign-in name.", "이미 다른 사람이 쓰는 로그인 이름입니다.")
}

func (s *Service) hash(ctx context.Context, password string) (string, error) {
	hash, err := s.passwords.Hash(ctx, password)
	if errors.Is(err, auth.ErrPassword) {
		return "", refuse("password", "A password has 10 characters at least and 200 bytes at most.", "비밀번호는 10자 이상, 200바이트 이하여야 합니다.")
	}
	return hash, err
}

// signIn returns the id of a new sign-in, which a cookie carries.
func (s *Service) signIn(ctx context.Context, p store.Staff) (Me, string, error) {
	id, now := auth.NewID(), s.o.Now()
	if err := s.store.SignedIn(ctx, id, p.ID, now, now.Add(signInFor)); err != nil {
		return Me{}, "", failed(err)
	}
	return me(p), id, nil
}

// SignIn returns who has the login and the password, and a new sign-in. Client is
// where the request comes from.
func (s *Service) SignIn(ctx context.Context, client, login, password string) (Me, string, error) {
	login = strings.ToLower(strings.TrimSpace(login))
	// Before the hash, which costs: who is wrong all the time waits.
	if ok, wait := s.guesses.password.Open(client, login, s.o.Now()); !ok {
		return Me{}, "", &LimitError{wait}
	}
	p, err := s.store.StaffByLogin(ctx, login)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Me{}, "", failed(err)
	}
	right, err := s.passwords.Check(ctx, p.Password, password)
	if err != nil {
		return Me{}, "", failed(err)
	}
	if ok, wait := s.guesses.password.Try(client, login, right, s.o.Now()); !ok {
		return Me{}, "", &LimitError{wait}
	}
	if !right {
		return Me{}, "", wrongPassword()
	}
	return s.signIn(ctx, p)
}

func wrongPassword() error {
	return refuse(WrongLogin, "The sign-in name or the password is wrong.", "로그인 이름이나 비밀번호가 틀렸습니다.")
}

// SignInAs returns whom a provider of OpenID Connect vouches for, and a new
// sign-in. Who comes the first time must be known by the mail address as the
// sign-in name: a provider vouches for many who teach nothing here.
func (s *Service) SignInAs(ctx context.Context, who auth.Identity) (Me, string, error) {
	p, err := s.store.StaffBySubject(ctx, who.Subject)
	if errors.Is(err, store.ErrNotFound) && who.Email != "" {
		if p, err = s.store.StaffByLogin(ctx, who.Email); err == nil && p.Subject != "" {
			err = store.ErrNotFound // somebody else at the provider had that address before
		}
		if err == nil {
			p.Subject = who.Subject
			err = s.store.SaveStaff(ctx, p)
		}
	}
	if err := found(err, noStaff()); err != nil {
		return Me{}, "", err
	}
	return s.signIn(ctx, p)
}

// SignedIn returns who has the sign-in; ok is false for nobody.
func (s *Service) SignedIn(ctx context.Context, id string) (_ Me, ok bool, _ error) {
	p, err := s.store.SignedInAs(ctx, id, s.o.Now())
	if errors.Is(err, store.ErrNotFound) {
		return Me{}, false, nil
	}
	if err != nil {
		return Me{}, false, failed(err)
	}
	return me(p), true, nil
}

// SignOut ends a sign-in.
func (s *Service) SignOut(ctx context.Context, id string) error {
	if err := s.store.SignOut(ctx, id, ""); err != nil {
		return failed(err)
	}
	return nil
}

// SetPassword replaces a password and ends all other sign-ins.
func (s *Service) SetPassword(ctx context.Context, client, staff, signIn, old, fresh string) error {
	p, err := s.store.Staff(ctx, staff)
	if err != nil {
		return failed(err)
	}
	if ok, wait := s.guesses.password.Open(client, p.Login, s.o.Now()); !ok {
		return &LimitError{wait}
	}
	right := p.Password == "" // who comes by OpenID Connect has none yet
	if !right {
		if right, err = s.passwords.Check(ctx, p.Password, old); err != nil {
			return failed(err)
		}
	}
	if ok, wait := s.guesses.password.Try(client, p.Login, right, s.o.Now()); !ok {
		return &LimitError{wait}
	}
	if !right {
		return wrongPassword()
	}
	if p.Password, err = s.hash(ctx, fresh); err != nil {
		return err
	}
	if err := s.store.SaveStaff(ctx, p); err != nil {
		return failed(err)
	}
	if err := s.store.SignOut(ctx, signIn, staff); err != nil {
		return failed(err)
	}
	return nil
}

// AllStaff lists who teaches.
func (s *Service) AllStaff(ctx context.Context) ([]Staff, error) {
	all, err := s.store.AllStaff(ctx)
	if err != nil {
		return nil, failed(err)
	}
	list := make([]Staff, 0, len(all))
	for _, p := range all {
		list = append(list, staffOf(p))
	}
	return list, nil
}

// AddStaff adds somebody who teaches, and returns the link for them.
func (s *Service) AddStaff(ctx context.Context, login, name, role string) (Staff, string, error) {
	var err error
	if login, err = cleanLogin(login); err != nil {
		return Staff{}, "", err
	}
	if name, err = cleanName(name); err != nil {
		return Staff{}, "", err
	}
	if role != Owner && role != Teacher && role != Assistant {
		return Staff{}, "", refuse(session.Invalid, "The role is owner, teacher or assistant.", "역할은 owner, teacher, assistant 가운데 하나입니다.")
	}
	p := store.Staff{ID: auth.NewID(), Login: login, Name: name, Role: role, Created: s.o.Now()}
	err = s.store.SaveStaff(ctx, p)
	if errors.Is(err, store.ErrTaken) {
		return Staff{}, "", loginTaken()
	}
	if err != nil {
		return Staff{}, "", failed(err)
	}
	link, err := s.link(ctx, p.ID)
	return staffOf(p), link, err
}

func noStaff() error {
	return refuse("no-staff", "There is no such teacher or assistant.", "그런 교사나 조교가 없습니다.")
}

// NewLink returns a new one-time link for somebody who has lost the password.
func (s *Service) NewLink(ctx context.Context, staff string) (string, error) {
	_, err := s.store.Staff(ctx, staff)
	if err := found(err, noStaff()); err != nil {
		return "", err
	}
	return s.link(ctx, staff)
}

// RemoveStaff removes somebody who teaches; nobody removes the last owner.
func (s *Service) RemoveStaff(ctx context.Context, staff string) error {
	all, err := s.store.AllStaff(ctx)
	if err != nil {
		return failed(err)
	}
	owners, isOwner := 0, false
	for _, p := range all {
		if p.Role == Owner && !staffOf(p).Pending {
			owners++
			isOwner = isOwner || p.ID == staff
		}
	}
	if isOwner && owners == 1 {
		return refuse(Conflict, "This is the last owner, who cannot be removed.", "마지막 소유자는 지울 수 없습니다.")
	}
	return found(s.store.DeleteStaff(ctx, staff), noStaff())
}
