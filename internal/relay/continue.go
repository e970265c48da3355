package relay

import (
	"slices"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/provider"
	"github.com/fairlead-gateway/fairlead/internal/tokens"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaitext"
)

// continuation is what another deployment needs to go on with a stream that breaks off
// after its answer has begun (continue_mid_stream): what the client has been sent, and
// the encoder that has sent it.
type continuation struct {
	enc  wire.StreamEncoder
	text strings.Builder
	// closed says that the answer holds more than text, or has ended: nobody can go on
	// from there.
	closed bool
	// pending says that the stream is broken and somebody is asked to go on.
	pending bool
	// cut is white space at the end of text that was not sent upstream, and may come again.
	cut string
	// What the calls that broke off used and cost, and when the client got its first token.
	usage llm.Usage
	cost  catalog.Cost
	first time.Time
	// times counts how often somebody went on; mark is how long text was when the
	// current call began.
	times, mark int
}

// maxContinued bounds the text that is kept for somebody to go on from.
const maxContinued = 1 << 20

// continues reports whether a stream that breaks off may be continued. Its events are
// then read and written anew, also where client and vendor speak the same format.
func (x *exchange) continues() bool {
	return x.rq.LLM.Stream && x.rq.Models.Config.Fairlead.ContinueMidStream && x.rq.Dialect.Name() != openaitext.Name
}

// pending reports whether the current call goes on with a stream that broke off.
func (x *exchange) pending() bool { return x.cont != nil && x.cont.pending }

// encoder returns the encoder of the client's stream: of one that goes on, the same.
func (x *exchange) encoder() wire.StreamEncoder {
	if x.pending() {
		return x.cont.enc
	}
	enc := x.rq.Dialect.Stream(x.rq.LLM, x.answer())
	if x.continues() {
		x.cont = &continuation{enc: enc}
	}
	return enc
}

// follow takes note of an event. It is false for one that the client must not see: the
// start, and what precedes the text, of a stream that goes on.
func (c *continuation) follow(ev *llm.Event) bool {
	if ev.Choice != 0 {
		c.closed = true
		return true
	}
	switch ev.Kind {
	case llm.EventStart, llm.EventState, llm.EventFields:
		return !c.pending
	case llm.EventThinking:
		return !c.pending
	case llm.EventText:
		c.rest(ev)
		if c.text.Len()+len(ev.Delta) > maxContinued {
			c.closed = true
			return true
		}
		c.text.WriteString(ev.Delta)
		return ev.Delta != "" || !c.pending
	case llm.EventUsage:
		if c.times > 0 && ev.Usage != nil {
			sum := c.usage
			addUsage(&sum, ev.Usage)
			ev.Usage, ev.Raw = &sum, nil
		}
		return true
	}
	c.closed = true
	return true
}

// rest leaves out white space that the client has already.
func (c *continuation) rest(ev *llm.Event) {
	for c.cut != "" && ev.Delta != "" {
		if ev.Delta[0] != c.cut[0] {
			c.cut = ""
			return
		}
		c.cut, ev.Delta = c.cut[1:], ev.Delta[1:]
	}
}

// sound reports whether somebody may go on with a stream that has broken off. An answer
// in a fixed format is left alone, since a model that is asked in words might begin it
// anew, and so are several answers.
func (x *exchange) sound() bool {
	c, n := x.cont, x.rq.LLM.Param("n")
	return c != nil && !x.rq.LLM.Param("response_format").Present() && (!n.Present() || string(n) == "1") && !c.closed && strings.TrimSpace(c.text.String()) != "" && x.expand() == nil
}

// reckon fills in what a call used that broke off before its vendor said so.
func (x *exchange) reckon() {
	if said := x.cont.text.Len() - x.cont.mark; x.usage == nil && said > 0 {
		in, out := tokens.Request(x.rq.LLM), tokens.Text(x.cont.text.String()[x.cont.mark:])
		x.usage = &llm.Usage{Input: in, Output: out, Total: in + out}
	}
}

