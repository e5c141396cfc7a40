package session

import (
	"time"

	"github.com/netground/netground/server/lab"
)

const (
	// storageAgain bounds how long a page shows that results wait: one that hears
	// nothing any more must not say so for ever.
	storageAgain = time.Hour
	storageOver  = 15 * time.Second
)

// storageTrouble tells everybody that results wait for the database, or that
// they are stored.
func (m *Manager) storageTrouble(is bool) {
	m.mu.Lock()
	m.unstored = is
	m.mu.Unlock()
	for _, l := range m.all() {
		l.mu.Lock()
		l.unstored = is
		if l.state != Ended {
			l.hub.publish(NoticeEvent, m.storageNotice(is))
		}
		l.mu.Unlock()
	}
}

func (m *Manager) storageNotice(is bool) notice {
	if is {
		return notice{"storage", lab.Text{
			"en": "The server cannot store results just now. Your terminals and your network go on, and what you solve is kept and stored as soon as that works again.",
			"ko": "지금 서버가 결과를 저장하지 못하고 있습니다. 터미널과 네트워크는 그대로 쓸 수 있으며, 푼 내용은 남아 있다가 저장할 수 있게 되면 바로 저장됩니다.",
		}, m.o.Now().Add(storageAgain)}
	}
	return notice{"stored", lab.Text{
		"en": "Results are stored again; nothing is missing.",
		"ko": "결과를 다시 저장하고 있습니다. 빠진 것은 없습니다.",
	}, m.o.Now().Add(storageOver)}
}
