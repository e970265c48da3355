package route

import (
	"testing"
	"time"
)

// BenchmarkOneDeployment is the course of a request through a group of one.
func BenchmarkOneDeployment(b *testing.B) {
	benchmark(b, New(Settings{AffinityTTL: time.Hour, MaxQueue: 100, QueueWait: time.Second}, groupOf("lb", "a")))
}

// BenchmarkTwoDeployments is that through a group of two.
func BenchmarkTwoDeployments(b *testing.B) {
	benchmark(b, New(Settings{AffinityTTL: time.Hour, Rand: seeded()}, groupOf("lb", "a", "b")))
}

func benchmark(b *testing.B, table *Table) {
	b.ReportAllocs()
	for b.Loop() {
		plan, e := table.Plan("lb", Overrides{Stream: true})
		if e != nil {
			b.Fatal(e)
		}
		step, e := plan.Next(start)
		if e != nil || !plan.Start(step, start) {
			b.Fatal(e)
		}
		plan.FirstToken(step, time.Millisecond, start)
		plan.Observed(step, Feedback{Total: time.Second, Tokens: 10, Output: 5}, start)
		plan.Succeeded(step, start)
		plan.Close()
	}
}
