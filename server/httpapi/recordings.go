package httpapi

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

func (a *API) getRecordings(c *call) error {
	list, err := a.o.Classes.Recordings(c.Request().Context(), c.class())
	return answer(c, http.StatusOK, list, err)
}

// getRecording sends what there is of a recording, at the pace of whoever reads.
func (a *API) getRecording(c *call) error {
	f, rec, err := a.o.Classes.OpenRecording(c.Request().Context(), c.class(), c.id("recording"))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Type", "application/x-asciicast")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	if c.Request().URL.Query().Get("download") == "1" {
		h.Set("Content-Disposition", `attachment; filename="`+rec.Lab+"-"+rec.Host+"-"+rec.StartedAt.Format("20060102-150405")+`.cast"`)
	}
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(10 * time.Minute))
	_, err = io.CopyN(c.Response(), f, info.Size()) // it may grow meanwhile
	return err
}

func (a *API) getRecordingStates(c *call) error {
	list, err := a.o.Classes.States(c.Request().Context(), c.class(), c.id("recording"))
	return answer(c, http.StatusOK, list, err)
}

func (a *API) deleteRecording(c *call) error {
	return c.done(a.o.Classes.DeleteRecording(c.Request().Context(), c.class(), c.id("recording")))
}
