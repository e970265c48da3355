package redis

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/responses"
)

// Answers keeps the answers of the Responses API in memory and on the server, so that
// every node can go on from them. Without a server the memory goes on. It is safe for
// concurrent use.
type Answers struct {
	server *Server
	gate   Gate
	near   responses.Store
	log    *slog.Logger

	mu sync.Mutex
	// seen is the server's time (ms) of the last deletion that was taken over; unsaid
	// are deletions that the server does not know of yet.
	seen   int64
	unsaid []string
}

var _ responses.Store = (*Answers)(nil)

// Answers returns the store of answers in front of which near stands.
func (s *Server) Answers(gate Gate, near responses.Store, log *slog.Logger) *Answers {
	return &Answers{server: s, gate: gate, near: near, log: log}
}

const (
	// maxAnswer bounds an answer that is shared; a larger one is known to its node only.
	maxAnswer = 8 << 20
	// maxItems bounds the items of an answer that can be asked for by id.
	maxItems = 1000
	// maxUnsaid bounds the deletions that wait for the server.
	maxUnsaid = 10000
)

// The fields of a record on the server. Its output is in the body.
const (
	previousField = "previous"
	inputField    = "input"
	bodyField     = "body"
)

// key names what belongs to a tenant. It tells nothing.
func (a *Answers) key(kind, tenant, id string) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(len(tenant)) + ":" + tenant + id))
	return a.server.namespace + kind + ":" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// deletedKey lists what was deleted in the last day, by when.
func (a *Answers) deletedKey() string { return a.server.namespace + "{nodes}:deleted" }

// Save implements [responses.Store]. It waits for the server, so that the client can go
// on at another node at once.
func (a *Answers) Save(tenant string, r responses.Record) error {
	if err := a.near.Save(tenant, r); err != nil {
		return err
	}
	if r.ID == "" || r.Size() > maxAnswer {
		a.log.Debug("an answer is too large to be shared with other nodes", "bytes", r.Size())
		return nil
	}
	key := a.key("answer", tenant, r.ID)
	a.gate.Do(func(ctx context.Context) error {
		pipe := a.server.client.Pipeline()
		pipe.HSet(ctx, key, previousField, r.PreviousID, inputField, []byte(r.Input), bodyField, []byte(r.Body))
		pipe.PExpire(ctx, key, responses.DefaultLimits.Age)
		n := 0
		for id := range r.ItemIDs() {
			if n++; n > maxItems {
				break
			}
			pipe.SetNX(ctx, a.key("item", tenant, id), r.ID, responses.DefaultLimits.Age) // the first counts
		}
		_, err := pipe.Exec(ctx)
		return late(err)
	})
	return nil
}

// Get implements [responses.Store].
func (a *Answers) Get(tenant, id string) (responses.Record, bool, error) {
	r, ok, err := a.near.Get(tenant, id)
	if ok || err != nil {
		return r, ok, err
	}
	var fields map[string]string
	a.gate.Do(func(ctx context.Context) (err error) {
		fields, err = a.server.client.HGetAll(ctx, a.key("answer", tenant, id)).Result()
		return late(err)
	})
	if len(fields) == 0 {
		return responses.Record{}, false, nil
	}
	r = responses.Record{ID: id, PreviousID: fields[previousField], Input: rawjson.Value(fields[inputField]), Body: rawjson.Value(fields[bodyField])}
	if !r.Whole() {
		a.log.Warn("an answer on the Redis server is damaged; it is passed over")
		return responses.Record{}, false, nil
	}
	return r, true, a.near.Save(tenant, r)
}

// Item implements [responses.Store].
func (a *Answers) Item(tenant, id string) (rawjson.Value, bool, error) {
	item, ok, err := a.near.Item(tenant, id)
	if ok || err != nil {
		return item, ok, err
	}
	answer := a.text(a.key("item", tenant, id))
	if answer == "" {
		return nil, false, nil
	}
	if _, ok, err := a.Get(tenant, answer); !ok || err != nil {
		return nil, false, err
	}
	return a.near.Item(tenant, id)
}

// Delete implements [responses.Store]. The other nodes forget the answer with their
// next beat; when the server is away, with the first after it is back.
func (a *Answers) Delete(tenant, id string) (bool, error) {
	here, err := a.near.Delete(tenant, id)
	if err != nil {
		return here, err
	}
	there := false
	told := a.gate.Do(func(ctx context.Context) error {
		n, err := a.server.client.Del(ctx, a.key("answer", tenant, id)).Result()
		if there = n > 0; err != nil || !there && !here {
			return late(err)
		}
		return late(deleted.Run(ctx, a.server.client, []string{a.deletedKey()}, tenant+"\x00"+id).Err())
	})
	if !told && here {
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.unsaid) < maxUnsaid {
			a.unsaid = append(a.unsaid, tenant+"\x00"+id)
		}
	}
	return here || there, nil
}

// Beat takes over what other nodes deleted, and tells what this one did meanwhile.
func (a *Answers) Beat(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.unsaid) > 0 {
		tenant, id, _ := strings.Cut(a.unsaid[0], "\x00")
		if err := a.server.client.Del(ctx, a.key("answer", tenant, id)).Err(); err != nil {
			return late(err)
		}
		if err := deleted.Run(ctx, a.server.client, []string{a.deletedKey()}, a.unsaid[0]).Err(); err != nil {
			return late(err)
		}
		a.unsaid = a.unsaid[1:]
	}
	news, err := a.server.client.ZRangeByScoreWithScores(ctx, a.deletedKey(), &redis.ZRangeBy{
		Min: strconv.FormatInt(a.seen, 10), Max: "+inf", Count: 1000,
	}).Result()
	if err != nil {
		return late(err)
	}
	for _, z := range news {
		a.seen = int64(z.Score)
		member, _ := z.Member.(string)
		tenant, id, _ := strings.Cut(member, "\x00")
		if _, err := a.near.Delete(tenant, id); err != nil {
			return err
		}
	}
	return nil
}

// text reads a key, "" when it is not there or nobody answers.
func (a *Answers) text(key string) (text string) {
	a.gate.Do(func(ctx context.Context) error {
		got, err := a.server.client.Get(ctx, key).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return late(err)
		}
		text = got
		return nil
	})
	return text
}
