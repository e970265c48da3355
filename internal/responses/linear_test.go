package responses

import (
	"strconv"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// manyItems is a record whose answer has n items.
func manyItems(n int) Record {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,{"id":"i` + strconv.Itoa(i) + `","type":"message"}`)
	}
	return NewRecord(rawjson.String("q"), "", rawjson.Value(`{"id":"resp_1","output":[`+b.String()[1:]+`]}`))
}

// references is an input of references to n items, the last one first.
func references(n int, id func(int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,{"type":"item_reference","id":"` + id(n-1-i) + `"}`)
	}
	return `{"input":[` + b.String()[1:] + `]}`
}

// TestManyReferencesToTheItemsOfOneAnswerAreFoundAtOnce does not end when each
// reference reads the answer again.
func TestManyReferencesToTheItemsOfOneAnswerAreFoundAtOnce(t *testing.T) {
	const n = 100_000
	s, _ := newStore(Limits{})
	save(t, s, "t", manyItems(n))
	out, _, err := Prepare(s, "t", rawjson.Value(references(n, func(i int) string { return "i" + strconv.Itoa(i) })))
	if err != nil {
		t.Fatal(err)
	}
	if items := out.Get("input"); items.Len() != n || !items.First().Get("id").Is("i99999") || !items.First().Get("type").Is("message") {
		t.Errorf("%d items, the first is %s", items.Len(), items.First())
	}
}

func TestReferencesAreBoundedInWhatTheyBring(t *testing.T) {
	s, _ := newStore(Limits{})
	answer := `{"id":"resp_1","output":[{"id":"big","type":"message","content":"` + strings.Repeat("x", 1<<20) + `"}]}`
	save(t, s, "t", NewRecord(rawjson.String("q"), "", rawjson.Value(answer)))
	big := func(int) string { return "big" }
	if _, _, err := Prepare(s, "t", rawjson.Value(references(4, big))); err != nil {
		t.Error(err)
	}
	_, _, err := Prepare(s, "t", rawjson.Value(references(maxChain>>20+1, big)))
	if e := llm.AsError(err); e == nil || e.Status != 400 || e.Param != "input" {
		t.Error(err)
	}
}
