package keeper

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Conn sends and receives messages, with open files, over a unix socket of
// type SOCK_SEQPACKET. Sends may be concurrent, receives not. It uses package
// os instead of net, which would double the keeper's size.
type Conn struct {
	file *os.File
	raw  syscall.RawConn
	send sync.Mutex
}

// NewConn takes over the socket.
func NewConn(fd int) (*Conn, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "socket")
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Conn{file: f, raw: raw}, nil
}

// Dial connects to a listening socket.
func Dial(path string) (*Conn, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket: %w", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot connect to %s: %w", path, err)
	}
	return NewConn(fd)
}

// Close ends the connection; a blocked Receive returns.
func (c *Conn) Close() error { return c.file.Close() }

// Send sends the message and copies of the files.
func (c *Conn) Send(m Message, fds ...int) error {
	b := encode(&m, codeMessage)
	if len(b) > MaxMessage {
		return fmt.Errorf("cannot send a message of %d bytes: at most %d go into one", len(b), MaxMessage)
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	c.send.Lock()
	defer c.send.Unlock()
	var err error
	if e := c.raw.Write(func(fd uintptr) bool {
		err = unix.Sendmsg(int(fd), b, oob, nil, unix.MSG_NOSIGNAL)
		return err != unix.EAGAIN
	}); e != nil {
		return e
	}
	return err
}

// maxFiles is how many files come with one message at most.
const maxFiles = 64

// Receive returns the next message and its files, which the caller owns;
// io.EOF once the other side has closed.
func (c *Conn) Receive() (Message, []int, error) {
	var (
		b, oob     []byte
		n, oobn    int
		recvFlags  int
		err, fatal error
	)
	fatal = c.raw.Read(func(fd uintptr) bool {
		// The size first, so that no buffer for the largest message stays around.
		if n, _, err = unix.Recvfrom(int(fd), nil, unix.MSG_PEEK|unix.MSG_TRUNC); err != nil {
			return err != unix.EAGAIN
		}
		b, oob = make([]byte, min(n, MaxMessage)), make([]byte, unix.CmsgSpace(maxFiles*4))
		n, oobn, recvFlags, _, err = unix.Recvmsg(int(fd), b, oob, unix.MSG_CMSG_CLOEXEC)
		return err != unix.EAGAIN
	})
	if fatal != nil {
		err = fatal
	}
	if errors.Is(err, os.ErrClosed) {
		err = io.EOF
	}
	if err != nil {
		return Message{}, nil, err
	}
	fds, err := rights(oob[:oobn])
	if err == nil && recvFlags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		err = errTruncated
	}
	if err == nil && n == 0 {
		err = io.EOF
	}
	var m *Message
	if err == nil {
		m, err = decode(b[:n], codeMessage)
	}
	if err != nil {
		closeAll(fds)
		return Message{}, nil, err
	}
	return *m, fds, nil
}

func rights(oob []byte) (fds []int, err error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	for i := range messages {
		more, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue
		}
		fds = append(fds, more...)
	}
	return fds, nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// pair makes two connected sockets.
func pair() ([2]int, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fds, fmt.Errorf("cannot make a pair of sockets: %w", err)
	}
	return fds, nil
}
