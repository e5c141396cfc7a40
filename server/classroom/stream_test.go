package classroom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (w *world) follow(after string) *Stream {
	w.Helper()
	st, err := w.s.Follow(w.Context(), w.teacher, w.class, "en", after, Thumbs{Lab: AllThumbs})
	w.must(err)
	return st
}

// next waits for an event of a name, and returns the last id on the way.
func next(t *testing.T, st *Stream, name string) (e Event, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		e, err := st.Next(ctx)
		if err != nil {
			t.Fatalf("no event %s: %v", name, err)
		}
		if e.ID != "" {
			id = e.ID
		}
		if e.Name == name {
			return e, id
		}
	}
}

func rowsOf(t *testing.T, e Event) []Row {
	t.Helper()
	var data struct{ Rows []Row }
	if err := json.Unmarshal([]byte(marshal(t, e.Data)), &data); err != nil {
		t.Fatal(err)
	}
	return data.Rows
}

func TestStreamResumes(t *testing.T) {
	w := open(t)
	anna, bert := w.join("Anna"), w.join("Bert")
	st := w.follow("")
	_, id := next(t, st, "grid")
	if id == "" {
		t.Fatal("the grid has no id")
	}
	anna.begin()
	e, after := next(t, st, "rows")
	if rows := rowsOf(t, e); len(rows) != 1 || rows[0].Member != anna.member || rows[0].Presence != Typing {
		t.Errorf("got %+v", rows)
	}
	if after == "" {
		_, after = next(t, st, "board")
	}
	// While the page is away:
	bert.begin()
	bert.fails("first", 0, "down")
	_, err := w.s.Send(t.Context(), w.teacher, w.class, "hello", MessageTarget{})
	w.must(err)
	carl := w.join("Carl")
	w.must(w.s.Remove(t.Context(), w.class, anna.member))
	st = w.follow(after)
	e, _ = next(t, st, "rows")
	got := map[string]Row{}
	for _, r := range rowsOf(t, e) {
		got[r.Member] = r
	}
	if len(got) != 3 || !got[anna.member].Gone || got[bert.member].Cells["one"][0].Fails != 1 || !got[carl.member].Joined {
		t.Errorf("got %+v", got)
	}
	e, _ = next(t, st, "message")
	if m := e.Data.(Message); m.Text != "hello" || m.Reached != 2 {
		t.Errorf("got %+v", m)
	}
	// Of another run, or of the future, nothing can be resumed.
	for _, bad := range []string{"ABCDEFGH-1", "nonsense", w.s.allRooms()[0].epoch + "-99999999-0", w.s.allRooms()[0].epoch + "-1-9999", w.s.allRooms()[0].epoch + "-1"} {
		st := w.follow(bad)
		if e, err := st.Next(t.Context()); err != nil || e.Name != "grid" {
			t.Errorf("%s: got %s, %v", bad, e.Name, err)
		}
	}
}

// TestStreamCoalesces has two hundred learners who type all the time: the page
// gets what has changed, and not each key.
func TestStreamCoalesces(t *testing.T) {
	w := open(t)
	var class []*pupil
	for i := range 200 {
		p := w.join(fmt.Sprintf("Learner %d", i))
		p.begin()
		class = append(class, p)
	}
	st := w.follow("")
	next(t, st, "grid")
	for range 50 { // keys, within a moment
		for _, p := range class {
			p.types()
		}
	}
	quiet, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	for {
		e, err := st.Next(quiet)
		if errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Name == "rows" {
			t.Fatalf("keys are told: %d rows", len(rowsOf(t, e)))
		}
	}
	for range 5 {
		for _, p := range class {
			p.fails("first", 0, "down")
		}
	}
	events, seen := 0, map[string]int{}
	for done := 0; done < len(class); events++ {
		e, _ := next(t, st, "rows")
		for _, r := range rowsOf(t, e) {
			if c := r.Cells["one"]; c != nil && c[0].Fails == 5 {
				done++
			}
			seen[r.Member]++
		}
	}
	if events > 100 {
		t.Errorf("%d events for 1000 tries", events)
	}
	e, _ := next(t, st, "board")
	if b := e.Data.(Board); b.Joined != 200 || len(b.Causes) != 1 || b.Causes[0].Stuck != 200 {
		t.Errorf("%d joined, %d causes", b.Joined, len(b.Causes))
	}
}

