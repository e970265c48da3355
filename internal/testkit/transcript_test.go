package testkit_test

import (
	"io"
	"regexp"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

func TestTranscriptIsSearchedWhileItGrows(t *testing.T) {
	o := testkit.NewTranscript()
	_, _ = io.WriteString(o, "port 1\n")
	from := o.Size()
	go func() { _, _ = io.WriteString(o, "port 2\n") }()
	pattern := regexp.MustCompile(`port (\d)\n`)
	if got := o.Find(from, pattern, nil); got != "2" {
		t.Errorf("found %q", got)
	}
	if got := o.Find(0, pattern, nil); got != "1" || o.String() != "port 1\nport 2\n" {
		t.Errorf("found %q in %q", got, o)
	}
	done := make(chan struct{})
	close(done)
	if got := o.Find(o.Size(), pattern, done); got != "" {
		t.Errorf("found %q after the end", got)
	}
}
