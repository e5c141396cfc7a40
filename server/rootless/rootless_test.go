package rootless

import "testing"

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
