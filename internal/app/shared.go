package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/obs"
	"github.com/fairlead-gateway/fairlead/internal/reasoning"
	"github.com/fairlead-gateway/fairlead/internal/responses"
	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/share"
	"github.com/fairlead-gateway/fairlead/internal/store/redis"
)

// shared is what this node has in common with others; nil is a node that is alone.
type shared struct {
	*share.Node
	turns   *redis.Turns
	answers *redis.Answers
	server  *redis.Server
	now     func() time.Time
	// beats counts them, for what is not asked with each.
	beats int
}

const (
	// spendBeats is with how many beats it is asked what the others have spent of budgets
	// that this node has not spent of meanwhile, and spendMost how many are told at once.
	spendBeats = 4
	spendMost  = 256
)

// spend tells the other nodes what this one has spent of budgets, and hears the same.
func (s *shared) spend(ctx context.Context, table *route.Table, now time.Time) error {
	list := table.Spending(now)
	if s.beats++; s.beats%spendBeats != 1 {
		list = slices.DeleteFunc(list, func(b route.Spending) bool { return b.Untold == 0 })
	}
	for part := range slices.Chunk(list, spendMost) {
		all, err := s.server.Spend(ctx, part)
		if err != nil {
			return err
		}
		for i := range part {
			table.Heard(part[i], all[i], now)
		}
	}
	return nil
}

// share prepares for other nodes, if the configuration names a server to meet them.
func (p *program) share(r *Running, cfg *config.Config, instance string, kept responses.Store) (*shared, error) {
	if !cfg.Redis.Enabled() {
		return nil, nil
	}
	o, err := redisOptions(cfg)
	if err != nil {
		return nil, err
	}
	server, err := redis.Open(o)
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, server)
	node := share.New(share.Options{
		Server: server, ID: instance, Log: r.log, Now: p.now, Timeout: cfg.Fairlead.RedisTimeout,
		Redact: obs.NewRedactor(secrets(cfg)).Text,
		Rested: func(id string, until time.Time) { r.server.State().Models.Table.Rest(id, until, p.now()) },
	})
	return &shared{Node: node, turns: server.Turns(node, r.log, p.now), answers: server.Answers(node, kept, r.log), server: server, now: p.now}, nil
}

// meet begins to count with the other nodes. Nobody waits for the server.
func (r *Running) meet() {
	if r.shared == nil {
		return
	}
	r.shared.Start(func(ctx context.Context) error {
		return errors.Join(r.shared.answers.Beat(ctx), r.shared.spend(ctx, r.server.State().Models.Table, r.shared.now()))
	})
	r.closers = append(r.closers, r.shared)
}

// redisOptions are what the configuration says of the server.
func redisOptions(cfg *config.Config) (redis.Options, error) {
	r := &cfg.Redis
	o := redis.Options{
		URL: r.URL.Reveal(), Addrs: []string{fmt.Sprintf("%s:%d", r.Host, r.Port)}, Username: r.Username, Password: r.Password.Reveal(), DB: r.DB,
		TLS: r.TLS, Insecure: r.Insecure, AnyName: r.AnyName, Namespace: r.Namespace, Connections: r.MaxConnections, Timeout: cfg.Fairlead.RedisTimeout,
	}
	switch {
	case len(r.Sentinels) > 0:
		o.URL, o.Addrs, o.MasterName, o.SentinelPassword = "", r.Sentinels, r.MasterName, r.SentinelPassword.Reveal()
	case len(r.Nodes) > 0:
		o.URL, o.Addrs, o.Cluster = "", r.Nodes, true
	}
	if r.CAFile != "" {
		pem, err := os.ReadFile(r.CAFile)
		if err != nil {
			return o, fmt.Errorf("the CA bundle of ssl_ca_certs for the Redis server cannot be read: %w", err)
		}
		o.CA = string(pem)
	}
	return o, nil
}

// both keeps reasoning state on disk and with the other nodes.
type both struct {
	near reasoning.Store
	reasoning.Far
}

// Save implements [reasoning.Store].
func (b both) Save(keys []reasoning.Key, t *reasoning.Turn, expires time.Time) {
	b.near.Save(keys, t, expires)
	b.Far.Save(keys, t, expires)
}

// Load implements [reasoning.Store].
func (b both) Load(k reasoning.Key) (*reasoning.Turn, bool) {
	if t, ok := b.near.Load(k); ok {
		return t, true
	}
	return b.Far.Load(k)
}

// LoadAll implements [reasoning.Far].
func (b both) LoadAll(keys []reasoning.Key) map[reasoning.Key]*reasoning.Turn {
	found := map[reasoning.Key]*reasoning.Turn{}
	var left []reasoning.Key
	for _, k := range keys {
		if t, ok := b.near.Load(k); ok {
			found[k] = t
		} else {
			left = append(left, k)
		}
	}
	for k, t := range b.Far.LoadAll(left) {
		found[k] = t
	}
	return found
}
