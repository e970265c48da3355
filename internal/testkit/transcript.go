package testkit

import (
	"bytes"
	"regexp"
	"sync"
	"time"
)

// Patience ends what would otherwise hang a test that fails; nothing is measured by
// it. It is long enough for a machine that is ten times slower and busy with other tests.
const Patience = 2 * time.Minute

// Transcript keeps what a program prints. It is an io.Writer for several goroutines.
type Transcript struct {
	mu   sync.Mutex
	b    bytes.Buffer
	more chan struct{} // closed and replaced with every write
}

// NewTranscript makes an empty one.
func NewTranscript() *Transcript { return &Transcript{more: make(chan struct{})} }

// Write implements io.Writer; it never fails.
func (o *Transcript) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	return o.b.Write(p)
}

// String is all that was printed so far.
func (o *Transcript) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// Size is how much was printed so far, in bytes.
func (o *Transcript) Size() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Len()
}

// Find waits until the output from an offset on matches and returns the last group;
// "" when that did not happen before done was closed, or within [Patience].
func (o *Transcript) Find(from int, pattern *regexp.Regexp, done <-chan struct{}) string {
	deadline := time.After(Patience)
	for {
		o.mu.Lock()
		m, more := pattern.FindStringSubmatch(o.b.String()[from:]), o.more
		o.mu.Unlock()
		if m != nil {
			return m[len(m)-1]
		}
		select {
		case <-more:
		case <-done:
			return ""
		case <-deadline:
			return ""
		}
	}
}

// Environment looks names up in pairs (name, value, …) and nowhere else.
func Environment(pairs []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}
