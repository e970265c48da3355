package app

import (
	"context"
	"errors"
	"time"
)

// StartAt is Start with another clock, for tests of what depends on the hour, such as off-peak prices.
func StartAt(ctx context.Context, o Options, now func() time.Time) (*Running, error) {
	p := newProgram(o)
	p.now = now
	parsed, cli, err := p.parse()
	if err != nil {
		return nil, err
	}
	if parsed == nil || parsed.Command() != "serve" {
		return nil, errors.New("these arguments do not start the gateway")
	}
	return p.start(ctx, &cli.Serve)
}
