package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netground/netground/server/lab"
)

// Options configures a Manager. Zero values mean the default that is named.
type Options struct {
	Store  Store
	Engine Engine
	Course *lab.Course
	Labs   map[string]*lab.Lab
	// Render turns a hint's markdown into safe HTML.
	Render func(markdown string) string
	Log    *slog.Logger
	// Listener hears what happens in sessions, and Gate says who must wait; nil:
	// nobody.
	Listener Listener
	Gate     Gate
	// Now is the clock; time.Now. Uptime is one that nobody sets, and that all
	// servers of one sandbox share: how long the machine has been up.
	Now    func() time.Time
	Uptime func() time.Duration

	IdleTimeout time.Duration // 45 minutes
	WarnBefore  time.Duration // 5 minutes
	HardLimit   time.Duration // 8 hours

	MaxPerLearner int // live sessions of one learner; 3
	MaxSessions   int // sandboxes in all, ready ones among them, of ordinary labs; by the machine's memory
	MaxTerminals  int // shells of one session; 16
	PoolSize      int // sandboxes kept ready; 2, negative: none

	// Cgroup is the control group in which sandboxes are, whose limit counts.
	Cgroup string
	// FreeMemory says how much memory is available; what the machine has, or the
	// control groups of sandboxes and of this server.
	FreeMemory func() (bytes int64, err error)
	// MinFreeMemory is what must be left for a session to start; 256 MiB.
	MinFreeMemory int64

	// RecheckEvery is how often the current step is looked at though nothing
	// is known to have changed, files and sockets having no events; 3 seconds.
	RecheckEvery time.Duration
	// RecheckFor is how long after the learner's last activity that goes on; 1 minute.
	RecheckFor time.Duration
}

const (
	// sessionMemory is what a session is reckoned with: an idle one takes a
	// tenth, one in which somebody works may take several times as much.
	sessionMemory = 64 << 20
	// hostMemory is what must be free for each host that a new sandbox has.
	hostMemory   = 4 << 20
	mostSessions = 2000

	buildTimeout = 30 * time.Second
	tickEvery    = 5 * time.Second
)

