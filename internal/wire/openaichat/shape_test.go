package openaichat

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// deltaOf draws a delta as a provider may send it, in three phases of a stream.
func deltaOf(t *rapid.T) string {
	text, _ := json.Marshal(rapid.StringOfN(rapid.RuneFrom([]rune("ab\"\\\né😀\u2028<")), 0, 5, -1).Draw(t, "text"))
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0, 1:
		return fmt.Sprintf(`{"content":%s}`, text)
	case 2:
		return fmt.Sprintf(`{"reasoning_content":%s,"content":null}`, text)
	case 3:
		return fmt.Sprintf(`{"tool_calls":[{"index":0,"function":{"arguments":%s}}]}`, text)
	case 4:
		return fmt.Sprintf(`{"content":%s,"reasoning_content":"x"}`, text)
	}
	return `{"content":"\u00e9"}`
}

func TestChunksOfAKnownShapeAreReadAsAnyOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chunks := []string{
			chunk(`{"role":"assistant","content":""}`, "null"),
			chunk(`{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}`, "null"),
		}
		for _, d := range rapid.SliceOfN(rapid.Custom(deltaOf), 1, 12).Draw(t, "deltas") {
			chunks = append(chunks, chunk(d, "null"))
		}
		quick, slow := passAll(t, chunks, true), passAll(t, chunks, false)
		if quick != slow {
			t.Fatalf("by shape %s\none by one %s", quick, slow)
		}
	})
}

// passAll describes the events of a passed stream, with or without shapes.
func passAll(t *rapid.T, chunks []string, shapes bool) string {
	out := ""
	s := stream{call: &wire.Call{Native: true, Target: &wire.Target{}}, native: true, keep: true, plainUsage: true}
	s.yield = func(ev llm.Event, err error) bool {
		out += fmt.Sprintf("%d %q %q %v %v\n", ev.Kind, ev.Raw, ev.Delta, ev.Content, ev.Call)
		return true
	}
	for _, c := range chunks {
		if !shapes {
			s.shape = shape{}
		}
		if err := s.chunk([]byte(c)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestShapeRefusesWhatIsNotOneString(t *testing.T) {
	var s shape
	data := []byte(`{"a":"x","b":1}`)
	s.learn(0, false, data, 5, 8)
	for text, want := range map[string]bool{
		`{"a":"y","b":1}`: true, `{"a":"\n\"é","b":1}`: true,
		`{"a":"","b":1}`: false, `{"a":"\u00e9","b":1}`: false, `{"a":"","c":"","b":1}`: false, "{\"a\":\"\n\",\"b\":1}": false,
		"{\"a\":\"\xff\",\"b\":1}": false, `{"a":"\","b":1}`: false, `{"a":"\x","b":1}`: false, `{"a":"y","b":2}`: false, `{"a"`: false,
	} {
		if _, ok := s.matches([]byte(text)); ok != want {
			t.Errorf("%q: %v", text, ok)
		}
	}
}
