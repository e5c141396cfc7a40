// CoreDNS for the hosts of labs: the real server with the plugins that a lab
// can use without a cluster or a cloud, instead of all of them, which would be
// four times as large.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/header"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/rewrite"
	_ "github.com/coredns/coredns/plugin/root"
	_ "github.com/coredns/coredns/plugin/template"
	_ "github.com/coredns/coredns/plugin/whoami"
)

// The order of CoreDNS's own plugin.cfg: a query goes through the plugins of
// its server block in this order, whatever the order in the Corefile.
func main() {
	dnsserver.Directives = []string{
		"root", "bind", "reload", "health", "ready", "errors", "log", "cache", "rewrite", "header",
		"loadbalance", "template", "hosts", "file", "loop", "forward", "whoami",
	}
	coremain.Run()
}
