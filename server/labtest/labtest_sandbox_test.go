//go:build sandbox

package labtest_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/netground/netground/server/app"
	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/labtest"
	"github.com/netground/netground/server/sandbox/boxtest"
)

// good is a lab with nothing wrong. Its tests break it in one place each.
const good = `title: {en: T, ko: 티}
minutes: 5
topology:
  hosts:
    A: {at: [0, 0], interfaces: {eth0: {up: true}}, sysctl: &quiet {net.ipv6.conf.all.disable_ipv6: "1"}}
    B: {at: [3, 0], interfaces: {eth0: {up: true, addresses: [10.0.0.2/24]}}, sysctl: *quiet}
  links: [[A:eth0, B:eth0]]
steps:
  - id: address
    checks:
      - address: {host: A, dev: eth0, has: 10.0.0.1/24}
      - reach: {from: A, to: 10.0.0.2, at: B}
    hints: [{en: H, ko: 힌트}]
    solution: {A: ip addr add 10.0.0.1/24 dev eth0}
    mistakes:
      - run: {A: ip addr add 10.0.0.1/32 dev eth0}
        fails: address
  - id: file
    checks:
      - file: {host: A, path: /root/x, matches: "^one$"}
      - answer: {name: n, question: {en: Q, ko: 큐}, value: "2"}
    hints: [{en: H, ko: 힌트}]
    solution: [{A: echo one > /root/x}, {answer: {n: 2}}]
    mistakes:
      - run: {A: echo two > /root/x}
        fails: file
faults:
  - id: cable
    title: {en: F, ko: 고장}
    run: {B: ip link set eth0 down}
    checks:
      - reach: {from: A, to: 10.0.0.2, at: B}
    repair: {B: ip link set eth0 up}
`

const lesson = "Hello.\n\n## Address {#address}\n\n```bash host=A\nip -br addr\n```\n\n```bash host=A fails\nping -c 1 -W 1 10.0.0.2\n```\n\n## File {#file}\n\n```bash host=A\nls /root\n```\n"

