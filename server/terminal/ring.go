package terminal

// ring keeps the last bytes of a stream whose bytes are numbered from zero, in
// memory that its writer fills by itself. Pages of it exist only once they were
// written: most terminals never print much.
type ring struct {
	buf   []byte
	end   int64 // number of the next byte
	start int64 // number of the oldest byte kept
}

// reserve gives up the oldest bytes that n new ones will overwrite.
func (r *ring) reserve(n int) { r.start = max(r.start, r.end+int64(n)-int64(len(r.buf))) }

// commit makes the stream longer by n bytes that are in their place.
func (r *ring) commit(n int) {
	r.end += int64(n)
	r.reserve(0)
}

// read copies bytes from number off on into p. The caller has seen to it that
// start ≤ off ≤ end.
func (r *ring) read(p []byte, off int64) int {
	want := int(min(int64(len(p)), r.end-off))
	if want == 0 {
		return 0
	}
	at := int(off % int64(len(r.buf)))
	n := copy(p[:want], r.buf[at:])
	n += copy(p[n:want], r.buf)
	return n
}
