package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// wantedAddress is what the labs' only step waits for.
const wantedAddress = "10.99.0.1/24"

func labName(hosts int) string { return fmt.Sprintf("line-%d", hosts) }

// writeLabs writes a course of labs: so many hosts in a line, on one switch.
func writeLabs(dir string, sizes ...int) error {
	files := map[string]string{}
	var names []string
	for _, n := range sizes {
		name := labName(n)
		names = append(names, name)
		var b strings.Builder
		fmt.Fprintf(&b, "title: {en: \"%d hosts\", ko: \"호스트 %d대\"}\nminutes: 1\ntopology:\n  hosts:\n", n, n)
		for i := range n {
			fmt.Fprintf(&b, "    h%d: {at: [%d, 2], interfaces: {eth0: {up: true, addresses: [10.77.0.%d/24]}}}\n", i+1, 2*i, i+1)
		}
		b.WriteString("  switches:\n    sw: {at: [0, 0]}\n  links:\n")
		for i := range n {
			fmt.Fprintf(&b, "    - [h%d:eth0, sw]\n", i+1)
		}
		fmt.Fprintf(&b, `steps:
  - id: change
    checks:
      - address: {host: h1, dev: eth0, has: %s}
    hints: [{en: "Add the address.", ko: "주소를 추가합니다."}]
    solution: {h1: ip addr add %s dev eth0}
    mistakes:
      - run: {h1: ip addr add 10.99.0.2/24 dev eth0}
        fails: address
        hint: {en: "It ends in .1.", ko: "주소는 .1로 끝납니다."}
`, wantedAddress, wantedAddress)
		files[name+"/lab.yaml"] = b.String()
		for language, title := range map[string]string{"en": "Add an address", "ko": "주소를 추가합니다"} {
			files[name+"/lesson."+language+".md"] = fmt.Sprintf("%s.\n\n## %s {#change}\n\n```bash host=h1\nip addr add %s dev eth0\n```\n", title, title, wantedAddress)
		}
	}
	files["course.yaml"] = "title: {en: Measurements, ko: 측정}\nchapters:\n  - id: line\n    title: {en: Line, ko: 한 줄}\n    summary: {en: Hosts on a switch., ko: 스위치에 연결된 호스트.}\n    labs: [" + strings.Join(names, ", ") + "]\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("cannot write the labs: %w", err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("cannot write the labs: %w", err)
		}
	}
	return nil
}
