package classroom

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

const (
	injectAtOnce  = 8
	injectTimeout = 60 * time.Second
	repairEvery   = 2 * time.Second
	// repairLook is how often a network that has not changed is looked at: files
	// and sockets have no events.
	repairLook = 15 * time.Second
)

// injection is a fault as the board shows it. It is called with the lock.
func (r *room) injection(in *store.Injection, language string) Injection {
	v := Injection{ID: in.ID, At: *wall(in.At), By: in.From, Lab: in.Lab, Fault: in.Fault, Title: r.faultTitle(in.Lab, in.Fault, language), Members: []Injected{}}
	for _, m := range in.Members {
		v.Members = append(v.Members, Injected{m.Member, wall(m.Repaired), trouble(m.Trouble, language)})
	}
	return v
}

// Injections lists the faults that were put into the class's networks.
func (s *Service) Injections(ctx context.Context, class, language string) ([]Injection, error) {
	r, err := s.room(ctx, class)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []Injection{}
	for i := range r.injections {
		list = append(list, r.injection(&r.injections[i], language))
	}
	return list, nil
}

// Inject puts a fault of a lab into the network of every member who has it open.
func (s *Service) Inject(ctx context.Context, m Me, class, labName, fault, language string) (Injection, error) {
	r, err := s.room(ctx, class)
	if err != nil {
		return Injection{}, err
	}
	r.mu.Lock()
	l := r.labs[labName]
	known := l != nil && slices.Contains(r.class.Labs, labName) && l.Fault(fault) != nil
	type target struct{ member, learner, session string }
	var targets []target
	for _, w := range r.sorted() {
		for _, b := range w.lives {
			if b.Lab == labName && b.State == session.Ready {
				targets = append(targets, target{w.m.ID, w.m.Learner, b.ID})
			}
		}
	}
	r.mu.Unlock()
	if !known {
		return Injection{}, refuse(session.NotFound, "The lab has no such fault.", "실습에 그런 고장이 없습니다.")
	}
	if len(targets) == 0 {
		return Injection{}, refuse(Conflict, "Nobody has this lab open.", "이 실습을 열어 둔 학습자가 없습니다.")
	}
	in := store.Injection{ID: auth.NewID(), Class: class, From: m.Name, Lab: labName, Fault: fault, At: s.o.Now(), Members: make([]store.Injected, len(targets))}
	// Not ctx: whoever asked may go, and the class is not left half broken.
	run, cancel := context.WithTimeout(s.ctx, injectTimeout)
	defer cancel()
	var all sync.WaitGroup
	turn := make(chan struct{}, injectAtOnce)
	for i, t := range targets {
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			in.Members[i] = store.Injected{Member: t.member, Session: t.session, Trouble: s.breakOne(run, session.Caller{Learner: t.learner, Guest: true}, t.session, fault)}
		})
	}
	all.Wait()
	slices.SortFunc(in.Members, func(a, b store.Injected) int { return cmp.Compare(a.Member, b.Member) }) // as the store has them
	if err := s.store.SaveInjection(context.WithoutCancel(ctx), in); err != nil {
		return Injection{}, failed(err)
	}
	r.mu.Lock()
	r.injections = append(r.injections, in)
	r.boardSeq = r.next()
	v := r.injection(&in, language)
	r.mu.Unlock()
	for _, t := range targets {
		s.tellMember(r, t.member)
	}
	return v, nil
}

// Why a fault is not in a network, as it is stored.
const (
	troubleFailed  = "failed"
	troubleNothing = "nothing"
)

func trouble(stored, language string) string {
	switch stored {
	case troubleFailed:
		return text("The fault could not be put there.", "고장을 넣지 못했습니다.").In(language)
	case troubleNothing:
		return text("This network was not as the fault wants it: nothing broke.", "이 네트워크는 고장을 낼 수 있는 상태가 아니어서 아무것도 바뀌지 않았습니다.").In(language)
	}
	return stored // a sentence, as earlier versions stored it
}

// breakOne puts the fault into one network, and says why it could not.
func (s *Service) breakOne(ctx context.Context, c session.Caller, id, fault string) string {
	m := s.manager()
	if err := m.Break(ctx, c, id, fault); err != nil {
		s.log.Warn("cannot put a fault into a network", "session", id, "fault", fault, "error", err)
		return troubleFailed
	}
	if broken, err := m.Broken(ctx, c, id, fault); err != nil {
		s.log.Warn("cannot look at a fault", "session", id, "fault", fault, "error", err)
	} else if !broken {
		return troubleNothing
	}
	return ""
}

// suspect is a fault in one network that may have been repaired.
type suspect struct {
	r         *room
	injection string
	member    string
	caller    session.Caller
	session   string
	fault     string
}

// watchRepairs looks who has repaired a fault, until the service closes.
func (s *Service) watchRepairs() {
	tick := time.NewTicker(repairEvery)
	defer tick.Stop()
	seen := map[[2]string]uint64{} // by injection and session: as of which change of the network
	looked := map[[2]string]time.Time{}
	for {
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return
		}
		known := map[[2]string]bool{}
		for _, r := range s.allRooms() {
			for _, x := range r.suspects(func(injection, session string, seq uint64) bool {
				key := [2]string{injection, session}
				known[key] = true
				if seen[key] == seq && time.Since(looked[key]) < repairLook {
					return false
				}
				seen[key], looked[key] = seq, time.Now()
				return true
			}) {
				s.look(x)
			}
		}
		for key := range seen {
			if !known[key] {
				delete(seen, key)
				delete(looked, key)
			}
		}
	}
}

// suspects lists the faults that are to be looked at. It takes the lock.
func (r *room) suspects(due func(injection, session string, seq uint64) bool) (list []suspect) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.injections {
		in := &r.injections[i]
		l := r.labs[in.Lab]
		if l == nil || l.Fault(in.Fault) == nil {
			continue
		}
		for _, m := range in.Members {
			w := r.rows[m.Member]
			if w == nil || m.Trouble != "" || !m.Repaired.IsZero() {
				continue
			}
			if b, ok := w.lives[m.Session]; ok && b.State == session.Ready && due(in.ID, m.Session, w.thumbs[m.Session].seq) {
				list = append(list, suspect{r, in.ID, m.Member, session.Caller{Learner: w.m.Learner, Guest: true}, m.Session, in.Fault})
			}
		}
	}
	return list
}

// look finds out whether a fault is repaired, and has it stored.
func (s *Service) look(x suspect) {
	broken, err := s.manager().Broken(s.ctx, x.caller, x.session, x.fault)
	if err != nil || broken {
		return
	}
	x.r.changing.Lock()
	defer x.r.changing.Unlock()
	x.r.mu.Lock()
	var stored store.Injection
	for i := range x.r.injections {
		in := &x.r.injections[i]
		if in.ID != x.injection {
			continue
		}
		in.Members = slices.Clone(in.Members)
		for j := range in.Members {
			if in.Members[j].Member == x.member && in.Members[j].Repaired.IsZero() {
				in.Members[j].Repaired = s.o.Now()
			}
		}
		stored = *in
	}
	x.r.boardSeq = x.r.next()
	x.r.mu.Unlock()
	if err := s.store.SaveInjection(s.ctx, stored); err != nil {
		s.log.Warn("cannot store that a fault is repaired", "error", err)
	}
	s.tellMember(x.r, x.member)
}
