// Package check establishes a lab's checks: what is expected, what was found,
// and a sentence that says why that is not it.
package check

import "github.com/netground/netground/server/lab"

// Result is the outcome of one check.
type Result struct {
	Kind string // as the lab names it: address, reach …
	OK   bool
	// Reason is a stable code of what was found: "ok", or what is wrong.
	Reason string
	// Expected and Found are short; Why is a sentence, empty where OK.
	Expected, Found, Why lab.Text
}
