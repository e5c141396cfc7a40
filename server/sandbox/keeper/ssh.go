package keeper

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxSSH is how many connections a host serves at once.
const maxSSH = 16

// listenSSH listens on port 22 of the host whose thread calls it; the first
// connection, not the boot, pays for a server. dropbear because it is small:
// 0.1 MB a connection.
func (k *keeper) listenSSH(l *life) error {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("cannot make a socket for ssh: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	if err = unix.Bind(fd, &unix.SockaddrInet6{Port: 22}); err == nil {
		err = unix.Listen(fd, maxSSH)
	}
	if err != nil {
		unix.Close(fd)
		return fmt.Errorf("cannot listen for ssh: %w", err)
	}
	l.sshd = fd
	go k.serveSSH(l, os.NewFile(uintptr(fd), "ssh"))
	return nil
}

func (k *keeper) serveSSH(l *life, listener *os.File) {
	defer listener.Close()
	slots := make(chan struct{}, maxSSH)
	for {
		fd, err := accept(listener)
		select {
		case <-l.ended:
			if err == nil {
				unix.Close(fd)
			}
			return
		default:
		}
		if err != nil {
			continue
		}
		select {
		case slots <- struct{}{}:
			p := &process{life: l, done: make(chan struct{})}
			if err := k.startSSH(l, fd, p); err != nil {
				<-slots
				break
			}
			go func() {
				<-p.done
				<-slots
			}()
		default: // full: the client sees its connection closed
		}
		unix.Close(fd)
	}
}

func (k *keeper) startSSH(l *life, conn int, p *process) (err error) {
	down := l.do(func() {
		_ = unix.SetNonblock(conn, false)
		attr := &syscall.ProcAttr{
			Dir: "/", Env: environment(""), Sys: &syscall.SysProcAttr{Setsid: true},
			Files: []uintptr{uintptr(conn), uintptr(conn), uintptr(k.null)},
		}
		_, err = k.fork(l, "/usr/sbin/dropbear", []string{"dropbear", "-i", "-s", "-r", "/etc/dropbear/dropbear_ed25519_host_key"}, attr, p)
	})
	if down != nil {
		return down
	}
	return err
}
