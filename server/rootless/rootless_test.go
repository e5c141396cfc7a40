package rootless

import (
	"encoding/json"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestLargestRange(t *testing.T) {
	const file = "ann:100000:65536\n# a remark\nbob:1:2:3\n1000:300000:70000\nann:bad:9\nann:900000:1000000\nann:4294967000:1000\n\neve:5000000:9000000\n"
	for _, c := range []struct {
		name, id string
		want     ids
	}{
		{"ann", "1000", ids{900000, 1000000}},
		{"other", "1000", ids{300000, 70000}},
		{"bob", "1001", ids{}},
		{"", "7", ids{}},
	} {
		if got := largest(file, c.name, c.id); got != c.want {
			t.Errorf("%s (%s): %v instead of %v", c.name, c.id, got, c.want)
		}
	}
}

func TestArguments(t *testing.T) {
	got := ids{100000, 65536}.arguments(42, 1000)
	want := []string{"42", "0", "1000", "1", "1", "100000", "65536"}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v instead of %v", got, want)
		}
	}
}

func TestWholeMachine(t *testing.T) {
	for text, want := range map[string]bool{
		"         0          0 4294967295\n":                   true,
		"         0       1001          1\n":                   false,
		"         0       1001          1\n  1 100000 65536\n": false,
		"": false,
	} {
		if got := wholeMachine(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestDelegatedPart(t *testing.T) {
	for text, want := range map[string]string{
		"0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n":                  "/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope",
		"0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope/netground-server\n": "/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope",
		"12:memory:/netground\n0::/\n": "",
		"0::/netground-server\n":       "",
		"0::/../outside\n":             "",
		"4:pids:/somewhere\n":          "",
		"":                             "",
	} {
		if got := delegatedPart(text); got != want {
			t.Errorf("%q: %q instead of %q", text, got, want)
		}
	}
}

func TestOldKernelsAreTold(t *testing.T) {
	for release, fine := range map[string]bool{"6.1.0-56-cloud-amd64": false, "5.19.0": false, "6.3.0": true, "6.12.118+deb13-cloud-amd64": true, "7.0-rc1": true, "": false} {
		if err := mapsMemory(release); (err == nil) != fine {
			t.Errorf("%q: %v", release, err)
		}
	}
}

func TestLimits(t *testing.T) {
	for controllers, want := range map[string]string{
		"cpuset cpu io memory pids\n": "+memory +pids +cpu",
		"memory pids\n":               "+memory +pids",
		"cpu pids\n":                  "",
		"":                            "",
	} {
		if got := limits(controllers); got != want {
			t.Errorf("%q: %q instead of %q", controllers, got, want)
		}
	}
}

// A program of the user's that comes to a namespace that is kept.
func TestFirstProcess(t *testing.T) {
	h := &first{kept: true, orders: make(chan said)}
	call := func(b byte, with ...*os.File) (*net.UnixConn, *json.Decoder) {
		t.Helper()
		ours, theirs, err := connection()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ours.Close() })
		fd, err := syscall.Dup(int(theirs.Fd()))
		theirs.Close()
		if err != nil {
			t.Fatal(err)
		}
		conn, err := unixConn(fd)
		if err != nil {
			t.Fatal(err)
		}
		var fds []int
		for _, f := range with {
			fds = append(fds, int(f.Fd()))
		}
		if _, _, err := ours.WriteMsgUnix([]byte{b}, syscall.UnixRights(fds...), nil); err != nil {
			t.Fatal(err)
		}
		go h.listen(conn)
		return ours, json.NewDecoder(ours)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	sh, err := os.Open("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	defer sh.Close()
	var o outcome
	says := func(in *json.Decoder, want outcome) {
		t.Helper()
		o = outcome{}
		if err := in.Decode(&o); err != nil || o != want {
			t.Errorf("it says %+v instead of %+v: %v", o, want, err)
		}
	}
	step := func() { h.handle(<-h.orders) }

	// Another version is told so, and nothing is run for it.
	_, in := call(protocol+1, sh, null, null, null)
	if err := in.Decode(&o); err != nil || !strings.Contains(o.Error, "an earlier version of this program") {
		t.Errorf("another version is told %+v: %v", o, err)
	}
	step()
	if h.pid != 0 {
		t.Fatal("something runs for another version")
	}

	conn, in := call(protocol, sh, null, null, null)
	run := order{Args: []string{"sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.01; done"}, Dir: "/"}
	if err := json.NewEncoder(conn).Encode(run); err != nil {
		t.Fatal(err)
	}
	step()
	says(in, outcome{Started: true})
	// Nobody else gets in beside it.
	other, second := call(protocol, sh, null, null, null)
	if err := json.NewEncoder(other).Encode(run); err != nil {
		t.Fatal(err)
	}
	step()
	if err := second.Decode(&o); err != nil || !strings.Contains(o.Error, "a server with these folders is running") {
		t.Errorf("a second one is told %+v: %v", o, err)
	}
	step() // its end
	if h.pid == 0 || h.current == nil {
		t.Fatal("the end of the second one ended the first")
	}
	pid := h.pid
	conn.Close() // the caller goes: its program is killed
	step()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Errorf("the program of who has gone ended with %v: %v", status, err)
	}
}
