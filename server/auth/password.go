package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of a password: the second recommendation of RFC 9106, section 4.
const (
	argonTime    = 3
	argonMemory  = 64 << 10 // KiB
	argonThreads = 4
	argonKey     = 32
	argonSalt    = 16

	// LeastPassword and MostPassword bound a password, in characters and bytes.
	LeastPassword = 10
	MostPassword  = 200
)

// ErrPassword is returned for a password that is too short or too long.
var ErrPassword = errors.New("the password is too short or too long")

// Passwords hashes passwords with argon2id. Each takes 64 MiB for a moment, so
// that only a few are hashed at a time.
type Passwords struct{ turn chan struct{} }

// NewPasswords returns Passwords of which two are hashed at a time.
func NewPasswords() *Passwords { return &Passwords{turn: make(chan struct{}, 2)} }

// Hash returns what is kept of a password: $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if len([]rune(password)) < LeastPassword || len(password) > MostPassword {
		return "", ErrPassword
	}
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the program instead
	key, err := p.key(ctx, password, salt, argonTime, argonMemory, argonThreads)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// Check says whether the password is the one that was hashed. Without a hash it
// takes as long, and says no: nobody learns so which logins there are.
func (p *Passwords) Check(ctx context.Context, hash, password string) (bool, error) {
	if len(password) > MostPassword {
		return false, nil
	}
	var (
		version, memory, time, threads uint32
		salt, want                     []byte
	)
	parts := strings.Split(hash, "$")
	known := len(parts) == 6 && parts[1] == "argon2id"
	if known {
		_, e1 := fmt.Sscanf(parts[2], "v=%d", &version)
		_, e2 := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &threads)
		var e3, e4 error
		salt, e3 = base64.RawStdEncoding.DecodeString(parts[4])
		want, e4 = base64.RawStdEncoding.DecodeString(parts[5])
		if err := errors.Join(e1, e2, e3, e4); err != nil || version != argon2.Version || memory > 1<<20 || time < 1 || time > 20 || threads < 1 || threads > 64 || len(want) != argonKey {
			return false, fmt.Errorf("cannot read the hash of a password: %w", errors.Join(err, errors.New("it is none of ours")))
		}
	} else {
		memory, time, threads, salt, want = argonMemory, argonTime, argonThreads, make([]byte, argonSalt), make([]byte, argonKey)
	}
	key, err := p.key(ctx, password, salt, time, memory, uint8(threads))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, want) == 1 && known, nil
}

func (p *Passwords) key(ctx context.Context, password string, salt []byte, time, memory uint32, threads uint8) ([]byte, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, time, memory, threads, argonKey), nil
}
