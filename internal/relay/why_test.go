package relay

import (
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
)

func TestTheLastRequestsAreRememberedAndNoMore(t *testing.T) {
	var ring trails
	for i := range 2*maxRemembered + 7 {
		ring.add(&trail{id: fmt.Sprint(i)})
	}
	if len(ring.ring) != maxRemembered {
		t.Errorf("%d are remembered", len(ring.ring))
	}
	last := 2*maxRemembered + 6
	for id, want := range map[int]bool{last: true, last - maxRemembered + 1: true, last - maxRemembered: false, 0: false} {
		if _, ok := ring.find(fmt.Sprint(id)); ok != want {
			t.Errorf("request %d: remembered %v, want %v", id, ok, want)
		}
	}
}

func TestOfAnIDThatIsUsedAgainTheLastRequestIsTold(t *testing.T) {
	var ring trails
	if _, ok := ring.find("a"); ok {
		t.Error("found in nothing")
	}
	for _, model := range []string{"old", "new"} {
		ring.add(&trail{id: "a", model: model})
	}
	if got, _ := ring.find("a"); got.model != "new" {
		t.Errorf("found that of %s", got.model)
	}
}

func TestTheRecordOfARequestIsBounded(t *testing.T) {
	x, _ := streaming(openaichat.Dialect{}, false)
	x.rq.LLM.Model = strings.Repeat("m", 1<<20)
	long := &llm.Error{Kind: llm.KindTimeout, Status: 408, UpstreamStatus: 504, Message: strings.Repeat("x", 1<<20)}
	for range 100 {
		x.noteCall(long, time.Now())
	}
	x.remember(408, long, time.Now())
	w, ok := x.relay.Why("1")
	if !ok || len(w.Attempts) != maxWhyAttempts {
		t.Fatalf("%d attempts", len(w.Attempts))
	}
	if n := len(fmt.Sprint(w)); n > 8<<10 {
		t.Errorf("the record has %d bytes", n)
	}
	if a := w.Attempts[0]; a.Status != 504 || a.Kind != "Timeout" || w.Status != 408 || w.Kind != "Timeout" {
		t.Errorf("attempt %+v of %d %s", a, w.Status, w.Kind)
	}
}

// shelf is an archive in memory.
type shelf map[string][]byte

func (s shelf) Save(id string, encode func() []byte) { s[id] = encode() }

func (s shelf) Load(id string) ([]byte, bool) {
	record, ok := s[id]
	return record, ok
}

func TestARequestThatIsNoLongerRememberedIsToldFromTheArchive(t *testing.T) {
	x, _ := streaming(openaichat.Dialect{}, false)
	kept := shelf{}
	x.relay.Archive, x.relay.Log = kept, slog.New(slog.DiscardHandler)
	x.noteCall(&llm.Error{Kind: llm.KindTimeout, Status: 408, Message: "slow"}, time.Now())
	x.remember(408, &llm.Error{Kind: llm.KindTimeout, Status: 408, Message: "slow"}, time.Now())
	remembered, ok := x.relay.Why("1")
	x.relay.trails.ring = nil
	archived, found := x.relay.Why("1")
	if !ok || !found || !reflect.DeepEqual(remembered, archived) {
		t.Errorf("%v %+v, then %v %+v", ok, remembered, found, archived)
	}
	kept["1"] = kept["1"][:10]
	if w, ok := x.relay.Why("1"); ok {
		t.Errorf("a damaged record tells %+v", w)
	}
	if _, ok := x.relay.Why("2"); ok {
		t.Error("an unknown request is told of")
	}
}
