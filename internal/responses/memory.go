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

// TouchAfter is how long an answer may be in use before the archive is told: it need
// not know the hour.
const TouchAfter = 24 * time.Hour

// Archive keeps records behind a [Memory], beyond the life of the process. What was
// saved is found at once; what cannot be kept or read is the archive's to report. Its
// methods are safe for concurrent use, and Save does not block.
type Archive interface {
	Save(tenant string, r Record)
	Load(tenant, id string) (Record, bool)
	Item(tenant, id string) (rawjson.Value, bool)
	Delete(tenant, id string) bool
	// Touch says that a record is still asked for.
	Touch(tenant, id string)
}

// Memory is a Store in memory, bounded in bytes and age; of what does not fit, the
// oldest of the tenant with the most goes first. It is safe for concurrent use.
type Memory struct {
	limits  Limits
	now     func() time.Time
	archive Archive // nil when there is none

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

// NewMemory returns an empty store before an archive, which may be nil. Now is the
// clock.
func NewMemory(l Limits, archive Archive, now func() time.Time) *Memory {
	l.Bytes = cmp.Or(l.Bytes, DefaultLimits.Bytes)
	l.TenantBytes = cmp.Or(l.TenantBytes, DefaultLimits.TenantBytes)
	l.RecordBytes = cmp.Or(l.RecordBytes, DefaultLimits.RecordBytes)
	l.Age = cmp.Or(l.Age, DefaultLimits.Age)
	return &Memory{limits: l, now: now, archive: archive, tenants: map[string]*shelf{}}
}

var _ Store = (*Memory)(nil)

// Save keeps a record. One larger than the limit is not kept: its id is unknown
// later, which the client learns when it asks for it.
func (m *Memory) Save(tenant string, r Record) error {
	size := r.Size()
	if m.archive != nil && size <= m.limits.RecordBytes && r.ID != "" {
		m.archive.Save(tenant, r)
	}
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
	r, idle, ok := m.lookup(tenant, id)
	switch {
	case m.archive == nil:
	case !ok:
		r, ok = m.archive.Load(tenant, id)
	case idle > TouchAfter:
		m.archive.Touch(tenant, id)
	}
	return r, ok, nil
}

// lookup finds a record in memory, and how long nobody asked for it.
func (m *Memory) lookup(tenant, id string) (r Record, idle time.Duration, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.get(m.tenants[tenant], id)
}

func (m *Memory) get(s *shelf, id string) (r Record, idle time.Duration, ok bool) {
	if s == nil {
		return Record{}, 0, false
	}
	m.expire(s)
	el, ok := s.byID[id]
	if !ok {
		return Record{}, 0, false
	}
	e := el.Value.(*entry)
	now := m.now()
	idle, e.used = now.Sub(e.used), now
	s.order.MoveToFront(el)
	return e.record, idle, true
}

// Item returns one item of an answer and counts as use of that.
func (m *Memory) Item(tenant, id string) (rawjson.Value, bool, error) {
	item, ok := m.item(tenant, id)
	if !ok && m.archive != nil {
		item, ok = m.archive.Item(tenant, id)
	}
	return item, ok, nil
}

func (m *Memory) item(tenant, id string) (rawjson.Value, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.tenants[tenant]
	if s == nil {
		return nil, false
	}
	found, ok := s.items[id]
	if ok {
		_, _, ok = m.get(s, found.answer)
	}
	return found.item, ok
}

// Delete forgets a record.
func (m *Memory) Delete(tenant, id string) (bool, error) {
	ok := m.remove(tenant, id)
	if m.archive != nil {
		ok = m.archive.Delete(tenant, id) || ok
	}
	return ok, nil
}

func (m *Memory) remove(tenant, id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.tenants[tenant]
	if s == nil {
		return false
	}
	m.expire(s)
	el, ok := s.byID[id]
	if !ok {
		return false
	}
	m.drop(s, el)
	if len(s.byID) == 0 {
		delete(m.tenants, tenant)
	}
	return true
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
	size := e.record.Size()
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
