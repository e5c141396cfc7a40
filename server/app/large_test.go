package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/netground/netground/server/lab"
)

func TestLargeLabsAreTold(t *testing.T) {
	var out bytes.Buffer
	tellLarge(slog.New(slog.NewTextHandler(&out, nil)), map[string]*lab.Lab{"small": {}, "fits": {Memory: 512}, "large": {Memory: 513}}, 512)
	if text := out.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "lab=large needs-mib=513 memory-mib=512") {
		t.Errorf("the log says %s", text)
	}
}
