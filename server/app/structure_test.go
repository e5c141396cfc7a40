package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/netground/netground/"

// allowed says which of our packages each package may import: what stands
// here and nothing else. Tests may import more.
var allowed = map[string][]string{
	"cmd/netground":          {"server/app", "server/attack", "server/bench", "server/config", "server/doctor", "server/lab", "server/labtest", "server/rootless", "server/sandbox/keeper"},
	"cmd/keeper":             {"server/sandbox/keeper"},
	"frontend":               {},
	"server/app":             {"frontend", "server/auth", "server/check", "server/classroom", "server/config", "server/httpapi", "server/lab", "server/observe", "server/render", "server/rootless", "server/sandbox", "server/sandbox/keeper", "server/session", "server/store"},
	"server/attack":          {"server/check", "server/config", "server/drive", "server/httpapi/ws", "server/session"},
	"server/auth":            {},
	"server/bench":           {"server/config", "server/drive", "server/httpapi/ws", "server/lab", "server/sandbox", "server/sandbox/keeper", "server/session", "server/terminal"},
	"server/check":           {"server/lab", "server/observe", "server/resolve", "server/trace"},
	"server/classroom":       {"server/auth", "server/lab", "server/observe", "server/session", "server/store", "server/terminal"},
	"server/config":          {},
	"server/doctor":          {},
	"server/drive":           {"server/config", "server/sandbox"},
	"server/httpapi":         {"server/auth", "server/classroom", "server/httpapi/ws", "server/lab", "server/observe", "server/render", "server/session"},
	"server/httpapi/ws":      {"server/terminal"},
	"server/lab":             {},
	"server/labtest":         {"server/check", "server/lab", "server/session"},
	"server/observe":         {},
	"server/render":          {},
	"server/resolve":         {"server/observe"},
	"server/rootless":        {},
	"server/sandbox":         {"server/sandbox/keeper"},
	"server/sandbox/boxtest": {},
	"server/sandbox/keeper":  {},
	"server/session":         {"server/check", "server/lab", "server/observe", "server/sandbox/keeper", "server/store", "server/terminal"},
	"server/store":           {},
	"server/store/pgtest":    {},
	"server/terminal":        {},
	"server/trace":           {"server/observe"},
}

// only says which packages alone may import a library. The bench builds the bare
// PTY and the bare namespaces beside which it shows what was measured.
var only = map[string][]string{
	"github.com/labstack/echo/v4":                    {"server/httpapi"},
	"github.com/gorilla/websocket":                   {"server/httpapi/ws"},
	"github.com/vishvananda/netlink":                 {"server/sandbox/keeper", "server/observe", "server/bench"},
	"github.com/vishvananda/netns":                   {"server/sandbox/keeper", "server/observe", "server/bench"},
	"github.com/creack/pty":                          {"server/sandbox/keeper", "server/observe", "server/terminal", "server/bench"},
	"modernc.org/sqlite":                             {"server/store"},
	"github.com/jackc/pgx/v5":                        {"server/store", "server/store/pgtest"},
	"github.com/alecthomas/kong":                     {"cmd/netground"},
	"github.com/yuin/goldmark":                       {"server/render"},
	"github.com/piglig/go-qr":                        {"server/httpapi"},
	"github.com/coreos/go-oidc/v3":                   {"server/auth"},
	"golang.org/x/oauth2":                            {"server/auth"},
	"golang.org/x/crypto":                            {"server/auth"},
	"go.yaml.in/yaml/v4":                             {"server/lab"},
	"github.com/prometheus/client_golang/prometheus": {"server/httpapi"},
}

func repository(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestImports(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = repository(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		may, known := allowed[name]
		if !known {
			t.Errorf("%s is in no row of the import rules", name)
		}
		seen++
		for _, i := range p.Imports {
			if ours, ok := strings.CutPrefix(i, module); ok && !slices.Contains(may, ours) {
				t.Errorf("%s must not import %s", name, ours)
			}
			for library, who := range only {
				if (i == library || strings.HasPrefix(i, library+"/")) && !slices.Contains(who, name) {
					t.Errorf("%s must not import %s", name, i)
				}
			}
		}
	}
	if seen < len(allowed) {
		t.Errorf("%d packages were seen, the rules are about %d", seen, len(allowed))
	}
}

// tracked lists the repository's files.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	cmd.Dir = repository(t)
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("the files cannot be listed outside of a git checkout: %v", err)
	}
	return strings.Fields(string(out))
}

func TestTopLevel(t *testing.T) {
	want := []string{"cmd", "server", "frontend", "labs", "deploy", "go.mod", "go.sum", "Dockerfile", "README.md", "LICENSE"}
	for _, f := range tracked(t) {
		top, _, _ := strings.Cut(f, "/")
		if !strings.HasPrefix(top, ".") && !slices.Contains(want, top) {
			t.Errorf("%s stands at the top level", top)
		}
	}
}

// mostLines is how long a file of source may be.
const mostLines = 500

func TestFilesAreShort(t *testing.T) {
	for _, f := range tracked(t) {
		switch filepath.Ext(f) {
		case ".go", ".ts", ".tsx", ".css", ".mjs", ".sh":
		default:
			continue
		}
		file, err := os.Open(filepath.Join(repository(t), f))
		if os.IsNotExist(err) {
			continue // deleted, not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for s := bufio.NewScanner(file); s.Scan(); {
			lines++
		}
		file.Close()
		if lines > mostLines {
			t.Errorf("%s has %d lines, %d at most", f, lines, mostLines)
		}
	}
}