// resumes prepares for another deployment to go on, and says so in the log and, as a
// comment, to the client. It is false when nobody can.
func (x *exchange) resumes() bool {
	if !x.sound() {
		return false
	}
	c := x.cont
	if c.times == 0 {
		c.first = x.firstToken
	}
	if x.usage != nil {
		addUsage(&c.usage, x.usage)
		addCost(&c.cost, x.cost)
		x.usage, x.cost, x.priced = nil, catalog.Cost{}, false
	}
	announced := c.pending && c.mark == c.text.Len()
	c.pending, c.mark = true, c.text.Len()
	if announced {
		return true // that one said nothing
	}
	c.times++
	return x.announce() == nil
}

// announce says in the log and to the client, as a comment, that another deployment goes
// on.
func (x *exchange) announce() error {
	x.relay.Log.Warn("a stream broke off after its answer had begun; another deployment goes on from there", "id", x.rq.ID,
		"deployment", x.step.Deployment.ID, "sent", x.cont.text.Len())
	if x.rq.JSONArray {
		return nil // an array has no place for comments
	}
	return x.write([]byte(": fairlead: the stream broke off, another deployment goes on from here\n\n"))
}

// giveUp ends a stream that nobody goes on with: with the dialect's own error.
func (x *exchange) giveUp(e *llm.Error) error {
	shown := *e
	shown.Message = x.relay.Redact(e.Message)
	if err := x.write(x.cont.enc.Error(nil, &shown)); err != nil {
		return err
	}
	return &BegunError{Err: &shown, Told: true}
}

// leftAlone is the error of a client that left while somebody was to go on.
func (x *exchange) leftAlone(e *llm.Error) error {
	if x.begun {
		return &BegunError{Err: e}
	}
	return e
}

// takeUp makes a request one to go on: the conversation with what was said so far, which
// the model is made to continue where it can be, and else asked to.
func (x *exchange) takeUp(req *llm.Request) {
	req.From, req.Envelope = "", nil
	text, prefill := x.cont.text.String(), x.prefills()
	x.cont.cut = ""
	if prefill {
		trimmed := strings.TrimRight(text, " \t\r\n") // Claude refuses white space at its end
		text, x.cont.cut = trimmed, text[len(trimmed):]
	}
	said := []llm.Part{{Kind: llm.PartText, Text: text}}
	req.Messages = append(slices.Clip(req.Messages), llm.Message{Role: llm.Assistant, Parts: said})
	if !prefill {
		req.Messages = append(req.Messages, llm.Message{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartText, Text: goOn}}})
	}
}

// goOn asks a model to go on where it cannot be made to.
const goOn = "Your last message was cut off by a technical fault. Go on with it exactly where it ends, even in the middle of a word. " +
	"Write nothing that stands there already, and no remark about the interruption."

// prefills reports whether the target goes on from a last message of the model's own.
// While it thinks, Claude does not.
func (x *exchange) prefills() bool {
	if x.wire.Name() != provider.WireAnthropic {
		return false
	}
	able, _ := x.target.Info.Flag("supports_assistant_prefill")
	return able && !x.rq.LLM.Param("thinking").Present() && !x.rq.LLM.Param("reasoning_effort").Present()
}

// together adds what the calls that broke off used to what the last one did.
func (x *exchange) together() {
	if !x.pending() {
		return
	}
	if x.usage != nil {
		addUsage(&x.cont.usage, x.usage)
	}
	addCost(&x.cost, x.cont.cost)
	x.priced = x.priced || x.cont.cost.Total > 0
	x.usage, x.firstToken = &x.cont.usage, x.cont.first
}

func addCost(to *catalog.Cost, c catalog.Cost) {
	to.Total += c.Total
	to.Input += c.Input
	to.Output += c.Output
	to.CacheRead += c.CacheRead
	to.CacheWrite += c.CacheWrite
}

// addUsage adds up what two calls used; the vendor's own form of it no longer holds.
func addUsage(to *llm.Usage, u *llm.Usage) {
	to.Input += u.Input
	to.Output += u.Output
	to.Total += u.Total
	to.CacheRead += u.CacheRead
	to.CacheWrite5m += u.CacheWrite5m
	to.CacheWrite1h += u.CacheWrite1h
	to.Reasoning += u.Reasoning
	to.AudioIn += u.AudioIn
	to.AudioOut += u.AudioOut
	to.ImageIn += u.ImageIn
	to.ImageOut += u.ImageOut
	to.TextIn += u.TextIn
	to.TextOut += u.TextOut
	to.WebSearches += u.WebSearches
	to.ServiceTier = u.ServiceTier
	to.Raw = nil
}
