package app

import (
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"
	"time"
)

// memorySample is how many bytes are allocated for each sample in the profile of memory;
// it is Go's default.
const memorySample = 512 << 10

// serveProfiles serves runtime profiles on an address of their own, so that they
// are never on the port that clients reach.
func (r *Running) serveProfiles(addr string) error {
	if addr == "" {
		return nil
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot serve profiles on %s: %w", addr, err)
	}
	if runtime.MemProfileRate == 0 {
		runtime.MemProfileRate = memorySample
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(ln) }() // ends with Close
	r.closers = append(r.closers, s)
	r.log.Info("profiles are served", "url", "http://"+ln.Addr().String()+"/debug/pprof/")
	return nil
}
