package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/obs"
	"github.com/fairlead-gateway/fairlead/internal/reasoning"
	"github.com/fairlead-gateway/fairlead/internal/relay"
	"github.com/fairlead-gateway/fairlead/internal/responses"
	"github.com/fairlead-gateway/fairlead/internal/server"
	"github.com/fairlead-gateway/fairlead/internal/server/http1"
	"github.com/fairlead-gateway/fairlead/internal/store/sqlite"
)

// Running is a started gateway.
type Running struct {
	// Addr is where it listens, host:port.
	Addr string

	cfg     *config.Config
	http    listenServer
	server  *server.Server
	network *network
	log     *slog.Logger
	done    chan error // the listener's end
	closers []io.Closer
	watcher *config.Watcher
	reload  *reloader
	shared  *shared
	state   *sqlite.State // nil without a data directory
}

// Start starts the gateway as the command line says and returns when it listens.
func Start(ctx context.Context, o Options) (*Running, error) { return StartAt(ctx, o, time.Now) }

// serve runs until a signal or the end of ctx.
func (p *program) serve(ctx context.Context, c *serveCommand) error {
	switch {
	case c.Version:
		return printVersion(p.Stdout)
	case c.Test, c.Health:
		return p.probe(ctx, c)
	}
	r, err := p.start(ctx, c)
	if err != nil {
		return err
	}
	return r.wait(ctx, p.Signals)
}

// wait serves until told to stop, then drains.
func (r *Running) wait(ctx context.Context, signals <-chan os.Signal) error {
	for {
		select {
		case err := <-r.done:
			r.Close()
			return err
		case <-ctx.Done():
			r.Close()
			return nil
		case s := <-signals:
			if s == syscall.SIGHUP {
				if r.watcher != nil {
					r.watcher.Trigger()
				}
				continue
			}
			return r.drain(signals)
		}
	}
}

// lameDuck is how long requests are still taken after readiness says 503.
const lameDuck = time.Second

// drain lets open requests finish. Readiness says 503 first, so that a load
// balancer can look away before connections are refused; a second signal ends
// everything at once.
func (r *Running) drain(signals <-chan os.Signal) error {
	limit := r.cfg.Fairlead.DrainTimeout
	r.log.Info("stopping: open requests may finish; a second signal ends them", "limit", limit)
	r.server.Drain()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	select {
	case <-time.After(lameDuck):
	case <-ctx.Done():
	}
	if err := r.http.Shutdown(ctx); err != nil {
		if open := r.server.InFlight(); open > 0 {
			r.log.Warn("requests were cut off: they had not finished at the time limit or the second signal", "requests", open)
		}
	}
	r.Close()
	return nil
}

// Close ends the gateway at once and frees everything.
func (r *Running) Close() {
	if err := r.http.Close(); err != nil {
		r.log.Warn("the listener did not close cleanly", "error", err)
	}
	<-r.done
	for i := len(r.closers) - 1; i >= 0; i-- {
		if err := r.closers[i].Close(); err != nil {
			r.log.Warn("shutdown", "error", err)
		}
	}
}

func (p *program) start(ctx context.Context, c *serveCommand) (_ *Running, err error) {
	o, err := c.options(p)
	if err != nil {
		return nil, err
	}
	port, err := c.listenPort(p)
	if err != nil {
		return nil, err
	}
	o.Listen = address("localhost", port)
	cfg, report := p.load(o)
	if err := p.refusals(c, cfg, report); err != nil {
		return nil, err
	}
	host, err := c.listenHost(p, cfg)
	if err != nil {
		return nil, err
	}
	tlsConfig, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	ln, err := listen(host, port)
	if err != nil {
		return nil, err
	}
	r := &Running{Addr: ln.Addr().String(), cfg: cfg, done: make(chan error, 1)}
	defer func() {
		if err != nil {
			for _, closer := range r.closers {
				err = errors.Join(err, closer.Close())
			}
			err = errors.Join(err, ln.Close())
		}
	}()
	if err := p.build(r, c, cfg, report); err != nil {
		return nil, err
	}
	if err := r.serveProfiles(c.PProf); err != nil {
		return nil, err
	}
	r.watch(p, o)
	if err := p.findings(r, cfg, report); err != nil {
		r.log.Warn("the findings of the configuration cannot be shown; fairlead check prints them", "error", err)
	}
	p.banner(r, cfg, report, c)
	r.run(ln, p.listenServer(r, c, tlsConfig))
	return r, nil
}

