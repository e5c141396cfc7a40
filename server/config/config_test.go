package config

import (
	"strings"
	"testing"
	"time"
)

func good() Server {
	return Server{
		Listen: ":8080", IdleTimeout: time.Hour, WarnBefore: time.Minute, HardLimit: time.Hour, MaxPerClient: 1, MaxTerminals: 1,
		Machine: Machine{Rootfs: "r", Keeper: "k", State: "s", Runtime: "r", IDBase: 1 << 30, IDCount: 1 << 30, MemoryMiB: 512, Pids: 512, CPU: 100, DiskMiB: 128},
	}
}

func TestValidate(t *testing.T) {
	s := good()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*Server){
		"cannot listen":      func(s *Server) { s.Listen = "8080" },
		"trust the proxy":    func(s *Server) { s.Trusted = []string{"nowhere"} },
		"--max-per-learner":  func(s *Server) { s.MaxPerClient = 0 },
		"--pool":             func(s *Server) { s.Pool = -1 },
		"--idle-timeout":     func(s *Server) { s.IdleTimeout = time.Second },
		"--warn-before":      func(s *Server) { s.WarnBefore = 2 * time.Hour },
		"--memory-mib":       func(s *Server) { s.MemoryMiB = 0 },
		"cannot be used":     func(s *Server) { s.IDBase, s.IDCount = 1<<31, 1<<31 },
		"must name a place":  func(s *Server) { s.Keeper = "" },
		"--hard-limit is 0s": func(s *Server) { s.HardLimit = 0 },
	} {
		s := good()
		spoil(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestProxies(t *testing.T) {
	s := Server{Trusted: []string{"10.0.0.0/8", "::1"}}
	p, err := s.Proxies()
	if err != nil || len(p) != 2 || p[1].Bits() != 128 {
		t.Errorf("got %v, %v", p, err)
	}
}
