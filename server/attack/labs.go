package attack

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The labs of the attacked server: two hosts on a switch, and three in a row.
const (
	plain = "plain"
	path  = "path"
)

//go:embed labs
var labs embed.FS

func writeLabs(dir string) error {
	inside, err := fs.Sub(labs, "labs")
	if err == nil {
		err = os.CopyFS(dir, inside)
	}
	if err != nil {
		return fmt.Errorf("cannot write the labs of %s: %w", filepath.Base(dir), err)
	}
	return nil
}
