package relay

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
)

func TestTokensAreLimitedFromTheStartAndFromEachOther(t *testing.T) {
	cases := map[string]struct {
		first, between time.Duration
		tokens         []time.Duration // from the start
		want           time.Duration   // when the call is ended, 0 for never
		stage          string
	}{
		"no first token":             {10 * time.Second, 3 * time.Second, nil, 10 * time.Second, "send its first token within 10s"},
		"a first token in time":      {10 * time.Second, 0, []time.Duration{9 * time.Second}, 0, ""},
		"no second":                  {10 * time.Second, 3 * time.Second, []time.Duration{time.Second}, 4 * time.Second, "send another token within 3s"},
		"tokens that come":           {0, 3 * time.Second, []time.Duration{20 * time.Second, 22 * time.Second, 24 * time.Second}, 27 * time.Second, "send another token within 3s"},
		"only the first is limited":  {2 * time.Second, 0, []time.Duration{time.Second, time.Hour}, 0, ""},
		"only the others, none came": {0, 3 * time.Second, nil, 0, ""},
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				ctx, l := newTokenLimit(context.Background(), tt.first, tt.between)
				ended := make(chan time.Duration, 1)
				context.AfterFunc(ctx, func() { ended <- time.Since(began) })
				for _, at := range tt.tokens {
					time.Sleep(at - time.Since(began))
					l.came(&llm.Event{Kind: llm.EventText})
				}
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				cause := context.Cause(ctx)
				l.stop()
				if tt.want == 0 {
					if cause != nil {
						t.Errorf("ended: %v", cause)
					}
					return
				}
				if cause == nil || !strings.Contains(cause.Error(), tt.stage) {
					t.Fatalf("the cause is %v", cause)
				}
				if got := <-ended; got != tt.want {
					t.Errorf("ended after %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestARateHasToBeProvedSoonAfterTheFirstToken(t *testing.T) {
	word := func(n int) *llm.Event { return &llm.Event{Kind: llm.EventText, Delta: strings.Repeat("x", n)} }
	raw := func(n int) *llm.Event {
		return &llm.Event{Kind: llm.EventRaw, Content: true, Raw: make([]byte, 200+n)}
	}
	for name, tt := range map[string]struct {
		events []*llm.Event // one each second, the first after a minute
		want   string       // the cause in the end
	}{
		"quick enough":             {[]*llm.Event{word(0), word(0), word(0), word(0)}, ""},
		"a long event":             {[]*llm.Event{word(20)}, ""},
		"a long event that passes": {[]*llm.Event{raw(0), raw(10)}, ""},
		"too slow":                 {[]*llm.Event{word(0), word(0)}, "did not bring 4 tokens after its first (it brought 2) within 5s"},
		"too slow, passing":        {[]*llm.Event{raw(0), raw(1)}, "did not bring 4 tokens"},
		"none":                     {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, l := newTokenLimit(context.Background(), 0, 0)
				defer l.stop()
				l.prove(4, 5*time.Second)
				time.Sleep(time.Minute)
				for _, ev := range tt.events {
					l.came(ev)
					time.Sleep(time.Second)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				if cause := context.Cause(ctx); tt.want == "" && cause != nil || tt.want != "" && (cause == nil || !strings.Contains(cause.Error(), tt.want)) {
					t.Errorf("the cause is %v, want %q", cause, tt.want)
				}
				if proved := l.proved(word(0)); proved != (tt.want == "" && tt.events != nil) {
					t.Errorf("proved: %v", proved)
				}
				if !l.proved(&llm.Event{Kind: llm.EventFinish, Finish: llm.FinishStop}) {
					t.Error("an answer that ends is held")
				}
			})
		})
	}
}

func TestAStreamIsHeldUntilItsRateIsProved(t *testing.T) {
	for name, tt := range map[string]struct {
		need  int64
		wants []int // when the client got something, in seconds
	}{
		"no rate": {0, []int{1, 2, 3, 4}}, "three tokens": {3, []int{3, 4}}, "more than come": {99, []int{4}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, c := streaming(openaichat.Dialect{}, false)
				_, x.tokens = newTokenLimit(context.Background(), 0, 0)
				defer x.tokens.stop()
				x.tokens.prove(tt.need, time.Hour)
				err := x.relayEvents(context.Background(), x.played(
					after{time.Second, word("a")}, after{time.Second, word("b")}, after{time.Second, word("c")}, after{time.Second, llm.Event{Kind: llm.EventFinish, Finish: llm.FinishStop}},
				))
				all, at := "", []int(nil)
				for _, w := range c.writes {
					all += w.text
					if len(at) == 0 || at[len(at)-1] != w.at {
						at = append(at, w.at)
					}
				}
				if err != nil || !slices.Equal(at, tt.wants) || strings.Count(all, `"content"`) != 3 {
					t.Errorf("written at %v, want %v (%v): %s", at, tt.wants, err, all)
				}
			})
		})
	}
}
