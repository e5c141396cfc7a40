package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// OIDCOptions are what a provider of OpenID Connect has told us.
type OIDCOptions struct {
	Issuer, ClientID, ClientSecret string
	Name                           string // of the provider, for people
}

// OIDC signs people in by a provider of OpenID Connect: the authorization code
// flow, with PKCE (RFC 7636).
type OIDC struct {
	o      OIDCOptions
	client *http.Client

	mu       sync.Mutex
	provider *oidc.Provider // nil until it was first needed, and reached
}

// Identity is whom a provider vouches for.
type Identity struct {
	Subject string // unique among all providers
	Email   string // empty where the provider has not verified it
	Name    string
}

// ErrDenied is returned where the provider, or whoever sat there, said no.
var ErrDenied = errors.New("the provider did not sign anybody in")

// oidcWithin is how long a provider may take to answer.
const oidcWithin = 10 * time.Second

// NewOIDC returns an OIDC. The provider is asked only when somebody signs in: a
// server starts without it.
func NewOIDC(o OIDCOptions) *OIDC {
	return &OIDC{o: o, client: &http.Client{Timeout: oidcWithin}}
}

// Name is the provider's name for people.
func (p *OIDC) Name() string { return p.o.Name }

func (p *OIDC) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.provider == nil {
		// The provider keeps the context for its keys: it must outlive the request.
		found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.o.Issuer)
		if err != nil {
			return nil, fmt.Errorf("cannot reach the OpenID provider: %w", err)
		}
		p.provider = found
	}
	return p.provider, nil
}

func (p *OIDC) config(provider *oidc.Provider, redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.o.ClientID, ClientSecret: p.o.ClientSecret, Endpoint: provider.Endpoint(), RedirectURL: redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}
}

// Begin returns the address at the provider to which the browser goes, and a
// secret that the browser keeps until it comes back to the redirect.
func (p *OIDC) Begin(ctx context.Context, redirect string) (address, secret string, err error) {
	provider, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	address = p.config(provider, redirect).AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))
	return address, strings.Join([]string{state, nonce, verifier}, "."), nil
}

// Finish returns whom the provider vouches for, from what the browser brings
// back in its query and the secret that it kept.
func (p *OIDC) Finish(ctx context.Context, redirect, secret string, query url.Values) (Identity, error) {
	parts := strings.Split(secret, ".")
	if len(parts) != 3 || subtle.ConstantTimeCompare([]byte(parts[0]), []byte(query.Get("state"))) != 1 {
		return Identity{}, fmt.Errorf("cannot sign in: %w: another browser began", ErrDenied)
	}
	if reason := query.Get("error"); reason != "" || query.Get("code") == "" {
		return Identity{}, fmt.Errorf("cannot sign in: %w: %.80q", ErrDenied, reason)
	}
	provider, err := p.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.config(provider, redirect).Exchange(ctx, query.Get("code"), oauth2.VerifierOption(parts[2]))
	if err != nil {
		return Identity{}, fmt.Errorf("cannot exchange the provider's code: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return Identity{}, errors.New("cannot sign in: the provider sent no ID token")
	}
	id, err := provider.Verifier(&oidc.Config{ClientID: p.o.ClientID}).Verify(ctx, raw)
	if err != nil {
		return Identity{}, fmt.Errorf("cannot believe the provider's token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(parts[1])) != 1 {
		return Identity{}, errors.New("cannot believe the provider's token: it is for another sign-in")
	}
	var claims struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
		Name     string `json:"name"`
	}
	if err := id.Claims(&claims); err != nil {
		return Identity{}, fmt.Errorf("cannot read the provider's token: %w", err)
	}
	who := Identity{Subject: id.Issuer + " " + id.Subject, Name: claims.Name}
	if claims.Verified {
		who.Email = strings.ToLower(claims.Email)
	}
	return who, nil
}
