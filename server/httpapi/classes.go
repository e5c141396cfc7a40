package httpapi

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/netground/netground/server/classroom"
	qr "github.com/piglig/go-qr"
)

// Class is a class with the networks of its labs, which thumbnails are drawn on.
type Class struct {
	classroom.Class
	Topologies map[string]Topology `json:"topologies" jsonschema:"by lab"`
}

// Grid is where everybody stands, beside the whole class.
type Grid struct {
	classroom.Grid
	Class Class `json:"class"`
}

func (a *API) withTopologies(class classroom.Class, language string) Class {
	v := Class{class, map[string]Topology{}}
	cat := a.catalog.Load()
	for _, l := range class.Catalog {
		if def := cat.labs[l.Name]; def != nil {
			v.Topologies[l.Name] = topology(&def.Topology, language)
		}
	}
	return v
}

func (a *API) getClasses(c *call) error {
	list, err := a.o.Classes.Classes(c.Request().Context(), c.me)
	return answer(c, http.StatusOK, list, err)
}

func (a *API) createClass(c *call) error {
	id, err := a.o.Classes.Create(c.Request().Context(), c.me.ID, *c.in.(*classroom.Settings))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", "/api/classes/"+id)
	return a.showClass(c, http.StatusCreated, id)
}

func (a *API) showClass(c *call, status int, id string) error {
	class, err := a.o.Classes.Class(c.Request().Context(), c.me, id, c.caller.Language)
	if err != nil {
		return err
	}
	return c.json(status, a.withTopologies(class, c.caller.Language))
}

// class returns the class in the address.
func (c *call) class() string { return c.id("class") }

func (a *API) getClass(c *call) error { return a.showClass(c, http.StatusOK, c.class()) }

// changed answers a change of the class with the class.
func (a *API) changed(c *call, err error) error {
	if err != nil {
		return err
	}
	return a.getClass(c)
}

func (a *API) updateClass(c *call) error {
	return a.changed(c, a.o.Classes.Update(c.Request().Context(), c.class(), *c.in.(*classroom.Settings)))
}

func (a *API) setClassState(c *call) error {
	return a.changed(c, a.o.Classes.SetState(c.Request().Context(), c.class(), c.in.(*stateRequest).State))
}

func (a *API) newJoinCode(c *call) error {
	return a.changed(c, a.o.Classes.NewCode(c.Request().Context(), c.class()))
}

func (a *API) deleteClass(c *call) error {
	return c.done(a.o.Classes.Delete(c.Request().Context(), c.class()))
}

func (a *API) addColleague(c *call) error {
	in := c.in.(*colleagueRequest)
	return a.changed(c, a.o.Classes.AddColleague(c.Request().Context(), c.class(), in.Login, in.Role))
}

func (a *API) removeColleague(c *call) error {
	return c.done(a.o.Classes.RemoveColleague(c.Request().Context(), c.class(), c.id("staff")))
}

// getQR draws the address at which this browser would join, for a projector.
func (a *API) getQR(c *call) error {
	class, err := a.o.Classes.Class(c.Request().Context(), c.me, c.class(), c.caller.Language)
	if err != nil {
		return err
	}
	scheme := "http://"
	if c.tls {
		scheme = "https://"
	}
	code, err := qr.EncodeText(scheme+c.Request().Host+class.JoinPath, qr.Medium)
	if err != nil {
		return err
	}
	svg, err := code.ToSVGBytes(qr.NewQrCodeImgConfig(8, 2, qr.WithOptimalSVG()))
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(svg)))
	c.Response().WriteHeader(http.StatusOK)
	_, err = c.Response().Write(svg)
	return err
}

func (a *API) getMembers(c *call) error {
	list, err := a.o.Classes.Members(c.Request().Context(), c.class())
	return answer(c, http.StatusOK, list, err)
}

func (a *API) importRoster(c *call) error {
	result, err := a.o.Classes.Import(c.Request().Context(), c.class(), c.in.(*rosterRequest).CSV, c.caller.Language)
	return answer(c, http.StatusOK, result, err)
}

func (a *API) renameMember(c *call) error {
	m, err := a.o.Classes.Rename(c.Request().Context(), c.class(), c.id("member"), c.in.(*nameRequest).Name)
	return answer(c, http.StatusOK, m, err)
}

func (a *API) newPersonalCode(c *call) error {
	m, err := a.o.Classes.NewPersonalCode(c.Request().Context(), c.class(), c.id("member"))
	return answer(c, http.StatusOK, m, err)
}

func (a *API) removeMember(c *call) error {
	return c.done(a.o.Classes.Remove(c.Request().Context(), c.class(), c.id("member")))
}

func (a *API) getGrid(c *call) error {
	g, err := a.o.Classes.Grid(c.Request().Context(), c.me, c.class(), c.caller.Language)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, Grid{g, a.withTopologies(g.Class, c.caller.Language)})
}

func (a *API) getResults(c *call) error {
	v, err := a.o.Classes.Results(c.Request().Context(), c.class(), c.caller.Language)
	return answer(c, http.StatusOK, v, err)
}

func (a *API) getResultsCSV(c *call) error {
	v, err := a.o.Classes.Results(c.Request().Context(), c.class(), c.caller.Language)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("\ufeff") // spreadsheets take it for UTF-8 then
	if err := v.CSV(&b); err != nil {
		return err
	}
	return c.file("text/csv; charset=utf-8", "results.csv", b.Bytes())
}

// file answers with a file to be kept.
func (c *call) file(media, name string, b []byte) error {
	h := c.Response().Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	c.Response().WriteHeader(http.StatusOK)
	_, err := c.Response().Write(b)
	return err
}
