package resolve

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Source is one of the places of nsswitch.conf(5) in which names are looked up.
type Source struct {
	Name string // files, dns …
	// Returns says after which status the search ends here: success, notfound, unavail, tryagain.
	Returns map[status]bool
}

// status is how a source has answered, as nsswitch.conf names it.
type status string

const (
	success  status = "success"
	notFound status = "notfound"
	unavail  status = "unavail"
	tryAgain status = "tryagain"
)

var (
	// what a hosts line is made of: sources, and actions in brackets.
	nssWord = regexp.MustCompile(`\[[^\]]*\]|[^\s\[\]]+`)
	nssPair = regexp.MustCompile(`(!?)\s*([A-Za-z]+)\s*=\s*([A-Za-z]+)`)
)

// defaultSources is what glibc takes where nsswitch.conf has no hosts line (nss/nss_database.c).
const defaultSources = "files dns"

// ParseNsswitch reads the sources of host names of nsswitch.conf(5).
func ParseNsswitch(text string) []Source {
	line := defaultSources
	for l := range strings.SplitSeq(text, "\n") {
		l, _, _ = strings.Cut(l, "#")
		if rest, ok := strings.CutPrefix(strings.TrimLeft(l, " \t"), "hosts:"); ok {
			line = rest
			break
		}
	}
	var sources []Source
	for _, w := range nssWord.FindAllString(line, -1) {
		if !strings.HasPrefix(w, "[") {
			sources = append(sources, Source{w, map[status]bool{success: true}})
			continue
		}
		if len(sources) == 0 {
			continue
		}
		returns := sources[len(sources)-1].Returns
		for _, m := range nssPair.FindAllStringSubmatch(w, -1) {
			named, action := status(strings.ToLower(m[2])), strings.EqualFold(m[3], "return")
			for _, s := range []status{success, notFound, unavail, tryAgain} {
				if (s == named) != (m[1] == "!") {
					returns[s] = action
				}
			}
		}
	}
	return sources
}

// Resolv is what matters of resolv.conf(5).
type Resolv struct {
	Servers  []netip.Addr
	Search   []string
	Ndots    int
	Timeout  int // seconds
	Attempts int
}

// mostServers is MAXNS of resolv.h. glibc takes any number of search domains; a
// learner's file is not to keep the server busy with them.
const (
	mostServers = 3
	mostDomains = 32
)

// ParseResolv reads resolv.conf(5) as glibc does: a keyword begins its line,
// a line that cannot be read does not count.
func ParseResolv(text string) Resolv {
	r := Resolv{Ndots: 1, Timeout: 5, Attempts: 2}
	for line := range strings.SplitSeq(text, "\n") {
		words := strings.Fields(line)
		if len(words) < 2 || strings.ContainsAny(line[:1], "#; \t") {
			continue
		}
		switch words[0] {
		case "nameserver":
			if a, err := netip.ParseAddr(words[1]); err == nil && len(r.Servers) < mostServers {
				r.Servers = append(r.Servers, a)
			}
		case "domain": // the later of domain and search counts
			r.Search = []string{Name(words[1])}
		case "search":
			r.Search = nil
			for _, w := range words[1:min(len(words), 1+mostDomains)] {
				r.Search = append(r.Search, Name(w))
			}
		case "options":
			for _, w := range words[1:] {
				key, v, _ := strings.Cut(w, ":")
				n, err := strconv.Atoi(v)
				if err != nil || n < 0 {
					continue
				}
				switch key { // the bounds are those of glibc's resolv.h
				case "ndots":
					r.Ndots = min(n, 15)
				case "timeout":
					r.Timeout = max(1, min(n, 30))
				case "attempts":
					r.Attempts = max(1, min(n, 5))
				}
			}
		}
	}
	return r
}

// candidates are the absolute names that a name is asked by, in order: resolv.conf(5), search and ndots.
func (r Resolv) candidates(name string) []string {
	bare := strings.TrimSuffix(name, ".")
	if bare != name {
		return []string{bare}
	}
	var searched []string
	for _, s := range r.Search {
		if s == "" { // search . is the name itself
			searched = append(searched, bare)
			continue
		}
		searched = append(searched, bare+"."+s)
	}
	if strings.Count(bare, ".") >= r.Ndots {
		return append([]string{bare}, searched...)
	}
	if slices.Contains(searched, bare) {
		return searched
	}
	return append(searched, bare)
}

// LookupHosts returns the addresses that hosts(5) gives a name, in the file's order.
func LookupHosts(text, name string, six bool) []netip.Addr {
	var found []netip.Addr
	for line := range strings.SplitSeq(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 || !slices.ContainsFunc(words[1:], func(w string) bool { return strings.EqualFold(w, name) }) {
			continue
		}
		if a, err := netip.ParseAddr(words[0]); err == nil && a.Is6() == six && !slices.Contains(found, a) {
			found = append(found, a)
		}
	}
	return found
}
