package auth

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// provider is a small provider of OpenID Connect, at which everybody is Kim.
type provider struct {
	*httptest.Server
	key       *rsa.PrivateKey
	claims    map[string]any // more of them, or others
	challenge string
	nonce     string
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key}
	mux := http.NewServeMux()
	answer := func(v any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v)
		}
	}
	b64 := base64.RawURLEncoding
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		answer(map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})(w, r)
	})
	mux.HandleFunc("GET /keys", answer(map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig", "n": b64.EncodeToString(key.N.Bytes()), "e": b64.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}}}))
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		p.challenge, p.nonce = q.Get("code_challenge"), q.Get("nonce")
		http.Redirect(w, r, q.Get("redirect_uri")+"?code=one&state="+url.QueryEscape(q.Get("state")), http.StatusFound)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		id, secret, ok := r.BasicAuth()
		if r.FormValue("code") != "one" || b64.EncodeToString(sum[:]) != p.challenge || ok && (id != "netground" || secret != "secret") {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		claims := map[string]any{
			"iss": p.URL, "sub": "42", "aud": "netground", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
			"nonce": p.nonce, "email": "Kim@School.example", "email_verified": true, "name": "Kim",
		}
		for k, v := range p.claims {
			claims[k] = v
		}
		answer(map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": p.sign(t, claims)})(w, r)
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) sign(t *testing.T, claims map[string]any) string {
	b64 := base64.RawURLEncoding
	body, err := json.Marshal(claims)
	if err != nil {
		t.Error(err)
	}
	text := b64.EncodeToString([]byte(`{"alg":"RS256","kid":"1","typ":"JWT"}`)) + "." + b64.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Error(err)
	}
	return text + "." + b64.EncodeToString(signature)
}

// visit goes to the provider as a browser does, and returns what it brings back.
func visit(t *testing.T, address string) url.Values {
	t.Helper()
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	back, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	return back.Query()
}

func TestOIDC(t *testing.T) {
	const redirect = "http://netground.example/api/oidc/callback"
	p := newProvider(t)
	o := NewOIDC(OIDCOptions{Issuer: p.URL, ClientID: "netground", ClientSecret: "secret", Name: "School"})
	begin := func() (url.Values, string) {
		t.Helper()
		address, secret, err := o.Begin(t.Context(), redirect)
		if err != nil {
			t.Fatal(err)
		}
		return visit(t, address), secret
	}
	back, secret := begin()
	who, err := o.Finish(t.Context(), redirect, secret, back)
	if err != nil || who != (Identity{Subject: p.URL + " 42", Email: "kim@school.example", Name: "Kim"}) {
		t.Errorf("got %+v, %v", who, err)
	}
	for what, claims := range map[string]map[string]any{
		"another's token": {"aud": "other"}, "another issuer": {"iss": "http://evil.example"}, "too old": {"exp": time.Now().Add(-time.Hour).Unix()}, "another sign-in": {"nonce": "x"},
	} {
		p.claims = claims
		back, secret := begin()
		if who, err := o.Finish(t.Context(), redirect, secret, back); err == nil {
			t.Errorf("%s: %+v", what, who)
		}
	}
	p.claims = map[string]any{"email_verified": false}
	back, secret = begin()
	if who, err := o.Finish(t.Context(), redirect, secret, back); err != nil || who.Email != "" {
		t.Errorf("a mail address that nobody verified: %+v, %v", who, err)
	}
	p.claims = nil
	back, _ = begin()
	_, other := begin()
	if _, err := o.Finish(t.Context(), redirect, other, back); !errors.Is(err, ErrDenied) {
		t.Errorf("another browser's secret: %v", err)
	}
	if _, err := o.Finish(t.Context(), redirect, "", back); !errors.Is(err, ErrDenied) {
		t.Errorf("no secret: %v", err)
	}
	_, secret = begin()
	back.Set("error", "access_denied")
	if _, err := o.Finish(t.Context(), redirect, secret, back); err == nil {
		t.Error("denied, and signed in")
	}
	if _, _, err := NewOIDC(OIDCOptions{Issuer: "http://127.0.0.1:1"}).Begin(t.Context(), redirect); err == nil {
		t.Error("a provider that is not there")
	}
}
