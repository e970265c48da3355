//go:build unix

package faults

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// verdict is what the client may get.
type verdict func(o *outcome) bool

var (
	right   verdict = (*outcome).right
	refused verdict = (*outcome).refused
	either  verdict = func(o *outcome) bool { return o.right() || o.refused() }
)

// shape restricts a fault to whole answers or to streams.
type shape int

const (
	anyShape shape = iota
	wholeOnly
	streamOnly
)

// fault is one way in which an upstream fails.
type fault struct {
	name string
	do   script
	// settings are fairlead_settings, options lines of the failing deployments'
	// litellm_params.
	settings, options string
	shape             shape
	// formats are those it can happen to; nil means all.
	formats []format
	// chance says that the seed decides where it strikes: twenty of them.
	chance bool
	// alone is what the client gets without a spare deployment, spared with one; nil
	// means refused and right.
	alone, spared verdict
	// also looks at one more thing.
	also func(t testing.TB, o *outcome)
	// base replaces the address of the server; secure is its TLS.
	base   string
	secure *tls.Config
	tools  bool
	// clients is how many ask at once, 0 for the usual number.
	clients int

	// tag is what the names of its models end with.
	tag      string
	failures *atomic.Int64
}

// told is how many failures of one fault are shown.
const told = 3

const seeds = 20

// kase is one request of a fault.
type kase struct {
	q      question
	d      dialect
	format string
	spare  bool
}

func (k kase) String() string {
	return fmt.Sprintf("%s to %s, stream %v, spare %v, seed %d", k.d.name, k.format, k.q.stream, k.spare, k.q.seed)
}

// survive runs each fault over every wire, streamed and not, alone and with a spare.
// Faults of the same settings share a gateway.
func survive(t *testing.T, faults ...fault) {
	t.Helper()
	t.Run("faults", func(t *testing.T) {
		all := make([]*fault, len(faults))
		for i := range faults {
			all[i] = &faults[i]
			all[i].prepare(t, i)
		}
		good := serve(t, healthy, nil)
		nothingLeft(t)
		gateways := map[string]*gateway{}
		for _, f := range all {
			if gateways[f.settings] == nil {
				g := prepare(t, configuration(f.settings, good, sharing(all, f.settings)...))
				g.hurried = f.timed()
				g.launch()
				gateways[f.settings] = g
			}
		}
		for _, f := range all {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				g := gateways[f.settings]
				f.together(t, g, f.cases())
				g.serves("spare")
			})
		}
	})
}

// prepare starts the failing upstream of the nth fault.
func (f *fault) prepare(t *testing.T, n int) {
	f.failures, f.tag = &atomic.Int64{}, fmt.Sprintf("-%d", n)
	if f.formats == nil {
		f.formats = formats
	}
	if f.do != nil {
		f.at(serve(t, f.do, f.secure))
	}
}

func (f *fault) at(s *server) {
	f.base = "http://" + s.addr
	if f.secure != nil {
		f.base = "https://" + s.addr
	}
}

func sharing(all []*fault, settings string) (out []*fault) {
	for _, f := range all {
		if f.settings == settings {
			out = append(out, f)
		}
	}
	return out
}

// yaml is the configuration for one fault with its own gateway.
func (f *fault) yaml(bad, good *server) string {
	f.at(bad)
	return configuration(f.settings, good, f)
}

// ample are limits that nothing reaches on a machine that is busy with other tests too.
const ample = "connect_timeout: 100, tls_timeout: 100, "

// configuration has, for every wire of every fault, the failing deployment alone and with
// a spare.
func configuration(settings string, good *server, faults ...*fault) string {
	var list, spared strings.Builder
	for _, f := range faults {
		for _, w := range f.formats {
			name := w.name + f.tag
			list.WriteString(deployment(name, w, f.base, f.options) + deployment(name+"-spared", w, f.base, f.options))
			fmt.Fprintf(&spared, "{%s-spared: [spare]}, ", name)
		}
	}
	list.WriteString(deployment("spare", chatFormat, "http://"+good.addr, ""))
	if !strings.Contains(settings, "connect_timeout") && !strings.Contains(settings, "tls_timeout") {
		settings = ample + settings
	}
	return "model_list:\n" + list.String() + "router_settings: {num_retries: 0, disable_cooldowns: true}\n" +
		"litellm_settings: {drop_params: true, fallbacks: [" + strings.TrimSuffix(spared.String(), ", ") + "]}\n" +
		"fairlead_settings: {" + settings + "}\n"
}

