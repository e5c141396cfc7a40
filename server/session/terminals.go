package session

import (
	"context"
	"errors"
	"time"

	"github.com/netground/netground/server/terminal"
)

const (
	openTimeout   = 10 * time.Second
	rebootTimeout = 30 * time.Second
	findTimeout   = 5 * time.Second
)

// Reboot reboots a host, and returns when it is up again. If ctx ends before,
// the host boots nevertheless.
func (m *Manager) Reboot(ctx context.Context, c Caller, id, host string) error {
	l, err := m.find(ctx, c, id)
	if err != nil {
		return err
	}
	l.mu.Lock()
	mach := l.mach
	err = l.ready()
	if err == nil && l.busy != "" {
		err = sessionBusy()
	}
	done := make(chan error, 1)
	if err == nil {
		m.background.Go(func() {
			ctx, cancel := context.WithTimeout(l.ctx, rebootTimeout)
			defer cancel()
			done <- mach.reboot(ctx, host)
		})
	}
	l.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case err = <-done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err == nil {
		m.count.reboots.Add(1)
		return nil
	}
	return l.explain(err, fail(Failed, "The host did not come up again. Try again, or reset the lab.",
		"호스트가 다시 시작되지 않았습니다. 다시 시도하거나 실습을 초기화하십시오.", err))
}

// explain turns a machine's error into one for the learner, which is otherwise
// where it is none that the learner can help.
func (l *live) explain(err error, otherwise *Error) error {
	switch {
	case errors.Is(err, errNoHost):
		return noHost()
	case errors.Is(err, errRebooting):
		return hostBusy()
	case errors.Is(err, errHalted):
		return hostHalted()
	case errors.Is(err, errManyTerminals):
		return manyTerminals(l.m.o.MaxTerminals)
	case l.ctx.Err() != nil:
		return sessionEnded()
	case errors.Is(err, errStopped):
		return sessionBusy()
	}
	l.m.log.Error("the sandbox could not do it", "session", l.id, "error", err)
	return otherwise
}

// Terminals lists the session's terminals, oldest first.
func (m *Manager) Terminals(ctx context.Context, c Caller, id string) ([]Terminal, error) {
	l, err := m.lookUp(ctx, c, id)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mach == nil {
		return []Terminal{}, nil
	}
	return l.mach.terminals(), nil
}

// OpenTerminal starts a shell on a host. Without a size it has the usual one.
// At the limit, one whose shell has ended makes place.
func (m *Manager) OpenTerminal(ctx context.Context, c Caller, id, host string, cols, rows uint16) (Terminal, error) {
	l, mach, err := m.findReady(ctx, c, id)
	if err != nil {
		return Terminal{}, err
	}
	if cols == 0 && rows == 0 {
		cols, rows = defaultCols, defaultRows
	}
	if cols == 0 || rows == 0 || cols > terminal.MaxCols || rows > terminal.MaxRows {
		return Terminal{}, badSize()
	}
	// Not ctx: a shell that somebody has asked for is there, even if the answer
	// finds nobody.
	open, cancel := context.WithTimeout(l.ctx, openTimeout)
	defer cancel()
	t, dropped, err := mach.open(open, host, cols, rows, m.o.MaxTerminals)
	if dropped != nil {
		l.terminalClosed(mach, dropped)
	}
	if err != nil {
		return Terminal{}, l.explain(err, fail(Failed, "The terminal could not be opened. Try again.",
			"터미널을 열지 못했습니다. 다시 시도하십시오.", err))
	}
	m.count.terminals.Add(1)
	l.terminalChanged(mach, t)
	if m.o.Listener != nil {
		l.mu.Lock()
		m.o.Listener.Terminal(l.brief(), t.view(), t.t)
		l.mu.Unlock()
	}
	return t.view(), nil
}

// CloseTerminal hangs up a terminal and forgets it.
func (m *Manager) CloseTerminal(ctx context.Context, c Caller, id, terminal string) error {
	l, mach, err := m.findReady(ctx, c, id)
	if err != nil {
		return err
	}
	t := mach.closeTerminal(terminal)
	if t == nil {
		return noTerminal()
	}
	l.terminalClosed(mach, t)
	return nil
}

// terminalClosed says that a terminal is there no more.
func (l *live) terminalClosed(m *machine, t *term) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mach == m {
		view := t.view()
		view.Exited = true
		l.hub.publish(TerminalEvent, view)
	}
}

// Attachment is what a connection needs of a terminal.
type Attachment struct {
	Terminal *terminal.Terminal
	Info     Terminal
	// Done is closed when the session ends or is reset.
	Done <-chan struct{}
	// Touch says that the learner typed.
	Touch func()
	// May says whether the learner may type now.
	May func() bool
}

// AttachTerminal returns a terminal of the session.
func (m *Manager) AttachTerminal(c Caller, id, terminal string) (*Attachment, error) {
	ctx, cancel := context.WithTimeout(m.ctx, findTimeout)
	defer cancel()
	l, err := m.lookUp(ctx, c, id)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.ready(); err != nil {
		return nil, err
	}
	t := l.mach.terminal(terminal)
	if t == nil {
		return nil, noTerminal()
	}
	if c.Guest {
		return &Attachment{Terminal: t.t, Info: t.view(), Done: l.mach.stopped}, nil
	}
	return &Attachment{Terminal: t.t, Info: t.view(), Done: l.mach.stopped, Touch: func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.typed = l.m.o.Now()
		l.touch()
	}, May: func() bool { return m.may(c, l.labName) == nil }}, nil
}
