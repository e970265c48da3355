package app

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"

	"github.com/fairlead-gateway/fairlead/internal/auth"
	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/obs"
	"github.com/fairlead-gateway/fairlead/internal/relay"
	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/server"
)

// redactorHolder gives the redactor of the current configuration.
type redactorHolder struct{ p atomic.Pointer[obs.Redactor] }

func (h *redactorHolder) get() *obs.Redactor { return h.p.Load() }

// reloader puts configurations into effect.
type reloader struct {
	program  *program
	command  *serveCommand
	running  *Running
	redactor *redactorHolder
}

// apply builds the whole state of a configuration and swaps it in. Requests that
// have begun keep the state that they began with. Nothing changes on an error.
func (l *reloader) apply(cfg *config.Config, report *config.Report) error {
	if l.command.LimitConc > 0 {
		cfg.Fairlead.MaxConcurrent = l.command.LimitConc
	}
	models, errs := relay.NewModels(cfg, l.running.network, rand.Float64)
	for _, err := range errs {
		l.running.log.Error("a deployment is skipped", "error", err)
	}
	if old := l.running.server.State(); old != nil {
		models.Table.Inherit(old.Models.Table)
	}
	if l.running.shared != nil {
		models.Table.Share(l.running.shared)
	}
	l.remember(models.Table)
	l.redactor.p.Store(obs.NewRedactor(secrets(cfg)))
	l.running.server.Swap(&server.State{Config: cfg, Auth: auth.NewChecker(cfg.General.MasterKey.Reveal(), cfg.General.KeyHeaderName), Models: models})
	l.running.server.Relay.CheckDeployments(models)
	return nil
}

// remember lets a table know what was spent before, and the file what it spends.
func (l *reloader) remember(table *route.Table) {
	state, now := l.running.state, l.program.now
	if state == nil {
		return
	}
	table.Recall(state.Recalled(), now())
	table.OnSpending(state.Spent)
	state.Follow(func() []route.Spending { return table.Spending(now()) })
}

// changed is called with a configuration that was read again.
func (l *reloader) changed(cfg *config.Config, report *config.Report) {
	log := l.running.log
	if err := l.acceptable(cfg, report); err != nil {
		log.Error("the configuration was not reloaded; the one before goes on serving", "reason", err)
		l.writeReport(report)
		return
	}
	if err := l.apply(cfg, report); err != nil {
		log.Error("the configuration was not reloaded; the one before goes on serving", "reason", err)
		return
	}
	log.Info("configuration reloaded", "summary", report.Summary())
	if !cfg.Redis.Equal(&l.running.cfg.Redis) {
		log.Warn("the address of the Redis server has changed; that takes effect with a restart")
	}
	if report.HasErrors() {
		l.writeReport(report)
	}
}

// acceptable refuses what would not have been started with, and what would leave
// a public address without a key.
func (l *reloader) acceptable(cfg *config.Config, report *config.Report) error {
	if cfg == nil {
		return errors.New("it cannot be read: " + report.Summary())
	}
	if s := report.Refusal(); s != "" {
		return errors.New(s)
	}
	if l.command.Strict && (report.HasErrors() || report.Count(config.Warning) > 0) {
		return errors.New("--strict is set and it has errors or warnings: " + report.Summary())
	}
	if st := l.running.server.State(); len(cfg.Deployments) == 0 && len(st.Config.Deployments) > 0 {
		return errors.New("it has no deployments, as a file that is being written; restart the gateway if that is meant")
	}
	_, err := cfg.BindPolicy(hostOf(l.running.Addr))
	return err
}

func (l *reloader) writeReport(report *config.Report) {
	if err := report.WriteText(l.program.Stderr, l.program.color); err != nil {
		l.running.log.Warn("the report cannot be shown", "error", err)
	}
}

// watch reloads when a file of the configuration changes.
func (r *Running) watch(p *program, o config.Options) {
	if r.cfg.Path == "" {
		return
	}
	w, err := config.NewWatcher(p.sources(o), r.cfg, r.reload.changed)
	if err != nil {
		r.log.Warn("the configuration is not reloaded when its file changes", "error", err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Run(ctx) // ends with ctx only
	}()
	r.watcher = w
	r.closers = append(r.closers, closerFunc(func() error {
		cancel()
		<-done
		return nil
	}))
}

type closerFunc func() error

// Close implements io.Closer.
func (f closerFunc) Close() error { return f() }

// secrets lists every configured secret, for hiding it in texts. A header that an
// operator adds may be a credential whatever its name.
func secrets(cfg *config.Config) []string {
	out := cfg.Secrets()
	for _, v := range cfg.Defaults.ExtraHeaders {
		out = append(out, v)
	}
	for i := range cfg.Deployments {
		for _, v := range cfg.Deployments[i].ExtraHeaders {
			out = append(out, v)
		}
	}
	return out
}
