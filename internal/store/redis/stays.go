package redis

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/share"
)

// stayed is where a conversation is, as the server keeps it.
type stayed struct {
	Deployment string `json:"d"`
	At         int64  `json:"a"` // ms
	Tokens     int64  `json:"t,omitempty"`
}

// stayKey tells nothing of a conversation.
func (s *Server) stayKey(c share.Conversation) string {
	sum := sha256.Sum256(append(c.ID[:], c.Group...))
	return s.namespace + "stay:" + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Stay implements [share.Server].
func (s *Server) Stay(ctx context.Context, c share.Conversation) (route.Stay, bool, error) {
	data, err := s.client.Get(ctx, s.stayKey(c)).Bytes()
	if errors.Is(err, redis.Nil) {
		return route.Stay{}, false, nil
	}
	if err != nil {
		return route.Stay{}, false, late(err)
	}
	var v stayed
	if json.Unmarshal(data, &v) != nil || v.Deployment == "" {
		return route.Stay{}, false, nil // nobody loses more than a warm cache
	}
	return route.Stay{Deployment: v.Deployment, At: time.UnixMilli(v.At), Tokens: v.Tokens}, true, nil
}

// Stayed implements [share.Server].
func (s *Server) Stayed(ctx context.Context, moved []share.Stayed) error {
	pipe := s.client.Pipeline()
	for _, m := range moved {
		data, err := json.Marshal(stayed{m.Deployment, m.At.UnixMilli(), m.Tokens})
		if err != nil {
			return err
		}
		pipe.Set(ctx, s.stayKey(m.Conversation), data, m.For)
	}
	_, err := pipe.Exec(ctx)
	return late(err)
}
