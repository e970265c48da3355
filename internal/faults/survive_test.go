//go:build unix

package faults

import (
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

// survive runs the fault over every wire, streamed and not, alone and with a spare.
func survive(t *testing.T, faults ...fault) {
	t.Helper()
	for i := range faults {
		f := &faults[i]
		t.Run(f.name, func(t *testing.T) { f.run(t) })
	}
}

func (f *fault) run(t *testing.T) {
	t.Helper()
	f.failures = &atomic.Int64{}
	if f.formats == nil {
		f.formats = formats
	}
	bad, good := &server{}, serve(t, healthy, nil)
	if f.do != nil {
		bad = serve(t, f.do, f.secure)
	}
	g := start(t, f.yaml(bad, good))
	f.together(t, g, f.cases())
	g.idle()
	g.serves("spare")
}

// yaml has, for every wire, the failing deployment alone and with a spare.
func (f *fault) yaml(bad, good *server) string {
	var list, spared strings.Builder
	base := f.base
	if base == "" {
		base = "http://" + bad.addr
		if f.secure != nil {
			base = "https://" + bad.addr
		}
	}
	for _, w := range f.formats {
		for _, name := range []string{w.name, w.name + "-spared"} {
			list.WriteString(deployment(name, w, base, f.options))
		}
		fmt.Fprintf(&spared, "{%s-spared: [spare]}, ", w.name)
	}
	list.WriteString(deployment("spare", chatFormat, "http://"+good.addr, ""))
	return "model_list:\n" + list.String() + "router_settings: {num_retries: 0, disable_cooldowns: true}\n" +
		"litellm_settings: {drop_params: true, fallbacks: [" + strings.TrimSuffix(spared.String(), ", ") + "]}\n" +
		"fairlead_settings: {" + f.settings + "}\n"
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
					k.q = question{model: w.name, stream: stream, seed: seed, tools: f.tools}
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

// parallel is how many clients ask at once.
const parallel = 64

func (f *fault) together(t *testing.T, g *gateway, cases []kase) {
	t.Helper()
	queue := make(chan kase, len(cases))
	for _, k := range cases {
		queue <- k
	}
	close(queue)
	var all sync.WaitGroup
	for range min(parallel, len(cases)) {
		all.Go(func() {
			for k := range queue {
				f.judge(t, k, g.ask(k.d, k.q))
			}
		})
	}
	all.Wait()
}

func (f *fault) judge(t *testing.T, k kase, o outcome) {
	t.Helper()
	want, wanted := f.alone, "an error in the dialect's shape"
	if want == nil {
		want = refused
	}
	if k.spare {
		if want, wanted = f.spared, "the right answer of the spare"; want == nil {
			want = right
		}
	}
	if !want(&o) {
		if f.failures.Add(1) > told {
			t.Fail()
			return
		}
		t.Errorf("%s: want %s (or what the fault allows), got %s", k, wanted, o)
	}
	if f.also != nil {
		f.also(t, &o)
	}
}
