package route

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Conversation identifies the requests that belong together: what a vendor has in its
// cache for one of them, and reasoning state that its key has made, serve the next.
type Conversation [16]byte

// Talker is a request that tells about itself what only some choices need.
type Talker interface {
	// Conversation is asked at most once, and only where there is a choice between
	// deployments: the conversation, and whether it was begun before this request, as far as that can be told.
	Conversation() (id Conversation, goesOn bool)
	// UserAgent is the client's, "" for none.
	UserAgent() string
}

const (
	// maxConversations bounds the memory of where conversations went.
	maxConversations = 1 << 14
	// warmFor is how long a vendor's cache is counted on, as in LiteLLM, and warmFrom
	// the tokens from which there is one.
	warmFor  = 5 * time.Minute
	warmFrom = 1024
	// crowd is how many calls more than twice those of the least busy deployment a
	// conversation's own may have in flight before it goes elsewhere.
	crowd = 8
)

// stayKey is a conversation in a group: each group has a deployment of its own for it.
type stayKey struct {
	conversation Conversation
	group        string
}

// stays remembers the last deployment of conversations, the oldest forgotten first.
type stays = lru.Cache[stayKey, Stay]

func newStays(s *Settings) *stays {
	if s.AffinityTTL <= 0 {
		return nil
	}
	c, err := lru.New[stayKey, Stay](maxConversations)
	if err != nil {
		return nil // only for a size below 1
	}
	return c
}

// talk is the conversation of a request once it was asked for.
type talk struct {
	id     Conversation
	goesOn bool
}

// talk finds out which conversation the request belongs to.
func (p *Plan) talk() *talk {
	if p.talking == nil {
		p.talking = &talk{}
		if p.over.Talker != nil {
			p.talking.id, p.talking.goesOn = p.over.Talker.Conversation()
		}
	}
	return p.talking
}

// stay returns where the request's conversation was last within the current group.
func (p *Plan) stay(now time.Time) (Stay, bool) {
	if p.table.stays == nil || len(p.hop.members) < 2 {
		return Stay{}, false
	}
	if !p.talk().goesOn {
		return Stay{}, false
	}
	s, ok := p.table.stays.Get(p.stayKey())
	if !ok && p.table.shared != nil {
		s = p.stayElsewhere(now)
	}
	return s, s.Deployment != "" && now.Sub(s.At) < p.table.settings.AffinityTTL
}

// stayElsewhere asks the other nodes, once for each conversation that they have begun.
func (p *Plan) stayElsewhere(now time.Time) Stay {
	s, ok := p.table.shared.Stay(p.talk().id, p.hop.name)
	if !ok {
		s = Stay{At: now} // it is known to be nowhere
	}
	s.told = s.At
	p.table.stays.Add(p.stayKey(), s)
	return s
}

// retellAfter is after how much of its time a conversation that has not moved is told
// to the others again.
const retellAfter = 10

// tellStay tells the others where the conversation is, unless they know. It returns when
// they heard of it.
func (p *Plan) tellStay(s Stay) time.Time {
	ttl := p.table.settings.AffinityTTL
	before, ok := p.table.stays.Peek(p.stayKey())
	if ok && before.Deployment == s.Deployment && s.At.Sub(before.told) < ttl/retellAfter {
		return before.told
	}
	p.table.shared.Stayed(p.talk().id, p.hop.name, s, ttl)
	return s.At
}

func (p *Plan) stayKey() stayKey { return stayKey{p.talk().id, p.hop.name} }

// stayed remembers where the conversation is now.
func (p *Plan) stayed(m *member, now time.Time) {
	if p.table.stays == nil || len(p.hop.members) < 2 {
		return
	}
	if p.talk().id != (Conversation{}) {
		s := Stay{Deployment: m.ID, At: now, Tokens: p.used}
		if p.table.shared != nil {
			s.told = p.tellStay(s)
		}
		p.table.stays.Add(p.stayKey(), s)
	}
}

// among chooses between candidates: the deployment of the conversation, unless that
// is crowded, else as the strategy says. Where cost decides, what the cache saves is
// part of the cost instead.
func (p *Plan) among(candidates []*member, now time.Time) *member {
	s, ok := p.stay(now)
	if !ok {
		return candidates[p.strategic(candidates, now)]
	}
	_, byCost := p.hop.strategy.(costBased)
	if !byCost {
		if m := at(s, candidates); m != nil && !crowded(m, candidates) {
			p.note(m, DecisionStayed, 0)
			p.remained = true
			return m
		}
	}
	m := candidates[p.strategic(candidates, now)]
	if m.ID == s.Deployment {
		p.note(m, DecisionStayed, 0)
	} else {
		p.add(Decision{Group: p.group, Deployment: s.Deployment, What: DecisionMoved})
	}
	return m
}

// strategic is the strategy's choice.
func (p *Plan) strategic(candidates []*member, now time.Time) int {
	return min(p.hop.strategy.pick(p, candidates, now), len(candidates)-1)
}

// at returns the candidate at which the conversation was, nil when it is none.
func at(s Stay, candidates []*member) *member {
	for _, m := range candidates {
		if m.ID == s.Deployment {
			return m
		}
	}
	return nil
}

// crowded reports whether a deployment has so many more calls in flight than another
// that a cold cache is the lesser evil.
func crowded(m *member, candidates []*member) bool {
	own := m.health.inflight.Load()
	for _, other := range candidates {
		if own > 2*other.health.inflight.Load()+crowd {
			return true
		}
	}
	return false
}

// warmShare is about how much of the request a deployment at which the conversation was
// has in its vendor's cache.
func (p *Plan) warmShare(s Stay, now time.Time) float64 {
	if s.Tokens < warmFrom || now.Sub(s.At) >= warmFor {
		return 0
	}
	if all := p.estimate(); all > s.Tokens {
		return float64(s.Tokens) / float64(all)
	}
	return 1
}
