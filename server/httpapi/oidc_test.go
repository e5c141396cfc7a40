package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/classroom"
	"github.com/netground/netground/server/store"
)

func TestSignInByProvider(t *testing.T) {
	s := openSchool(t)
	s.ok(s.db.SaveStaff(t.Context(), store.Staff{ID: auth.NewID(), Login: "kim@school.example", Name: "Kim", Role: classroom.Teacher, Created: time.Now()}))
	res, _ := s.do("GET", "/api/oidc", "", header("Cookie", ""))
	if got := res.Header.Get("Location"); res.StatusCode != http.StatusFound || got != "https://provider.example/?redirect_uri=http%3A%2F%2F"+strings.ReplaceAll(strings.TrimPrefix(s.server.URL, "http://"), ":", "%3A")+"%2Fapi%2Foidc%2Fcallback" {
		t.Errorf("status %d, %s", res.StatusCode, got)
	}
	kept := res.Cookies()
	if len(kept) != 1 || kept[0].Path != oidcPath || !kept[0].HttpOnly {
		t.Fatalf("got cookies %v", kept)
	}
	back := func(code, cookie string) (string, []*http.Cookie) {
		t.Helper()
		res, body := s.do("GET", "/api/oidc/callback?code="+code, "", header("Cookie", cookie))
		s.wantStatus(res, body, http.StatusFound)
		return res.Header.Get("Location"), res.Cookies()
	}
	own := kept[0].Name + "=" + kept[0].Value
	for _, c := range []struct{ code, cookie, want string }{
		{"kim@school.example", "", "/teach/sign-in?error=denied"},
		{"kim@school.example", oidcCookie + "=other", "/teach/sign-in?error=denied"},
		{"stranger@school.example", own, "/teach/sign-in?error=unknown"},
		{"", own, "/teach/sign-in?error=unknown"},
		{"kim@school.example", own, "/teach"},
		{"kim@school.example", own, "/teach"}, // now by the subject
	} {
		got, cookies := back(c.code, c.cookie)
		signedIn := false
		for _, k := range cookies {
			signedIn = signedIn || k.Name == auth.StaffCookieName
			if k.Name == auth.StaffCookieName {
				if _, body := s.do("GET", "/api/staff/me", "", header("Cookie", k.Name+"="+k.Value)); !strings.Contains(body, `"name":"Kim"`) || !strings.Contains(body, `"oidc":"School"`) {
					t.Errorf("signed in as %s", body)
				}
			}
		}
		if got != c.want || signedIn != (c.want == "/teach") {
			t.Errorf("%s with %q: got to %s, signed in: %v", c.code, c.cookie, got, signedIn)
		}
	}
}
