package main

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/netground/netground/server/doctor"
)

// The scripts of testdata run the program as its users do.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"netground": func() { os.Exit(run(os.Args[1:])) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"findings": findings},
	})
}

// findings FILE: the file is what doctor --json prints.
func findings(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: findings FILE")
	}
	d := json.NewDecoder(bytes.NewReader([]byte(ts.ReadFile(args[0]))))
	d.DisallowUnknownFields()
	var all []struct {
		Name   string `json:"name"`
		Grade  string `json:"grade"`
		Found  string `json:"found"`
		Remedy string `json:"remedy"`
	}
	if err := d.Decode(&all); err != nil {
		ts.Fatalf("cannot read the findings: %v", err)
	}
	if d.More() {
		ts.Fatalf("something follows the findings")
	}
	seen := map[string]bool{}
	for _, f := range all {
		if f.Name == "" || f.Found == "" || seen[f.Name] || !slices.Contains([]string{doctor.Good, doctor.Warning, doctor.Bad}, f.Grade) || (f.Grade == doctor.Good) != (f.Remedy == "") {
			ts.Fatalf("an odd finding: %+v", f)
		}
		seen[f.Name] = true
	}
	if len(all) < 8 {
		ts.Fatalf("only %d findings", len(all))
	}
}
