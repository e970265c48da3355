package reasoning

import (
	"strconv"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// farStore counts the round trips to it.
type farStore struct {
	turns map[Key]*Turn
	one   int   // questions for one key
	all   []int // numbers of keys that were asked for at once
}

func (f *farStore) Save(keys []Key, t *Turn, _ time.Time) {
	for _, k := range keys {
		f.turns[k] = t
	}
}

func (f *farStore) Load(k Key) (*Turn, bool) {
	f.one++
	t, ok := f.turns[k]
	return t, ok
}

func (f *farStore) LoadAll(keys []Key) map[Key]*Turn {
	f.all = append(f.all, len(keys))
	found := map[Key]*Turn{}
	for _, k := range keys {
		if t, ok := f.turns[k]; ok {
			found[k] = t
		}
	}
	return found
}

// called is an assistant message with one call.
func called(id, args string) llm.Message {
	return llm.Message{Role: llm.Assistant, Parts: []llm.Part{{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: id, Name: "f", Arguments: args}}}}
}

func TestAFarStoreIsAskedOnceForAWholeConversation(t *testing.T) {
	far := &farStore{turns: map[Key]*Turn{}}
	there := New(Limits{}, far, time.Now)
	var messages []llm.Message
	for i := range 20 {
		args := `{"n":` + strconv.Itoa(i) + `}`
		messages = append(messages, called("id"+strconv.Itoa(i), args))
		turn := &Turn{Provider: "gemini", Calls: []Call{{ID: "id" + strconv.Itoa(i), Name: "f", Arguments: args, Signature: "AAAA"}}}
		there.put([]Key{idKey("t", "id"+strconv.Itoa(i)), callKey("t", "f", args)}, turn)
	}
	here := New(Limits{}, far, time.Now)
	req := &llm.Request{Messages: messages}
	if done := here.Restore("t", "gemini", req); done.Signatures != 20 {
		t.Errorf("%d signatures came back, want 20", done.Signatures)
	}
	if far.one != 0 || len(far.all) != 1 {
		t.Errorf("%d single questions and %v at once, want one for all", far.one, far.all)
	}
	here.Restore("t", "gemini", &llm.Request{Messages: []llm.Message{called("id3", `{"n":3}`)}})
	if len(far.all) != 1 {
		t.Error("what is in memory was asked for again")
	}
	if bytes, _ := here.Size(); bytes > 2*there.bytes {
		t.Errorf("%d bytes for what takes %d: a turn is kept once for each of its keys", bytes, there.bytes)
	}
}

func TestAFarStoreIsNotAskedForWhatTheClientKept(t *testing.T) {
	far := &farStore{turns: map[Key]*Turn{}}
	m := called("id", "{}")
	m.Parts[0].State = &llm.State{Provider: "gemini", Signature: "AAAA"}
	New(Limits{}, far, time.Now).Restore("t", "gemini", &llm.Request{Messages: []llm.Message{{Role: llm.User}, m}})
	if len(far.all) != 0 || far.one != 0 {
		t.Errorf("asked %v and %d times", far.all, far.one)
	}
}

func TestABodyThatPassesAsksAFarStoreABoundedNumberOfTimes(t *testing.T) {
	far := &farStore{turns: map[Key]*Turn{}}
	r := &Recall{Keeper: New(Limits{}, far, time.Now), Tenant: "t", Provider: "deepseek"}
	for i := range 1000 {
		r.Reasoning("id" + strconv.Itoa(i))
	}
	if far.one != maxFarLoads {
		t.Errorf("asked %d times, want %d", far.one, maxFarLoads)
	}
}
