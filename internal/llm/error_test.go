package llm

import (
	"net/http"
	"testing"
)

// Two gateways that lead to each other would multiply their retries otherwise.
func TestALoopIsNotTriedAgain(t *testing.T) {
	for status, want := range map[int]bool{http.StatusInternalServerError: true, 529: true, http.StatusLoopDetected: false, http.StatusTeapot: false} {
		if e := (&Error{Kind: KindAPI, Status: status, Upstream: true}); e.Retryable() != want {
			t.Errorf("status %d: retryable is %v, want %v", status, e.Retryable(), want)
		}
	}
}
