package conformance

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/conformance/golden"
)

// notServedYet lists the routes whose vectors are counted but not run. A route leaves this list when it is served.
var notServedYet = []struct {
	name string
	path *regexp.Regexp
}{
	{"messages", regexp.MustCompile(`^/v1/messages`)},
	{"responses", regexp.MustCompile(`^/v1/responses`)},
	{"generateContent", regexp.MustCompile(`^/v1(beta)?/models/.+:\w+`)},
	{"passthrough", regexp.MustCompile(`^/(openai/v1|anthropic|gemini)/`)},
	{"completions", regexp.MustCompile(`^/v1/completions$`)},
	{"embeddings", regexp.MustCompile(`^/v1/embeddings$`)},
	{"images", regexp.MustCompile(`^/v1/images/`)},
	{"rerank", regexp.MustCompile(`^/v1/rerank$`)},
	{"audio", regexp.MustCompile(`^/v1/audio/`)},
}

// unserved names the route that keeps v from running, "" when none does.
func unserved(v *golden.Vector) string {
	for _, r := range notServedYet {
		if r.path.MatchString(v.Request.Path) || v.Prelude != nil && r.path.MatchString(v.Prelude.Request.Path) {
			return r.name
		}
	}
	return ""
}

// inScope splits the pack into the vectors to run and the counts of the others, which it logs.
func inScope(t *testing.T, pack []*golden.Vector) []*golden.Vector {
	t.Helper()
	counts := map[string]int{}
	var run []*golden.Vector
	for _, v := range pack {
		if name := unserved(v); name != "" {
			counts[name]++
			continue
		}
		run = append(run, v)
	}
	var parts []string
	for _, r := range notServedYet {
		if counts[r.name] == 0 {
			t.Errorf("no vector has the route %q: remove it from notServedYet", r.name)
		}
		parts = append(parts, fmt.Sprintf("%s %d", r.name, counts[r.name]))
	}
	t.Logf("%d of %d vectors run; not in scope yet: %s", len(run), len(pack), strings.Join(parts, ", "))
	return run
}
