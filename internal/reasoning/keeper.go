// Package reasoning keeps the opaque reasoning state of answers (thought
// signatures, thinking blocks, reasoning text) and puts it back into later
// requests whose client has lost it, so that no upstream refuses the next turn.
//
// Order of truth, first valid wins: what the client kept (the dialects read it),
// then this memory by call id, then by name and arguments after the same message,
// then by name and arguments alone; the provider's placeholder is the wire's last
// resort. The memory is bounded in bytes and age, and nothing that one tenant
// brought is ever found for another. Source: wire-format rules §2.8–2.9, §3.6, §4.
package reasoning

import (
	"container/list"
	"sync"
	"time"
)

// Block is one thinking block of an answer.
type Block struct {
	Text      string `json:"t,omitempty"`
	Signature string `json:"s,omitempty"`
	Redacted  string `json:"r,omitempty"`
}

// Call is one tool call of an answer.
type Call struct {
	ID        string `json:"i"`
	Name      string `json:"n"`
	Arguments string `json:"a"`
	Signature string `json:"s,omitempty"`
}

// Turn is the reasoning state of one answer.
type Turn struct {
	// Provider made the state; it is never sent to another.
	Provider string `json:"p"`
	// Blocks are the thinking blocks in order.
	Blocks []Block `json:"b,omitempty"`
	// Calls are the tool calls in the order of the answer.
	Calls []Call `json:"c,omitempty"`
	// TextSignature belongs to the text of the answer.
	TextSignature string `json:"x,omitempty"`
}

// size estimates the memory of a turn in bytes.
func (t *Turn) size() int {
	n := 256 + len(t.TextSignature)
	for _, b := range t.Blocks {
		n += len(b.Text) + len(b.Signature) + len(b.Redacted) + 48
	}
	for _, c := range t.Calls {
		n += len(c.ID) + len(c.Name) + len(c.Arguments) + len(c.Signature) + 64
	}
	return n
}

// Store keeps turns beyond the life of the process. Both methods must be safe
// for concurrent use; Save must not block for longer than a round trip in a network.
type Store interface {
	Save(keys []Key, t *Turn, expires time.Time)
	Load(k Key) (*Turn, bool)
}

// Far is a Store at the other end of a network: what a request may need is asked for
// at once.
type Far interface {
	Store
	LoadAll(keys []Key) map[Key]*Turn
}

// Limits bound the memory.
type Limits struct {
	// Bytes is the most that all turns together may take; 0 means 32 MiB.
	Bytes int
	// Age is how long a turn is kept after its last use; 0 means 24 hours.
	Age time.Duration
}

// Keeper remembers turns. It is safe for concurrent use.
type Keeper struct {
	limits Limits
	now    func() time.Time
	store  Store // nil when there is none

	mu    sync.Mutex
	byKey map[Key]*list.Element
	order list.List // front = most recently used
	bytes int
}

type entry struct {
	turn    *Turn
	keys    []Key
	size    int
	expires time.Time
}

// New makes an empty keeper. Store may be nil; now is the clock.
func New(limits Limits, store Store, now func() time.Time) *Keeper {
	if limits.Bytes <= 0 {
		limits.Bytes = 32 << 20
	}
	if limits.Age <= 0 {
		limits.Age = 24 * time.Hour
	}
	return &Keeper{limits: limits, store: store, now: now, byKey: make(map[Key]*list.Element)}
}

// put remembers a turn under its keys; a newer turn takes over a key.
func (k *Keeper) put(keys []Key, t *Turn) {
	expires := k.now().Add(k.limits.Age)
	k.insert(keys, t, expires)
	if k.store != nil {
		k.store.Save(keys, t, expires)
	}
}

func (k *Keeper) insert(keys []Key, t *Turn, expires time.Time) {
	e := &entry{turn: t, keys: keys, size: t.size() + len(keys)*64, expires: expires}
	if e.size > k.limits.Bytes {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	el := k.order.PushFront(e)
	k.bytes += e.size
	for _, key := range keys {
		k.byKey[key] = el
	}
	for k.bytes > k.limits.Bytes {
		k.evict(k.order.Back())
	}
}

// evict removes one entry; its keys go unless a newer turn has taken them over.
func (k *Keeper) evict(el *list.Element) {
	e := k.order.Remove(el).(*entry)
	k.bytes -= e.size
	for _, key := range e.keys {
		if k.byKey[key] == el {
			delete(k.byKey, key)
		}
	}
}

// get finds a turn in memory, then in the store.
func (k *Keeper) get(key Key) (*Turn, bool) {
	if t, ok := k.lookup(key); ok {
		return t, true
	}
	return k.load(key)
}

// load finds a turn in the store and keeps it in memory.
func (k *Keeper) load(key Key) (*Turn, bool) {
	if k.store == nil {
		return nil, false
	}
	t, ok := k.store.Load(key)
	if ok {
		k.insert([]Key{key}, t, k.now().Add(k.limits.Age))
	}
	return t, ok
}

func (k *Keeper) lookup(key Key) (*Turn, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	el, ok := k.byKey[key]
	if !ok {
		return nil, false
	}
	e := el.Value.(*entry)
	if now := k.now(); now.After(e.expires) {
		k.evict(el)
		return nil, false
	} else {
		e.expires = now.Add(k.limits.Age)
	}
	k.order.MoveToFront(el)
	return e.turn, true
}

// Size returns how many bytes and turns the memory holds.
func (k *Keeper) Size() (bytes, turns int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.bytes, k.order.Len()
}
