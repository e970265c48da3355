package app

import (
	"context"
	"os"
)

// Wait serves until ctx ends or a signal other than SIGHUP comes, which drains: as the
// program itself does after Start.
func (r *Running) Wait(ctx context.Context, signals <-chan os.Signal) error {
	return r.wait(ctx, signals)
}
