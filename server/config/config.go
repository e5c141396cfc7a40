// Package config holds the settings of the server: one struct, filled from a
// flag, then the environment, then the default, and validated.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Server is what `netground serve` can be told. The tags are read by the
// command line's parser; each setting has an environment variable NETGROUND_….
type Server struct {
	Listen  string   `help:"Address and port to serve on." default:":8080" env:"NETGROUND_LISTEN"`
	Labs    string   `help:"Folder with course.yaml and the labs." default:"labs" type:"path" env:"NETGROUND_LABS"`
	Trusted []string `name:"trusted-proxy" help:"Network of a reverse proxy whose X-Forwarded headers count." env:"NETGROUND_TRUSTED_PROXY"`

	Database string `help:"PostgreSQL database, postgres://USER:PASSWORD@HOST/NAME; empty: SQLite, in the folder of --state." env:"NETGROUND_DATABASE"`
	Class    string `help:"Name of a class that is made if there is none; its join code is printed." env:"NETGROUND_CLASS"`

	OIDC `embed:"" prefix:"oidc-"`

	Machine `embed:""`

	IdleTimeout  time.Duration `help:"How long a session lives without activity." default:"45m" env:"NETGROUND_IDLE_TIMEOUT"`
	WarnBefore   time.Duration `help:"How long before its end a learner is warned." default:"5m" env:"NETGROUND_WARN_BEFORE"`
	HardLimit    time.Duration `help:"How long a session lives at most." default:"8h" env:"NETGROUND_HARD_LIMIT"`
	MaxSessions  int           `help:"Sandboxes in all, ready ones among them; 0: as many as the memory holds." default:"0" env:"NETGROUND_MAX_SESSIONS"`
	MaxPerClient int           `name:"max-per-learner" help:"Open sessions of one learner." default:"3" env:"NETGROUND_MAX_PER_LEARNER"`
	MaxTerminals int           `help:"Shells of one session." default:"16" env:"NETGROUND_MAX_TERMINALS"`
	Pool         int           `help:"Sandboxes kept ready; 0: none." default:"2" env:"NETGROUND_POOL"`

	LogFormat string `help:"Format of the log: text or json." enum:"text,json" default:"text" env:"NETGROUND_LOG_FORMAT"`
	LogLevel  string `help:"What is logged: debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"NETGROUND_LOG_LEVEL"`
}

// OIDC is a provider of OpenID Connect by which teachers sign in.
type OIDC struct {
	Issuer string `help:"OpenID Connect provider by which teachers sign in, https://…; its redirect address is /api/oidc/callback of this server." env:"NETGROUND_OIDC_ISSUER"`
	Client string `help:"Our client id there." env:"NETGROUND_OIDC_CLIENT"`
	Secret string `help:"Our client secret there." env:"NETGROUND_OIDC_SECRET"`
	Name   string `help:"What the provider is called on the sign-in page." default:"OpenID Connect" env:"NETGROUND_OIDC_NAME"`
}

// Machine is what making sandboxes needs.
type Machine struct {
	Rootfs  string `help:"Root file system of hosts." default:"/var/lib/netground/rootfs" type:"path" env:"NETGROUND_ROOTFS"`
	Keeper  string `help:"The keeper program." default:"/usr/local/bin/keeper" type:"path" env:"NETGROUND_KEEPER"`
	State   string `help:"Folder of the database and of what is known of sandboxes." default:"/var/lib/netground" type:"path" env:"NETGROUND_STATE"`
	Runtime string `help:"Folder of sandboxes' sockets." default:"/run/netground" type:"path" env:"NETGROUND_RUNTIME"`
	Cgroup  string `help:"Control group below which sandboxes get theirs." default:"/netground" env:"NETGROUND_CGROUP"`

	IDBase  uint32 `help:"First user and group id that sandboxes may use." default:"1073741824" env:"NETGROUND_ID_BASE"`
	IDCount uint32 `help:"How many ids they may use; 65,536 a sandbox." default:"1073741824" env:"NETGROUND_ID_COUNT"`

	MemoryMiB int64 `name:"memory-mib" help:"Memory of one sandbox, in MiB." default:"512" env:"NETGROUND_MEMORY_MIB"`
	Pids      int64 `help:"Processes of one sandbox." default:"512" env:"NETGROUND_PIDS"`
	CPU       int   `help:"CPU of one sandbox, in percent of one processor." default:"100" env:"NETGROUND_CPU"`
	DiskMiB   int64 `name:"disk-mib" help:"What the hosts of one sandbox may write, in MiB; it counts as their memory." default:"128" env:"NETGROUND_DISK_MIB"`
}

