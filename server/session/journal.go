package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/netground/netground/server/store"
)

const (
	journalTimeout = 10 * time.Second
	journalLimit   = 50_000
	journalTries   = 5 // of a write that fails where others succeed
	maxBackoff     = 5 * time.Second
)

// journal stores results in the order in which they came, and tries again for
// as long as the database cannot take them: a learner's network goes on while
// the disk is full, and the results follow.
type journal struct {
	log *slog.Logger
	// trouble is told when results begin to wait for the database, and when all
	// of them are stored.
	trouble func(is bool)

	mu      sync.Mutex
	queue   []*entry
	byKey   map[string]*entry
	changed chan struct{} // closed and replaced when the queue has changed
	busy    bool          // one is being written
	failing bool          // the last one could not be written
	told    bool          // of trouble
	stored  uint64
	lost    uint64
}

type entry struct {
	key   string
	do    func(context.Context) error
	done  []func()
	tries int
	since uint64 // what journal.stored was at the first failure
}

func newJournal(log *slog.Logger, trouble func(bool)) *journal {
	return &journal{log: log, trouble: trouble, byKey: map[string]*entry{}, changed: make(chan struct{})}
}

// put adds a write. One with the same key that waits already is replaced, so
// the new one must say everything that it said. done is called when it is on
// the disk.
func (j *journal) put(key string, do func(context.Context) error, done func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.byKey[key]
	if e == nil {
		if len(j.queue) >= journalLimit {
			j.lost++
			j.log.Error("too much waits for the database; a result is lost", "what", key)
			return
		}
		e = &entry{key: key}
		j.byKey[key] = e
		j.queue = append(j.queue, e)
	}
	e.do = do
	if done != nil {
		e.done = append(e.done, done)
	}
	j.notify()
}

func (j *journal) notify() {
	close(j.changed)
	j.changed = make(chan struct{})
}

// run writes until ctx ends.
func (j *journal) run(ctx context.Context) {
	backoff := 50 * time.Millisecond
	for {
		e, changed := j.take()
		if e == nil {
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
			continue
		}
		err := j.write(ctx, e)
		if ctx.Err() != nil {
			j.giveBack(e)
			return
		}
		if err == nil || j.hopeless(e, err) {
			j.finish(e, err)
			j.tell(false)
			backoff = 50 * time.Millisecond
			continue
		}
		if e.tries == 1 {
			j.log.Warn("cannot store; will try again", "what", e.key, "error", err)
		}
		j.tell(true)
		j.giveBack(e)
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
			return
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// tell tells of trouble, and of its end once nothing waits any more.
func (j *journal) tell(is bool) {
	j.mu.Lock()
	news := j.told != is && (is || len(j.queue) == 0)
	if news {
		j.told = is
	}
	j.mu.Unlock()
	if news && is {
		j.trouble(true)
	} else if news {
		j.log.Info("everything that waited for the database is stored")
		j.trouble(false)
	}
}

func (j *journal) take() (*entry, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.queue) == 0 {
		return nil, j.changed
	}
	e := j.queue[0]
	j.queue = j.queue[1:]
	// A newer write with this key from now on is another entry: it must come
	// after this one.
	delete(j.byKey, e.key)
	j.busy = true
	return e, nil
}

// giveBack puts an entry in front again, unless a newer one has replaced it.
// One that has failed before lets the others pass.
func (j *journal) giveBack(e *entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.busy = false
	j.failing = true
	if newer := j.byKey[e.key]; newer != nil {
		newer.done = append(e.done, newer.done...)
		j.notify()
		return
	}
	j.byKey[e.key] = e
	if e.tries > 1 {
		j.queue = append(j.queue, e)
	} else {
		j.queue = slices.Insert(j.queue, 0, e)
	}
	j.notify()
}

func (j *journal) write(ctx context.Context, e *entry) error {
	ctx, cancel := context.WithTimeout(ctx, journalTimeout)
	defer cancel()
	e.tries++
	return e.do(ctx)
}

// hopeless says whether trying again is of no use: the row is not there, or
// this write keeps failing while others succeed.
func (j *journal) hopeless(e *entry, err error) bool {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrClosed) {
		return true
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if e.tries == 1 {
		e.since = j.stored
	}
	return e.tries >= journalTries && j.stored > e.since
}

func (j *journal) finish(e *entry, err error) {
	if err == nil {
		for _, done := range e.done {
			done()
		}
	} else {
		j.log.Error("cannot store; it is lost", "what", e.key, "error", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.busy, j.failing = false, false
	if err == nil {
		j.stored++
	} else {
		j.lost++
	}
	j.notify()
}

// flush waits until everything is stored. It gives up at the first failure:
// who flushes is about to leave.
func (j *journal) flush(ctx context.Context) error {
	for {
		j.mu.Lock()
		waiting, changed, failing := len(j.queue), j.changed, j.failing
		if j.busy {
			waiting++
		}
		j.mu.Unlock()
		if waiting == 0 {
			return nil
		}
		if failing {
			return fmt.Errorf("cannot store %d results", waiting)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("cannot store %d results: %w", waiting, ctx.Err())
		}
	}
}

// counts returns how many writes wait, and how many were lost.
func (j *journal) counts() (waiting int, lost uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.queue), j.lost
}
