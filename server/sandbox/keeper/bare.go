package keeper

import "golang.org/x/sys/unix"

// newBare begins a host that nobody has asked for yet.
func (k *keeper) newBare(tree string) (*life, error) {
	if err := makeOverlay(tree); err != nil {
		return nil, err
	}
	return k.newLife(nil, tree), nil
}

// awaitBare waits until the bare hosts are made. It leaves what they answer to
// whoever takes them.
func (k *keeper) awaitBare() error {
	for _, l := range k.bare {
		for _, ch := range []chan error{l.netReady, l.ready} {
			err := <-ch
			if err != nil {
				return err
			}
			ch <- nil
		}
	}
	return nil
}

// endBare ends those that the network did not need.
func (k *keeper) endBare() {
	for _, l := range k.bare[min(len(k.bare), len(k.spec.Hosts)):] {
		if err := <-l.netReady; err != nil {
			continue
		}
		if err := <-l.ready; err == nil {
			k.mu.Lock()
			if p := k.processes[l.init]; p != nil && p.life == l {
				_ = unix.Kill(l.init, unix.SIGKILL)
			}
			k.mu.Unlock()
			<-l.ended
		}
		l.net.close()
	}
}
