package session

import (
	"context"
	"fmt"
	"time"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/store"
)

const (
	// rowsEvery is how often the rows learn who was active: that is for
	// people who look into the database, and for statistics.
	rowsEvery   = time.Minute
	rowsTimeout = 5 * time.Second
)

// expireLoop warns and ends sessions in which nothing happens, until Close.
func (m *Manager) expireLoop() {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	rows := time.NewTicker(rowsEvery)
	defer rows.Stop()
	for {
		select {
		case <-tick.C:
			m.expire()
			m.measure()
		case <-rows.C:
			m.touchRows()
		case <-m.ctx.Done():
			return
		}
	}
}

func (m *Manager) all() []*live {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]*live, 0, len(m.lives))
	for _, l := range m.lives {
		all = append(all, l)
	}
	return all
}

// expire ends the sessions whose time is over, and warns those where it is near.
func (m *Manager) expire() {
	now := m.o.Now()
	for _, l := range m.all() {
		if reason := l.expire(now); reason != "" {
			m.end(l, reason)
		}
	}
}

// expire returns why the session is over, or "".
func (l *live) expire(now time.Time) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == Ended || l.state == Starting { // starting has a time limit of its own
		return ""
	}
	ends := l.expires()
	hard := l.created.Add(l.m.o.HardLimit)
	switch left := ends.Sub(now); {
	case !now.Before(hard):
		return reasonLimit
	case left <= 0:
		return reasonIdle
	case left <= l.m.o.WarnBefore && !l.warned:
		l.warned = true
		l.hub.publish(NoticeEvent, notice{"expires-soon", soonText(left, ends.Equal(hard)), ends})
	}
	return ""
}

func soonText(left time.Duration, hard bool) lab.Text {
	minutes := max(1, int((left+time.Minute-1)/time.Minute))
	in := fmt.Sprintf("%d minutes", minutes)
	if minutes == 1 {
		in = "1 minute"
	}
	if hard {
		return lab.Text{
			"en": fmt.Sprintf("This lab reaches its longest time in %s and ends then. Your progress is kept.", in),
			"ko": fmt.Sprintf("%d분 뒤에 실습을 쓸 수 있는 최대 시간이 지나 실습이 끝납니다. 진행 상황은 그대로 남습니다.", minutes),
		}
	}
	return lab.Text{
		"en": fmt.Sprintf("Nothing has happened here for a while. This lab ends in %s unless you go on.", in),
		"ko": fmt.Sprintf("한동안 아무 일도 없었습니다. 계속하지 않으면 %d분 뒤에 실습이 끝납니다.", minutes),
	}
}

// touchRows stores when sessions were active, where that has changed.
func (m *Manager) touchRows() {
	var rows []store.Session
	var lives []*live
	for _, l := range m.all() {
		l.mu.Lock()
		if l.state != Ended && !l.active.Equal(l.stored) {
			rows = append(rows, l.record(store.Ready))
			lives = append(lives, l)
		}
		l.mu.Unlock()
	}
	ctx, cancel := context.WithTimeout(m.ctx, rowsTimeout)
	defer cancel()
	if err := m.store.TouchSessions(ctx, rows); err != nil {
		m.log.Warn("cannot store when sessions were active; will try again", "sessions", len(rows), "error", err)
		return
	}
	for i, l := range lives {
		l.mu.Lock()
		l.stored = rows[i].Active
		l.mu.Unlock()
	}
}
