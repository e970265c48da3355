package server_test

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/obs"
	"github.com/fairlead-gateway/fairlead/internal/relay"
	"github.com/fairlead-gateway/fairlead/internal/server"
	"github.com/fairlead-gateway/fairlead/internal/server/http1"
)

// both serves a handler with net/http, as where there is TLS, and with the lean
// server.
func both(t *testing.T, h http.Handler) map[string]string {
	t.Helper()
	theirs := httptest.NewUnstartedServer(h)
	theirs.Config.ErrorLog = log.New(io.Discard, "", 0)
	theirs.Start()
	t.Cleanup(theirs.Close)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ours := &http1.Server{
		Handler: h, HeaderTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 16, Log: slog.New(slog.DiscardHandler),
	}
	served := make(chan error, 1)
	go func() { served <- ours.Serve(ln) }()
	t.Cleanup(func() { _ = ours.Close(); <-served })
	return map[string]string{"net/http": theirs.URL, "lean": "http://" + ln.Addr().String()}
}

func TestL15AnAnswerThatAPanicCutsOffDoesNotLookWhole(t *testing.T) {
	s := &server.Server{Log: slog.New(slog.DiscardHandler), Relay: &relay.Relay{Redactor: func() *obs.Redactor { return obs.NewRedactor(nil) }}, Now: time.Now}
	s.Swap(&server.State{Config: &config.Config{}})
	h := s.Panicking(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/stream":
			fmt.Fprint(w, "data: half\n\n")
			w.(http.Flusher).Flush()
		case "/interim":
			w.WriteHeader(http.StatusEarlyHints)
		}
	})
	for name, url := range both(t, h) {
		for _, path := range []string{"/", "/interim"} {
			if resp, body := do(t, "GET", url+path, ""); resp.StatusCode != http.StatusInternalServerError || !strings.Contains(body, `"error"`) {
				t.Errorf("%s%s: %d %q", name, path, resp.StatusCode, body)
			}
		}
		resp, err := http.Get(url + "/stream")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err == nil || string(body) != "data: half\n\n" {
			t.Errorf("%s: %q %v", name, body, err)
		}
	}
}
