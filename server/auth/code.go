package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// codeLetters are what codes are written with: nothing that looks like
// something else (0 O, 1 I L), and no vowels that words could be made of.
const codeLetters = "23456789BCDFGHJKMNPQRSTVWXYZ"

const (
	joinCode     = 6
	personalCode = 10
)

// NewJoinCode returns a code that is read off a projector: 28⁶, about 480
// million, which a limit of guesses makes enough.
func NewJoinCode() string { return newCode(joinCode) }

// NewPersonalCode returns a code that opens one learner's place.
func NewPersonalCode() string { return newCode(personalCode) }

func newCode(n int) string {
	var b strings.Builder
	for b.Len() < n {
		var r [1]byte
		_, _ = rand.Read(r[:]) // never fails: crypto/rand ends the program instead
		// The rest of 256 beyond a multiple of the alphabet would favour some letters.
		if i := int(r[0]); i < 256/len(codeLetters)*len(codeLetters) {
			b.WriteByte(codeLetters[i%len(codeLetters)])
		}
	}
	return b.String()
}

// CleanCode is what a person typed as a code is written: in capitals, without
// blanks and hyphens. It is "" for what cannot be one.
func CleanCode(typed string) string {
	if len(typed) > 40 {
		return ""
	}
	var b strings.Builder
	for _, c := range strings.ToUpper(typed) {
		switch {
		case c == ' ' || c == '-':
		case strings.ContainsRune(codeLetters, c):
			b.WriteRune(c)
		default:
			return ""
		}
	}
	return b.String()
}

// ShowPersonalCode writes a personal code as people read it: ABCDE-FGHJK.
func ShowPersonalCode(code string) string {
	if len(code) != personalCode {
		return code
	}
	return code[:personalCode/2] + "-" + code[personalCode/2:]
}

// HashToken returns what is kept of a one-time token. Tokens are random and
// long, so that a plain hash is enough.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte("netground link\x00" + token))
	return hex.EncodeToString(sum[:])
}
