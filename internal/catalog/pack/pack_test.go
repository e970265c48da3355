package pack

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sample() map[string]map[string]string {
	return map[string]map[string]string{
		"gpt-4o":  {"mode": `"chat"`, "price": "2.5e-06"},
		"a/empty": {},
		"zz":      {"mode": `"chat"`, "nested": `{"a":[1,2]}`},
	}
}

func open(t testing.TB, records map[string]map[string]string) Table {
	t.Helper()
	data, err := Encode(records)
	if err != nil {
		t.Fatal(err)
	}
	table, err := Open(string(data))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestEverythingPackedComesBack(t *testing.T) {
	table := open(t, sample())
	got := map[string]map[string]string{}
	for i := range table.Len() {
		got[table.Key(i)] = maps.Collect(func(yield func(string, string) bool) { table.Each(i, yield) })
	}
	if d := cmp.Diff(sample(), got); d != "" {
		t.Error(d)
	}
}

func TestFindAndValueAnswerOnlyWhatIsThere(t *testing.T) {
	table := open(t, sample())
	i, ok := table.Find("gpt-4o")
	price, okField := table.Field("price")
	if v, has := table.Value(i, price); !ok || !okField || !has || v != "2.5e-06" {
		t.Errorf("gpt-4o price = %q, %v %v %v", v, ok, okField, has)
	}
	other, _ := table.Find("zz")
	if v, has := table.Value(other, price); has {
		t.Errorf("zz has a price of %q", v)
	}
	if _, ok := table.Find("gpt-4"); ok {
		t.Error("found a key that is not there")
	}
	if _, ok := table.Field("pric"); ok {
		t.Error("found a field that is not there")
	}
	if k := table.Key(99); k != "" {
		t.Errorf("key out of range = %q", k)
	}
}

func TestSameRecordsGiveSameBytes(t *testing.T) {
	a, errA := Encode(sample())
	b, errB := Encode(sample())
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("two runs differ: %v %v", errA, errB)
	}
}

func TestTruncatedDataIsRefused(t *testing.T) {
	data, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(data) {
		if _, err := Open(string(data[:n])); err == nil {
			t.Fatalf("%d of %d bytes were accepted", n, len(data))
		}
	}
}

func FuzzOpen(f *testing.F) {
	data, _ := Encode(sample())
	f.Add(string(data), "gpt-4o")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, data, key string) {
		table, err := Open(data)
		if err != nil {
			return
		}
		i, _ := table.Find(key)
		table.Each(i, func(field, value string) bool { return len(field)+len(value) < 1<<20 })
		field, _ := table.Field(key)
		if v, ok := table.Value(i, field); !ok && v != "" {
			t.Errorf("an absent value has text %q", v)
		}
	})
}
