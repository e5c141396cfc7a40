package httpapi

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestGuessingBehindTheAddressOfAClass has somebody guess join codes as fast as they
// can, in the middle of a class whose teacher has looked at it: a hundred learners
// join nevertheless, and the guesser gets nowhere, not even with a right code.
func TestGuessingBehindTheAddressOfAClass(t *testing.T) {
	limits := DefaultLimits()
	s := openSchool(t, func(o *Options) { o.Limits = &limits })
	f := s.fixture()
	other, err := s.db.Class(t.Context(), f.elsewhere)
	s.ok(err)
	get := route{Method: http.MethodGet}
	post := route{Method: http.MethodPost}
	if status, text, _ := s.ask(get, "/api/classes/"+f.class, "", f.people["teacher"]); status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	told, refused := 0, 0
	flood := func(n int) {
		for i := range n {
			code := []byte("AAAAAA")
			for j, left := 0, i; j < 3; j, left = j+1, left/20 {
				code[j] = "BCDFGHJKMNPQRSTVWXYZ"[left%20]
			}
			r, path, body := get, "/api/join/"+string(code), ""
			if i%2 == 1 {
				r, path, body = post, "/api/join", `{"code":"`+string(code)+`","name":"Guesser"}`
			}
			switch status, text, _ := s.ask(r, path, body, person{}); status {
			case http.StatusNotFound:
				told++
			case http.StatusTooManyRequests:
				refused++
			default:
				t.Fatalf("%s %s: status %d: %s", r.Method, path, status, text)
			}
		}
	}
	flood(500)
	if told < 10 || told > 150 || refused < 300 {
		t.Errorf("%d wrong codes were told to be wrong, %d were refused", told, refused)
	}
	for i := range 100 {
		if i%10 == 0 {
			flood(10)
		}
		if status, text, _ := s.ask(get, "/api/join/"+f.code, "", person{}); status != http.StatusOK {
			t.Fatalf("learner %d is told nothing: status %d: %s", i, status, text)
		}
		if status, text, _ := s.ask(post, "/api/join", fmt.Sprintf(`{"code":"%s","name":"Learner %d"}`, f.code, i), person{}); status != http.StatusCreated {
			t.Fatalf("learner %d is locked out: status %d: %s", i, status, text)
		}
	}
	if status, text, _ := s.ask(get, "/api/join/"+other.Code, "", person{}); status != http.StatusTooManyRequests {
		t.Errorf("the guesser finds a class: status %d: %s", status, text)
	}
}

// TestAClassBehindOneAddress has more learners join than one address may otherwise
// become, in an instant: the clock of the limits stands still.
func TestAClassBehindOneAddress(t *testing.T) {
	limits, now := DefaultLimits(), time.Now()
	s := openSchool(t, func(o *Options) {
		o.Limits, o.Now = &limits, func() time.Time { return now }
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	})
	f := s.fixture()
	other, err := s.db.Class(t.Context(), f.elsewhere)
	s.ok(err)
	join := func(address, code, name string) (int, string) {
		res, body := s.do("POST", "/api/join", fmt.Sprintf(`{"code":%q,"name":%q}`, code, name), header("Cookie", ""), header("X-Forwarded-For", address))
		cookie := ""
		for _, c := range res.Cookies() {
			cookie = c.Value
		}
		if (cookie != "") != (res.StatusCode == http.StatusCreated) {
			t.Errorf("%s joins %s as %s: status %d, and the cookie %q: %s", address, code, name, res.StatusCode, cookie, body)
		}
		if res.StatusCode == http.StatusTooManyRequests && res.Header.Get("Retry-After") == "" {
			t.Error("a refusal does not say for how long")
		}
		return res.StatusCode, body
	}
	const hall, elsewhere = "192.0.2.1", "192.0.2.2"
	most := limits.Joins.ClientBurst
	for i := range most {
		if res, body := s.do("GET", "/api/join/"+f.code, "", header("Cookie", ""), header("X-Forwarded-For", hall)); res.StatusCode != http.StatusOK {
			t.Fatalf("learner %d is told nothing: %d %s", i, res.StatusCode, body)
		}
		if status, body := join(hall, f.code, fmt.Sprintf("Learner %d", i)); status != http.StatusCreated {
			t.Fatalf("learner %d of %d does not come in: %d %s", i, most, status, body)
		}
	}
	if status, body := join(hall, f.code, "One more"); status != http.StatusTooManyRequests {
		t.Errorf("the address becomes any number of learners: %d %s", status, body)
	}
	// That is no matter of others, of other classes, or of who opens a lab alone.
	if status, body := join(elsewhere, f.code, "From home"); status != http.StatusCreated {
		t.Errorf("another address: %d %s", status, body)
	}
	s.classes.Trust(hall, f.elsewhere) // its teacher is there, too
	if status, body := join(hall, other.Code, "In another class"); status != http.StatusCreated {
		t.Errorf("another class: %d %s", status, body)
	}
	for i := range limits.Strangers.ClientBurst + 1 {
		want := http.StatusNotFound // the fake's session is somebody else's
		if i == limits.Strangers.ClientBurst {
			want = http.StatusTooManyRequests
		}
		res, body := s.do("POST", "/api/sessions", `{"lab":"one"}`, header("Cookie", ""), header("X-Forwarded-For", hall))
		if res.StatusCode != want {
			t.Fatalf("stranger %d without a class: %d %s", i, res.StatusCode, body)
		}
	}
	// Whom the roster awaits comes in, once.
	var roster strings.Builder
	for i := range 50 {
		fmt.Fprintf(&roster, "Awaited %d\n", i)
	}
	_, err = s.classes.Import(t.Context(), f.class, roster.String(), "en")
	s.ok(err)
	for i := range 50 {
		name := fmt.Sprintf("awaited %d", i)
		if status, body := join(hall, f.code, name); status != http.StatusCreated {
			t.Fatalf("%s does not come in: %d %s", name, status, body)
		}
		if status, body := join(hall, f.code, name); status != http.StatusTooManyRequests {
			t.Fatalf("%s comes in twice: %d %s", name, status, body)
		}
	}
	// A name of the roster opens nothing without the code.
	_, err = s.classes.Import(t.Context(), f.class, "Awaited still\n", "en")
	s.ok(err)
	if status, body := join("192.0.2.3", "AAAAAA", "Awaited still"); status != http.StatusNotFound {
		t.Errorf("a wrong code: %d %s", status, body)
	}
	// Time makes room again, little by little.
	now = now.Add(time.Second)
	for i := range int(limits.Joins.PerClient) + 1 {
		want := http.StatusCreated
		if i == int(limits.Joins.PerClient) {
			want = http.StatusTooManyRequests
		}
		if status, body := join(hall, f.code, fmt.Sprintf("Late %d", i)); status != want {
			t.Errorf("late learner %d: %d %s", i, status, body)
		}
	}
}