// TestMessagesAreBounded sends more than a class keeps, to a page that follows and
// to one that was away.
func TestMessagesAreBounded(t *testing.T) {
	w := open(t)
	w.join("Anna")
	st := w.follow("")
	_, id := next(t, st, "grid")
	r := w.s.allRooms()[0]
	r.mu.Lock()
	for i := range mostMessages {
		r.messages = append(r.messages, store.Message{ID: fmt.Sprint(i), Text: fmt.Sprint(i), At: w.clock.read()})
		r.next()
	}
	r.mu.Unlock()
	for i := range mostMessages {
		if e, _ := next(t, st, "message"); e.Data.(Message).Text != fmt.Sprint(i) {
			t.Fatalf("number %d is %+v", i, e.Data)
		}
	}
	for _, said := range []string{"one more", "and another"} {
		_, err := w.s.Send(t.Context(), w.teacher, w.class, said, MessageTarget{})
		w.must(err)
		if e, _ := next(t, st, "message"); e.Data.(Message).Text != said {
			t.Errorf("got %+v", e.Data)
		}
	}
	r.mu.Lock()
	n := len(r.messages)
	r.mu.Unlock()
	if n != mostMessages {
		t.Errorf("%d are kept", n)
	}
	away := w.follow(id)
	last := ""
	for last != "and another" {
		e, _ := next(t, away, "message")
		last = e.Data.(Message).Text
	}
}

// TestAPassDoesNotWaitBehindKeys has a learner type, and another pass: rows of keys
// may wait for longer than those of anything else.
func TestAPassDoesNotWaitBehindKeys(t *testing.T) {
	w := open(t)
	anna, bert := w.join("Anna"), w.join("Bert")
	anna.begin()
	bert.begin()
	st := w.follow("")
	next(t, st, "grid")
	r := w.s.allRooms()[0]
	pace := func() (time.Duration, bool) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return st.pace(), r.seq > st.sent
	}
	w.clock.pass(6 * time.Second)
	anna.types()
	if d, rows := pace(); d != rowsEvery || !rows {
		t.Errorf("a key may wait %v, %v", d, rows)
	}
	bert.passes("first", "second")
	if d, rows := pace(); d != rowsSoon || !rows {
		t.Errorf("a pass may wait %v, %v", d, rows)
	}
	e, _ := next(t, st, "rows")
	if len(rowsOf(t, e)) != 2 {
		t.Errorf("got %+v", e.Data)
	}
	if d, _ := pace(); d != rowsEvery {
		t.Errorf("what was told may wait %v", d)
	}
}

// TestCausesAreSentWhenTheyChange has the map of why in a page's first event, and
// then again only when it is another.
func TestCausesAreSentWhenTheyChange(t *testing.T) {
	w := open(t)
	anna := w.join("Anna")
	anna.begin()
	anna.fails("first", 0, "down")
	st := w.follow("")
	e, id := next(t, st, "grid")
	if c := e.Data.(Grid).Board.Causes; len(c) != 1 {
		t.Fatalf("the grid has %+v", c)
	}
	_, err := w.s.RaiseHand(t.Context(), anna.caller, w.class, "why?")
	w.must(err)
	e, _ = next(t, st, "board")
	if b := e.Data.(Board); len(b.Hands) != 1 || b.Causes != nil {
		t.Errorf("the board is %+v", b)
	}
	w.clock.pass(time.Second)
	anna.fails("first", 0, "down")
	e, _ = next(t, st, "board")
	if b := e.Data.(Board); len(b.Causes) != 1 || b.Causes[0].Who[0].Times != 2 {
		t.Errorf("the board is %+v", b)
	}
	e, _ = next(t, w.follow(id), "board") // a page that comes back has them again
	if b := e.Data.(Board); len(b.Causes) != 1 {
		t.Errorf("the board is %+v", b)
	}
}

