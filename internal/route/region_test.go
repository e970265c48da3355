package route

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// regionGroup has two deployments in each of two regions, and one that does not say
// where it is.
func regionGroup() []Deployment {
	list := groupOf("lb", "eu-1", "eu-2", "us-1", "us-2", "none")
	for i, region := range []string{"eu", "EU", "us", "us", ""} {
		list[i].Region = region
	}
	return append(list, Deployment{ID: "spare", Group: "spare", Region: "eu"}, Deployment{ID: "abroad", Group: "abroad", Region: "us"})
}

func TestRequestStaysInItsRegion(t *testing.T) {
	table := New(Settings{
		Rand:      seeded(),
		Fallbacks: []Rule{{Group: "lb", Targets: to("abroad", "spare")}},
	}, regionGroup())
	for region, want := range map[string][]string{"eu": {"eu-1", "eu-2"}, "us": {"us-1", "us-2"}, "": {"eu-1", "eu-2", "none", "us-1", "us-2"}} {
		var got []string
		for range 200 {
			calls, e := drive(t, table, "lb", Overrides{Region: region}, start, nil)
			if e != nil {
				t.Fatal(e)
			}
			got = append(got, calls[0].ID)
		}
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("%q reached %v, want %v", region, got, want)
		}
	}
	failing := map[string]*llm.Error{}
	for _, d := range regionGroup()[:5] {
		failing[d.ID] = broken
	}
	calls, e := drive(t, table, "lb", Overrides{Region: "eu"}, start, failing)
	if e != nil {
		t.Fatal(e)
	}
	for _, c := range calls {
		if !strings.HasPrefix(c.ID, "eu-") && c.ID != "spare" {
			t.Errorf("went to %s", c.ID)
		}
	}
	if last := calls[len(calls)-1]; last.ID != "spare" {
		t.Errorf("ended at %s", last.ID)
	}
}

func TestRequestOfARegionIsRefusedRatherThanSentAbroad(t *testing.T) {
	table := New(Settings{Rand: seeded()}, regionGroup())
	if e := refused(t, table, "lb", Overrides{Region: "mars"}, start); e.Status != 400 || !strings.Contains(e.Message, "region_name") {
		t.Errorf("%+v", e)
	}
	waits := *limited
	waits.RetryAfter = time.Minute
	for _, m := range table.groups["lb"].members[:2] {
		table.fail(m, &waits, false, start)
	}
	if calls, e := drive(t, table, "lb", Overrides{Region: "eu"}, start, nil); e == nil && !strings.HasPrefix(calls[0].ID, "eu-") {
		t.Errorf("while its region rests it went to %s", calls[0].ID)
	}
}
