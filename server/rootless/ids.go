package rootless

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// ids are a range of the machine's.
type ids struct{ first, count uint64 }

// arguments are those of newuidmap(1) that make the user root and the range
// what follows.
func (r ids) arguments(pid, me int) []string {
	args := []string{strconv.Itoa(pid)}
	for _, n := range []uint64{0, uint64(me), 1, 1, r.first, r.count} {
		args = append(args, strconv.FormatUint(n, 10))
	}
	return args
}

// subordinate reads the user's largest range of /etc/subuid or /etc/subgid. One
// is enough, and no sandbox's ids may lie in two (map_id_range_down() in the
// kernel's user_namespace.c).
func subordinate(path string, me *user.User) (ids, error) {
	b, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return ids{}, fmt.Errorf("cannot read the subordinate ids: %w", err)
	}
	return largest(string(b), me.Username, me.Uid), nil
}

// largest finds the largest range of a user by name or number; lines that are
// none are passed over, as newuidmap does.
func largest(text, name, id string) (most ids) {
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) != 3 || f[0] != name && f[0] != id {
			continue
		}
		first, err1 := strconv.ParseUint(f[1], 10, 32)
		count, err2 := strconv.ParseUint(f[2], 10, 32)
		if err1 == nil && err2 == nil && count > most.count && first+count <= 1<<32-1 {
			most = ids{first, count}
		}
	}
	return most
}
