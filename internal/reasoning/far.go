package reasoning

import (
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// maxFarLoads is maxLoads where every question is a round trip.
const maxFarLoads = 256

// mostLoads bounds the questions of a body that nobody has read as a whole.
func (k *Keeper) mostLoads() int {
	if _, far := k.store.(Far); far {
		return maxFarLoads
	}
	return maxLoads
}

// fetch asks a store that is far away, once, for everything that the messages may need
// and the memory does not have. Nothing is asked one by one afterwards.
func (r *restorer) fetch(messages []llm.Message) {
	far, ok := r.keeper.store.(Far)
	if !ok {
		return
	}
	r.loads = maxLoads
	var keys []Key
	for i := range messages {
		m := &messages[i]
		if m.Role != llm.Assistant || keptState(m) {
			continue
		}
		if wanted := r.keysOf(messages[:i], m); len(keys)+len(wanted) <= maxLoads && !r.remembers(wanted) {
			keys = append(keys, wanted...)
		}
	}
	if len(keys) == 0 {
		return
	}
	expires := r.keeper.now().Add(r.keeper.limits.Age)
	found := map[*Turn][]Key{}
	for key, turn := range far.LoadAll(keys) {
		found[turn] = append(found[turn], key)
	}
	for turn, under := range found {
		r.keeper.insert(under, turn, expires)
	}
}

// keysOf are the keys under which the turn of a message may be found.
func (r *restorer) keysOf(before []llm.Message, m *llm.Message) []Key {
	calls := callsOf(m)
	if len(calls) == 0 {
		if text := llm.JoinText(m.Parts); text != "" {
			return []Key{textKey(r.tenant, text)}
		}
		return nil
	}
	after := fingerprint(before)
	keys := make([]Key, 0, 3*len(calls))
	for _, c := range calls {
		args := canonical(c.Arguments)
		keys = append(keys, idKey(r.tenant, c.ID), callAfterKey(r.tenant, c.Name, args, after), callKey(r.tenant, c.Name, args))
	}
	return keys
}

// remembers reports whether the memory has the turn of some keys. An id alone does not
// tell: some clients number their calls anew in every conversation.
func (r *restorer) remembers(keys []Key) bool {
	for i, k := range keys {
		if len(keys) > 1 && i%3 == 0 {
			continue
		}
		if _, ok := r.keeper.lookup(k); ok {
			return true
		}
	}
	return false
}

// keptState reports whether the client kept the state of a message itself.
func keptState(m *llm.Message) bool {
	return slices.ContainsFunc(m.Parts, func(p llm.Part) bool { return keptBlock(p) || p.Call != nil && p.State != nil })
}