func TestThumbs(t *testing.T) {
	w := open(t)
	anna := w.join("Anna")
	anna.begin()
	st := w.follow("")
	next(t, st, "grid")
	w.s.State(anna.session, &observe.State{Nodes: map[string]*observe.Node{"A": {Kind: "host", Namespace: &observe.Namespace{Links: []observe.Link{
		{Name: "lo", Type: "loopback"}, {Name: "eth0", Type: "veth", Up: true}}}}}})
	e, _ := next(t, st, "thumb")
	if got := marshal(t, e.Data); got != `{"member":"`+anna.member+`","thumb":{"nodes":{"A":{"devs":[{"name":"eth0","up":true,"carrier":false,"addrs":0}]}}}}` {
		t.Errorf("got %s", got)
	}
}

// TestThumbsWhereTheyAreShown has the networks of two hundred learners change, and
// pages that show none, all of the lab, those that fit on a screen, and another lab's.
func TestThumbsWhereTheyAreShown(t *testing.T) {
	w := open(t)
	var class []*pupil
	for i := range 200 {
		p := w.join(fmt.Sprintf("Learner %d", i))
		p.begin()
		class = append(class, p)
	}
	nodes := map[string]*observe.Node{}
	for i := range 7 {
		nodes[fmt.Sprintf("host%d", i)] = &observe.Node{Kind: "host", Namespace: &observe.Namespace{Links: []observe.Link{{Name: "eth0", Type: "veth", Up: true}, {Name: "eth1", Type: "veth"}}}}
	}
	const rounds = 5
	var screen []string
	for _, p := range class[100:124] {
		screen = append(screen, p.member)
	}
	for _, page := range []struct {
		name   string
		thumbs Thumbs
		events int
	}{ // and once what the first page's rounds have left
		{"none", Thumbs{}, 0}, {"the lab", Thumbs{Lab: "one"}, (rounds + 1) * 200}, {"another lab", Thumbs{Lab: "another"}, 0},
		{"everything", Thumbs{Lab: AllThumbs}, (rounds + 1) * 200}, {"24 of the lab", Thumbs{Lab: "one", Of: screen}, (rounds + 1) * 24},
		{"24 of another lab", Thumbs{Lab: "another", Of: screen}, 0}, {"people of other classes", Thumbs{Lab: "one", Of: []string{"nobody"}}, 0},
	} {
		st, err := w.s.Follow(t.Context(), w.teacher, w.class, "en", "", page.thumbs)
		w.must(err)
		next(t, st, "grid")
		events, bytes := 0, 0
		for round := range rounds {
			for _, p := range class {
				w.s.State(p.session, &observe.State{Version: uint64(round), Nodes: nodes})
			}
			// A message comes behind what was there before it.
			st.thumbAt = map[string]time.Time{} // a second has passed
			_, err := w.s.Send(t.Context(), w.teacher, w.class, "go on", MessageTarget{})
			w.must(err)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			for said := false; !said || len(st.queue) > 0; {
				e, err := st.Next(ctx)
				if err != nil {
					t.Fatal(err)
				}
				said = said || e.Name == "message"
				if e.Name == "thumb" && len(page.thumbs.Of) > 0 && !slices.ContainsFunc(page.thumbs.Of, func(id string) bool { return strings.Contains(marshal(t, e.Data), id) }) {
					t.Fatalf("a page that shows %s got %s", page.name, marshal(t, e.Data))
				}
				if e.Name == "thumb" {
					events, bytes = events+1, bytes+len(marshal(t, e.Data))
				}
			}
			cancel()
		}
		if events != page.events {
			t.Errorf("a page that shows %s got %d networks, want %d", page.name, events, page.events)
		}
		t.Logf("a page that shows %s: %d networks, %d KB, while each of 200 changed %d times", page.name, events, bytes>>10, rounds)
	}
}

