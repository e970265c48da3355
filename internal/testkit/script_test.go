package testkit

import "testing"

func TestDirectivesMakeStepsOfCallsAndThenTheText(t *testing.T) {
	turn := &Turn{User: `do <<call:a {"x":{"y":1}} && b>> then <<call:c {}>> <<think:hm>> <<text:bye>>`}
	want := [][]Call{{{Name: "a", Args: `{"x":{"y":1}}`}, {Name: "b", Args: "{}"}}, {{Name: "c", Args: "{}"}}}
	for step, calls := range want {
		turn.Steps = step
		got := Directives(turn)
		if len(got.Calls) != len(calls) || got.Text != "" || got.Thinking != "hm" {
			t.Fatalf("step %d: %+v", step, got)
		}
		for i := range calls {
			if got.Calls[i] != calls[i] {
				t.Errorf("step %d call %d: %+v, want %+v", step, i, got.Calls[i], calls[i])
			}
		}
	}
	turn.Steps = len(want)
	if got := Directives(turn); len(got.Calls) != 0 || got.Text != "bye" {
		t.Fatalf("end: %+v", got)
	}
}

func TestWithoutDirectivesTheModelFollowsWhatIsAsked(t *testing.T) {
	schema := object{"type": "object", "properties": object{
		"n": object{"type": "integer", "minimum": 3.0}, "l": object{"type": "array", "items": object{"$ref": "#/$defs/e"}},
	}, "$defs": object{"e": object{"enum": []any{"x", "y"}}}}
	for _, row := range []struct {
		turn Turn
		want string
	}{
		{Turn{User: " hi "}, "echo: hi"},
		{Turn{Results: []Result{{"a", "1"}, {"b", "2"}}}, "FINAL a=1 b=2"},
		{Turn{Schema: schema}, `{"l":["x"],"n":3}`},
		{Turn{JSON: true}, `{"ok":true}`},
	} {
		if got := Directives(&row.turn); got.Text != row.want {
			t.Errorf("%+v: %q, want %q", row.turn, got.Text, row.want)
		}
	}
	got := Directives(&Turn{Forced: "*", Tools: []Tool{{Name: "t", Schema: object{"type": "object", "properties": object{"b": object{"type": "boolean"}}}}}})
	if len(got.Calls) != 1 || got.Calls[0] != (Call{Name: "t", Args: `{"b":true}`}) {
		t.Errorf("forced: %+v", got.Calls)
	}
}

func TestRecursiveSchemasEnd(t *testing.T) {
	s := object{"$ref": "#/$defs/n", "$defs": object{"n": object{"type": "object", "properties": object{"next": object{"$ref": "#/$defs/n"}}}}}
	if got := encode(example(s, s, 0)); got == "" {
		t.Fatal("no example")
	}
}

func TestGenerationThreeIsToldByTheName(t *testing.T) {
	for model, want := range map[string]bool{
		"gemini-3-pro-preview": true, "gemini-3.1-flash-lite": true, "gemini-4-argon": true, "gemini-flash-latest": true,
		"gemini-flash-lite-latest": true, "gemini-pro-latest": true, "gemini-2.5-pro": false, "gemini-1.5-flash": false,
		"gemini-exp-1206": false, "gemini-pro": false, "gemini-pro-vision": false, "gemma-3": false,
	} {
		if third(model) != want {
			t.Errorf("third(%q) = %v", model, !want)
		}
	}
}
