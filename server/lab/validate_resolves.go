package lab

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// recordTypes are the types of DNS records that a check can ask for; the first
// two are what a host's own programs ask.
var recordTypes = []string{"A", "AAAA", "CNAME", "NS", "PTR", "MX", "TXT", "SRV"}

// dnsName is a name as one types it: labels of up to 63 characters.
var dnsName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$`)

func (c *ResolvesCheck) validate(bad func(field, message, remedy string), oneOf func(string, string, ...string), alone func(bool, ...bool)) {
	known := slices.Clone(recordTypes)
	if !c.Server.IsValid() {
		known = known[:2]
	}
	oneOf("type", c.Type, append([]string{""}, known...)...)
	address, err := netip.ParseAddr(c.Name)
	switch {
	case c.Type == "PTR":
		if err != nil || address.Zone() != "" {
			bad("name", fmt.Sprintf("%q is no address", c.Name), "PTR asks for the name of an address: name: 192.168.1.10")
		}
	case err == nil:
		bad("name", fmt.Sprintf("%q is an address already", c.Name), "Write a name, or type: PTR to ask for its name")
	case !dnsName.MatchString(c.Name) || len(c.Name) > 253:
		bad("name", fmt.Sprintf("%q is no name for DNS", c.Name), "Write a name such as web or web.corp.example")
	}
	oneOf("by", c.By, "", "files", "dns")
	if c.By != "" && c.Server.IsValid() {
		bad("by", "the check asks a server, and by whom the host finds the name", "Leave server out, or by")
	}
	for _, v := range c.Is {
		a, err := netip.ParseAddr(v)
		switch {
		case strings.TrimSpace(v) == "":
			bad("is", "a value is empty", "Write what the name must be")
		case c.Type == "" || c.Type == "A":
			if err != nil || !a.Is4() {
				bad("is", fmt.Sprintf("%q is no IPv4 address", v), "An A record holds one, such as 192.168.1.10; AAAA is for IPv6")
			}
		case c.Type == "AAAA":
			if err != nil || !a.Is6() || a.Zone() != "" {
				bad("is", fmt.Sprintf("%q is no IPv6 address", v), "An AAAA record holds one, such as 2001:db8::10")
			}
		}
	}
	alone(c.Absent, len(c.Is) > 0, c.By != "")
}
