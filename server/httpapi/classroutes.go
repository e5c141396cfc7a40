package httpapi

import (
	"net/http"

	"github.com/netground/netground/server/classroom"
	"github.com/netground/netground/server/session"
)

// The bodies of requests about classes.
type (
	setupRequest struct {
		Token    string `json:"token" jsonschema:"of the one-time link"`
		Login    string `json:"login"`
		Name     string `json:"name"`
		Password string `json:"password"`
	}
	linkRequest struct {
		Token string `json:"token" jsonschema:"of the one-time link"`
	}
	signInRequest struct {
		Login    string `json:"login"`
		Password string `json:"password"`
	}
	passwordRequest struct {
		Old string `json:"old"`
		New string `json:"new"`
	}
	staffRequest struct {
		Login string `json:"login"`
		Name  string `json:"name"`
		Role  string `json:"role" jsonschema:"owner, teacher or assistant"`
	}
	colleagueRequest struct {
		Login string `json:"login"`
		Role  string `json:"role" jsonschema:"teacher or assistant"`
	}
	stateRequest struct {
		State string `json:"state" jsonschema:"open, paused or ended"`
	}
	rosterRequest struct {
		CSV string `json:"csv" jsonschema:"a name and an id a line, with or without a heading"`
	}
	nameRequest struct {
		Name string `json:"name"`
	}
	messageRequest struct {
		Text   string `json:"text"`
		Member string `json:"member,omitempty" jsonschema:"for this one"`
		Lab    string `json:"lab,omitempty" jsonschema:"for all who are in this lab"`
		Step   string `json:"step,omitempty" jsonschema:"and at this step"`
	}
	broadcastRequest struct {
		Session  string `json:"session" jsonschema:"of the teacher's own learner"`
		Terminal string `json:"terminal"`
	}
	faultRequest struct {
		Lab   string `json:"lab"`
		Fault string `json:"fault"`
	}
	joinRequest struct {
		Code string `json:"code"`
		Name string `json:"name"`
	}
	codeRequest struct {
		Code string `json:"code" jsonschema:"the personal one"`
	}
	handRequest struct {
		Text string `json:"text,omitempty" jsonschema:"what the question is"`
	}
	allowRequest struct {
		Allow bool `json:"allow"`
	}
)

// The answers about classes that are this package's own.
type (
	// SignIn is who has signed in, and how one can.
	SignIn struct {
		Me    *classroom.Me `json:"me"`
		Setup bool          `json:"setup" jsonschema:"nobody has set a password yet"`
		OIDC  string        `json:"oidc" jsonschema:"what signs in by OpenID Connect, or empty"`
	}
	// Invited is somebody who teaches, and their one-time link.
	Invited struct {
		Staff classroom.Staff `json:"staff"`
		Link  string          `json:"link"`
	}
	// LinkAnswer is a one-time link.
	LinkAnswer struct {
		Link string `json:"link"`
	}
)

const rosterBody = 256 << 10