func (o Options) withDefaults() (Options, error) {
	if o.Store == nil || o.Engine == nil || o.Render == nil {
		return o, errors.New("cannot hold sessions without a store, an engine and a renderer")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Uptime == nil {
		o.Uptime = uptime
	}
	if o.FreeMemory == nil {
		o.FreeMemory = func() (int64, error) { return freeMemory(o.Cgroup) }
	}
	def(&o.IdleTimeout, 45*time.Minute)
	def(&o.WarnBefore, 5*time.Minute)
	def(&o.HardLimit, 8*time.Hour)
	def(&o.MaxPerLearner, 3)
	def(&o.MaxTerminals, 16)
	def(&o.PoolSize, 2)
	def(&o.MinFreeMemory, 256<<20)
	def(&o.RecheckEvery, 3*time.Second)
	def(&o.RecheckFor, time.Minute)
	if o.MaxSessions == 0 {
		free, err := o.FreeMemory()
		if err != nil {
			return o, fmt.Errorf("cannot tell how many sessions fit: %w", err)
		}
		o.MaxSessions = int(min(mostSessions, max(1, (free-o.MinFreeMemory)/sessionMemory)))
	}
	o.PoolSize = min(max(0, o.PoolSize), o.MaxSessions)
	return o, nil
}

func def[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// Manager holds all sessions of a server.
type Manager struct {
	o       Options
	store   Store
	engine  Engine
	log     *slog.Logger
	journal *journal

	ctx        context.Context // ends when Close begins: loops stop
	cancel     context.CancelFunc
	background sync.WaitGroup // goroutines that end with their session, or with ctx
	// cores bounds how many sandboxes are built at once: more in parallel only
	// wait for the kernel's rtnl lock.
	cores chan struct{}

	mu       sync.Mutex
	closing  bool
	unstored bool // results wait, and learners were told
	course   *lab.Course
	labs     map[string]*lab.Lab
	lives    map[string]*live    // by id
	byLab    map[[2]string]*live // by learner and lab
	creating int                 // Creates that wait for their sandbox
	extra    int                 // sandboxes beside lives and pool: those of resets
	pool     pool
	queue    queue
	lifetime time.Duration    // of a session, the mean of recent ones
	measured map[string]int64 // memory of a session by lab, the mean of recent ones

	count counters
}

type counters struct {
	creates, fromPool, resumes, failures, refused atomic.Uint64
	resets, reboots, catchUps                     atomic.Uint64
	evaluations, checks, passed                   atomic.Uint64
	terminals, slow                               atomic.Uint64
	create, pooled, evaluation                    histogram

	mu    sync.Mutex
	ended map[string]uint64
}

// The reasons why sessions end, as they are stored and counted.
const (
	reasonIdle       = "idle"
	reasonLimit      = "time limit"
	reasonLearner    = "ended by the learner"
	reasonTeacher    = "ended by the teacher"
	reasonClass      = "ended with its class"
	reasonKeeperGone = "keeper gone"
	reasonFailed     = "could not be started"
	reasonStopped    = "server stopped"
	reasonRestarted  = "server restarted"
	reasonTaken      = "used by a reset"
)

// Open returns a manager, after it has given the sandboxes that an earlier
// server left back to their sessions, and marked the other sessions as ended.
func Open(ctx context.Context, o Options) (*Manager, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	m := &Manager{
		o: o, store: o.Store, engine: o.Engine, log: o.Log,
		cores:    make(chan struct{}, runtime.NumCPU()),
		measured: map[string]int64{}, lives: map[string]*live{}, byLab: map[[2]string]*live{},
		lifetime: 30 * time.Minute,
		count:    counters{ended: map[string]uint64{}},
	}
	m.journal = newJournal(o.Log, m.storageTrouble)
	m.ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
	m.pool.wake = make(chan struct{}, 1)
	m.SetLabs(o.Course, o.Labs)
	n, err := o.Store.EndLive(ctx, reasonRestarted, o.Now(), m.takeOver(ctx)...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot clean up after the last run: %w", err), m.Leave(ctx))
	}
	if n > 0 {
		o.Log.Warn("ended the sessions that the last run left and that could not go on", "sessions", n)
	}
	m.background.Go(func() { m.journal.run(m.ctx) })
	m.background.Go(m.expireLoop)
	if o.PoolSize > 0 {
		m.background.Go(m.fillPool)
	}
	return m, nil
}

// Close ends all sessions and returns when everything is stored and no
// goroutine is left, or when ctx ends. Sandboxes are handed to their reaper,
// which is not waited for. A second call does nothing.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	again := m.closing
	m.closing = true
	m.mu.Unlock()
	if again {
		return nil
	}
	for _, l := range m.all() {
		m.end(l, reasonStopped)
	}
	m.emptyPool()
	err := m.journal.flush(ctx)
	m.cancel()
	done := make(chan struct{})
	go func() {
		m.background.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("cannot wait for the sessions' end: %w", ctx.Err()))
	}
	// What was being built when the pool was emptied has come since.
	m.emptyPool()
	if _, e := m.store.EndLive(ctx, reasonStopped, m.o.Now()); e != nil {
		err = errors.Join(err, e)
	}
	return err
}

// SetLabs replaces the labs. Running sessions of a lab that has changed get its
// steps at once where the network is the same, and after a reset otherwise;
// their subscribers are told either way.
func (m *Manager) SetLabs(course *lab.Course, labs map[string]*lab.Lab) {
	m.mu.Lock()
	m.course, m.labs = course, maps.Clone(labs)
	m.pool.wakeUp()
	running := slices.Collect(maps.Values(m.lives))
	m.mu.Unlock()
	for _, l := range running {
		if def := labs[l.labName]; def != nil {
			l.revise(def)
		}
	}
}

// firstLab is the one that a class begins with.
func (m *Manager) firstLab() string {
	if m.course != nil {
		for _, c := range m.course.Chapters {
			for _, name := range c.Labs {
				if m.labs[name] != nil {
					return name
				}
			}
		}
	}
	return ""
}

func (m *Manager) view(c Caller) view { return view{c.Language, m.o.Render} }

