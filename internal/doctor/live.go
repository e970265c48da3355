package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/client"
	"github.com/fairlead-gateway/fairlead/internal/config"
)

// Limits of a live examination.
const (
	// liveTimeout bounds all that one model is asked.
	liveTimeout = 90 * time.Second
	// listTimeout bounds the questions to the gateway itself.
	listTimeout = 10 * time.Second
	// liveConcurrency is how many models are asked at once.
	liveConcurrency = 4
	// maxLive is how many models are asked at most; every one costs money.
	maxLive = 24
)

// LiveOptions say how to reach the gateway.
type LiveOptions struct {
	// BaseURL and Key are for all requests.
	BaseURL string
	Key     string
	// Models are the only ones to ask; none means all that are served by name.
	Models []string
	// Config tells which of the listed models stand for themselves; may be nil.
	Config *config.Config
	// Preferred is asked first: the client's own model; may be "".
	Preferred string
	// HTTP sends the requests; nil means the default.
	HTTP *http.Client
	// Now is the clock.
	Now func() time.Time
	// Progress is called, one call at a time, when a model has been asked; may be nil.
	Progress func(done, all int, r ModelResult)
}

// ModelResult is what one model did.
type ModelResult struct {
	Model string `json:"model"`
	// Chat and Tools say how the two questions went: "ok", "no call", "failed", or ""
	// when it was not asked.
	Chat  string `json:"chat"`
	Tools string `json:"tools,omitempty"`
	// Reasoning lists what came back with the tool call: names of signature fields,
	// "text" for readable reasoning; empty when nothing did.
	Reasoning []string `json:"reasoning,omitempty"`
	// Milliseconds is the time for all.
	Milliseconds int64 `json:"ms"`
	// Problem is the error, "" when there is none.
	Problem string `json:"problem,omitempty"`
}

// The outcomes of a question.
const (
	outcomeOK     = "ok"
	outcomeNoCall = "no call"
	outcomeFailed = "failed"
)

// Live asks the running gateway: whether it is alive, what it serves, and of every
// model one answer and one tool loop of two turns.
func (d *Diagnosis) Live(ctx context.Context, o LiveOptions) {
	if o.Now == nil {
		o.Now = time.Now
	}
	c := client.New(o.BaseURL, o.Key)
	c.HTTP = o.HTTP
	listed, ok := d.liveList(ctx, c)
	if !ok {
		return
	}
	models, skipped := o.choose(listed)
	d.Skipped = skipped
	if len(models) == 0 {
		d.live(Warning, "models", "There is no model to ask: only wildcards are served.", "Name some: fairlead doctor --live --model gemini/gemini-3.1-pro-preview")
		return
	}
	d.Models = askAll(ctx, c, o, models)
	for i := range d.Models {
		d.tellModel(&d.Models[i])
	}
}

func (d *Diagnosis) live(s Severity, subject, effect, remedy string) {
	d.add(Finding{Severity: s, Group: GroupLive, Subject: subject, Effect: effect, Remedy: remedy})
}

// liveList asks for life and for the models.
func (d *Diagnosis) liveList(ctx context.Context, c *client.Client) ([]client.Model, bool) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	if err := alive(ctx, c); err != nil {
		d.live(Error, "gateway", sentence(err.Error()), "Start the gateway, or give its address: fairlead doctor --live --url http://host:port/v1")
		return nil, false
	}
	d.live(Good, "gateway", "It is alive at "+c.BaseURL+".", "")
	listed, err := c.Models(ctx)
	var refused *client.Error
	switch {
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		d.live(Error, "key", "The gateway does not accept the key: "+sentence(refused.Message), "Set OPENAI_API_KEY to the gateway's master key, or give --key.")
	case err != nil:
		d.live(Error, "models", sentence(err.Error()), "")
	default:
		d.live(Good, "models", fmt.Sprintf("%d are listed, and the key is accepted.", len(listed)), "")
	}
	return listed, err == nil
}

// alive asks /health/liveliness, which stands beside /v1.
func alive(ctx context.Context, c *client.Client) error {
	url := strings.TrimSuffix(c.BaseURL, "/v1") + "/health/liveliness"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("the address %s cannot be used", c.BaseURL)
	}
	hc := c.HTTP
	if hc == nil {
		hc = http.DefaultClient
	}
	resp, err := hc.Do(req)
	if err != nil {
		return fmt.Errorf("no gateway answers at %s", c.BaseURL)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s to /health/liveliness, so it is no gateway", c.BaseURL, resp.Status)
	}
	return nil
}

