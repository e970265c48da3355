//go:build unix

package faults

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// shed reports whether the gateway refused for want of room, and says when to come
// again.
func (o *outcome) shed() bool {
	return o.refused() && o.status == http.StatusServiceUnavailable && o.header.Get("Retry-After") != ""
}

func TestOverloadIsShedInEveryDialectAndPasses(t *testing.T) {
	const capacity = 20
	more := make(chan struct{})
	var open atomic.Int64
	s := serve(t, func(c *call) bool {
		open.Add(1)
		<-more
		return healthy(c)
	}, nil)
	g := start(t, (&fault{formats: formats, settings: fmt.Sprintf("max_concurrent: %d", capacity)}).yaml(s, s))
	var all sync.WaitGroup
	var rights atomic.Int64
	ask := func(i int) outcome {
		return g.ask(dialects[i%4], question{model: formats[i/4%4].name, stream: i/16%2 == 0})
	}
	for i := range capacity {
		all.Go(func() {
			if o := ask(i); o.right() {
				rights.Add(1)
			}
		})
	}
	eventually(t, "the gateway is full", func() bool { return open.Load() == capacity })
	var others sync.WaitGroup
	for i := range 9 * capacity {
		others.Go(func() {
			if o := ask(i); !o.shed() {
				t.Errorf("beyond the capacity: %s", o)
			}
		})
	}
	others.Wait()
	close(more)
	all.Wait()
	if rights.Load() != capacity {
		t.Errorf("%d of %d requests within the capacity were answered", rights.Load(), capacity)
	}
	g.serves("chat")
}

// memoryLimit is GOMEMLIMIT of the child, residentLimit what its process may take in all.
const (
	memoryLimit   = 64 << 20
	residentLimit = 128 << 20
)

// largeText is the size of one request; under the race detector, which makes its bytes
// dear, it is enough for the limit of all bodies together, which is a quarter of the
// memory's.
var largeText = map[bool]int{false: 1 << 20, true: 384 << 10}[raceDetector]

func TestL14LargeRequestsAreShedBeforeMemoryRunsOut(t *testing.T) {
	more := make(chan struct{})
	var open atomic.Int64
	s := serve(t, func(c *call) bool {
		open.Add(1)
		<-more
		return healthy(c)
	}, nil)
	g := prepare(t, (&fault{formats: formats}).yaml(s, serve(t, healthy, nil)))
	c := startChild(t, g.config, fmt.Sprintf("GOMEMLIMIT=%d", memoryLimit))
	client := c.of(t)
	var all sync.WaitGroup
	var rights, sheds atomic.Int64
	const asked = 120
	large := strings.Repeat("x", largeText) // all together twice the limit
	for i := range asked {
		all.Go(func() {
			d, q := dialects[i%4], question{model: formats[i/4%4].name, stream: i/16%2 == 0, text: large}
			// net/http's client may say that it could not send all, and nothing of the answer.
			switch o := client.put(d, q, raw(d.path(q), d.body(q))); {
			case o.right():
				rights.Add(1)
			case o.shed():
				sheds.Add(1)
			default:
				t.Errorf("%s", o)
			}
		})
	}
	eventually(t, "what has no room is refused, and the rest waits for its upstream", func() bool { return sheds.Load()+open.Load() >= asked })
	close(more)
	all.Wait()
	if rights.Load() < 5 || sheds.Load() < 60 {
		t.Errorf("%d answers and %d refusals of %d", rights.Load(), sheds.Load(), asked)
	}
	eventually(t, "large requests are taken again", func() bool {
		o := client.ask(chatDialect, question{model: "spare", text: large})
		return o.right()
	})
	if n := resident(t, c.cmd.Process.Pid); !raceDetector && n > residentLimit {
		t.Errorf("the process took %d MiB under GOMEMLIMIT=%dMiB", n>>20, memoryLimit>>20)
	}
	t.Logf("%d answers, %d refusals, at most %d MiB", rights.Load(), sheds.Load(), resident(t, c.cmd.Process.Pid)>>20)
}

// resident is the most memory that a process has had, in bytes; 0 where the system does
// not tell.
func resident(t testing.TB, pid int) (kib int64) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Error(err)
	}
	return kib << 10
}
