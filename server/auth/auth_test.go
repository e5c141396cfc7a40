package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

func signer(t *testing.T, fill ...byte) *Signer {
	t.Helper()
	var keys [][]byte
	for _, b := range fill {
		keys = append(keys, bytes.Repeat([]byte{b}, keySize))
	}
	s, err := NewSigner(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSignAndVerify(t *testing.T) {
	s := signer(t, 1)
	seen := map[string]bool{}
	for range 100 {
		id := NewID()
		if seen[id] {
			t.Fatalf("%s twice", id)
		}
		seen[id] = true
		if got, ok := s.Verify(s.Sign(id)); !ok || got != id {
			t.Fatalf("%s: got %q, %v", id, got, ok)
		}
	}
}

// TestFormat holds the format: changing it would take everybody's progress.
func TestFormat(t *testing.T) {
	const id, want = "abcdefghijklmnopqrstuvwxyz", "1.abcdefghijklmnopqrstuvwxyz.uc2vNsLxNXi6Q3WIcXy--gD_KTGRQfGhsRdkTF6Kr3E"
	if got := signer(t, 1).Sign(id); got != want {
		t.Errorf("got %s", got)
	}
}

func TestVerifyRefuses(t *testing.T) {
	s := signer(t, 1)
	id := NewID()
	good := s.Sign(id)
	parts := strings.Split(good, ".")
	bad := map[string]string{
		"empty":            "",
		"only the id":      id,
		"no signature":     "1." + id,
		"empty signature":  "1." + id + ".",
		"other version":    "2." + id + "." + parts[2],
		"other id":         "1." + NewID() + "." + parts[2],
		"other key":        signer(t, 2).Sign(id),
		"more behind":      good + ".",
		"padding":          good + "=",
		"shorter":          good[:len(good)-1],
		"signature's cut":  "1." + id + "." + parts[2][:10],
		"bits at the end":  good[:len(good)-1] + string(good[len(good)-1]+1),
		"upper case":       strings.ToUpper(good),
		"signed empty id":  s.Sign(""),
		"signed path":      s.Sign("../../../../etc/passwd"),
		"signed separator": s.Sign("abcdefghijklm.nopqrstuvwxy"),
		"long":             "1." + strings.Repeat("a", 1<<20) + "." + parts[2],
	}
	for i := range good {
		b := []byte(good)
		b[i] ^= 1
		bad[fmt.Sprintf("bit at %d", i)] = string(b)
	}
	for what, value := range bad {
		if got, ok := s.Verify(value); ok || got != "" {
			t.Errorf("%s: %.60q counts as %q", what, value, got)
		}
	}
}

func TestKeysAreReplaced(t *testing.T) {
	id := NewID()
	both := signer(t, 2, 1)
	if got, ok := both.Verify(signer(t, 1).Sign(id)); !ok || got != id {
		t.Error("the old key does not count any more")
	}
	if _, ok := signer(t, 1).Verify(both.Sign(id)); ok {
		t.Error("the old key still signs")
	}
	if _, err := NewSigner(); err == nil {
		t.Error("a signer without a key")
	}
	if _, err := NewSigner([]byte("short")); err == nil {
		t.Error("a short key")
	}
}

type secrets map[string][]byte

func (s secrets) Secret(_ context.Context, name string, fresh func() ([]byte, error)) ([]byte, error) {
	if s == nil {
		return nil, errors.New("no disk")
	}
	if _, ok := s[name]; !ok {
		v, err := fresh()
		if err != nil {
			return nil, err
		}
		s[name] = v
	}
	return s[name], nil
}

func TestOpenSigner(t *testing.T) {
	kept := secrets{}
	a, err := OpenSigner(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenSigner(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Verify(a.Sign(NewID())); !ok {
		t.Error("the key was not kept")
	}
	c, err := OpenSigner(t.Context(), secrets{})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Verify(a.Sign(NewID())); ok {
		t.Error("two servers have the same key")
	}
	if _, err := OpenSigner(t.Context(), secrets(nil)); err == nil {
		t.Error("no error")
	}
}

var now = time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)

func TestLimitPerClient(t *testing.T) {
	l := NewLimiter(Limits{PerClient: 1, ClientBurst: 3})
	for i := range 3 {
		if ok, _ := l.Allow("a", now); !ok {
			t.Fatalf("number %d was refused", i+1)
		}
	}
	for range 10 { // what is refused uses up nothing
		if ok, wait := l.Allow("a", now); ok || wait != time.Second {
			t.Fatalf("got %v, %v", ok, wait)
		}
	}
	if ok, _ := l.Allow("b", now); !ok {
		t.Error("another client was refused")
	}
	if ok, _ := l.Allow("a", now.Add(time.Second)); !ok {
		t.Error("refused after the wait")
	}
	if ok, _ := l.Allow("a", now.Add(time.Second)); ok {
		t.Error("two in one second")
	}
}

func TestLimitOverall(t *testing.T) {
	l := NewLimiter(Limits{PerClient: 0.1, ClientBurst: 1, Overall: 1, TotalBurst: 2})
	for _, c := range []string{"a", "b"} {
		if ok, _ := l.Allow(c, now); !ok {
			t.Fatalf("%s was refused", c)
		}
	}
	if ok, wait := l.Allow("c", now); ok || wait != time.Second {
		t.Fatalf("got %v, %v", ok, wait)
	}
	// c has its own turn left, though the crowd was in its way.
	if ok, wait := l.Allow("c", now.Add(time.Second)); !ok {
		t.Errorf("refused for %v", wait)
	}
}

func TestNoLimit(t *testing.T) {
	l := NewLimiter(Limits{})
	for range 1000 {
		if ok, _ := l.Allow("a", now); !ok {
			t.Fatal("refused")
		}
	}
}

func TestLimiterIsBounded(t *testing.T) {
	l := NewLimiter(Limits{PerClient: 1, ClientBurst: 1, Clients: 10})
	l.Allow("a", now)
	for i := range 1000 {
		if i%5 == 0 {
			if ok, _ := l.Allow("a", now); ok {
				t.Fatal("a client that keeps asking was forgotten")
			}
		}
		l.Allow(fmt.Sprint(i), now)
		if len(l.clients) > 10 || l.recent.Len() != len(l.clients) {
			t.Fatalf("%d clients in the map, %d in the list", len(l.clients), l.recent.Len())
		}
	}
}

func TestLimiterAtOnce(t *testing.T) {
	l := NewLimiter(Limits{PerClient: 0.001, ClientBurst: 5, Clients: 3})
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		allowed int
	)
	for range 50 {
		wg.Go(func() {
			if ok, _ := l.Allow("a", now); ok {
				mu.Lock()
				allowed++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if allowed != 5 {
		t.Errorf("%d were allowed, want 5", allowed)
	}
}

func TestClientKey(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7":                 "192.0.2.7",
		"::ffff:192.0.2.7":          "192.0.2.7",
		"2001:db8:1:2:3:4:5:6":      "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1%eth0": "2001:db8:1:2::/64",
		"::1":                       "::/64",
	} {
		if got := ClientKey(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
	if got := ClientKey(netip.Addr{}); got != "invalid IP" {
		t.Errorf("got %q", got)
	}
}
