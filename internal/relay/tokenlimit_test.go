package relay

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
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
					l.came()
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