func deployment(name string, w format, base, options string) string {
	s := fmt.Sprintf("- model_name: %s\n  litellm_params: {model: %s, api_base: %s%s, api_key: %s%s}\n", name, w.model, base, w.base, upstreamKey, options)
	if w.info != "" {
		s += "  model_info: " + w.info + "\n"
	}
	return s
}

// cases are the requests: with chance twenty seeds that take turns through the
// dialects, else every dialect.
func (f *fault) cases() []kase {
	n := len(dialects)
	if f.chance {
		n = seeds
	}
	var out []kase
	for _, w := range f.formats {
		for _, stream := range []bool{false, true} {
			if stream && f.shape == wholeOnly || !stream && f.shape == streamOnly {
				continue
			}
			for seed := range n {
				for _, spare := range []bool{false, true} {
					k := kase{d: dialects[(seed+len(out)/(2*n))%len(dialects)], format: w.name, spare: spare}
					k.q = question{model: w.name + f.tag, stream: stream, seed: seed, tools: f.tools}
					if spare {
						k.q.model += "-spared"
					}
					out = append(out, k)
				}
			}
		}
	}
	return out
}

// timed reports whether the fault ends by a limit of time, which a busy machine can
// reach with an answer that is in time otherwise.
func (f *fault) timed() bool { return strings.Contains(f.settings+f.options, "timeout: ") }

// Clients at once: one that has to wait costs nothing, others take each other's time.
const (
	waiting = 64
	usual   = 16
	few     = 4
)

func (f *fault) together(t *testing.T, g *gateway, cases []kase) {
	t.Helper()
	queue, late := make(chan kase, len(cases)), make(chan kase, len(cases))
	for _, k := range cases {
		queue <- k
	}
	close(queue)
	clients := f.clients
	if clients == 0 && f.timed() {
		clients = waiting
	}
	var all sync.WaitGroup
	for range min(cmp.Or(clients, usual), len(cases)) {
		all.Go(func() {
			for k := range queue {
				o := g.ask(k.d, k.q)
				if f.mayBeLate(k, o) {
					late <- k
					continue
				}
				f.judge(t, k, o)
			}
		})
	}
	all.Wait()
	close(late)
	for k := range late {
		f.judge(t, k, f.askAgain(g, k))
	}
}

// mayBeLate reports whether an outcome is not what is wanted, but what a client gets
// when the machine was too slow for the limit of the fault.
func (f *fault) mayBeLate(k kase, o outcome) bool {
	want, _ := f.wants(k)
	return f.timed() && !want(&o) && either(&o) && f.failures.Load() < told
}

// again is how often a case is asked by itself before its outcome counts.
const again = 20

func (f *fault) askAgain(g *gateway, k kase) (o outcome) {
	for range again {
		if o = g.ask(k.d, k.q); !f.mayBeLate(k, o) {
			break
		}
	}
	return o
}

// wants is the verdict for a case, and its words.
func (f *fault) wants(k kase) (want verdict, what string) {
	switch {
	case k.spare && f.spared != nil:
		return f.spared, "what the fault allows"
	case k.spare:
		return right, "the right answer of the spare"
	case f.alone != nil:
		return f.alone, "what the fault allows"
	}
	return refused, "an error in the dialect's shape"
}

func (f *fault) judge(t *testing.T, k kase, o outcome) {
	t.Helper()
	if want, what := f.wants(k); !want(&o) {
		if f.failures.Add(1) > told {
			t.Fail()
			return
		}
		t.Errorf("%s: want %s, got %s", k, what, o)
	}
	if f.also != nil {
		f.also(t, &o)
	}
}
