package keeper

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// loadFilter applies a seccomp filter, as the server has compiled it, to the
// calling thread and so to all that it forks. The caller is root of its user
// namespace, hence needs no no_new_privs, which would break su and ping.
func loadFilter(b []byte) error {
	const size = int(unsafe.Sizeof(unix.SockFilter{}))
	if len(b) == 0 || len(b)%size != 0 {
		return fmt.Errorf("cannot use a seccomp filter of %d bytes", len(b))
	}
	program := make([]unix.SockFilter, len(b)/size)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&program[0])), len(b)), b)
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	const setModeFilter = 1 // SECCOMP_SET_MODE_FILTER
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, setModeFilter, 0, uintptr(unsafe.Pointer(&prog))); errno != 0 {
		return fmt.Errorf("cannot load the seccomp filter: %w", errno)
	}
	return nil
}
