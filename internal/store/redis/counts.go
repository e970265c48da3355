package redis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fairlead-gateway/fairlead/internal/share"
)

var _ share.Server = (*Server)(nil)

// counts are the keys of a deployment, in one slot. An id may be any text, so it is
// hashed.
func (s *Server) counts(deployment string) []string {
	sum := sha256.Sum256([]byte(deployment))
	slot := s.namespace + "{" + hex.EncodeToString(sum[:16]) + "}"
	return []string{slot + ":rate", slot + ":leases"}
}

func (s *Server) nodesKey() string   { return s.namespace + "{nodes}:nodes" }
func (s *Server) restingKey() string { return s.namespace + "{nodes}:resting" }

// Ready implements [share.Server].
func (s *Server) Ready(ctx context.Context) error {
	for _, script := range scripts {
		if err := script.Load(ctx, s.client).Err(); err != nil {
			return late(err)
		}
	}
	return nil
}

// Admit implements [share.Server].
func (s *Server) Admit(ctx context.Context, c share.Call) (share.Answer, error) {
	args := make([]any, 0, 7+len(c.Freed))
	args = append(args, c.Node, c.Lease, c.Limits.Parallel, c.Limits.Requests, c.Limits.Tokens, c.Tokens, share.LeaseFor.Milliseconds())
	for _, lease := range c.Freed {
		args = append(args, lease)
	}
	got, err := admit.Run(ctx, s.client, s.counts(c.Deployment), args...).Int64Slice()
	if err != nil {
		return share.Answer{}, late(err)
	}
	if len(got) != 5 {
		return share.Answer{}, errStrange
	}
	return share.Answer{Refused: got[0] == 1, Full: got[1] == 1, Requests: got[2], Tokens: got[3], Now: time.UnixMilli(got[4])}, nil
}

// errStrange says that another program answers under the keys of this one.
var errStrange = errors.New("the Redis server gave an answer in an unknown form")

// Settle implements [share.Server].
func (s *Server) Settle(ctx context.Context, node string, ended []share.Settlement) error {
	return s.each(ctx, settle, len(ended), func(i int) ([]string, []any) {
		e := &ended[i]
		return s.counts(e.Deployment), []any{node, e.Lease, e.Minute, e.Reserved, e.Used}
	})
}

// maxLeases bounds the leases of one report. More calls in flight than that, of one
// deployment and node, are told in several.
const maxLeases = 1000

// Report implements [share.Server].
func (s *Server) Report(ctx context.Context, node string, loads []share.Load) error {
	var parts []share.Load
	for _, l := range loads {
		for len(l.Leases) > maxLeases {
			head := l
			head.Leases, l.Leases = l.Leases[:maxLeases], l.Leases[maxLeases:]
			parts = append(parts, head)
		}
		parts = append(parts, l)
	}
	return s.each(ctx, report, len(parts), func(i int) ([]string, []any) {
		l := &parts[i]
		args := []any{node, l.Minute, l.Requests, l.Tokens, share.LeaseFor.Milliseconds()}
		for _, lease := range l.Leases {
			args = append(args, lease)
		}
		return s.counts(l.Deployment), args
	})
}

// Cool implements [share.Server].
func (s *Server) Cool(ctx context.Context, resting []share.Cooldown) error {
	return s.each(ctx, cool, 1, func(int) ([]string, []any) {
		args := make([]any, 0, 2*len(resting))
		for _, c := range resting {
			args = append(args, c.Deployment, c.For.Milliseconds())
		}
		return []string{s.restingKey()}, args
	})
}

// Beat implements [share.Server].
func (s *Server) Beat(ctx context.Context, node string) (share.Pulse, error) {
	got, err := beat.Run(ctx, s.client, []string{s.nodesKey(), s.restingKey()}, node, share.NodeFor.Milliseconds()).Slice()
	if err != nil {
		return share.Pulse{}, late(err)
	}
	if len(got) < 3 {
		return share.Pulse{}, errStrange
	}
	p := share.Pulse{Now: time.UnixMilli(number(got[0])), Known: number(got[1]) == 1, Nodes: int(number(got[2])), Resting: map[string]time.Time{}}
	for i := 3; i+1 < len(got); i += 2 {
		if id, ok := got[i].(string); ok {
			p.Resting[id] = time.UnixMilli(number(got[i+1]))
		}
	}
	return p, nil
}

// number reads an integer, or a score as text.
func number(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case string:
		f, err := strconv.ParseFloat(v, 64)
		if err == nil {
			return int64(f)
		}
	}
	return 0
}

// Leave implements [share.Server].
func (s *Server) Leave(ctx context.Context, node string) error {
	return late(s.client.ZRem(ctx, s.nodesKey(), node).Err())
}

// each runs a script n times in one round trip.
func (s *Server) each(ctx context.Context, script *redis.Script, n int, call func(i int) (keys []string, args []any)) error {
	_, err := s.pipeline(ctx, script, n, call)
	return err
}

// pipeline is each with the answers. A server that does not know the script any more, as
// after a restart, learns it and is asked again what it did not do.
func (s *Server) pipeline(ctx context.Context, script *redis.Script, n int, call func(i int) (keys []string, args []any)) ([]*redis.Cmd, error) {
	answers, todo := make([]*redis.Cmd, n), make([]int, n)
	for i := range todo {
		todo[i] = i
	}
	for again := false; ; again = true {
		pipe := s.client.Pipeline()
		for _, i := range todo {
			keys, args := call(i)
			answers[i] = script.EvalSha(ctx, pipe, keys, args...)
		}
		cmds, err := pipe.Exec(ctx)
		if err == nil {
			return answers, nil
		}
		left := todo[:0]
		for at, cmd := range cmds {
			if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
				left = append(left, todo[at])
			}
		}
		if len(left) == 0 || again {
			return nil, late(err)
		}
		if err := s.Ready(ctx); err != nil {
			return nil, err
		}
		todo = left
	}
}

// late makes of a wait for a free connection what it is: a server that is slow.
func late(err error) error {
	if errors.Is(err, redis.ErrPoolTimeout) {
		return fmt.Errorf("no connection became free: %w", context.DeadlineExceeded)
	}
	return err
}
