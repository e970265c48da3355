package testkit

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// Fake is a fake provider that listens on a loopback address until its test ends.
type Fake struct {
	family family
	server *httptest.Server
	base   string
	key    string
	models []string
	script Script
	seal   *sealer
	// chatOnly takes a provider's second API away.
	chatOnly bool

	arrived chan struct{}
	gone    chan struct{}

	mu       sync.Mutex
	requests []*Request
	faults   []Fault
	always   *Fault
	// items are the output items that the Responses API gave out, by id.
	items map[string]item
}

// Option changes a fake at its creation.
type Option func(*Fake)

// WithKey sets the API key that the fake demands.
func WithKey(key string) Option { return func(f *Fake) { f.key = key } }

// WithModels adds model names to those that the family knows.
func WithModels(names ...string) Option {
	return func(f *Fake) { f.models = append(f.models, names...) }
}

// WithScript sets what the model says; the default is [Directives].
func WithScript(s Script) Option { return func(f *Fake) { f.script = s } }

// WithReplies answers the requests with these replies in order, the last one
// again and again.
func WithReplies(replies ...Reply) Option { return WithScript(Sequence(replies...)) }

// WithAccount makes the fake's reasoning state its own: fakes of the same family
// and account accept each other's signatures, others do not.
func WithAccount(name string) Option { return func(f *Fake) { f.seal = newSealer(name) } }

// ChatOnly makes the fake a server that speaks Chat Completions alone, as most
// compatible ones do: what else its provider has answers 404, which counts as no
// refusal of a strict rule.
func ChatOnly() Option { return func(f *Fake) { f.chatOnly = true } }

// NewOpenAI starts a fake of OpenAI's Chat Completions and Responses.
func NewOpenAI(t testing.TB, opts ...Option) *Fake {
	return start(t, openAI{}, "sk-fake-openai-upstream", "/v1", opts)
}

// NewDeepSeek starts a fake of DeepSeek's Chat Completions and Messages.
func NewDeepSeek(t testing.TB, opts ...Option) *Fake {
	return start(t, deepSeek{}, "sk-fake-deepseek-upstream", "", opts)
}

// NewAnthropic starts a fake of Anthropic's Messages.
func NewAnthropic(t testing.TB, opts ...Option) *Fake {
	return start(t, anthropic{}, "sk-ant-fake-upstream", "", opts)
}

// NewGemini starts a fake of Gemini's generateContent on AI Studio.
func NewGemini(t testing.TB, opts ...Option) *Fake {
	return start(t, gemini{}, "gem-fake-upstream", "/v1beta", opts)
}

func start(t testing.TB, fam family, key, base string, opts []Option) *Fake {
	t.Helper()
	f := &Fake{
		family: fam, key: key, base: base, script: Directives, seal: newSealer("account-1"), items: map[string]item{},
		arrived: make(chan struct{}, 4096), gone: make(chan struct{}, 4096),
	}
	for _, opt := range opts {
		opt(f)
	}
	f.server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

// Close ends every open connection and stops the fake.
func (f *Fake) Close() {
	f.server.CloseClientConnections()
	f.server.Close()
}

// URL is the base address for api_base, with the version that the family's real
// address has.
func (f *Fake) URL() string { return f.server.URL + f.base }

// Root is the address without a version.
func (f *Fake) Root() string { return f.server.URL }

// Key is the API key that the fake demands.
func (f *Fake) Key() string { return f.key }

// Inject lets the next requests fail, one fault a request, in order.
func (f *Fake) Inject(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, faults...)
}

// Always lets every request without a fault of its own fail in the same way.
func (f *Fake) Always(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.always = &fault
}

// Heal ends what Inject and Always began.
func (f *Fake) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults, f.always = nil, nil
}

// Arrived yields one value for every request as soon as it has been read.
func (f *Fake) Arrived() <-chan struct{} { return f.arrived }

// Gone yields one value for every request whose client left before the answer
// was complete.
func (f *Fake) Gone() <-chan struct{} { return f.gone }

// Requests returns the requests for answers so far, in order of arrival. Other
// calls (the list of models) are not among them.
func (f *Fake) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Request, len(f.requests))
	for i, r := range f.requests {
		out[i] = *r
		out[i].Body = slices.Clone(r.Body)
	}
	return out
}

// Last returns the latest request; it fails the test when there is none.
func (f *Fake) Last(t testing.TB) Request {
	t.Helper()
	all := f.Requests()
	if len(all) == 0 {
		t.Fatalf("the fake %s was never asked", f.family.name())
	}
	return all[len(all)-1]
}

// Forget drops the recorded requests.
func (f *Fake) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = nil
}

// Refusals returns what the strict rules refused, for a test that wants none.
func (f *Fake) Refusals() []string {
	var out []string
	for _, r := range f.Requests() {
		if r.Refused != "" {
			out = append(out, r.Refused)
		}
	}
	return out
}

// Signature makes a valid thought signature of this fake's account, as if it had
// been given out before.
func (f *Fake) Signature() string { return f.seal.signature() }

// ThinkingSignature makes the valid signature of an Anthropic thinking block with
// this text.
func (f *Fake) ThinkingSignature(text string) string { return f.seal.sign("thinking", text) }

func (f *Fake) nextFault() Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.faults) > 0 {
		next := f.faults[0]
		f.faults = f.faults[1:]
		return next
	}
	if f.always != nil {
		return *f.always
	}
	return Fault{}
}

// update changes a recorded request under the lock.
func (f *Fake) update(r *Request, change func(*Request)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(r)
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
