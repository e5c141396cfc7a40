package httpapi

import (
	"encoding/json"

	"github.com/netground/netground/server/lab"
)

// The shapes of the cheat sheet, as frontend/src/api/types.ts has them.
type (
	// CheatSheet is every command of the course, by chapter and lab.
	CheatSheet struct {
		Title    string         `json:"title"`
		Chapters []CheatChapter `json:"chapters"`
	}
	// CheatChapter is a chapter of it.
	CheatChapter struct {
		ID    string     `json:"id"`
		Title string     `json:"title"`
		Labs  []CheatLab `json:"labs"`
	}
	// CheatLab is what one lab teaches.
	CheatLab struct {
		Name    string         `json:"name"`
		Title   string         `json:"title"`
		Learned []CheatCommand `json:"learned"`
		Typed   []CheatStep    `json:"typed"`
	}
	// CheatCommand is a row of the tables that close the lab.
	CheatCommand struct {
		Command string `json:"command" jsonschema:"sanitised HTML"`
		Does    string `json:"does" jsonschema:"sanitised HTML"`
		Step    string `json:"step" jsonschema:"where the lesson runs it; may be empty"`
	}
	// CheatStep is what else is typed in a step.
	CheatStep struct {
		ID       string       `json:"id"`
		Title    string       `json:"title"`
		Commands []CheatTyped `json:"commands"`
	}
	// CheatTyped is a command and its host.
	CheatTyped struct {
		Host  string `json:"host"`
		Code  string `json:"code"`
		Fails bool   `json:"fails" jsonschema:"the lesson shows how it fails"`
	}
)

func (a *API) getCheatSheet(c *call) error {
	d, err := a.catalog.Load().cheatSheet(c.caller.Language)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Language", c.caller.Language)
	return c.document(d, "application/json")
}

// cheatSheet returns the answer with every command of the course.
func (cat *catalog) cheatSheet(language string) (*document, error) {
	cat.mu.Lock()
	defer cat.mu.Unlock()
	key := [2]string{"", language} // no lab has an empty name
	if d := cat.made[key]; d != nil {
		return d, nil
	}
	sheet := CheatSheet{Title: cat.course.Title.In(language), Chapters: []CheatChapter{}}
	for _, ch := range cat.course.Chapters {
		chapter := CheatChapter{ID: ch.ID, Title: ch.Title.In(language), Labs: []CheatLab{}}
		for _, name := range ch.Labs {
			if l := cat.labs[name]; l != nil {
				chapter.Labs = append(chapter.Labs, cat.cheatLab(l, language))
			}
		}
		sheet.Chapters = append(sheet.Chapters, chapter)
	}
	b, err := json.Marshal(sheet)
	if err != nil {
		return nil, err
	}
	d := newDocument(b)
	cat.made[key] = d
	return d, nil
}

func (cat *catalog) cheatLab(l *lab.Lab, language string) CheatLab {
	lesson := l.Lessons[language]
	v := CheatLab{Name: l.Name, Title: l.Title.In(language), Learned: []CheatCommand{}, Typed: []CheatStep{}}
	learned, typed := lesson.CheatSheet()
	for _, row := range learned {
		v.Learned = append(v.Learned, CheatCommand{cat.render.Inline(row.Command), cat.render.Inline(row.Does), row.Step})
	}
	for _, s := range lesson.Sections {
		step := CheatStep{ID: s.Step, Title: s.Title}
		for _, t := range typed {
			if t.Step == s.Step {
				step.Commands = append(step.Commands, CheatTyped{t.Host, t.Code, t.Fails})
			}
		}
		if len(step.Commands) > 0 {
			v.Typed = append(v.Typed, step)
		}
	}
	return v
}
