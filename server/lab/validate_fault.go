package lab

import "fmt"

// maxFaults bounds the faults of a lab.
const maxFaults = 20

func (l *Lab) validateFaults(d *document) {
	if len(l.Faults) > maxFaults {
		d.add(d.at("faults"), fmt.Sprintf("the lab has %d faults, more than %d", len(l.Faults), maxFaults), "Keep the best ones")
	}
	seen := map[string]bool{}
	for i := range l.Faults {
		f := &l.Faults[i]
		switch {
		case !stepID.MatchString(f.ID):
			d.add(d.at("faults", i, "id"), fmt.Sprintf("%q is no id for a fault", f.ID), "Use lower-case letters, digits and hyphens")
		case seen[f.ID]:
			d.add(d.at("faults", i, "id"), fmt.Sprintf("two faults have the id %q", f.ID), "Rename one")
		}
		seen[f.ID] = true
		d.text(f.Title, true, "faults", i, "title")
		for _, part := range []struct {
			name   string
			script Script
		}{{"run", f.Run}, {"repair", f.Repair}} {
			if len(part.script) == 0 {
				d.add(d.at("faults", i), fmt.Sprintf("the fault %q does not say how to %s it", f.ID, map[string]string{"run": "break", "repair": "repair"}[part.name]), "Add "+part.name+": {HOST: command}")
			}
			for _, c := range part.script {
				if c.Host == AnswerHost {
					d.add(d.at("faults", i, part.name), "a fault is no answer", "Name a host")
					continue
				}
				l.knownHost(d, c.Host, "faults", i, part.name)
				if !isCommand(c.Line) {
					d.add(d.at("faults", i, part.name), fmt.Sprintf("a command on %q is empty, too long or has control characters", c.Host), "Write a text for one command, of several lines maybe, or a list for several")
				}
			}
		}
		if len(f.Checks) == 0 || len(f.Checks) > maxChecks {
			d.add(d.at("faults", i, "checks"), fmt.Sprintf("the fault %q has %d checks", f.ID, len(f.Checks)), fmt.Sprintf("Give it 1 to %d checks that fail once it is broken", maxChecks))
		}
		for j := range f.Checks {
			if f.Checks[j].Answer != nil {
				d.add(d.at("faults", i, "checks", j), "a fault asks no questions", "Use a check of the network")
				continue
			}
			l.validateCheck(d, &f.Checks[j], "faults", i, "checks", j)
		}
	}
}
