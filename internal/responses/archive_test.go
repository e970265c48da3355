package responses

import (
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// drawer is an archive that notes what it was told.
type drawer struct {
	records map[string]Record
	touched []string
}

func (d *drawer) Save(tenant string, r Record) { d.records[tenant+"/"+r.ID] = r }

func (d *drawer) Load(tenant, id string) (Record, bool) {
	r, ok := d.records[tenant+"/"+id]
	return r, ok
}

func (d *drawer) Item(tenant, id string) (rawjson.Value, bool) {
	for _, r := range d.records {
		if v, ok := r.Item(id); ok {
			return v, true
		}
	}
	return nil, false
}

func (d *drawer) Delete(tenant, id string) bool {
	_, ok := d.Load(tenant, id)
	delete(d.records, tenant+"/"+id)
	return ok
}

func (d *drawer) Touch(tenant, id string) { d.touched = append(d.touched, tenant+"/"+id) }

func archived(l Limits) (*Memory, *drawer, *time.Time) {
	now := time.Unix(1_800_000_000, 0)
	d := &drawer{records: map[string]Record{}}
	return NewMemory(l, d, func() time.Time { return now }), d, &now
}

func small(id string) Record {
	return NewRecord(rawjson.Value(`"q"`), "", rawjson.Value(`{"id":"`+id+`","output":[{"id":"i_`+id+`","type":"message"}]}`))
}

func TestWhatMemoryForgotTheArchiveKnows(t *testing.T) {
	r := small("r1")
	m, d, _ := archived(Limits{TenantBytes: r.Size()})
	for _, id := range []string{"r1", "r2"} {
		if err := m.Save("t", small(id)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, ok := m.lookup("t", "r1"); ok {
		t.Fatal("r1 is still in memory")
	}
	if got, ok, err := m.Get("t", "r1"); !ok || err != nil || got.ID != "r1" {
		t.Errorf("got %+v %v %v", got, ok, err)
	}
	if item, ok, _ := m.Item("t", "i_r1"); !ok || !item.Get("id").Is("i_r1") {
		t.Errorf("item %s %v", item, ok)
	}
	if ok, _ := m.Delete("t", "r1"); !ok || len(d.records) != 1 {
		t.Errorf("deleted %v, the archive has %d", ok, len(d.records))
	}
	if _, ok, _ := m.Get("t", "r1"); ok {
		t.Error("a deleted answer came back")
	}
}

func TestAnAnswerThatIsTooLargeIsNotArchivedEither(t *testing.T) {
	m, d, _ := archived(Limits{RecordBytes: 10})
	if err := m.Save("t", small("r1")); err != nil || len(d.records) != 0 {
		t.Errorf("the archive has %d (%v)", len(d.records), err)
	}
}

func TestTheArchiveLearnsThatAnAnswerInMemoryIsStillAskedFor(t *testing.T) {
	m, d, now := archived(Limits{})
	if err := m.Save("t", small("r1")); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		m.Get("t", "r1")
	}
	*now = now.Add(TouchAfter + time.Hour)
	for range 3 {
		m.Get("t", "r1")
	}
	if len(d.touched) != 1 || d.touched[0] != "t/r1" {
		t.Errorf("touched %q, want once", d.touched)
	}
}