// TestNothingTwiceAfterABreak breaks a stream behind each of its events: the next
// one brings every message and every change that is missing, and no message twice.
func TestNothingTwiceAfterABreak(t *testing.T) {
	w := open(t)
	anna := w.join("Anna")
	st := w.follow("")
	_, id := next(t, st, "grid")
	var sent, got []string
	passed := false
	for i := range 6 {
		m, err := w.s.Send(t.Context(), w.teacher, w.class, fmt.Sprint(i), MessageTarget{})
		w.must(err)
		sent = append(sent, m.ID)
		switch i {
		case 1:
			anna.begin() // a row, which is due later than the messages
		case 4:
			anna.passes("first", "second")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		for len(got) < len(sent) || i == 5 && !passed {
			e, err := w.follow(id).Next(ctx) // one event a stream
			w.must(err)
			if e.ID == "" {
				t.Fatalf("%s has no id", e.Name)
			}
			id = e.ID
			switch e.Name {
			case "grid":
				t.Fatal("begins anew")
			case "message":
				got = append(got, e.Data.(Message).ID)
			case "rows":
				passed = rowsOf(t, e)[0].Cells["one"][0].State == Passed
			}
		}
		cancel()
	}
	if marshal(t, got) != marshal(t, sent) {
		t.Errorf("sent %v, got %v", sent, got)
	}
}

func TestMyStream(t *testing.T) {
	w := open(t)
	anna := w.join("Anna")
	st := w.s.FollowMine(anna.caller)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	e, err := st.Next(ctx)
	if m, ok := e.Data.(Membership); err != nil || !ok || m.Hand != nil {
		t.Fatalf("got %+v, %v", e, err)
	}
	_, err = w.s.RaiseHand(ctx, anna.caller, w.class, "")
	w.must(err)
	e, err = st.Next(ctx)
	if m, ok := e.Data.(Membership); err != nil || !ok || m.Hand == nil {
		t.Fatalf("got %+v, %v", e, err)
	}
	w.must(w.s.Leave(ctx, w.class, anna.caller.Learner))
	if e, err = st.Next(ctx); err != nil || e.Name != "left" {
		t.Fatalf("got %+v, %v", e, err)
	}
}

// TestHelp has everybody whom a teacher should look at, and nobody else.
func TestHelp(t *testing.T) {
	w := open(t)
	room := w.s.allRooms()[0]
	var fast []*pupil
	for _, name := range []string{"A", "B", "C"} {
		p := w.join(name)
		p.begin()
		fast = append(fast, p)
	}
	slow, idle, many, fine := w.join("Slow"), w.join("Idle"), w.join("Many"), w.join("Fine")
	for _, p := range []*pupil{slow, idle, many, fine} {
		p.begin()
	}
	room.tick(2 * time.Minute)
	for _, p := range fast {
		p.passes("first", "")
	}
	w.clock.pass(6 * time.Minute)
	for i, reason := range []string{"down", "no-carrier", "down", "no-carrier", "down"} {
		many.fails("first", i%2, reason)
	}
	slow.types()
	fine.types()
	room.tick(4 * time.Minute)
	why := map[string]string{}
	for _, h := range w.grid().Board.Help {
		why[h.Member] = h.Reason
	}
	want := map[string]string{slow.member: "long", fine.member: "long", many.member: "many-fails", idle.member: "idle"}
	if marshal(t, why) != marshal(t, want) {
		t.Errorf("got %v, want %v", why, want)
	}
	funnel := w.grid().Board.Funnel["one"][0]
	if funnel.Reached != 7 || funnel.Passed != 3 || funnel.Failed != 1 || funnel.Trying != 3 || funnel.MedianSeconds == nil || *funnel.MedianSeconds != 120 {
		t.Errorf("got %+v", funnel)
	}
	w.must(w.s.Dismiss(t.Context(), w.class, many.member))
	for _, h := range w.grid().Board.Help {
		if h.Member == many.member {
			t.Errorf("dismissed, and still there: %+v", h)
		}
	}
	w.clock.pass(time.Minute)
	many.fails("first", 0, "down")
	if h := w.grid().Board.Help[0]; h.Member != many.member {
		t.Errorf("something new went wrong, and the first is %+v", h)
	}
	many.change(func(b *session.Brief) { b.State = session.Ended })
	if r := w.grid().row(t, many); r.Presence != Off || r.Session != "" || r.Lab != "one" || r.Step != "first" {
		t.Errorf("after the end: %+v", r)
	}
}