// choose picks the models to ask: what was named, or what is served under its own
// name. What a wildcard lists is not asked: it may be hundreds.
func (o LiveOptions) choose(listed []client.Model) (models []string, skipped string) {
	if len(o.Models) > 0 {
		return o.Models, ""
	}
	var own map[string]bool
	if o.Config != nil {
		own = map[string]bool{}
		for _, name := range offered(o.Config) {
			own[name] = true
		}
	}
	wild, other := 0, 0
	for _, m := range listed {
		switch {
		case m.ID == o.Preferred:
		case strings.Contains(m.ID, "*") || own != nil && !own[m.ID]:
			wild++
		case m.Mode != "" && m.Mode != "chat" && m.Mode != "responses":
			other++
		default:
			models = append(models, m.ID)
		}
	}
	if o.Preferred != "" {
		models = slices.Insert(models, 0, o.Preferred)
	}
	return limited(models, wild, other)
}

// limited cuts the list to maxLive and says what is left out.
func limited(models []string, wild, other int) ([]string, string) {
	var left []string
	if n := len(models) - maxLive; n > 0 {
		models = models[:maxLive]
		left = append(left, fmt.Sprintf("%d beyond the first %d", n, maxLive))
	}
	if wild > 0 {
		left = append(left, fmt.Sprintf("%d of wildcards", wild))
	}
	if other > 0 {
		left = append(left, fmt.Sprintf("%d that do not chat", other))
	}
	if len(left) == 0 {
		return models, ""
	}
	return models, "Not asked: " + strings.Join(left, ", ") + ". Name models with --model to ask them."
}

// askAll asks several models at once and returns the results in order.
func askAll(ctx context.Context, c *client.Client, o LiveOptions, models []string) []ModelResult {
	results := make([]ModelResult, len(models))
	turns := make(chan struct{}, liveConcurrency)
	var wait sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for i, model := range models {
		wait.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			results[i] = ask(ctx, c, model, o.Now)
			mu.Lock()
			defer mu.Unlock()
			done++
			if o.Progress != nil {
				o.Progress(done, len(models), results[i])
			}
		})
	}
	wait.Wait()
	return results
}

// ask asks one model for an answer and for a tool loop.
func ask(ctx context.Context, c *client.Client, model string, now func() time.Time) ModelResult {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	start := now()
	r := ModelResult{Model: model, Chat: outcomeFailed}
	_, err := c.Chat(ctx, client.Request{Model: model, Messages: []client.Message{client.User("Answer with the word: ready")}})
	if err == nil {
		r.Chat = outcomeOK
		err = r.askTools(ctx, c)
	}
	if err != nil {
		r.Problem = problem(err)
	}
	r.Milliseconds = now().Sub(start).Milliseconds()
	return r
}

// problem is an error for one line of a table.
func problem(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %s", liveTimeout)
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// probeTool is what the models are asked to call.
var probeTool = client.Tool{
	Name:        "get_harbour_depth",
	Description: "Returns the depth of a harbour in metres. Always call it when a depth is asked for.",
	Parameters:  json.RawMessage(`{"type":"object","properties":{"harbour":{"type":"string","description":"name of the harbour"}},"required":["harbour"]}`),
	Run:         func(context.Context, json.RawMessage) (string, error) { return `{"depth_in_metres":17}`, nil },
}

// askTools runs the loop and notes what reasoning state came with the call.
func (r *ModelResult) askTools(ctx context.Context, c *client.Client) error {
	conversation, err := c.ToolLoop(ctx, client.Request{
		Model: r.Model, Tools: []client.Tool{probeTool},
		Messages: []client.Message{client.User("How deep is the harbour of Rotterdam? Call get_harbour_depth, then answer in one short sentence.")},
	}, client.Loop{Turns: 4})
	if len(conversation.Answers) > 0 {
		r.Reasoning = reasoningOf(conversation.Answers[0].Message)
	}
	switch {
	case err != nil:
		r.Tools = outcomeFailed
	case len(conversation.Answers) == 1:
		r.Tools = outcomeNoCall
	default:
		r.Tools = outcomeOK
	}
	return err
}

// reasoningOf names the reasoning state of a message.
func reasoningOf(m client.Message) []string {
	var names []string
	if m.Reasoning != "" {
		names = append(names, "text")
	}
	for _, s := range m.State() {
		if !slices.Contains(names, s.Field) {
			names = append(names, s.Field)
		}
	}
	slices.Sort(names)
	return names
}

// tellModel makes a failed model a finding; the table shows the others, and those
// that answered without calling the tool.
func (d *Diagnosis) tellModel(r *ModelResult) {
	switch {
	case r.Chat == outcomeFailed:
		d.live(Error, r.Model, "It does not answer: "+sentence(r.Problem), "")
	case r.Tools == outcomeFailed:
		d.live(Error, r.Model, "The tool loop fails: "+sentence(r.Problem), "")
	}
}

// Client returns what the client sends its requests to, with which key and for
// which model, each "" when it was not told. The key is a secret.
func (d *Diagnosis) Client() (base, key, model string) {
	return d.client[varBase].text, cmp.Or(d.client[varAIHubMix].text, d.client[varKey].text), d.client[varModel].text
}
