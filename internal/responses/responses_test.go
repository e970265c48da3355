package responses

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newStore(l Limits) (*Memory, *clock) {
	c := &clock{time.Unix(1700000000, 0)}
	return NewMemory(l, nil, c.now), c
}

var wide = Limits{Bytes: 1 << 20, TenantBytes: 1 << 20, RecordBytes: 1 << 18, Age: time.Hour}

// turn is a record that asks question and answers answer.
func turn(id, previous, question, answer string) Record {
	body := `{"id":"` + id + `","output":[{"id":"msg_` + id + `","type":"message","role":"assistant","content":"` + answer + `"}]}`
	return NewRecord(rawjson.String(question), previous, rawjson.Value(body))
}

func save(t testing.TB, s Store, tenant string, r Record) {
	t.Helper()
	if err := s.Save(tenant, r); err != nil {
		t.Fatal(err)
	}
}

func has(t testing.TB, s Store, tenant, id string) bool {
	t.Helper()
	_, ok, err := s.Get(tenant, id)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func prepared(t *testing.T, s Store, tenant, body string) (string, string) {
	t.Helper()
	out, previous, err := Prepare(s, tenant, rawjson.Value(body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rawjson.Check(out); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out), previous
}

func TestPreviousResponseBringsTheWholeConversation(t *testing.T) {
	s, _ := newStore(wide)
	save(t, s, "a", turn("r1", "", "q1", "a1"))
	save(t, s, "a", turn("r2", "r1", "q2", "a2"))
	out, previous := prepared(t, s, "a", `{"model":"m","previous_response_id":"r2","input":"q3","store":true}`)
	user := func(q string) string {
		return `{"type":"message","role":"user","content":[{"type":"input_text","text":"` + q + `"}]}`
	}
	want := `{"model":"m","store":true,"input":[` + user("q1") + `,{"id":"msg_r1","type":"message","role":"assistant","content":"a1"},` +
		user("q2") + `,{"id":"msg_r2","type":"message","role":"assistant","content":"a2"},` + user("q3") + `],"fairlead_previous_response_id":"r2"}`
	if out != want || previous != "r2" {
		t.Errorf("got  %s\nwant %s", out, want)
	}
}

func TestBodyWithoutReferencesComesBackAsItIs(t *testing.T) {
	s, _ := newStore(wide)
	for _, body := range []string{`{"input":"x"}`, `{"input":[{"role":"user","content":"x","id":"msg_1"}]}`, `{"input":"x","previous_response_id":null}`} {
		if out, previous := prepared(t, s, "a", body); out != body || previous != "" {
			t.Errorf("%s became %s", body, out)
		}
	}
}

func TestReferencesBecomeTheItems(t *testing.T) {
	s, _ := newStore(wide)
	save(t, s, "a", turn("r1", "", "q1", "a1"))
	out, _ := prepared(t, s, "a", `{"input":[{"type":"item_reference","id":"msg_r1"},{"id":"msg_r1"},{"type":"item_reference","id":"msg_elsewhere"},{"role":"user","content":"q"}]}`)
	item := `{"id":"msg_r1","type":"message","role":"assistant","content":"a1"}`
	if want := `{"input":[` + item + `,` + item + `,{"type":"item_reference","id":"msg_elsewhere"},{"role":"user","content":"q"}]}`; out != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
	out, _ = prepared(t, s, "a", `{"previous_response_id":"r1","input":[{"type":"item_reference","id":"msg_r1"},{"role":"user","content":"q"}]}`)
	if strings.Count(out, "msg_r1") != 1 {
		t.Errorf("an item of the conversation stands twice: %s", out)
	}
	if out, _ := prepared(t, s, "b", `{"input":[{"type":"item_reference","id":"msg_r1"}]}`); strings.Contains(out, "a1") {
		t.Errorf("another tenant reads the item: %s", out)
	}
}

func wantNotFound(t *testing.T, s Store, tenant, id string) {
	t.Helper()
	_, _, err := Prepare(s, tenant, rawjson.Value(`{"previous_response_id":"`+id+`","input":"x"}`))
	var e *llm.Error
	if !errors.As(err, &e) || e.Status != 400 || e.Code != "previous_response_not_found" || e.Param != "previous_response_id" {
		t.Errorf("%s: %v", id, err)
	}
}

func TestAnswersOfOtherTenantsDoNotExist(t *testing.T) {
	s, _ := newStore(wide)
	save(t, s, "a", turn("r1", "", "q1", "a1"))
	wantNotFound(t, s, "b", "r1")
	if has(t, s, "b", "r1") {
		t.Error("another tenant reads it")
	}
	if ok, _ := s.Delete("b", "r1"); ok || !has(t, s, "a", "r1") {
		t.Error("another tenant deletes it")
	}
}

func TestBrokenAndCircularChainsAreRefused(t *testing.T) {
	s, _ := newStore(wide)
	save(t, s, "a", turn("r2", "r1", "q", "a"))
	wantNotFound(t, s, "a", "r2")
	save(t, s, "a", turn("r1", "r2", "q", "a"))
	wantNotFound(t, s, "a", "r2")
	save(t, s, "a", turn("self", "self", "q", "a"))
	wantNotFound(t, s, "a", "self")
	wantNotFound(t, s, "a", "never")
}

func TestChainsAreBounded(t *testing.T) {
	s, _ := newStore(Limits{Bytes: 1 << 30, TenantBytes: 1 << 30, RecordBytes: 1 << 20, Age: time.Hour})
	previous := ""
	for i := range maxTurns + 1 {
		id := "r" + strconv.Itoa(i)
		save(t, s, "a", turn(id, previous, "q", "a"))
		previous = id
	}
	_, err := Chain(s, "a", previous)
	var e *llm.Error
	if !errors.As(err, &e) || e.Status != 400 {
		t.Errorf("%v", err)
	}
	if items, err := Chain(s, "a", "r10"); err != nil || len(items) != 22 {
		t.Errorf("%d items, %v", len(items), err)
	}
}

func TestRecordsShareNoMemoryWithTheAnswer(t *testing.T) {
	body := []byte(`{"id":"r1","output":[{"id":"m"}]}`)
	input := []byte(`[{"a":1}]`)
	r := NewRecord(input, "", body)
	for i := range body {
		body[i] = 'x'
	}
	clear(input)
	if string(r.Body) != `{"id":"r1","output":[{"id":"m"}]}` || string(r.Output) != `[{"id":"m"}]` || string(r.Input) != `[{"a":1}]` {
		t.Errorf("%s %s %s", r.Body, r.Output, r.Input)
	}
}

func TestOnlyAnswersThatShallBeKeptAre(t *testing.T) {
	for body, want := range map[string]bool{`{}`: true, `{"store":null}`: true, `{"store":true}`: true, `{"store":false}`: false} {
		if Keeps(rawjson.Value(body)) != want {
			t.Error(body)
		}
	}
}

func TestWhatNobodyAsksForIsForgotten(t *testing.T) {
	s, c := newStore(wide)
	save(t, s, "a", turn("r1", "", "q", "a"))
	save(t, s, "a", turn("r2", "", "q", "a"))
	c.at = c.at.Add(40 * time.Minute)
	if !has(t, s, "a", "r1") {
		t.Fatal("forgotten too early")
	}
	c.at = c.at.Add(40 * time.Minute)
	if !has(t, s, "a", "r1") || has(t, s, "a", "r2") {
		t.Error("use does not count, or age does not")
	}
	c.at = c.at.Add(2 * time.Hour)
	if has(t, s, "a", "r1") {
		t.Error("never forgotten")
	}
}

func TestMemoryStaysBounded(t *testing.T) {
	size := func() int64 { r := turn("r00", "", "q", "a"); return r.Size() }()
	s, _ := newStore(Limits{Bytes: 10 * size, TenantBytes: 6 * size, RecordBytes: 2 * size, Age: time.Hour})
	for i := range 20 {
		save(t, s, "big", turn("r"+strconv.Itoa(10+i), "", "q", "a"))
	}
	if has(t, s, "big", "r10") || !has(t, s, "big", "r29") || s.tenants["big"].bytes > 6*size {
		t.Error("the bound of a tenant does not hold")
	}
	for i := range 6 {
		save(t, s, "small", turn("r"+strconv.Itoa(10+i), "", "q", "a"))
	}
	if s.bytes > 10*size || !has(t, s, "small", "r15") {
		t.Error("the bound of all does not hold")
	}
	save(t, s, "a", turn("huge", "", strings.Repeat("q", int(3*size)), "a"))
	if has(t, s, "a", "huge") {
		t.Error("a record above the limit is kept")
	}
}

func TestLimitsThatAreNotSetAreTheDefaults(t *testing.T) {
	s, _ := newStore(Limits{})
	save(t, s, "a", turn("r1", "", "q", "a"))
	if !has(t, s, "a", "r1") || s.limits != DefaultLimits {
		t.Errorf("%+v", s.limits)
	}
}

func TestForgettingLeavesNothingBehind(t *testing.T) {
	s, _ := newStore(wide)
	save(t, s, "a", turn("r1", "", "q", "a"))
	save(t, s, "a", turn("r1", "", "other", "b")) // the same id again
	if ok, _ := s.Delete("a", "r1"); !ok {
		t.Fatal("not there")
	}
	if ok, _ := s.Delete("a", "r1"); ok {
		t.Error("deleted twice")
	}
	if s.bytes != 0 || len(s.tenants) != 0 {
		t.Errorf("%d bytes of %d tenants stay", s.bytes, len(s.tenants))
	}
}

func TestStoreIsSafeForConcurrentUse(t *testing.T) {
	s, _ := newStore(Limits{Bytes: 20 << 10, TenantBytes: 10 << 10, RecordBytes: 10 << 10, Age: time.Hour})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				id := "r" + strconv.Itoa(i%20)
				tenant := strconv.Itoa(g % 3)
				_ = s.Save(tenant, turn(id, "", "q", "a"))
				_, _, _ = s.Get(tenant, id)
				_, _, _ = s.Item(tenant, "msg_"+id)
				_, _ = s.Delete(tenant, id)
			}
		})
	}
	wg.Wait()
	if s.bytes < 0 || s.bytes > 20<<10 {
		t.Errorf("%d bytes", s.bytes)
	}
}
