// Package auth knows who asks and how often: anonymous learners by a signed
// cookie, and limits of rate for clients. It knows nothing of HTTP.
package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// The names of the cookies: of learners, and of who teaches.
const (
	CookieName      = "ng_learner"
	StaffCookieName = "ng_staff"
)

const (
	// version is the format of the cookie, and part of what is signed. A new
	// format gets a new version, and Verify learns which old ones still count.
	version = "1"
	// These keep a signature of the key from counting anywhere else.
	learnerPurpose = "netground learner cookie"
	staffPurpose   = "netground staff cookie"

	keySize = 32
	idBytes = 16
	idSize  = 26 // of idBytes in base32
)

// idEncoding gives lower-case letters and digits, which fit everywhere.
var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewID returns an id that nobody can guess: 26 lower-case letters and digits.
func NewID() string {
	var b [idBytes]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return idEncoding.EncodeToString(b[:])
}

func validID(id string) bool {
	if len(id) != idSize {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// Signer signs ids and recognizes its signatures: of learners, or (ForStaff) of
// sign-ins of those who teach.
type Signer struct {
	keys    [][]byte
	purpose string
}

// NewSigner returns a signer with at least one key of 32 bytes. The first one
// signs; signatures of the others still count, so that a key can be replaced
// without anybody losing progress.
func NewSigner(keys ...[]byte) (*Signer, error) {
	if len(keys) == 0 {
		return nil, errors.New("cannot sign cookies without a key")
	}
	s := &Signer{purpose: learnerPurpose}
	for _, k := range keys {
		if len(k) != keySize {
			return nil, fmt.Errorf("cannot sign cookies with a key of %d bytes: it must have %d", len(k), keySize)
		}
		s.keys = append(s.keys, append([]byte(nil), k...))
	}
	return s, nil
}

// Secrets keeps a secret, and makes it the first time that it is asked for.
type Secrets interface {
	Secret(ctx context.Context, name string, fresh func() ([]byte, error)) ([]byte, error)
}

// OpenSigner returns a signer with the key that is kept.
func OpenSigner(ctx context.Context, secrets Secrets) (*Signer, error) {
	key, err := secrets.Secret(ctx, "learner-cookie", func() ([]byte, error) {
		key := make([]byte, keySize)
		_, err := rand.Read(key)
		return key, err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot get the cookies' key: %w", err)
	}
	return NewSigner(key)
}

// ForStaff returns a signer with the same keys for the cookies of those who
// teach. Neither recognizes the other's signatures.
func (s *Signer) ForStaff() *Signer { return &Signer{keys: s.keys, purpose: staffPurpose} }

// Sign returns the cookie's value for a learner: version.id.signature. Of an
// id that is not one (see NewID), it returns what Verify refuses.
func (s *Signer) Sign(id string) string {
	return version + "." + id + "." + base64.RawURLEncoding.EncodeToString(s.mac(s.keys[0], id))
}

// Verify returns the learner's id from a cookie's value, and whether it is one
// that Sign made.
func (s *Signer) Verify(value string) (id string, ok bool) {
	v, rest, _ := strings.Cut(value, ".")
	id, signature, found := strings.Cut(rest, ".")
	if v != version || !found || !validID(id) {
		return "", false
	}
	got, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil {
		return "", false
	}
	for _, k := range s.keys {
		if hmac.Equal(got, s.mac(k, id)) { // in constant time
			ok = true
		}
	}
	if !ok {
		return "", false
	}
	return id, true
}

func (s *Signer) mac(key []byte, id string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(h, "%s\x00%s\x00%s", s.purpose, version, id)
	return h.Sum(nil)
}