func engine(t *testing.T) *app.Engine {
	t.Helper()
	dir := t.TempDir()
	e, err := app.OpenEngine(t.Context(), config.Machine{
		Rootfs: boxtest.Rootfs(t), Keeper: filepath.Join(boxtest.Build(t, "keeper"), "keeper"), State: dir + "/state", Runtime: dir + "/run", Cgroup: "/netground-labtest",
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func prove(t *testing.T, e *app.Engine, yaml, en, ko string) labtest.Report {
	t.Helper()
	l, err := lab.Load(fstest.MapFS{
		"x/lab.yaml":     {Data: []byte(yaml)},
		"x/lesson.en.md": {Data: []byte(en)},
		"x/lesson.ko.md": {Data: []byte(ko)},
	}, "x")
	if err != nil {
		t.Fatal(err)
	}
	r, err := labtest.Prove(t.Context(), l, labtest.Options{Engine: e, Patience: 4 * time.Second, Settle: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestProve(t *testing.T) {
	e := engine(t)
	const address, file = `{A: ip addr add 10.0.0.1/24 dev eth0}`, `[{A: echo one > /root/x}, {answer: {n: 2}}]`
	for _, c := range []struct {
		name, old, new string // in lab.yaml
		lesson         func(string) string
		want           []string // in the problems; none: the lab holds
	}{
		{name: "good"},
		{name: "a line of the solution is missing", old: file, new: `{answer: {n: 2}}`, want: []string{"step file: the solution does not pass. file: expected", "step file: catching up does not solve it"}},
		{name: "the solution names a host's wrong device", old: address, new: `{A: ip addr add 10.0.0.1/24 dev eth1}`, want: []string{"step address: the solution does not pass. address"}},
		{name: "a check that always passes", old: "- reach: {", new: "- address: {host: B, dev: eth0, has: 10.0.0.2/24}\n      - reach: {", want: []string{"step address: the check address#2 was never seen to fail"}},
		{name: "an answer that is always right", old: `value: "2"`, new: `matches: ".*"`, want: []string{"step file: the check answer takes anything for right"}},
		{name: "a harmless mistake", old: "ip addr add 10.0.0.1/32", new: "ip addr add 10.0.0.1/24", want: []string{"step address: mistake 1 passes"}},
		{name: "a mistake that names another check", old: "10.0.0.1/32 dev eth0}\n        fails: address", new: "10.0.0.1/25 dev eth0}\n        fails: reach", want: []string{"step address: mistake 1 should fail with reach, but that holds. address: expected"}},
		{name: "a mistake of another reason", old: "fails: address", new: "fails: address\n        reason: no-address", want: []string{`step address: mistake 1 fails with the reason "wrong-prefix", not "no-address"`}},
		{name: "a mistake that finds something else", old: "fails: address", new: "fails: address\n        found: 10.0.0.7", want: []string{`step address: after mistake 1, address finds "10.0.0.1/32", in which there is no "10.0.0.7"`}},
		{name: "a mistake that is none", old: "{A: echo two > /root/x}", new: "{A: ehco two > /root/x}", want: []string{`step file: mistake 1 is not made: "ehco two > /root/x" on A`}},
		{name: "a fault that breaks nothing", old: "run: {B: ip link set eth0 down}", new: "run: {B: ip link set eth0 up}", want: []string{"fault cable: its checks hold though it is broken"}},
		{name: "a fault that nobody repairs", old: "repair: {B: ip link set eth0 up}", new: "repair: {B: \"true\"}", want: []string{"fault cable: its checks do not hold after the repair. reach"}},
		{name: "a fault that is there before", old: "run: {B: ip link set eth0 down}\n    checks:\n      - reach: {from: A, to: 10.0.0.2, at: B}", new: "run: {B: ip link set eth0 down}\n    checks:\n      - reach: {from: A, to: 10.0.0.3}", want: []string{"fault cable: its checks do not hold in the solved lab", "fault cable: its checks do not hold after the repair"}},
		{name: "a step that passes untouched", old: "path: /root/x, matches: \"^one$\"}\n      - answer: {name: n, question: {en: Q, ko: 큐}, value: \"2\"}\n    hints: [{en: H, ko: 힌트}]\n    solution: [{A: echo one > /root/x}, {answer: {n: 2}}]", new: "path: /etc/hostname}\n    solution: {A: echo one > /root/x}",
			want: []string{"step file: passes in the untouched lab", "step file: holds already"}},
		{name: "a solution that only one shell knows", old: "echo one > /root/x", new: `["x=one", "echo $x > /root/x"]`, want: []string{"step file: catching up does not solve it: there each command has a shell of its own. file"}},
		{name: "a command that fails", lesson: func(s string) string { return strings.Replace(s, "ls /root", "ls /nowhere", 1) },
			want: []string{`step file: the lesson's command "ls /nowhere" on A ends with exit code 2: ls: cannot access '/nowhere': No such file or directory (lesson.en.md, line 16)`}},
		{name: "a command that should fail", lesson: func(s string) string { return strings.Replace(s, "ping -c 1 -W 1 10.0.0.2", "true", 1) },
			want: []string{`step address: the lesson's command "true" on A should fail, but works (lesson.en.md, line 10)`}},
		{name: "a command without end", lesson: func(s string) string { return strings.Replace(s, "ls /root", "true\nping 127.0.0.1\ntrue", 1) },
			want: []string{`"ping 127.0.0.1" on A does not come back to the prompt within 4s. Let it end: ping -c 3`, "line 17"}},
		{name: "commands of several lines", lesson: func(s string) string {
			return strings.Replace(s, "ls /root", "for i in 1 2; do\n  echo $i\ndone\ncat > /tmp/t <<'END'\nif (\nEND\ngrep -q '^if ($' /tmp/t\nssh B hostname | grep B\necho a \\\n  b\ntrue &&\n  true\nip netns add red\nip netns exec red bash\nexit\nreboot\n\nuptime", 1)
		}},
		{name: "a command that never begins", lesson: func(s string) string { return strings.Replace(s, "ls /root", "echo 'a", 1) },
			want: []string{`step file: the lesson's command "echo 'a" on A does not come back`}},
		{name: "a solution that reboots", old: file, new: "[{A: ['touch /root/kept', reboot]}, {A: ip addr add 10.0.0.1/24 dev eth0}, {A: \"cat > /root/x <<EOF\\none\\nEOF\"}, {answer: \"2\"}]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			yaml, text := good, lesson
			if c.new != "" {
				if yaml = strings.Replace(good, c.old, c.new, 1); yaml == good {
					t.Fatal("the test changes nothing")
				}
			}
			if c.lesson != nil {
				if text = c.lesson(lesson); text == lesson {
					t.Fatal("the test changes nothing")
				}
			}
			expect(t, prove(t, e, yaml, text, text), c.want...)
		})
	}
	t.Run("a language differs", func(t *testing.T) {
		t.Parallel()
		expect(t, prove(t, e, good, lesson, strings.Replace(lesson, "ls /root", "ls /rooot", 1)),
			`lesson.ko.md:16: command block "ls /rooot" on A is "ls /root" on A in lesson.en.md`, "(lesson.ko.md, line 16)")
	})
}

func expect(t *testing.T, r labtest.Report, want ...string) {
	t.Helper()
	var got []string
	for _, p := range r.Problems {
		got = append(got, p.String())
	}
	all := strings.Join(got, "\n")
	for _, w := range want {
		if !strings.Contains(all, w) {
			t.Errorf("nothing says %q", w)
		}
	}
	if (len(want) > 0) != (len(got) > 0) || t.Failed() {
		t.Errorf("problems:\n%s", all)
	}
	t.Logf("%.1f s", r.Took.Seconds())
}
