package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

func TestDropPathsRemoveWhatTheyName(t *testing.T) {
	tests := []struct {
		body, path, want string
		found            bool
	}{
		{`{"tools":[{"function":{"name":"f","strict":true}},{"function":{"name":"g"}}]}`, "tools[*].function.strict", `{"tools":[{"function":{"name":"f"}},{"function":{"name":"g"}}]}`, true},
		{`{"tools":[{"a":1},{"a":2}]}`, "tools[1].a", `{"tools":[{"a":1},{}]}`, true},
		{`{"tools":[{"a":1},{"a":2}]}`, "tools[0]", `{"tools":[{"a":2}]}`, true},
		{`{"tools":[1,2]}`, "tools[*]", `{"tools":[]}`, true},
		{`{"a":{"b":{"c":1,"d":2}}}`, "a.b.c", `{"a":{"b":{"d":2}}}`, true},
		{`{"a":{"x.y":1}}`, `a["x"]`, `{"a":{"x.y":1}}`, false},
		{`{"a":{"x":1,"y":2}}`, `a["x"]`, `{"a":{"y":2}}`, true},
		{`{"a":1}`, "a.b", `{"a":1}`, false},
		{`{"a":[1]}`, "a[7]", `{"a":[1]}`, false},
		{`{"a":[1]}`, "a[x]", `{"a":[1]}`, false},
		{`{"seed":1}`, "seed", `{"seed":1}`, false}, // not a path: Effective drops it
		{`{"a":1}`, "..", `{"a":1}`, false},
		{`{"a":1}`, "[", `{"a":1}`, false},
		{`{"messages":[{"content":[{"cache_control":1,"t":2}]},{"content":"x"}]}`, "messages[*].content[*].cache_control", `{"messages":[{"content":[{"t":2}]},{"content":"x"}]}`, true},
	}
	for _, tc := range tests {
		got, drops := DropPaths(rawjson.Value(tc.body), []string{tc.path})
		if string(got) != tc.want || (len(drops) == 1) != tc.found {
			t.Errorf("%s of %s: %s %v", tc.path, tc.body, got, drops)
		}
	}
}

func TestDropPathsApplyOneAfterTheOther(t *testing.T) {
	body := rawjson.Value(`{"m":[{"a":1,"b":2,"a":3},{"a":4},{"c":5}],"n":{"o":{"p":1}},"q":1.50}`)
	got, drops := DropPaths(body, []string{"m[*].a", "n.o.p", "m[0]", "m[0]", "n.o", "n.o.p"})
	if string(got) != `{"m":[{"c":5}],"n":{},"q":1.50}` || len(drops) != 5 {
		t.Errorf("%s %v", got, drops)
	}
}

// Bodies and lists of paths of this size ended in minutes when each path read and
// wrote the whole body.
func TestManyPathsOfALargeBodyReadItOnce(t *testing.T) {
	var body, want strings.Builder
	var paths []string
	body.WriteString(`{"x":[`)
	want.WriteString(`{"x":[`)
	for i := range 20_000 {
		if i > 0 {
			body.WriteByte(',')
			want.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"k%d":%d,"kept":1}`, i, i)
		want.WriteString(`{"kept":1}`)
	}
	body.WriteString(`]}`)
	want.WriteString(`]}`)
	for i := range 1000 {
		paths = append(paths, fmt.Sprintf("x[%d].k%d", i*20, i*20))
	}
	got, drops := DropPaths(rawjson.Value(body.String()), paths)
	if len(drops) != 1000 || !json.Valid(got) {
		t.Fatalf("%d drops", len(drops))
	}
	got, _ = DropPaths(rawjson.Value(want.String()), []string{"x[*].absent"})
	if string(got) != want.String() {
		t.Error("changed what it did not find")
	}
}

func FuzzDropPaths(f *testing.F) {
	f.Add(`{"a":[{"b":1}]}`, "a[*].b")
	f.Add(`{"a":{}}`, "[[].")
	f.Fuzz(func(t *testing.T, body, path string) {
		v, err := rawjson.Check([]byte(body))
		if err != nil || v.Kind() != '{' {
			return
		}
		out, drops := DropPaths(v, []string{path})
		if !json.Valid(out) {
			t.Fatalf("%s of %s: %s", path, body, out)
		}
		if len(drops) == 0 && string(out) != string(v) {
			t.Fatalf("%s changed %s to %s without saying so", path, body, out)
		}
	})
}
