// Package frontend carries the built page inside the program.
package frontend

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS returns the built page: index.html and what stands beside it. Without a
// build it holds nothing that is served.
func FS() (fs.FS, error) { return fs.Sub(dist, "dist") }
