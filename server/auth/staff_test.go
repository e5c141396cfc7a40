package auth

import (
	"strings"
	"testing"
	"time"
)

func TestPasswords(t *testing.T) {
	p, ctx := NewPasswords(), t.Context()
	hash, err := p.Hash(ctx, "correct horse")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Fatalf("got %q, %v", hash, err)
	}
	other, err := p.Hash(ctx, "correct horse")
	if err != nil || other == hash {
		t.Errorf("the same password hashes to the same: %v", err)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct horsf": false, "": false, "correct horse ": false, strings.Repeat("x", MostPassword+1): false} {
		if ok, err := p.Check(ctx, hash, password); ok != want || err != nil {
			t.Errorf("%q: got %v, %v", password, ok, err)
		}
	}
	if ok, err := p.Check(ctx, "", "correct horse"); ok || err != nil {
		t.Errorf("no hash: got %v, %v", ok, err)
	}
	for _, bad := range []string{
		strings.Replace(hash, "m=65536", "m=999999999", 1), strings.Replace(hash, "v=19", "v=16", 1),
		strings.Replace(hash, "t=3", "t=0", 1), hash[:len(hash)-4], "$argon2id$v=19$m=1,t=1,p=1$!$!",
	} {
		if ok, err := p.Check(ctx, bad, "correct horse"); ok || err == nil {
			t.Errorf("%q: got %v, %v", bad, ok, err)
		}
	}
	for _, password := range []string{"", "123456789", strings.Repeat("x", MostPassword+1)} {
		if _, err := p.Hash(ctx, password); err != ErrPassword {
			t.Errorf("%.20q: got %v", password, err)
		}
	}
	if _, err := p.Hash(ctx, "비밀번호는한글로도된다"); err != nil {
		t.Error(err)
	}
}

func TestCodes(t *testing.T) {
	seen := map[rune]bool{}
	for range 500 {
		code := NewJoinCode()
		if len(code) != 6 || CleanCode(code) != code {
			t.Fatalf("got %q", code)
		}
		for _, c := range code {
			seen[c] = true
		}
	}
	if len(seen) != len(codeLetters) {
		t.Errorf("%d letters are used of %d", len(seen), len(codeLetters))
	}
	personal := NewPersonalCode()
	if shown := ShowPersonalCode(personal); len(shown) != 11 || CleanCode(" "+strings.ToLower(shown)+" ") != personal {
		t.Errorf("%q is shown as %q", personal, shown)
	}
	for _, bad := range []string{"ABC", "K7M30X", "К7М3QX", "<b>", strings.Repeat("K", 41)} {
		if got := CleanCode(bad); got != "" {
			t.Errorf("%q: got %q", bad, got)
		}
	}
}

func TestStaffCookiesAreNotLearners(t *testing.T) {
	s := signer(t, 1)
	id := NewID()
	if _, ok := s.ForStaff().Verify(s.Sign(id)); ok {
		t.Error("a learner's cookie counts as a teacher's")
	}
	if _, ok := s.Verify(s.ForStaff().Sign(id)); ok {
		t.Error("a teacher's cookie counts as a learner's")
	}
	if got, ok := s.ForStaff().Verify(s.ForStaff().Sign(id)); !ok || got != id {
		t.Error("a teacher's cookie does not count")
	}
}

func TestGuesses(t *testing.T) {
	limits := Limits{PerClient: 0.1, ClientBurst: 3, Overall: 1, TotalBurst: 5}
	try := func(g *Guesses, client, what string, right, want bool) {
		t.Helper()
		if ok, wait := g.Try(client, what, right, now); ok != want || !ok && wait <= 0 {
			t.Errorf("%s at %s, right %v: got %v, %v", client, what, right, ok, wait)
		}
	}
	g := NewGuesses(limits)
	for range 200 { // a class behind one address that types its code
		try(g, "school", "class", true, true)
	}
	for range 3 {
		try(g, "school", "", false, true)
	}
	try(g, "school", "", false, false)
	try(g, "school", "class", true, true)          // the guesser locks the class not out
	try(g, "school", "another class", true, false) // nor gets anywhere
	try(g, "home", "class", true, true)
	if ok, _ := g.Open("school", "", now); ok {
		t.Error("who may not guess is let in")
	}

	g = NewGuesses(limits) // a crowd
	g.Trust("school", "class")
	for _, c := range []string{"a", "b", "c", "d", "e"} {
		try(g, c, "", false, true)
	}
	try(g, "f", "", false, false)
	try(g, "f", "class", true, false)
	try(g, "school", "class", true, true)
	if ok, _ := g.Try("f", "class", true, now.Add(time.Second)); !ok {
		t.Error("the crowd locks out for ever")
	}

	g = NewGuesses(limits) // a password: where it was right once, it is not free to guess
	try(g, "desk", "anna", true, true)
	for range 3 {
		try(g, "desk", "anna", false, true)
	}
	try(g, "desk", "anna", false, false)
	try(g, "desk", "anna", true, false)
	try(g, "desk", "bert", false, true) // another's is another matter
}

func TestTrustIsBounded(t *testing.T) {
	g := NewGuesses(Limits{PerClient: 1, ClientBurst: 1})
	g.most = 10
	for i := range 100 {
		g.Trust(string(rune('a'+i)), "class")
	}
	if len(g.trusted) != 10 || g.recent.Len() != 10 {
		t.Errorf("%d are remembered", len(g.trusted))
	}
}
