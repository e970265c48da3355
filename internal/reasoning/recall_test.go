package reasoning

import (
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// thought records an answer with a thinking block before a call.
func thought(k *Keeper, tenant, provider string, c Call) {
	r := &Recorder{Tenant: tenant, Provider: provider, Request: &llm.Request{}}
	r.Event(&llm.Event{Kind: llm.EventThinking, Delta: "hm"})
	r.Event(&llm.Event{Kind: llm.EventThinking, State: &llm.State{Provider: provider, Signature: "sig of hm"}})
	r.Event(&llm.Event{Kind: llm.EventToolCall, Call: &llm.ToolCall{ID: c.ID, Name: c.Name}, Delta: c.Arguments, State: &llm.State{Signature: c.Signature}})
	k.Remember(r)
}

func TestABodyThatPassesFindsTheStateOfACall(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	thought(k, "a", "anthropic", Call{ID: "c1", Name: "f", Arguments: `{"x":1}`, Signature: sig(1)})
	for name, c := range map[string]llm.ToolCall{
		"by id":                        {ID: "c1", Name: "f", Arguments: `{"x": 1}`},
		"by name and arguments":        {ID: "other", Name: "f", Arguments: `{"x":1}`},
		"without an id":                {Name: "f", Arguments: `{"x":1}`},
		"by id, with mended arguments": {ID: "c1", Name: "f", Arguments: `{"x":2}`},
	} {
		r := &Recall{Keeper: k, Tenant: "a", Provider: "anthropic"}
		got, blocks := r.State(&c)
		if got != sig(1) || len(blocks) != 1 || blocks[0].Text != "hm" || blocks[0].State.Signature != "sig of hm" {
			t.Errorf("%s: signature %q, blocks %+v", name, got, blocks)
		}
	}
}

func TestABodyThatPassesFindsNothingOfAnotherCallTenantOrProvider(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	thought(k, "a", "anthropic", Call{ID: "c1", Name: "f", Arguments: `{"x":1}`, Signature: sig(1)})
	same := llm.ToolCall{ID: "c1", Name: "f", Arguments: `{"x":1}`}
	for name, q := range map[string]struct {
		recall Recall
		call   llm.ToolCall
	}{
		"another name":     {Recall{Keeper: k, Tenant: "a", Provider: "anthropic"}, llm.ToolCall{ID: "c1", Name: "g", Arguments: `{"x":1}`}},
		"no id":            {Recall{Keeper: k, Tenant: "a", Provider: "anthropic"}, llm.ToolCall{Name: "f", Arguments: `{}`}},
		"another tenant":   {Recall{Keeper: k, Tenant: "b", Provider: "anthropic"}, same},
		"another provider": {Recall{Keeper: k, Tenant: "a", Provider: "bedrock"}, same},
	} {
		if got, blocks := q.recall.State(&q.call); got != "" || blocks != nil {
			t.Errorf("%s: %q %+v", name, got, blocks)
		}
	}
}

func TestCallsWithoutAnIDAreNotOneCall(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	for i, args := range []string{`{"x":1}`, `{"x":2}`} {
		remember(k, "a", "gemini", &llm.Request{}, Call{Name: "f", Arguments: args, Signature: sig(i)})
	}
	r := &Recall{Keeper: k, Tenant: "a", Provider: "gemini"}
	if got, _ := r.State(&llm.ToolCall{Name: "f", Arguments: `{"x":1}`}); got != sig(0) {
		t.Errorf("signature %q, want that of the first call", got)
	}
}
