package share

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/route"
)

// Options are what a node is made of.
type Options struct {
	Server Server
	// ID is the node's own name, unlike that of every other.
	ID  string
	Log *slog.Logger
	Now func() time.Time
	// Timeout limits what a request waits for the server; 0 means 250 ms.
	Timeout time.Duration
	// Rested is told of every cooldown that any node has decided, with every beat.
	Rested func(id string, until time.Time)
	// Redact hides secrets in texts for the log.
	Redact func(string) string
}

// Node is one of several. It implements [route.Shared] and is safe for concurrent use.
type Node struct {
	o     Options
	up    atomic.Bool
	late  atomic.Int32 // timeouts in a row
	nodes atomic.Int64
	skew  atomic.Int64 // of the server's clock, ns
	lease atomic.Uint64
	// behind is how many more reports it takes until the server surely knows what
	// this node has.
	behind atomic.Int32

	mu    sync.Mutex
	loads map[string]*load
	// rests are the cooldowns that this node has decided.
	rests map[string]time.Time

	beaten  func(ctx context.Context) error
	ended   chan Settlement
	resting chan Cooldown
	moved   chan Stayed
	stop    chan struct{}
	done    chan struct{}
	state   state
}

const (
	defaultTimeout = 250 * time.Millisecond
	// maxLate is how many answers in a row may be late before the server counts as gone.
	maxLate = 3
	// queueLength bounds the calls whose end is not told yet. What is beyond it is
	// told by a report.
	queueLength = 4096
	// reports after something was lost: a second one has what was on its way meanwhile.
	reports = 2
)

// New makes a node. Until it has started and the server has answered it counts alone.
func New(o Options) *Node {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	n := &Node{
		o: o, loads: map[string]*load{}, rests: map[string]time.Time{},
		ended: make(chan Settlement, queueLength), resting: make(chan Cooldown, 256), moved: make(chan Stayed, queueLength),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	n.nodes.Store(1)
	return n
}

// Start begins the node's only goroutine. Beaten is called after every beat that was
// answered.
func (n *Node) Start(beaten func(ctx context.Context) error) {
	n.beaten = beaten
	go n.run()
}

var _ route.Shared = (*Node)(nil)

// Admit implements [route.Shared].
func (n *Node) Admit(id string, limits route.Limits, tokens int64, now time.Time) (*route.Ticket, route.Usage) {
	t := &route.Ticket{Deployment: id, Counted: limits.Tokens > 0, Reserved: tokens}
	if limits.Parallel > 0 {
		t.Lease = n.o.ID + ":" + strconv.FormatUint(n.lease.Add(1), 36)
	}
	l := n.load(id)
	var answer Answer
	asked, freed := n.up.Load(), l.ended()
	if n.Do(func(ctx context.Context) (err error) {
		answer, err = n.o.Server.Admit(ctx, Call{Node: n.o.ID, Deployment: id, Lease: t.Lease, Limits: limits, Tokens: tokens, Freed: freed})
		return err
	}) {
		l.heard(freed)
		return l.answered(t, answer)
	}
	in, usage := l.alone(t, limits, n.nodes.Load(), n.minute(now))
	if asked && in == nil && t.Lease != "" {
		n.tell(Settlement{Deployment: id, Lease: t.Lease}) // the question may have arrived
	}
	return in, usage
}

// Leave implements [route.Shared].
func (n *Node) Leave(t *route.Ticket) {
	if s, tells := n.load(t.Deployment).leave(t, n.minute(n.o.Now())); tells {
		n.tell(s)
	}
}

// tell queues the end of a call. When nobody hears it, reports say it later.
func (n *Node) tell(s Settlement) {
	if !n.up.Load() {
		return
	}
	select {
	case n.ended <- s:
	default:
		n.behind.Store(reports)
	}
}

// maxRests bounds the cooldowns of this node that are remembered.
const maxRests = 10000

// Cooled implements [route.Shared].
func (n *Node) Cooled(id string, until time.Time) {
	n.mu.Lock()
	if !until.After(n.o.Now()) {
		delete(n.rests, id)
	} else if len(n.rests) < maxRests {
		n.rests[id] = until
	}
	n.mu.Unlock()
	select {
	case n.resting <- Cooldown{Deployment: id, For: until.Sub(n.o.Now())}:
	default:
		n.behind.Store(reports)
	}
}

// Stay implements [route.Shared].
func (n *Node) Stay(c route.Conversation, group string) (s route.Stay, ok bool) {
	n.Do(func(ctx context.Context) (err error) {
		s, ok, err = n.o.Server.Stay(ctx, Conversation{c, group})
		return err
	})
	return s, ok
}

// Stayed implements [route.Shared]. What finds no room is told with a later request.
func (n *Node) Stayed(c route.Conversation, group string, s route.Stay, ttl time.Duration) {
	if !n.up.Load() {
		return
	}
	select {
	case n.moved <- Stayed{Conversation{c, group}, s, ttl}:
	default:
	}
}

// Do asks the server something within the time that a request may wait. It is false
// when there is no server at the moment, or no answer.
func (n *Node) Do(ask func(ctx context.Context) error) bool {
	if !n.up.Load() {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), n.o.Timeout)
	defer cancel()
	if err := ask(ctx); err != nil {
		n.failed(err)
		return false
	}
	n.late.Store(0)
	return true
}

// failed notes that the server did not answer. One that is only late has two more tries.
func (n *Node) failed(err error) {
	n.behind.Store(reports)
	if isTimeout(err) && n.late.Add(1) < maxLate {
		return
	}
	if n.up.CompareAndSwap(true, false) {
		n.state.down(n, err)
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &e) && e.Timeout()
}

// load finds what this node has of a deployment.
func (n *Node) load(id string) *load {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.loads[id]
	if l == nil {
		l = &load{leases: map[string]struct{}{}}
		n.loads[id] = l
	}
	return l
}

// minute is the server's, as far as it is known.
func (n *Node) minute(now time.Time) int64 {
	return minuteOf(now.Add(time.Duration(n.skew.Load())))
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// Close tells the server what is left to tell, and ends the node. Tickets that are still
// out may come back later.
func (n *Node) Close() error {
	close(n.stop)
	<-n.done
	return nil
}
