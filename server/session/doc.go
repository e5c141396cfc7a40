// Package session is one learner in one lab: it admits, creates, resumes,
// resets, catches up and ends sessions, keeps sandboxes ready for the next
// learner, and sees for itself whether a step is solved.
//
// A Manager holds all of it. Its methods take a Caller and return plain values
// with the API's JSON tags, in the caller's language; whoever serves HTTP adds
// only status codes. A session that is not the caller's is one that does not
// exist.
package session
