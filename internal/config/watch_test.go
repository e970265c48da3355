package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// memory is a file system that a test may change while a watcher reads it.
type memory struct {
	mu    sync.Mutex
	files map[string]string
}

func (m *memory) write(path, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[path] = text
}

func (m *memory) read(path string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if text, ok := m.files[path]; ok {
		return []byte(text), nil
	}
	return nil, os.ErrNotExist
}

// reloads runs the loop of a watcher over a memory and counts what it says.
type reloads struct {
	*Watcher
	files   *memory
	changed chan struct{}
	configs []*Config
	reports []*Report
}

func watching(t *testing.T) *reloads {
	t.Helper()
	r := &reloads{files: &memory{files: map[string]string{"c.yaml": gpt("")}}, changed: make(chan struct{})}
	o := world{}.options()
	o.Path, o.ReadFile = "c.yaml", r.files.read
	cfg, _ := Load(o)
	r.Watcher = newWatcher(o, func(c *Config, report *Report) {
		r.configs, r.reports = append(r.configs, c), append(r.reports, report)
	})
	r.watch(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.loop(ctx, r.changed) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("loop ended with %v", err)
		}
	})
	return r
}

func TestChangeIsReadOnceTheFilesAreQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watching(t)
		for range 5 {
			r.files.write("c.yaml", "half written")
			r.changed <- struct{}{}
			time.Sleep(settle / 2)
		}
		r.files.write("c.yaml", gpt("")+gpt("")[len("model_list:\n"):])
		r.changed <- struct{}{}
		time.Sleep(2 * settle)
		synctest.Wait()
		if len(r.configs) != 1 || len(r.configs[0].Deployments) != 2 {
			t.Errorf("%d reloads", len(r.configs))
		}
	})
}

func TestEventWithoutAChangeReloadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watching(t)
		r.changed <- struct{}{}
		time.Sleep(2 * settle)
		synctest.Wait()
		if len(r.configs) != 0 {
			t.Errorf("%d reloads", len(r.configs))
		}
	})
}

func TestTriggerReloadsAtOnceAndNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watching(t)
		r.Trigger()
		synctest.Wait()
		if len(r.configs) != 1 {
			t.Errorf("%d reloads", len(r.configs))
		}
		for range 10 {
			r.Trigger()
		}
		synctest.Wait()
		if len(r.configs) < 2 {
			t.Error("the trigger was lost")
		}
	})
}

func TestBadFileGivesNoConfigAndTheReasonAndTheNextOneIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := watching(t)
		for _, text := range []string{"model_list: [", "", gpt("")} {
			r.files.write("c.yaml", text)
			r.changed <- struct{}{}
			time.Sleep(2 * settle)
			synctest.Wait()
		}
		if len(r.configs) != 3 || r.configs[0] != nil || r.configs[1] != nil || r.configs[2] == nil {
			t.Fatalf("%v", r.configs)
		}
		if !r.reports[0].HasErrors() || !r.reports[1].HasErrors() {
			t.Error("no reason is given")
		}
	})
}

func TestWatcherSeesAFileThatIsReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	write(gpt(""))
	o := Options{Path: path, Env: func(string) (string, bool) { return "", false }}
	cfg, _ := Load(o)
	got := make(chan *Config, 8)
	w, err := NewWatcher(o, cfg, func(c *Config, _ *Report) { got <- c })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	write(gpt("litellm_settings: {num_retries: 9}\n"))
	if c := <-got; c == nil || c.Defaults.NumRetries == nil || *c.Defaults.NumRetries != 9 {
		t.Errorf("%+v", c)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run ended with %v", err)
	}
}
