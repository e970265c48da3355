package conformance

import (
	"fmt"
	"math"
	"strconv"
	"testing"
)

// costHeader carries the price of an answer in US dollars.
const costHeader = "x-litellm-response-cost"

// rounding is the relative difference that binary floating point alone explains.
const rounding = 1e-9

func TestCost(t *testing.T) {
	deviations := readDeviations(t, "cost_deviations.txt")
	vectors, whole := selected(readPack(t))
	outcomes := runAll(t, vectors, readRules(t)) // all of them: some cases need the state that others leave
	used := map[string]bool{}
	for _, v := range vectors {
		if v.Response.Headers[costHeader] == "" {
			continue
		}
		t.Run(v.Case, func(t *testing.T) {
			o := outcomes[v.Case]
			if o.Status != v.Response.Status {
				t.Skipf("status %d instead of %d: TestGolden judges that", o.Status, v.Response.Status)
			}
			err := compareCost(v.Response.Headers[costHeader], o.cost)
			d := deviationFor(v.Case, deviations)
			switch {
			case err == nil:
			case d != nil:
				used[d.Glob] = true
				t.Logf("%v: %s", err, d.Reason)
			default:
				t.Error(err)
			}
		})
	}
	if whole {
		wantUsed(t, deviations, used)
	}
}

func compareCost(recorded, got string) error {
	want, err := strconv.ParseFloat(recorded, 64)
	if err != nil {
		return fmt.Errorf("the vector is at fault: %w", err)
	}
	if cost, err := strconv.ParseFloat(got, 64); err != nil || math.Abs(cost-want) > rounding*want {
		return fmt.Errorf("%s is %q, recorded is %q", costHeader, got, recorded)
	}
	return nil
}
