package redis

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fairlead-gateway/fairlead/internal/reasoning"
)

// Gate lets a question through to the server while there is one, within the time that
// a request may wait. It is false when there was no answer.
type Gate interface {
	Do(ask func(ctx context.Context) error) bool
}

// Turns is a store of the reasoning-state keeper. A turn lies under the hash of its
// content, and each of its keys leads there. It is safe for concurrent use.
type Turns struct {
	server *Server
	gate   Gate
	log    *slog.Logger
	now    func() time.Time
}

var _ reasoning.Far = (*Turns)(nil)

// Turns returns the store of reasoning state.
func (s *Server) Turns(gate Gate, log *slog.Logger, now func() time.Time) *Turns {
	return &Turns{server: s, gate: gate, log: log, now: now}
}

const (
	// maxTurn bounds a turn that is shared, and maxLoaded what one question may bring.
	maxTurn   = 1 << 20
	maxLoaded = 32 << 20
	// turnsAtOnce are loaded in one round trip.
	turnsAtOnce = 32
)

func (t *Turns) key(k reasoning.Key) string {
	return t.server.namespace + "turn-key:" + base64.RawURLEncoding.EncodeToString(k[:])
}

func (t *Turns) turnKey(id string) string { return t.server.namespace + "turn:" + id }

// Save implements [reasoning.Store]. It waits for the server, so that a client that
// goes on at another node finds the turn there.
func (t *Turns) Save(keys []reasoning.Key, turn *reasoning.Turn, expires time.Time) {
	data, err := json.Marshal(turn)
	left := expires.Sub(t.now())
	if err != nil || len(data) > maxTurn || left <= 0 {
		t.log.Debug("reasoning state is not shared with other nodes", "bytes", len(data), "error", err)
		return
	}
	sum := sha256.Sum256(data)
	id := base64.RawURLEncoding.EncodeToString(sum[:16])
	t.gate.Do(func(ctx context.Context) error {
		pipe := t.server.client.Pipeline()
		pipe.Set(ctx, t.turnKey(id), data, left)
		for _, k := range keys {
			pipe.Set(ctx, t.key(k), id, left)
		}
		_, err := pipe.Exec(ctx)
		return late(err)
	})
}

// Load implements [reasoning.Store].
func (t *Turns) Load(k reasoning.Key) (*reasoning.Turn, bool) {
	turn, ok := t.LoadAll([]reasoning.Key{k})[k]
	return turn, ok
}

// LoadAll implements [reasoning.Far]: two round trips, and more only for very long
// conversations.
func (t *Turns) LoadAll(keys []reasoning.Key) map[reasoning.Key]*reasoning.Turn {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = t.key(k)
	}
	ids := t.texts(names)
	byID := map[string]*reasoning.Turn{}
	for _, id := range ids {
		if id != "" {
			byID[id] = nil
		}
	}
	t.loadTurns(byID)
	found := make(map[reasoning.Key]*reasoning.Turn, len(byID))
	for i, id := range ids {
		if turn := byID[id]; turn != nil {
			found[keys[i]] = turn
		}
	}
	return found
}

// loadTurns fills in the turns of ids, as many as one question may bring.
func (t *Turns) loadTurns(byID map[string]*reasoning.Turn) {
	ids := make([]string, 0, len(byID))
	for id := range byID {
		ids = append(ids, id)
	}
	loaded := 0
	for len(ids) > 0 && loaded < maxLoaded {
		n := min(len(ids), turnsAtOnce)
		names := make([]string, n)
		for i, id := range ids[:n] {
			names[i] = t.turnKey(id)
		}
		for i, data := range t.texts(names) {
			loaded += len(data)
			byID[ids[i]] = t.decode(data)
		}
		ids = ids[n:]
	}
}

func (t *Turns) decode(data string) *reasoning.Turn {
	if data == "" {
		return nil
	}
	turn := &reasoning.Turn{}
	if err := json.Unmarshal([]byte(data), turn); err != nil {
		t.log.Warn("reasoning state on the Redis server is damaged; it is passed over", "error", err)
		return nil
	}
	return turn
}

// texts reads keys in one round trip, "" for what is not there. It returns as many as
// it got.
func (t *Turns) texts(names []string) []string {
	out := make([]string, len(names))
	t.gate.Do(func(ctx context.Context) error {
		pipe := t.server.client.Pipeline()
		for _, name := range names {
			pipe.Get(ctx, name)
		}
		cmds, err := pipe.Exec(ctx)
		if err != nil && !errors.Is(err, redis.Nil) {
			return late(err)
		}
		for i, cmd := range cmds {
			if got, ok := cmd.(*redis.StringCmd); ok && got.Err() == nil {
				out[i] = got.Val()
			}
		}
		return nil
	})
	return out
}
