package config

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long files must be quiet before they are read: editors write
// in several steps.
const settle = 250 * time.Millisecond

// Watcher loads the configuration anew when one of its files changes or when
// it is told to. It only builds; swapping is the caller's.
type Watcher struct {
	load   func() (*Config, *Report)
	notify func(*Config, *Report)
	read   func(string) ([]byte, error)

	trigger chan struct{}
	fs      *fsnotify.Watcher
	files   []string
	digest  [sha256.Size]byte
}

// NewWatcher watches the files of current, which options produced. Each reload
// calls notify, one at a time, from the goroutine of Run, with what Load
// returned: a nil Config means that the new files cannot be used and the old
// configuration goes on.
func NewWatcher(options Options, current *Config, notify func(*Config, *Report)) (*Watcher, error) {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("cannot watch files for changes: %w", err)
	}
	w := newWatcher(options, notify)
	w.fs = fs
	w.watch(current)
	return w, nil
}

func newWatcher(options Options, notify func(*Config, *Report)) *Watcher {
	l := newLoader(options)
	return &Watcher{
		load:    func() (*Config, *Report) { return Load(options) },
		notify:  notify,
		read:    l.o.ReadFile,
		trigger: make(chan struct{}, 1),
	}
}

// Trigger asks for a reload although no file has changed (SIGHUP). It never
// blocks.
func (w *Watcher) Trigger() {
	select {
	case w.trigger <- struct{}{}:
	default:
	}
}

// Run watches until ctx ends, and then closes the watcher.
func (w *Watcher) Run(ctx context.Context) error {
	defer func() { _ = w.fs.Close() }()
	changed := make(chan struct{}, 1)
	go forward(w.fs, changed)
	return w.loop(ctx, changed)
}

// forward turns file events into a signal that holds at most one.
func forward(fs *fsnotify.Watcher, changed chan<- struct{}) {
	signal := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	for {
		select {
		case _, ok := <-fs.Events:
			if !ok {
				return
			}
			signal()
		case _, ok := <-fs.Errors:
			// An overflow loses events, so anything may have changed.
			if !ok {
				return
			}
			signal()
		}
	}
}

// loop reloads once the files have been quiet for a moment, and at once when
// triggered.
func (w *Watcher) loop(ctx context.Context, changed <-chan struct{}) error {
	timer := time.NewTimer(settle)
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
			timer.Reset(settle)
		case <-timer.C:
			if w.sum() != w.digest {
				w.reload()
			}
		case <-w.trigger:
			w.reload()
		}
	}
}

func (w *Watcher) reload() {
	w.digest = w.sum()
	cfg, report := w.load()
	if cfg != nil {
		w.watch(cfg)
	}
	w.notify(cfg, report)
}

// watch follows the files of cfg. Directories are watched, not files: an
// editor or a Kubernetes volume replaces the file.
func (w *Watcher) watch(cfg *Config) {
	w.files = cfg.Files
	w.digest = w.sum()
	if w.fs == nil {
		return
	}
	for _, file := range w.files {
		// A directory that cannot be watched leaves Trigger as the way to reload.
		_ = w.fs.Add(filepath.Dir(file))
	}
}

// sum is a digest of the contents of the files, so that events about other
// files of the same directories do nothing.
func (w *Watcher) sum() [sha256.Size]byte {
	h := sha256.New()
	for _, file := range w.files {
		data, err := w.read(file)
		// An unreadable file differs from an empty one.
		fmt.Fprintf(h, "%s\x00%d\x00%t\x00", file, len(data), err != nil)
		h.Write(data)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
