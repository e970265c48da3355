package responses

import (
	"cmp"
	"container/list"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// Limits bound what a Memory keeps. A field that is zero means that of
// [DefaultLimits].
type Limits struct {
	// Bytes of all tenants together, and of one.
	Bytes, TenantBytes int64
	// RecordBytes is the largest record that is kept at all.
	RecordBytes int64
	// Age after which a record that nobody asks for is forgotten.
	Age time.Duration
}

// DefaultLimits suit a gateway on a small machine.
var DefaultLimits = Limits{Bytes: 256 << 20, TenantBytes: 64 << 20, RecordBytes: 16 << 20, Age: 30 * 24 * time.Hour}

// Memory is a Store in memory, bounded in bytes and age; of what does not fit, the
// oldest of the tenant with the most goes first. It is safe for concurrent use.
type Memory struct {
	limits Limits
	now    func() time.Time

	mu      sync.Mutex
	tenants map[string]*shelf
	bytes   int64
}

// shelf holds the records of one tenant, the least recently used at the back.
type shelf struct {
	byID map[string]*list.Element
	// items leads from the id of an item to its answer and itself.
	items map[string]kept
	order list.List
	bytes int64
}

type entry struct {
	record Record
	used   time.Time
}

// kept is an item of an answer.
type kept struct {
	answer string
	item   rawjson.Value
}

// NewMemory returns an empty store. Now is the clock.
func NewMemory(l Limits, now func() time.Time) *Memory {
	l.Bytes = cmp.Or(l.Bytes, DefaultLimits.Bytes)
	l.TenantBytes = cmp.Or(l.TenantBytes, DefaultLimits.TenantBytes)
	l.RecordBytes = cmp.Or(l.RecordBytes, DefaultLimits.RecordBytes)
	l.Age = cmp.Or(l.Age, DefaultLimits.Age)
	return &Memory{limits: l, now: now, tenants: map[string]*shelf{}}
}

var _ Store = (*Memory)(nil)

// Save keeps a record. One larger than the limit is not kept: its id is unknown
// later, which the client learns when it asks for it.
func (m *Memory) Save(tenant string, r Record) error {
	size := r.size()
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.tenants[tenant]
	if s == nil {
		s = &shelf{byID: map[string]*list.Element{}, items: map[string]kept{}}
		m.tenants[tenant] = s
	}
	if el, ok := s.byID[r.ID]; ok {
		m.drop(s, el)
	}
	if size <= m.limits.RecordBytes && r.ID != "" {
		s.byID[r.ID] = s.order.PushFront(&entry{r, m.now()})
		for _, v := range r.Output.Elems() {
			if id := v.Get("id").Text(); id != "" && s.items[id].answer != r.ID { // the first counts
				s.items[id] = kept{r.ID, v}
			}
		}
		s.bytes += size
		m.bytes += size
	}
	m.shrink(s)
	if len(s.byID) == 0 {
		delete(m.tenants, tenant)
	}
	return nil
}

// Get returns a record and counts as use.
func (m *Memory) Get(tenant, id string) (Record, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.get(m.tenants[tenant], id)
	return r, ok, nil
}

func (m *Memory) get(s *shelf, id string) (Record, bool) {
	if s == nil {
		return Record{}, false
	}
	m.expire(s)
	el, ok := s.byID[id]
	if !ok {
		return Record{}, false
	}
	e := el.Value.(*entry)
	e.used = m.now()
	s.order.MoveToFront(el)
	return e.record, true
}

// Item returns one item of an answer and counts as use of that.
func (m *Memory) Item(tenant, id string) (rawjson.Value, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.tenants[tenant]
	if s == nil {
		return nil, false, nil
	}
	found, ok := s.items[id]
	if ok {
		_, ok = m.get(s, found.answer)
	}
	if !ok {
		return nil, false, nil
	}
	return found.item, true, nil
}

// Delete forgets a record.
func (m *Memory) Delete(tenant, id string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.tenants[tenant]
	if s == nil {
		return false, nil
	}
	m.expire(s)
	el, ok := s.byID[id]
	if !ok {
		return false, nil
	}
	m.drop(s, el)
	if len(s.byID) == 0 {
		delete(m.tenants, tenant)
	}
	return true, nil
}

// drop takes a record off its shelf.
func (m *Memory) drop(s *shelf, el *list.Element) {
	e := el.Value.(*entry)
	s.order.Remove(el)
	delete(s.byID, e.record.ID)
	for id := range ids(appendElems(nil, e.record.Output)) {
		if s.items[id].answer == e.record.ID {
			delete(s.items, id)
		}
	}
	size := e.record.size()
	s.bytes -= size
	m.bytes -= size
}

// expire forgets what is too old: it stands at the back.
func (m *Memory) expire(s *shelf) {
	oldest := m.now().Add(-m.limits.Age)
	for el := s.order.Back(); el != nil && el.Value.(*entry).used.Before(oldest); el = s.order.Back() {
		m.drop(s, el)
	}
}

// shrink brings a tenant and then everything back under the limits.
func (m *Memory) shrink(s *shelf) {
	m.expire(s)
	for s.bytes > m.limits.TenantBytes && s.order.Len() > 0 {
		m.drop(s, s.order.Back())
	}
	for m.bytes > m.limits.Bytes {
		name, most := m.largest()
		if most == nil {
			return
		}
		m.drop(most, most.order.Back())
		if len(most.byID) == 0 {
			delete(m.tenants, name)
		}
	}
}

func (m *Memory) largest() (name string, most *shelf) {
	for n, s := range m.tenants {
		if s.order.Len() > 0 && (most == nil || s.bytes > most.bytes) {
			name, most = n, s
		}
	}
	return name, most
}