// refusals are the reasons not to start.
func (p *program) refusals(c *serveCommand, cfg *config.Config, report *config.Report) error {
	switch {
	case cfg == nil || report.Refusal() != "":
		if err := report.WriteText(p.Stderr, p.color); err != nil {
			return err
		}
		if s := report.Refusal(); s != "" {
			return errors.New("not started. " + s)
		}
		return errors.New("not started: the configuration cannot be read")
	case c.Strict && (report.HasErrors() || report.Count(config.Warning) > 0):
		if err := report.WriteText(p.Stderr, p.color); err != nil {
			return err
		}
		return errors.New("not started: --strict is set and the configuration has errors or warnings")
	}
	return nil
}

func listen(host string, port int) (net.Listener, error) {
	ln, err := net.Listen("tcp", address(host, port))
	switch {
	case err == nil:
		return ln, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d is taken by another program; choose another with --port %d", port, port+1)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("this user may not listen on port %d; choose one above 1023 with --port %d", port, defaultPort)
	}
	return nil, fmt.Errorf("cannot listen on %s: %w", address(host, port), err)
}

// build makes everything between the listener and the upstreams.
func (p *program) build(r *Running, c *serveCommand, cfg *config.Config, report *config.Report) error {
	if c.NumWorkers > 0 {
		runtime.GOMAXPROCS(min(c.NumWorkers, runtime.NumCPU()))
	}
	paceGC(p.Env)
	lc, err := readLogConfig(c.LogConfig)
	if err != nil {
		return err
	}
	lines := obs.NewAsync(p.Stderr)
	r.closers = append(r.closers, lines)
	r.log = obs.NewLogger(lines, obs.LogOptions{
		JSON: cfg.Defaults.JSONLogs || lc.json, Color: p.color, Debug: c.Debug || c.DetailedDebug || lc.debug,
	})
	instance := fmt.Sprintf("%016x", rand.Uint64())
	kept := responses.NewMemory(responses.Limits{}, p.archive(r, cfg), p.now)
	if r.shared, err = p.share(r, cfg, instance, kept); err != nil {
		return err
	}
	keeper, err := p.keeper(r, cfg)
	if err != nil {
		return err
	}
	r.network = newNetwork(p, cfg, r.log, instance)
	r.closers = append(r.closers, r.network)
	redactor := &redactorHolder{}
	r.state = p.state(r, cfg)
	rl := &relay.Relay{
		Log: r.log, Keeper: keeper, Instance: instance, Now: p.now, Archive: p.requests(r, cfg), Debug: c.DetailedDebug, Redactor: redactor.get,
	}
	if r.state != nil {
		rl.History = r.state
	}
	r.server = &server.Server{Log: r.log, Relay: rl, Responses: kept, Instance: instance, Now: p.now, Stall: p.Stall}
	memory := newPressure(r.server.InFlight)
	r.server.MaxBodies, r.server.Crowded = memory.maxBodies(), memory.crowded
	if r.shared != nil {
		r.server.Responses = r.shared.answers
	}
	r.closers = append(r.closers, closing(rl.StopChecks))
	r.reload = &reloader{program: p, command: c, running: r, redactor: redactor}
	if err := r.reload.apply(cfg, report); err != nil {
		return err
	}
	r.meet()
	return nil
}

func (p *program) keeper(r *Running, cfg *config.Config) (*reasoning.Keeper, error) {
	limits := reasoning.Limits{Bytes: int(cfg.Fairlead.ReasoningMaxBytes), Age: cfg.Fairlead.ReasoningTTL}
	if cfg.Fairlead.DataDir == "" {
		if r.shared != nil {
			return reasoning.New(limits, r.shared.turns, p.now), nil
		}
		return reasoning.New(limits, nil, p.now), nil
	}
	store, err := sqlite.OpenTurns(cfg.Fairlead.DataDir, r.log, p.now)
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, store)
	if r.shared != nil {
		return reasoning.New(limits, both{store, r.shared.turns}, p.now), nil
	}
	return reasoning.New(limits, store, p.now), nil
}

