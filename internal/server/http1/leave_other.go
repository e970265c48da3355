//go:build !linux

package http1

// watcher does not exist here: each connection hears for itself.
type watcher struct{}

func newWatcher() (*watcher, error) { return nil, nil }

func (w *watcher) close() {}

func (w *watcher) add(*conn) bool { return false }

func (w *watcher) remove(*conn) {}
