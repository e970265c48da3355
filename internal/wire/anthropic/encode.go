package anthropic

import (
	"fmt"
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// encoder holds what one request's encoding decides before it writes.
type encoder struct {
	req   *llm.Request
	t     *wire.Target
	model ability
	names nameMap
	opts  options
	conv  builder
	// system are the blocks of the leading run of system messages.
	system []block
	tools  []tool
	// searches says that a web search is among the tools.
	searches bool
	// choice is the tool_choice object, nil to send none.
	choice rawjson.Value
	think  thinking
	format format
	betas  []string
	drops  []llm.Drop
}

// Encode implements [wire.Wire].
func (Wire) Encode(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	if req.From == Name {
		n := nativeEncoder{req: req, t: t, betas: slices.Clone(t.Betas)}
		return n.encode(), nil
	}
	e := &encoder{req: req, t: t, model: abilityOf(t), betas: slices.Clone(t.Betas)}
	if err := e.decide(); err != nil {
		return nil, err
	}
	call := &wire.Call{
		Path: path(t.Base), Body: e.body(), Request: req, Target: t, JSONTool: e.format.tool,
	}
	call.Header = headers(e.betas)
	call.Names = e.names.changed()
	call.Dropped = e.drops
	return call, nil
}

// decide works out everything that the body says, in the order in which one
// decision needs the other.
func (e *encoder) decide() error {
	if err := e.readParams(); err != nil {
		return err
	}
	if err := e.readFormat(); err != nil {
		return err
	}
	e.conversation()
	if err := e.readThinking(); err != nil {
		return err
	}
	e.settleThinking()
	if err := e.readTools(); err != nil {
		return err
	}
	if err := e.sampling(); err != nil {
		return err
	}
	e.ending()
	e.capMarkers()
	return nil
}

// conversation takes the leading run of system messages off and arranges the rest.
func (e *encoder) conversation() {
	e.conv.e = e
	for i := range e.req.Tools {
		if t := &e.req.Tools[i]; !legalName(t.Name) && t.Name != "" {
			e.names.upstream(t.Name)
		}
	}
	for i := range e.req.Tools {
		e.names.reserve(e.req.Tools[i].Name)
	}
	msgs := e.req.Messages
	n := 0
	for n < len(msgs) && (msgs[n].Role == llm.System || msgs[n].Role == llm.Developer) {
		e.systemBlocks(&msgs[n])
		n++
	}
	if e.format.hint {
		e.system = append(e.system, block{kind: blockText, text: jsonHint})
	}
	e.conv.conversation(msgs[n:])
}

func (e *encoder) systemBlocks(m *llm.Message) {
	n := len(e.system)
	for i := range m.Parts {
		switch p := &m.Parts[i]; {
		case p.Kind != llm.PartText:
			e.drop(partName(p)+" of the system message", "Anthropic takes only text there")
		case !blank(p.Text):
			e.system = append(e.system, block{kind: blockText, text: p.Text, cache: cacheControl(p.CacheControl)})
		}
	}
	if c := cacheControl(m.CacheControl); c != nil && len(e.system) > n && e.system[len(e.system)-1].cache == nil {
		e.system[len(e.system)-1].cache = c
	}
}

// ending makes the last message one that the model may answer: a message of the
// assistant is continued only where the model and the other settings allow it.
func (e *encoder) ending() {
	last := len(e.conv.turns) - 1
	if e.conv.turns[last].role != llm.Assistant {
		return
	}
	blocks := e.conv.of(last)
	end := &blocks[len(blocks)-1]
	if !e.model.prefill() || e.think.on() || e.format.on() || end.kind != blockText {
		e.drop("last message", "this model does not continue a message of the assistant; a user message asks it to")
		e.conv.begin(llm.User)
		e.conv.push(block{kind: blockText, text: continueText})
		return
	}
	end.text = trimRight(end.text)
	for i := range blocks {
		if blocks[i].thinks() {
			e.drop("thinking_blocks", "a message that is continued cannot hold them")
			blocks[i].kind = blockSkip
		}
	}
}

// body writes the whole request.
func (e *encoder) body() []byte {
	dst := make([]byte, 0, len(e.req.Body)+len(e.req.Body)/4+512)
	dst = rawjson.AppendString(append(dst, `{"model":`...), e.t.Model)
	dst = rawjson.AppendIntMember(dst, "max_tokens", e.opts.maxTokens)
	if len(e.system) > 0 {
		dst = append(dst, `,"system":[`...)
		for i := range e.system {
			dst = e.block(dst, &e.system[i])
		}
		dst = append(dst, ']')
	}
	dst = e.messages(dst)
	dst = e.appendTools(dst)
	dst = e.think.append(dst)
	dst = e.outputConfig(dst)
	for _, p := range e.opts.members {
		dst = rawjson.AppendMember(dst, p.Name, p.Value)
	}
	if e.req.Stream {
		dst = append(dst, `,"stream":true`...)
	}
	return mergeExtra(append(dst, '}'), e.t.ExtraBody)
}

func (e *encoder) messages(dst []byte) []byte {
	dst = append(dst, `,"messages":[`...)
	for i := range e.conv.turns {
		dst = append(rawjson.AppendComma(dst), `{"role":"`...)
		dst = append(append(dst, e.conv.turns[i].role...), `","content":[`...)
		blocks := e.conv.of(i)
		for j := range blocks {
			if blocks[j].kind != blockSkip {
				dst = e.block(dst, &blocks[j])
			}
		}
		dst = append(dst, "]}"...)
	}
	return append(dst, ']')
}

// mergeExtra puts the deployment's extra members over the body.
func mergeExtra(body []byte, extra []llm.Param) []byte {
	if len(extra) == 0 {
		return body
	}
	o := rawjson.ParseObject(body)
	for _, p := range extra {
		o.Set(p.Name, p.Value)
	}
	return o.Value()
}

// maxDrops bounds what one request reports.
const maxDrops = 32

// drop reports something that was left out or changed, once.
func (e *encoder) drop(what, why string) {
	if len(e.drops) < maxDrops && !slices.ContainsFunc(e.drops, func(d llm.Drop) bool { return d.What == what }) {
		e.drops = append(e.drops, llm.Drop{What: what, Why: why})
	}
}

// beta asks for a feature once.
func (e *encoder) beta(name string) {
	if !slices.Contains(e.betas, name) {
		e.betas = append(e.betas, name)
	}
}

// refuse drops an unsupported value under drop_params and is an error otherwise.
func (e *encoder) refuse(param, message string) error {
	if e.t.Policy.Drop {
		e.drop(param, message)
		return nil
	}
	err := llm.BadRequest(param, fmt.Sprintf("litellm.UnsupportedParamsError: %s Send \"drop_params\": true, or set "+
		"`litellm_settings: drop_params: true`, to leave it out.", message))
	err.Kind, err.Provider, err.Model = llm.KindUnsupportedParams, e.t.Provider, e.t.Model
	return err
}
