package responses

import (
	"errors"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

func listed(t *testing.T, r *Record, p Page) (string, rawjson.Value) {
	t.Helper()
	v, err := InputItems(r, p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rawjson.Check(v); err != nil {
		t.Fatalf("%v: %s", err, v)
	}
	var ids []string
	for _, item := range v.Get("data").Elems() {
		ids = append(ids, item.Get("id").Text())
	}
	return strings.Join(ids, " "), v
}

func TestInputItemsArePagedWithLastingIds(t *testing.T) {
	r := NewRecord(rawjson.Value(`[{"role":"user","content":"a"},{"id":"x1","type":"function_call"},{"id":"x2","type":"message","role":"user"},{"type":"reasoning"},{"type":"function_call"},{"type":"function_call_output"},{"type":"new"}]`), "", rawjson.Value(`{"id":"r1"}`))
	all, v := listed(t, &r, Page{Ascending: true})
	ids := strings.Fields(all)
	prefixes := []string{"msg_", "x1", "x2", "rs_", "fc_", "fco_", "item_"}
	for i, p := range prefixes {
		if !strings.HasPrefix(ids[i], p) {
			t.Errorf("item %d is %s", i, ids[i])
		}
	}
	if !v.Get("object").Is("list") || v.Get("has_more").True() || !v.Get("first_id").Is(ids[0]) || !v.Get("last_id").Is(ids[6]) || !v.Get("data").First().Get("type").Is("message") {
		t.Errorf("%s", v)
	}
	if again, _ := listed(t, &r, Page{Ascending: true}); again != all {
		t.Error("the ids change")
	}
	page, v := listed(t, &r, Page{Limit: 2})
	if page != ids[6]+" "+ids[5] || !v.Get("has_more").True() {
		t.Errorf("newest first: %s", page)
	}
	if page, _ = listed(t, &r, Page{Limit: 2, After: ids[5]}); page != ids[4]+" "+ids[3] {
		t.Errorf("next page: %s", page)
	}
	if _, err := InputItems(&r, Page{After: "gone"}); err == nil {
		t.Error("a page after nothing")
	}
	empty := NewRecord(nil, "", rawjson.Value(`{"id":"r1"}`))
	if _, v := listed(t, &empty, Page{}); string(v) != `{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}` {
		t.Errorf("%s", v)
	}
}

func TestPagesAreReadFromTheQuery(t *testing.T) {
	if p, err := ParsePage("", "", ""); err != nil || p != (Page{Limit: 20}) {
		t.Errorf("%+v %v", p, err)
	}
	if p, err := ParsePage("5", "asc", "x"); err != nil || p != (Page{Limit: 5, Ascending: true, After: "x"}) {
		t.Errorf("%+v %v", p, err)
	}
	for _, q := range [][2]string{{"0", ""}, {"101", ""}, {"x", ""}, {"", "up"}} {
		if _, err := ParsePage(q[0], q[1], ""); llm.AsError(err).Status != 400 {
			t.Errorf("%v: %v", q, err)
		}
	}
}

func TestOnlyBackgroundAnswersCanBeCancelled(t *testing.T) {
	r := Record{Body: rawjson.Value(`{"id":"r1","background":false}`)}
	_, err := Cancelled(&r)
	var e *llm.Error
	if !errors.As(err, &e) || e.Status != 400 {
		t.Errorf("%v", err)
	}
	r.Body = rawjson.Value(`{"id":"r1","background":true,"status":"completed"}`)
	if body, err := Cancelled(&r); err != nil || string(body) != string(r.Body) {
		t.Errorf("%s %v", body, err)
	}
}

func TestSmallBodies(t *testing.T) {
	if got := string(Deleted("r1")); got != `{"id":"r1","object":"response","deleted":true}` {
		t.Error(got)
	}
	if got := string(InputTokens(7)); got != `{"object":"response.input_tokens","input_tokens":7}` {
		t.Error(got)
	}
	if e := NotFound(strings.Repeat("x", 500)); e.Status != 404 || len(e.Message) > 200 {
		t.Errorf("%+v", e)
	}
}

// FuzzPrepare holds that no request makes the store panic, and that what it makes of
// one is JSON again.
func FuzzPrepare(f *testing.F) {
	f.Add([]byte(`{"input":[{"type":"item_reference","id":"msg_r1"},{"id":"x"}],"previous_response_id":"r2"}`))
	f.Add([]byte(`{"previous_response_id":"r1"}`))
	s, _ := newStore(wide)
	save(f, s, "a", turn("r1", "", "q1", "a1"))
	save(f, s, "a", turn("r2", "r1", "q2", "a2"))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := rawjson.Check(body)
		if err != nil || v.Kind() != '{' {
			return
		}
		out, _, err := Prepare(s, "a", v)
		if err != nil {
			if llm.AsError(err).Status != 400 {
				t.Fatal(err)
			}
			return
		}
		if _, err := rawjson.Check(out); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	})
}
