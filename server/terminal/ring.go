package terminal

// ring keeps the last bytes of a stream whose bytes are numbered from zero. It
// begins small and doubles while the stream outgrows it, up to its limit: most
// terminals never print much.
type ring struct {
	buf   []byte
	end   int64 // number of the next byte
	start int64 // number of the oldest byte kept
	limit int
}

const firstRing = 16 << 10

func newRing(limit int) *ring { return &ring{buf: make([]byte, min(firstRing, limit)), limit: limit} }

func (r *ring) write(p []byte) {
	for len(r.buf) < r.limit && int64(len(p))+r.end-r.start > int64(len(r.buf)) {
		r.grow()
	}
	if len(p) > len(r.buf) { // only its end can be kept
		r.end += int64(len(p) - len(r.buf))
		p = p[len(p)-len(r.buf):]
	}
	at := int(r.end % int64(len(r.buf)))
	n := copy(r.buf[at:], p)
	copy(r.buf, p[n:])
	r.end += int64(len(p))
	r.start = max(r.start, r.end-int64(len(r.buf)))
}

func (r *ring) grow() {
	bigger := make([]byte, min(2*len(r.buf), r.limit))
	for off := r.start; off < r.end; {
		at, to := int(off%int64(len(r.buf))), int(off%int64(len(bigger)))
		n := min(len(r.buf)-at, len(bigger)-to, int(r.end-off))
		copy(bigger[to:], r.buf[at:at+n])
		off += int64(n)
	}
	r.buf = bigger
}

// read copies bytes from number off on into p. The caller has seen to it that
// start ≤ off ≤ end.
func (r *ring) read(p []byte, off int64) int {
	want := int(min(int64(len(p)), r.end-off))
	at := int(off % int64(len(r.buf)))
	n := copy(p[:want], r.buf[at:])
	n += copy(p[n:want], r.buf)
	return n
}
