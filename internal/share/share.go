// Package share makes the nodes of a gateway count together: limits of deployments,
// calls in flight and cooldowns, through a server that all of them reach.
//
// A reservation is one question to the server, its end one message that nobody waits
// for. Cooldowns travel with a beat every half second. Each node keeps its own counts
// besides and reports them when the server has forgotten, so that a restart of the
// server costs a moment. Without a server the node goes on alone with its share of
// every limit: that is coarser, and never a failed request.
package share

import (
	"context"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/route"
)

// Server counts for all nodes. Its clock decides which minute it is. Every method is
// one round trip and safe for concurrent use.
type Server interface {
	// Ready connects, and prepares what the other methods need.
	Ready(ctx context.Context) error
	// Admit counts a call in unless that exceeds a limit.
	Admit(ctx context.Context, c Call) (Answer, error)
	// Settle ends calls.
	Settle(ctx context.Context, node string, ended []Settlement) error
	// Cool tells of cooldowns.
	Cool(ctx context.Context, resting []Cooldown) error
	// Report puts right what the server knows of a node.
	Report(ctx context.Context, node string, loads []Load) error
	// Beat says that a node lives, and asks what there is to know.
	Beat(ctx context.Context, node string) (Pulse, error)
	// Stay returns where a conversation is, Stayed tells it.
	Stay(ctx context.Context, c Conversation) (route.Stay, bool, error)
	Stayed(ctx context.Context, moved []Stayed) error
	// Leave says that a node ends.
	Leave(ctx context.Context, node string) error
}

// LeaseFor is how long a place among the calls in flight is held without news of its
// node, and NodeFor how long a silent node counts as one of several.
const (
	LeaseFor = 20 * time.Second
	NodeFor  = 5 * time.Second
)

// Call asks for a call.
type Call struct {
	Node, Deployment, Lease string
	Limits                  route.Limits
	Tokens                  int64
	// Freed are leases that the node has given back and that the server may not know
	// of yet, so that its next call finds the place free.
	Freed []string
}

// Answer is what the server says to a call: the totals of the minute with it, or
// without it when it is refused.
type Answer struct {
	Refused          bool
	Full             bool // all places are taken
	Requests, Tokens int64
	Now              time.Time // of the server
}

// Settlement is the end of a call.
type Settlement struct {
	Deployment, Lease string
	// Minute, since 1970, in which Reserved tokens were counted; Used is how many it
	// took.
	Minute, Reserved, Used int64
}

// Cooldown is a deployment that rests For so long; 0 or less ends its rest.
type Cooldown struct {
	Deployment string
	For        time.Duration
}

// Conversation is one of a group of deployments.
type Conversation struct {
	ID    route.Conversation
	Group string
}

// Stayed says where a conversation is, for so long.
type Stayed struct {
	Conversation
	route.Stay
	For time.Duration
}

// Load is what one node has of a deployment: in a minute since 1970, and in flight.
type Load struct {
	Deployment               string
	Minute, Requests, Tokens int64
	Leases                   []string
}

// Pulse is the answer to a beat.
type Pulse struct {
	// Known is false when the server has never heard of the node, or has forgotten.
	Known bool
	// Nodes that live, this one included.
	Nodes int
	// Now is the server's time, and Resting which deployments rest until when by it.
	Now     time.Time
	Resting map[string]time.Time
}
