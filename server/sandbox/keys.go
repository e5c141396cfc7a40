package sandbox

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"

	"github.com/netground/netground/server/sandbox/keeper"
)

// newKeys makes the ssh key pair that all hosts of a sandbox share, as host key
// and as root's own.
func newKeys() (keeper.Keys, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return keeper.Keys{}, fmt.Errorf("cannot make an ssh key: %w", err)
	}
	const kind = "ssh-ed25519"
	field := func(b []byte, s string) []byte {
		return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	blob := field(field(nil, kind), string(public))

	// OpenSSH's PROTOCOL.key, without a passphrase.
	check := private[:4]
	secret := append(append([]byte{}, check...), check...)
	secret = field(field(field(secret, kind), string(public)), string(private))
	secret = field(secret, "netground")
	for i := byte(1); len(secret)%8 != 0; i++ {
		secret = append(secret, i)
	}
	file := field(field(field([]byte("openssh-key-v1\x00"), "none"), "none"), "")
	file = field(field(binary.BigEndian.AppendUint32(file, 1), string(blob)), string(secret))
	return keeper.Keys{
		Dropbear:   field(field(nil, kind), string(private)), // private is seed and public key
		OpenSSH:    pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: file}),
		Authorized: []byte(kind + " " + base64.StdEncoding.EncodeToString(blob) + " netground\n"),
	}, nil
}