// Validate says all that is wrong, each with what would be right.
func (s *Server) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, _, err := net.SplitHostPort(s.Listen); err != nil {
		bad("cannot listen on %q: write an address and a port, such as :8080 or 127.0.0.1:8080", s.Listen)
	}
	if s.Database != "" && !strings.HasPrefix(s.Database, "postgres://") && !strings.HasPrefix(s.Database, "postgresql://") {
		bad("cannot use the database: its address begins with postgres://, as in postgres://USER:PASSWORD@HOST/NAME")
	}
	if s.Issuer != "" && (s.Client == "" || !strings.HasPrefix(s.Issuer, "https://") && !strings.HasPrefix(s.Issuer, "http://")) {
		bad("cannot sign in by OpenID Connect: --oidc-issuer must be an address, https://…, and --oidc-client must be set")
	}
	if _, err := s.Proxies(); err != nil {
		errs = append(errs, err)
	}
	atLeast := func(name string, value, least int64) {
		if value < least {
			bad("--%s is %d; it must be %d at least", name, value, least)
		}
	}
	atLeast("max-sessions", int64(s.MaxSessions), 0)
	atLeast("max-per-learner", int64(s.MaxPerClient), 1)
	atLeast("max-terminals", int64(s.MaxTerminals), 1)
	atLeast("pool", int64(s.Pool), 0)
	for name, d := range map[string]time.Duration{"idle-timeout": s.IdleTimeout, "hard-limit": s.HardLimit} {
		if d < time.Minute {
			bad("--%s is %v; it must be a minute at least", name, d)
		}
	}
	if s.WarnBefore <= 0 || s.WarnBefore >= s.IdleTimeout {
		bad("--warn-before is %v; it must be shorter than --idle-timeout, %v", s.WarnBefore, s.IdleTimeout)
	}
	return errors.Join(append(errs, s.Machine.Validate())...)
}

// Validate says all that is wrong.
func (m *Machine) Validate() error {
	var errs []error
	for _, n := range []struct {
		name  string
		value int64
		least int64
	}{{"memory-mib", m.MemoryMiB, 32}, {"pids", m.Pids, 32}, {"cpu", int64(m.CPU), 1}, {"disk-mib", m.DiskMiB, 8}} {
		if n.value < n.least {
			errs = append(errs, fmt.Errorf("--%s is %d; it must be %d at least", n.name, n.value, n.least))
		}
	}
	if uint64(m.IDBase)+uint64(m.IDCount) > 1<<32-1 || m.IDBase < 65536 || m.IDCount < 65536 {
		errs = append(errs, fmt.Errorf("the ids %d to %d cannot be used: they must begin at 65,536 or above, be 65,536 at least, and end below 4,294,967,295", m.IDBase, uint64(m.IDBase)+uint64(m.IDCount)))
	}
	if m.Rootfs == "" || m.Keeper == "" || m.State == "" || m.Runtime == "" {
		errs = append(errs, errors.New("--rootfs, --keeper, --state and --runtime must name a place"))
	}
	return errors.Join(errs...)
}

// Proxies returns the trusted proxies' networks.
func (s *Server) Proxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, t := range s.Trusted {
		p, err := netip.ParsePrefix(t)
		if err != nil {
			a, e := netip.ParseAddr(t)
			if e != nil {
				return nil, fmt.Errorf("cannot trust the proxy %q: write an address or a network, such as 10.0.0.0/8", t)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		all = append(all, p)
	}
	return all, nil
}
