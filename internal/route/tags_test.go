package route

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// tagGroup has deployments named after their tags, joined by "+"; "none" has none.
func tagGroup(names ...string) []Deployment {
	list := groupOf("lb", names...)
	for i := range list {
		if names[i] != "none" {
			list[i].Tags = strings.Split(names[i], "+")
		}
	}
	return list
}

// reached are the deployments that answer requests with tags, sorted.
func reached(t *testing.T, table *Table, tags ...string) []string {
	t.Helper()
	var out []string
	for range 100 {
		calls, e := drive(t, table, "lb", Overrides{Tags: tags}, start, nil)
		if e != nil {
			if e.Status != 400 || !strings.Contains(e.Message, "Not allowed to access model due to tags configuration") {
				t.Errorf("%v: %+v", tags, e)
			}
			return nil
		}
		if !slices.Contains(out, calls[0].ID) {
			out = append(out, calls[0].ID)
		}
	}
	slices.Sort(out)
	return out
}

func TestTagsChooseDeployments(t *testing.T) {
	all := []string{"free", "paid+eu", "paid+us", "default", "none"}
	noDefault := []string{"free", "paid+eu", "none"}
	cases := []struct {
		group []string
		all   bool // of the tags must match
		tags  string
		want  string
	}{
		{all, false, "free", "free"},
		{all, false, "paid", "paid+eu paid+us"},
		{all, false, "free us", "free paid+us"},
		{all, true, "paid us", "paid+us"},
		{all, true, "free us", ""},
		{all, false, "", "default"},
		{all, false, "unknown", "default"},
		{noDefault, false, "", "free none paid+eu"},
		{noDefault, false, "unknown", ""},
		{all, false, "paid !eu", "paid+us"},
		{all, false, "&paid &us", "paid+us"},
		{all, false, "!free", "default"},
		{noDefault, false, "!free", "none paid+eu"},
		{all, false, "!default", ""},
		{all, false, "&nobody", ""},
		{all, false, "& !", "default"},
	}
	for _, c := range cases {
		table := New(Settings{TagFiltering: true, MatchAllTags: c.all, Rand: seeded()}, tagGroup(c.group...))
		if got := strings.Join(reached(t, table, strings.Fields(c.tags)...), " "); got != c.want {
			t.Errorf("%v, all %v, tags %q: reached %q, want %q", c.group, c.all, c.tags, got, c.want)
		}
	}
}

func TestPrefixedTagsAreMeantForRouting(t *testing.T) {
	for _, c := range []struct{ prefix, tags, want string }{
		{"route:", "route:free", "free"},
		{"route:", "free", "free"},
		{"route:", "team-a", "default"}, // may be meant for something else
		{"route:", "route:team-a", ""},
		{"route:", "team-a route:free", "free"},
		{"route:", "route:&paid route:!eu", "paid+us"},
		{"route:", "!route:eu", "default"}, // excludes a tag of that name
		{"", "team-a", "default"},
	} {
		table := New(Settings{TagFiltering: true, TagPrefix: c.prefix, Rand: seeded()}, tagGroup("free", "paid+eu", "paid+us", "default"))
		if got := strings.Join(reached(t, table, strings.Fields(c.tags)...), " "); got != c.want {
			t.Errorf("prefix %q, tags %q: reached %q, want %q", c.prefix, c.tags, got, c.want)
		}
	}
}

func TestTagsMeanNothingWithoutTagFiltering(t *testing.T) {
	table := New(Settings{Rand: seeded()}, tagGroup("free", "paid"))
	if got := reached(t, table, "free"); len(got) != 2 {
		t.Fatalf("reached %v", got)
	}
}

func TestOnlyDeploymentIsFilteredByTagsToo(t *testing.T) {
	table := New(Settings{TagFiltering: true}, tagGroup("paid"))
	if got := reached(t, table, "free"); got != nil {
		t.Fatalf("reached %v", got)
	}
}

func TestRequestOfARestingTagDoesNotSpillOverToTheDefault(t *testing.T) {
	table := New(Settings{TagFiltering: true, Rand: seeded()}, tagGroup("paid", "default"))
	waits := *limited
	waits.RetryAfter = time.Second
	table.fail(table.groups["lb"].members[0], &waits, false, start)
	if e := refused(t, table, "lb", Overrides{Tags: []string{"paid"}}, start); e.Kind != llm.KindCooldown {
		t.Fatalf("%+v", e)
	}
}

func TestTagFilteringLeavesTheTableAsItIs(t *testing.T) {
	table := New(Settings{TagFiltering: true, Rand: seeded()}, tagGroup("a", "b", "c"))
	before := slices.Clone(table.groups["lb"].members)
	reached(t, table, "c")
	if !slices.Equal(before, table.groups["lb"].members) {
		t.Fatal("the order of the group has changed")
	}
}

func TestTraceSaysWhyADeploymentWasLeftOut(t *testing.T) {
	list := tagGroup("paid", "free", "free", "free", "free")
	for i := range list {
		list[i].ID = string(rune('a' + i))
	}
	list[1].MaxParallel, list[2].RPM, list[3].MaxInput = 1, 1, 1
	table := New(Settings{TagFiltering: true, PreCallChecks: true}, list)
	for _, m := range table.groups["lb"].members {
		m.health.enter(admission{}, start)
	}
	plan, _ := table.Plan("lb", Overrides{Tags: []string{"free"}, Tokens: func() int64 { return 5 }})
	if _, e := plan.Next(start); e != nil {
		t.Fatal(e)
	}
	got := map[string]string{}
	for _, d := range plan.Decisions() {
		got[d.Deployment] = d.What
	}
	want := map[string]string{"a": DecisionTags, "b": DecisionFull, "c": DecisionLimit, "d": DecisionWindow, "e": DecisionChosen}
	for id, what := range want {
		if got[id] != what {
			t.Errorf("%s: %q, want %q", id, got[id], what)
		}
	}
}

func TestAClientIsKnownByItsUserAgent(t *testing.T) {
	list := groupOf("lb", "code", "free", "rest")
	list[0].TagRegex = []*regexp.Regexp{regexp.MustCompile(`^User-Agent: claude-code/`)}
	list[1].Tags, list[2].Tags = []string{"free"}, []string{"default"}
	for name, c := range map[string]struct {
		agent string
		tags  []string
		all   bool
		want  string
	}{
		"by its name":             {"claude-code/2.1", nil, false, "code"},
		"another":                 {"curl/8", nil, false, "rest"},
		"none":                    {"", nil, false, "rest"},
		"excluded":                {"claude-code/2.1", []string{"!x", "&free"}, false, "free"},
		"a tag, all must match":   {"claude-code/2.1", []string{"free"}, true, "free"},
		"a tag that nobody has":   {"claude-code/2.1", []string{"paid"}, false, "code"},
		"a tag, and another name": {"curl/8", []string{"free"}, false, "free"},
	} {
		table := New(Settings{TagFiltering: true, MatchAllTags: c.all}, list)
		calls, e := drive(t, table, "lb", Overrides{Tags: c.tags, Talker: client(c.agent)}, start, nil)
		if e != nil || calls[0].ID != c.want {
			t.Errorf("%s: %v, want %s (error %v)", name, calls, c.want, e)
		}
	}
}

// client is a request of a client with this name.
type client string

func (client) Conversation() (id Conversation, goesOn bool) { return id, false }

func (c client) UserAgent() string { return string(c) }
