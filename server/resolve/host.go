package resolve

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/netground/netground/server/observe"
)

// Files are a host's files that say where names are looked up; one that is
// missing is empty.
type Files struct{ Nsswitch, Resolv, Hosts string }

// Status says how a search ended.
type Status string

// The ends of a search.
const (
	Found       Status = "found"
	NotInHosts  Status = "not-in-hosts"  // only the hosts file was looked at
	NoSource    Status = "no-source"     // nsswitch.conf names neither files nor dns
	NoServer    Status = "no-nameserver" // resolv.conf names none, and localhost does not answer
	NotAnswered Status = "no-answer"     // by a server; Outcome says how
	NoName      Status = "nxdomain"      // DNS knows no such name
	NoData      Status = "no-data"       // the name is there, without such a record
	Trouble     Status = "server-failed" // the server answers by an error; Code says which
)

// Result is what a host finds.
type Result struct {
	Status Status
	Values []string
	// By is the source that gave the values, or the last one asked: files or dns.
	By string
	// Sources are those of nsswitch.conf that there are, in its order.
	Sources []string
	// Server is who answered by DNS, or was asked last.
	Server netip.Addr
	// Asked are the absolute names that were asked for by DNS.
	Asked   []string
	Code    string          // of the server's answer, where there was one
	Outcome observe.Outcome // what became of the query, where there was none
}

// Bounds of a search: servers of a lab are near.
const (
	mostQuery  = 1500 * time.Millisecond
	mostSearch = 5 * time.Second
)

// Host looks a name up as a program of the host would that asks for addresses
// of one version (getaddrinfo(3), getent ahostsv4 and ahostsv6).
func Host(ctx context.Context, x Exchange, f Files, name string, six bool) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, mostSearch)
	defer cancel()
	r := Result{Status: NoSource}
	sources := ParseNsswitch(f.Nsswitch)
	for _, s := range sources {
		if s.Name == "files" || s.Name == "dns" {
			r.Sources = append(r.Sources, s.Name)
		}
	}
	for _, s := range sources {
		end := unavail // a source that the host has no library for
		switch s.Name {
		case "files":
			r.By, end = "files", notFound
			if r.Status == NoSource {
				r.Status = NotInHosts
			}
			if found := LookupHosts(f.Hosts, name, six); len(found) > 0 {
				end, r.Status, r.Values = success, Found, texts(found)
			}
		case "dns":
			r.By = "dns"
			var err error
			if end, err = r.dns(ctx, x, ParseResolv(f.Resolv), name, six); err != nil {
				return r, err
			}
		}
		if s.Returns[end] {
			break
		}
	}
	return r, nil
}

// dns asks the servers of resolv.conf for a name, with its search domains, as
// res_search(3) does.
func (r *Result) dns(ctx context.Context, x Exchange, conf Resolv, name string, six bool) (status, error) {
	kind := "A"
	if six {
		kind = "AAAA"
	}
	named := len(conf.Servers) > 0
	if !named { // resolv.conf(5): the default is to use the server on the local machine
		conf.Servers = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	r.Status = NoName
	for _, candidate := range conf.candidates(name) {
		r.Asked = append(r.Asked, candidate)
		reply, err := r.ask(ctx, x, conf, candidate, kind)
		switch {
		case errors.Is(err, errNoName):
			continue
		case err != nil:
			return unavail, err
		case reply == nil: // nobody answers: whatever else is asked, they will not
			r.Status = NotAnswered
			if !named {
				r.Status = NoServer
			}
			return unavail, nil
		case len(reply.Values) > 0:
			r.Status, r.Values, r.Code = Found, reply.Values, reply.Code
			return success, nil
		case reply.Code == "NOERROR":
			r.Status, r.Code = NoData, reply.Code
		case reply.Code == "SERVFAIL" && r.Status == NoName: // the next search domain may be another server's
			r.Status, r.Code = Trouble, reply.Code
		case reply.Code != "NXDOMAIN" && reply.Code != "SERVFAIL":
			r.Status, r.Code = Trouble, reply.Code
			if candidate != strings.TrimSuffix(name, ".") { // of a search domain: ends the search (resolv/res_query.c)
				return tryAgain, nil
			}
		}
	}
	if r.Status == Trouble {
		return tryAgain, nil
	}
	return notFound, nil
}

// ask asks the servers one after the other until one has an answer; an error
// of a server is kept while there is nothing better (resolv/res_send.c). No
// reply means that nobody has answered.
func (r *Result) ask(ctx context.Context, x Exchange, conf Resolv, name, kind string) (*Reply, error) {
	var trouble *Reply
	for range conf.Attempts {
		for _, server := range conf.Servers {
			limit, cancel := context.WithTimeout(ctx, min(mostQuery, time.Duration(conf.Timeout)*time.Second))
			reply, outcome, err := Ask(limit, x, netip.AddrPortFrom(server, 53), name, kind)
			cancel()
			if err != nil {
				return nil, err
			}
			if outcome != observe.Answered {
				if trouble == nil {
					r.Server, r.Outcome = server, outcome
				}
				continue
			}
			r.Server, r.Outcome = server, outcome
			if reply.Code == "NOERROR" || reply.Code == "NXDOMAIN" {
				return &reply, nil
			}
			trouble = &reply
		}
		if trouble != nil || ctx.Err() != nil {
			break
		}
	}
	return trouble, nil
}

func texts(addresses []netip.Addr) []string {
	var all []string
	for _, a := range addresses {
		all = append(all, a.String())
	}
	slices.Sort(all)
	return all
}

// Server asks one server for records of a whole name.
func Server(ctx context.Context, x Exchange, server netip.Addr, name, kind string) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, mostSearch)
	defer cancel()
	r := Result{By: "dns", Asked: []string{Name(name)}}
	reply, err := r.ask(ctx, x, Resolv{Servers: []netip.Addr{server}, Timeout: 1, Attempts: 2}, name, kind)
	switch {
	case err != nil:
		return r, err
	case reply == nil:
		r.Status = NotAnswered
		return r, nil
	}
	r.Code, r.Values = reply.Code, reply.Values
	switch {
	case len(r.Values) > 0:
		r.Status = Found
	case r.Code == "NOERROR":
		r.Status = NoData
	case r.Code == "NXDOMAIN":
		r.Status = NoName
	default:
		r.Status = Trouble
	}
	return r, nil
}