// archive is the file of kept answers, nil without a data directory. One that cannot be
// used costs the memory beyond a restart, not the start: no request needs it.
func (p *program) archive(r *Running, cfg *config.Config) responses.Archive {
	if cfg.Fairlead.DataDir == "" {
		return nil
	}
	store, err := sqlite.OpenAnswers(cfg.Fairlead.DataDir, sqlite.AnswerLimits{}, r.log, p.now)
	if err != nil {
		r.log.Error("answers of the Responses API stay in memory only", "error", err)
		return nil
	}
	r.closers = append(r.closers, store)
	return store
}

// requests is the file of what happened to requests, nil without a data directory. As
// with kept answers, one that cannot be used is no reason not to start.
func (p *program) requests(r *Running, cfg *config.Config) relay.Archive {
	if cfg.Fairlead.DataDir == "" {
		return nil
	}
	store, err := sqlite.OpenRequests(cfg.Fairlead.DataDir, sqlite.RequestLimits{}, r.log, p.now)
	if err != nil {
		r.log.Error("fairlead why knows the last requests from memory only", "error", err)
		return nil
	}
	r.closers = append(r.closers, store)
	return store
}

// state is the file of what is known of deployments, nil without a data directory. As with
// requests, one that cannot be used is no reason not to start.
func (p *program) state(r *Running, cfg *config.Config) *sqlite.State {
	if cfg.Fairlead.DataDir == "" {
		return nil
	}
	store, err := sqlite.OpenState(cfg.Fairlead.DataDir, sqlite.StateLimits{Age: cfg.General.HealthChecks.Retention}, r.log, p.now)
	if err != nil {
		r.log.Error("what budgets have spent and what checks have found stays in memory only", "error", err)
		return nil
	}
	r.closers = append(r.closers, store)
	return store
}

const (
	headerTimeout = 10 * time.Second
	maxHeader     = 64 << 10
	// idleTimeout is longer than the keepalive of the usual load balancers, so that
	// they close first and no request races with our close.
	idleTimeout = 120 * time.Second
)

// listenServer answers on a listener.
type listenServer interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
	Close() error
}

// tlsServer is net/http's server, which speaks HTTP/2 too.
type tlsServer struct{ *http.Server }

// Serve accepts TLS connections.
func (s tlsServer) Serve(ln net.Listener) error { return s.ServeTLS(ln, "", "") }

func (r *Running) run(ln net.Listener, s listenServer) {
	r.http = s
	go func() {
		err := r.http.Serve(ln)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		r.done <- err
		close(r.done)
	}()
}

// listenServer is the lean server, or net/http's where there is TLS.
func (p *program) listenServer(r *Running, c *serveCommand, tlsConfig *tls.Config) listenServer {
	idle := idleTimeout
	if c.Keepalive > 0 {
		idle = time.Duration(c.Keepalive * float64(time.Second))
	}
	header := cmp.Or(p.Stall, headerTimeout)
	maxConns := func() int { return r.server.State().Config.Fairlead.MaxConnections }
	if tlsConfig == nil {
		return &http1.Server{
			Handler: r.server.Handler(), HeaderTimeout: header, MaxHeaderBytes: maxHeader, IdleTimeout: idle, MaxConns: maxConns, Log: r.log,
		}
	}
	return tlsServer{&http.Server{
		Handler: r.server.Handler(), ReadHeaderTimeout: header, MaxHeaderBytes: maxHeader, IdleTimeout: idle,
		TLSConfig: tlsConfig, ErrorLog: slog.NewLogLogger(r.log.Handler(), slog.LevelDebug), ConnState: bound(maxConns),
	}}
}

// bound closes connections that are more than the limit; 0 is none. Nothing can be said
// on them before the handshake, which costs more than all the rest.
func bound(limit func() int) func(net.Conn, http.ConnState) {
	var open atomic.Int64
	return func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			if n, most := open.Add(1), limit(); most > 0 && n > int64(most) {
				_ = c.Close()
			}
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
}

// closing is a function that ends something as an io.Closer.
type closing func()

// Close implements io.Closer.
func (c closing) Close() error {
	c()
	return nil
}