// classTable is the part of the table that classes are about.
func (a *API) classTable() []route {
	const (
		get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
		person              = "/api/staff/:staff"
		class               = "/api/classes/:class"
		one                 = class + "/members/:member"
		recording           = class + "/recordings/:recording"
		mine                = "/api/me/classes/:class"
		stream              = "text/event-stream"
	)
	ok, created, none := []int{http.StatusOK}, []int{http.StatusCreated}, []int{http.StatusNoContent}
	found := []int{http.StatusFound}
	accepted, upgrade := []int{http.StatusAccepted}, []int{http.StatusSwitchingProtocols}
	return []route{
		{Method: get, Path: "/api/staff/me", Access: public, Rate: read, Summary: "Who has signed in to teach, and how one can", Response: SignIn{}, Status: ok, Handle: a.getSignIn},
		{Method: post, Path: "/api/staff/link", Access: public, Rate: guess, Summary: "Whom a one-time link is for; it stays good", Request: &linkRequest{}, MaxBody: smallBody, Response: classroom.Me{}, Status: ok, Handle: a.readLink},
		{Method: post, Path: "/api/staff/setup", Access: public, Rate: guess, Summary: "Uses a one-time link: sets the password and signs in", Request: &setupRequest{}, MaxBody: smallBody, Response: classroom.Me{}, Status: ok, Handle: a.setUp},
		{Method: post, Path: "/api/staff/sign-in", Access: public, Rate: guess, Summary: "Signs in to teach", Request: &signInRequest{}, MaxBody: smallBody, Response: classroom.Me{}, Status: ok, Handle: a.doSignIn},
		{Method: post, Path: "/api/staff/sign-out", Access: staff, Rate: write, Summary: "Signs out", Request: &empty{}, MaxBody: smallBody, Status: none, Handle: a.doSignOut},
		{Method: post, Path: "/api/staff/password", Access: staff, Rate: guess, Summary: "Sets another password; all other sign-ins end", Request: &passwordRequest{}, MaxBody: smallBody, Status: none, Handle: a.setPassword},
		{Method: get, Path: "/api/oidc", Access: public, Rate: guess, Summary: "Goes to the provider of OpenID Connect to sign in", Status: found, Handle: a.beginOIDC},
		{Method: get, Path: "/api/oidc/callback", Access: public, Rate: guess, Summary: "Comes back from there", Status: found, Handle: a.finishOIDC},
		{Method: get, Path: "/api/staff", Access: owner, Rate: read, Summary: "Who teaches", Response: []classroom.Staff{}, Status: ok, Handle: a.getStaff},
		{Method: post, Path: "/api/staff", Access: owner, Rate: write, Summary: "Adds somebody who teaches", Request: &staffRequest{}, MaxBody: smallBody, Response: Invited{}, Status: created, Handle: a.addStaff},
		{Method: post, Path: person + "/link", Access: owner, Rate: write, Summary: "Makes a new one-time link", Request: &empty{}, MaxBody: smallBody, Response: LinkAnswer{}, Status: ok, Handle: a.newLink},
		{Method: del, Path: person, Access: owner, Rate: write, Summary: "Removes somebody who teaches", Status: none, Handle: a.removeStaff},

		{Method: get, Path: "/api/classes", Access: staff, Rate: read, Summary: "The classes that one teaches or helps in, newest first", Response: []classroom.Summary{}, Status: ok, Handle: a.getClasses},
		{Method: post, Path: "/api/classes", Access: teacher, Rate: write, Summary: "Makes a class", Request: &classroom.Settings{}, MaxBody: answerBody, Response: Class{}, Status: created, Handle: a.createClass},
		{Method: get, Path: class, Access: view, Rate: read, Summary: "A class", Response: Class{}, Status: ok, Handle: a.getClass},
		{Method: put, Path: class, Access: edit, Rate: write, Summary: "Replaces a class's settings", Request: &classroom.Settings{}, MaxBody: answerBody, Response: Class{}, Status: ok, Handle: a.updateClass},
		{Method: del, Path: class, Access: edit, Rate: write, Summary: "Deletes a class and all data of learners who are in no other", Status: none, Handle: a.deleteClass},
		{Method: post, Path: class + "/state", Access: edit, Rate: write, Summary: "Pauses, resumes or ends a class", Request: &stateRequest{}, MaxBody: smallBody, Response: Class{}, Status: ok, Handle: a.setClassState},
		{Method: post, Path: class + "/code", Access: edit, Rate: write, Summary: "Makes a new join code; the old one is void", Request: &empty{}, MaxBody: smallBody, Response: Class{}, Status: ok, Handle: a.newJoinCode},
		{Method: get, Path: class + "/qr.svg", Access: view, Rate: read, Summary: "The join address as a QR code", Media: "image/svg+xml", Status: ok, Handle: a.getQR},
		{Method: post, Path: class + "/staff", Access: edit, Rate: write, Summary: "Makes somebody a teacher or an assistant of the class", Request: &colleagueRequest{}, MaxBody: smallBody, Response: Class{}, Status: ok, Handle: a.addColleague},
		{Method: del, Path: class + "/staff/:staff", Access: edit, Rate: write, Summary: "Takes the class away from somebody", Status: none, Handle: a.removeColleague},
		{Method: get, Path: class + "/members", Access: edit, Rate: read, Summary: "The members with their personal codes", Response: []classroom.Member{}, Status: ok, Handle: a.getMembers},
		{Method: post, Path: class + "/members", Access: edit, Rate: write, Summary: "Adds a list to the roster", Request: &rosterRequest{}, MaxBody: rosterBody, Response: classroom.Roster{}, Status: ok, Handle: a.importRoster},
		{Method: put, Path: one, Access: edit, Rate: write, Summary: "Gives a member another name", Request: &nameRequest{}, MaxBody: smallBody, Response: classroom.Member{}, Status: ok, Handle: a.renameMember},
		{Method: post, Path: one + "/code", Access: edit, Rate: write, Summary: "Gives a member another personal code", Request: &empty{}, MaxBody: smallBody, Response: classroom.Member{}, Status: ok, Handle: a.newPersonalCode},
		{Method: del, Path: one, Access: edit, Rate: write, Summary: "Deletes a member, and all data of a learner who is in no other class", Status: none, Handle: a.removeMember},

		{Method: get, Path: class + "/grid", Access: view, Rate: read, Summary: "Where everybody stands", Response: Grid{}, Status: ok, Handle: a.getGrid},
		{Method: get, Path: class + "/events", Access: view, Rate: connect, Summary: "Server-sent events, resumed by Last-Event-ID: grid, rows, board, class, message; with thumbs=LAB also thumb, of those whom of=MEMBER,… names, 100 at most", Media: stream, Status: ok, Stream: true, Handle: a.classEvents},
		{Method: post, Path: one + "/dismiss", Access: edit, Rate: write, Summary: "Says that the member needs no help for what has happened so far", Request: &empty{}, MaxBody: smallBody, Status: none, Handle: a.dismiss},

		{Method: get, Path: one + "/session", Access: view, Rate: read, Summary: "The member's session, as they see it", Response: session.Session{}, Status: ok, Handle: a.memberSession},
		{Method: get, Path: one + "/lab", Access: view, Rate: read, Summary: "The lab of the member's session, which for a playground nobody else has", Response: Lab{}, Status: ok, Handle: a.memberLab},
		{Method: get, Path: one + "/events", Access: view, Rate: connect, Summary: "The events of the member's session; the member is told who watches", Media: stream, Status: ok, Stream: true, Handle: a.memberEvents},
		{Method: get, Path: one + "/terminals/:terminal/ws", Access: view, Rate: connect, Summary: "A websocket that watches a terminal; types once the member has allowed it", Status: upgrade, Stream: true, SameSite: true, Handle: a.memberTerminal},
		{Method: post, Path: one + "/keyboard", Access: edit, Rate: write, Summary: "Asks the member for the keyboard", Request: &empty{}, MaxBody: smallBody, Status: none, Handle: a.askKeyboard},
		{Method: del, Path: one + "/keyboard", Access: edit, Rate: write, Summary: "Gives the keyboard back", Status: none, Handle: a.leaveKeyboard},
		{Method: post, Path: one + "/reset", Access: edit, Rate: heavy, Summary: "Gives the member's session a new network", Request: &empty{}, MaxBody: smallBody, Status: none, Handle: a.memberReset},
		{Method: post, Path: one + "/extend", Access: edit, Rate: write, Summary: "Lets the member's session live longer", Request: &empty{}, MaxBody: smallBody, Status: none, Handle: a.memberExtend},
		{Method: post, Path: one + "/catch-up", Access: edit, Rate: heavy, Summary: "Starts to solve the steps before a step for the member", Request: &catchUpRequest{}, MaxBody: smallBody, Status: accepted, Handle: a.memberCatchUp},
		{Method: post, Path: one + "/end", Access: edit, Rate: write, Summary: "Ends the member's session", Request: &empty{}, MaxBody: smallBody, Status: none, Handle: a.memberEnd},

		{Method: post, Path: class + "/hands/:member/claim", Access: edit, Rate: write, Summary: "Says that one helps who has raised a hand", Request: &empty{}, MaxBody: smallBody, Status: none, Handle: a.claimHand},
		{Method: post, Path: class + "/hands/:member/done", Access: edit, Rate: write, Summary: "Lowers a member's hand", Request: &empty{}, MaxBody: smallBody, Status: none, Handle: a.handDone},
		{Method: post, Path: class + "/messages", Access: edit, Rate: write, Summary: "Sends a message to a member, to all at a step, or to the class", Request: &messageRequest{}, MaxBody: answerBody, Response: classroom.Message{}, Status: created, Handle: a.sendMessage},
		{Method: post, Path: class + "/broadcast", Access: edit, Rate: write, Summary: "Shows a terminal of one's own session to the class", Request: &broadcastRequest{}, MaxBody: smallBody, Response: classroom.Broadcast{}, Status: ok, Handle: a.startBroadcast},
		{Method: del, Path: class + "/broadcast", Access: edit, Rate: write, Summary: "Ends showing it", Status: none, Handle: a.endBroadcast},
		{Method: get, Path: class + "/faults", Access: view, Rate: read, Summary: "The faults that were put into the class's networks, and who has repaired them", Response: []classroom.Injection{}, Status: ok, Handle: a.getFaults},
		{Method: post, Path: class + "/faults", Access: edit, Rate: heavy, Summary: "Puts a fault of a lab into the network of everybody who has it open", Request: &faultRequest{}, MaxBody: smallBody, Response: classroom.Injection{}, Status: created, Handle: a.injectFault},

		{Method: get, Path: class + "/recordings", Access: view, Rate: read, Summary: "The terminals that were recorded, newest first", Response: []classroom.Recording{}, Status: ok, Handle: a.getRecordings},
		{Method: get, Path: recording, Access: view, Rate: read, Summary: "A recording, as asciicast v3; with download=1 as a file", Media: "application/x-asciicast", Status: ok, Handle: a.getRecording},
		{Method: get, Path: recording + "/states", Access: view, Rate: read, Summary: "The networks beside a recording", Response: []classroom.StateAt{}, Status: ok, Handle: a.getRecordingStates},
		{Method: del, Path: recording, Access: edit, Rate: write, Summary: "Deletes a recording", Status: none, Handle: a.deleteRecording},

		{Method: get, Path: class + "/results", Access: view, Rate: read, Summary: "What everybody has done, with times", Response: classroom.Results{}, Status: ok, Handle: a.getResults},
		{Method: get, Path: class + "/results.csv", Access: view, Rate: read, Summary: "The same as a table, a line a member and step", Media: "text/csv; charset=utf-8", Status: ok, Handle: a.getResultsCSV},

		{Method: get, Path: "/api/join/:code", Access: public, Rate: guess, Summary: "What class a join code is of", Response: classroom.JoinInfo{}, Status: ok, Handle: a.joinInfo},
		{Method: post, Path: "/api/join", Access: public, Rate: guess, Summary: "Joins a class; a stranger becomes a learner", Request: &joinRequest{}, MaxBody: smallBody, Response: classroom.Membership{}, Status: created, Handle: a.join},
		{Method: post, Path: "/api/back", Access: public, Rate: guess, Summary: "Gets back into one's place by the personal code", Request: &codeRequest{}, MaxBody: smallBody, Response: classroom.Membership{}, Status: ok, Handle: a.comeBack},
		{Method: get, Path: "/api/me/classes", Access: public, Rate: read, Summary: "The learner's classes, newest first", Response: []classroom.Membership{}, Status: ok, Handle: a.getMine},
		{Method: get, Path: "/api/me/classes/events", Access: public, Rate: connect, Summary: "Server-sent events about the learner's classes: class, left", Media: stream, Status: ok, Stream: true, Handle: a.myEvents},
		{Method: post, Path: mine + "/hand", Access: member, Rate: write, Summary: "Raises a hand", Request: &handRequest{}, MaxBody: answerBody, Response: classroom.Membership{}, Status: ok, Handle: a.raiseHand},
		{Method: del, Path: mine + "/hand", Access: member, Rate: write, Summary: "Lowers the hand", Response: classroom.Membership{}, Status: ok, Handle: a.lowerHand},
		{Method: post, Path: mine + "/keyboard", Access: member, Rate: write, Summary: "Allows a teacher to type, or not, or no more", Request: &allowRequest{}, MaxBody: smallBody, Response: classroom.Membership{}, Status: ok, Handle: a.allowKeyboard},
		{Method: del, Path: mine, Access: member, Rate: write, Summary: "Leaves a class; name and data in it are deleted", Status: none, Handle: a.leaveClass},
		{Method: get, Path: mine + "/broadcast/ws", Access: member, Rate: connect, Summary: "A websocket that shows the teacher's terminal", Status: upgrade, Stream: true, SameSite: true, Handle: a.watchBroadcast},
	}
}
