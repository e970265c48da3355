// Command fairlead is an LLM gateway: one OpenAI-compatible endpoint in front of
// every model provider.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/fairlead-gateway/fairlead/internal/app"
)

func main() {
	// Samples of allocations cost a hundredth of a small request; whoever serves
	// profiles (--pprof) begins to take them.
	runtime.MemProfileRate = 0
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	os.Exit(app.Main(context.Background(), app.Options{Args: os.Args[1:], Signals: signals}))
}
