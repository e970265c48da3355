// Package doctor looks at a client's .env, its environment, the gateway's
// configuration and the network between them, and says what is wrong, what that
// does, and what to do about it. With a running gateway it also asks every model
// (Live). It holds the words that people read when something does not work.
//
// The client that it has in mind is the common one that reads a .env with
// python-dotenv and prefers the native SDKs of Gemini and Anthropic to an
// OpenAI-compatible endpoint; what it says holds for plain OpenAI SDKs as well.
package doctor

import (
	"context"
	"os"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/config"
)

// Severity grades a Finding.
type Severity string

// The grades, worst first.
const (
	// Error means that the client will not work as configured; the exit code is 1.
	Error Severity = "error"
	// Warning means that something may not do what is expected.
	Warning Severity = "warning"
	// Note is worth knowing.
	Note Severity = "note"
	// Good says that something that is often wrong is right.
	Good Severity = "ok"
)

// The groups of findings, in the order in which they are shown.
const (
	GroupClient  = "Client"
	GroupConfig  = "Configuration"
	GroupNetwork = "Network"
	GroupLive    = "Live"
)

// Finding is one thing to say. No text of it ever holds a key.
type Finding struct {
	Severity Severity `json:"severity"`
	Group    string   `json:"group"`
	// Subject is the variable or key that it is about.
	Subject string `json:"subject"`
	// Place is file:line, "environment", or "".
	Place string `json:"place,omitempty"`
	// Effect says what is so, and what follows from it.
	Effect string `json:"effect"`
	// Remedy says what to do; "" when there is nothing to do.
	Remedy string `json:"remedy,omitempty"`
}

// Diagnosis is everything that was found.
type Diagnosis struct {
	Findings []Finding `json:"findings"`
	// Models are what Live found, one row a model.
	Models []ModelResult `json:"models,omitempty"`
	// Skipped says which models Live did not ask, and why; "" for none.
	Skipped string `json:"skipped,omitempty"`

	envPath    string
	configPath string
	gateway    address
	listener   Listener
	client     map[string]value
}

// Options say what to look at. The zero value of every function means the real thing.
type Options struct {
	// EnvPath is the client's .env; "" means ENV_FILE, else .env in the working directory
	// if there is one.
	EnvPath string
	// Env looks up the process environment.
	Env func(name string) (string, bool)
	// ReadFile reads a file whole.
	ReadFile func(path string) ([]byte, error)
	// Now is the clock.
	Now func() time.Time
	// Config and Report are what config.Load returned; Config may be nil.
	Config *config.Config
	Report *config.Report
	// Gateway is where the gateway listens or will listen, host:port.
	Gateway string
	// System answers what the machine knows.
	System System
}

func (o Options) withDefaults() Options {
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Report == nil {
		o.Report = &config.Report{}
	}
	o.System = o.System.withDefaults(o.ReadFile)
	return o
}

// examination is one run of Examine.
type examination struct {
	Options
	*Diagnosis
	ctx context.Context
}

// Examine looks at everything that can be seen without asking a model.
func Examine(ctx context.Context, o Options) *Diagnosis {
	x := &examination{Options: o.withDefaults(), Diagnosis: &Diagnosis{}, ctx: ctx}
	x.Diagnosis.gateway = parseAddress(x.Options.Gateway)
	if x.Config != nil {
		x.configPath = x.Config.Path
	}
	x.listener = x.System.Listening(ctx, x.gateway().String())
	x.examineClient()
	x.examineConfig()
	x.examineNetwork()
	return x.Diagnosis
}

// gateway is where the gateway listens or will listen.
func (x *examination) gateway() address { return x.Diagnosis.gateway }

// ownBase is the base URL of the gateway; http unless what listens there speaks
// HTTPS.
func (d *Diagnosis) ownBase() string { return d.listener.base(d.gateway) }

// Secure reports whether a gateway listens at its address and speaks HTTPS.
func (d *Diagnosis) Secure() bool { return d.listener.TLS }

// add appends a finding.
func (d *Diagnosis) add(f Finding) { d.Findings = append(d.Findings, f) }

// Count returns how many findings have the severity.
func (d *Diagnosis) Count(s Severity) int {
	n := 0
	for i := range d.Findings {
		if d.Findings[i].Severity == s {
			n++
		}
	}
	return n
}