// end ends a session: whoever listens is told, the sandbox goes, the row says
// why. It may be called again.
func (m *Manager) end(l *live, reason string) {
	l.mu.Lock()
	if l.state == Ended {
		l.mu.Unlock()
		return
	}
	l.state = Ended
	mach := l.mach
	now := m.o.Now()
	kind := "ended"
	if reason == reasonKeeperGone {
		kind = "keeper-gone"
	}
	l.hub.publish(NoticeEvent, notice{kind, endText(reason, l.labName), now})
	l.publishSession()
	l.hub.end()
	if l.catchCancel != nil {
		l.catchCancel()
	}
	l.mu.Unlock()
	l.cancel()
	if mach != nil {
		mach.stop()
	}
	m.mu.Lock()
	delete(m.lives, l.id)
	if key := [2]string{l.learner, l.labName}; m.byLab[key] == l {
		delete(m.byLab, key)
	}
	if lived := now.Sub(l.created); reason != reasonFailed {
		m.lifetime += (lived - m.lifetime) / 8
	}
	m.pool.wakeUp()
	m.mu.Unlock()
	m.journal.put("end "+l.id, func(ctx context.Context) error {
		return m.store.EndSession(ctx, l.id, reason, now)
	}, nil)
	m.count.mu.Lock()
	m.count.ended[reason]++
	m.count.mu.Unlock()
	m.log.Info("session ended", "session", l.id, "lab", l.labName, "reason", reason)
}

// kept says what a session's end leaves.
func kept(labName string) lab.Text {
	if labName == lab.Playground {
		return lab.Text{"en": "What you wrote of it is kept in your browser", "ko": "구성은 브라우저에 남아 있습니다"}
	}
	return lab.Text{"en": "Your progress is kept", "ko": "진행 상황은 그대로 남아 있습니다"}
}

func endText(reason, labName string) lab.Text {
	var en, ko, then, thenKo string
	switch reason {
	case reasonIdle:
		en, ko = "This lab was ended because nothing happened in it for a while.", "한동안 아무 일도 없어 실습을 끝냈습니다."
	case reasonLimit:
		en, ko = "This lab has reached its longest time and was ended.", "실습을 쓸 수 있는 최대 시간이 지나 끝냈습니다."
	case reasonTeacher:
		en, ko = "Your teacher has ended this lab.", "선생님이 실습을 끝냈습니다."
	case reasonClass:
		en, ko = "Your class has ended, and this lab with it. Thank you for taking part.", "수업이 끝나 실습도 끝냈습니다. 수고하셨습니다."
	case reasonKeeperGone:
		en, ko = "The lab's network has stopped unexpectedly.", "실습의 네트워크가 예기치 않게 멈췄습니다."
	case reasonStopped:
		en, ko = "The server is being restarted.", "서버를 다시 시작합니다."
		then, thenKo = "open the lab again in a minute", "1분 뒤에 실습을 다시 여십시오."
	default:
		en, ko = "This lab has ended.", "실습이 끝났습니다."
	}
	k := kept(labName)
	en, ko = en+" "+k["en"], ko+" "+k["ko"]+"."
	if then != "" {
		en, ko = en+"; "+then, ko+" "+thenKo
	}
	return lab.Text{"en": en + ".", "ko": ko}
}

// Stats returns what the manager does and has done.
func (m *Manager) Stats() Stats {
	c := &m.count
	s := Stats{
		Max: m.o.MaxSessions, Creates: c.creates.Load(), FromPool: c.fromPool.Load(), Resumes: c.resumes.Load(),
		Failures: c.failures.Load(), Refused: c.refused.Load(), Resets: c.resets.Load(), Reboots: c.reboots.Load(),
		CatchUps: c.catchUps.Load(), Evaluations: c.evaluations.Load(), Checks: c.checks.Load(), Passed: c.passed.Load(),
		Terminals: c.terminals.Load(), SlowSubscribers: c.slow.Load(),
		CreateSeconds: c.create.read(), PoolSeconds: c.pooled.read(), EvaluationSeconds: c.evaluation.read(),
	}
	s.Unstored, s.Lost = m.journal.counts()
	c.mu.Lock()
	s.Ended = maps.Clone(c.ended)
	c.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Live, s.Ready, s.Waiting = len(m.lives), len(m.pool.ready), len(m.queue.waiting)
	for _, l := range m.lives {
		l.mu.Lock()
		s.Subscribers += len(l.hub.subs)
		l.mu.Unlock()
	}
	return s
}
