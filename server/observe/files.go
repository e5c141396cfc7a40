package observe

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// MostFile is how much of a host's file is read, in bytes.
const MostFile = 64 << 10

// mostListed is how many names of a folder are read.
const mostListed = 256

// Errors of ReadFile beyond those of the system.
var (
	ErrNotRegular = errNotRegular
	ErrTooBig     = errors.New("the file is too big")
)

// ReadFile reads a regular file of a host, MostFile bytes at most. The path is
// resolved beneath the host's root. It gives fs.ErrNotExist for a missing one,
// ErrNotRegular for a directory, FIFO or device, ErrTooBig.
func (w *Watch) ReadFile(_ context.Context, host, path string) ([]byte, error) {
	root, err := w.root(host)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := openBeneath(root, strings.TrimPrefix(path, "/"), func(st unix.Stat_t, fs unix.Statfs_t) error {
		if st.Size > MostFile {
			return ErrTooBig
		}
		return plain(unix.S_IFREG, errNotRegular)(st, fs)
	})
	if err != nil {
		if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
			err = fmt.Errorf("%w (%w)", os.ErrNotExist, err)
		}
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MostFile+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s of %s: %w", path, host, err)
	}
	if len(b) > MostFile {
		return nil, ErrTooBig
	}
	return b, nil
}

// ListFiles names what is in a folder of a host, some hundreds at most, resolved
// as ReadFile does. A folder that is not there, or is none, has nothing in it.
func (w *Watch) ListFiles(_ context.Context, host, path string) ([]string, error) {
	root, err := w.root(host)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	dir, err := openBeneath(root, strings.TrimPrefix(path, "/"), plain(unix.S_IFDIR, errNotDir))
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) || errors.Is(err, errNotDir) {
			return nil, nil
		}
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(mostListed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cannot list %s of %s: %w", path, host, err)
	}
	slices.Sort(names)
	return names, nil
}

// root gives a host's root folder, to be closed.
func (w *Watch) root(host string) (*os.File, error) {
	w.reading.Lock()
	defer w.reading.Unlock()
	n := w.nodes[host]
	if n == nil || n.down || n.Root == nil {
		return nil, errNoSuchPlace
	}
	return duplicate(n.Root)
}

// parseListener reads an address of /proc/net/tcp: words in the machine's
// byte order, then the port, all in hexadecimal.
func parseListener(s string) (Listener, bool) {
	address, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(address)
	p, e := strconv.ParseUint(port, 16, 16)
	if err != nil || e != nil || len(b) != 4 && len(b) != 16 {
		return Listener{}, false
	}
	for i := 0; i < len(b); i += 4 {
		b[i], b[i+1], b[i+2], b[i+3] = b[i+3], b[i+2], b[i+1], b[i]
	}
	a, _ := netip.AddrFromSlice(b)
	return Listener{Address: a.Unmap(), Port: int(p)}, true
}
