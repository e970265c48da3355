package testkit

import "net/http"

// deepSeekMessages is DeepSeek's Messages API beside its chat completions (§4). It
// speaks Anthropic's format and has DeepSeek's models; nothing is documented of
// signatures, so that only the reasoning itself is wanted back.
type deepSeekMessages struct{ anthropic }

func (deepSeekMessages) name() string { return "deepseek messages" }

func (deepSeekMessages) route(in *incoming) operation {
	if in.Method != http.MethodPost || in.URL.Path != "/anthropic/v1/messages" {
		return opUnknown
	}
	if in.fake.chatOnly {
		return opAbsent
	}
	in.family = deepSeekMessages{}
	return opAnswer
}

func (deepSeekMessages) inspect(c *inspector, in *incoming) *Turn {
	doc := in.doc
	model := str(doc["model"])
	if !deepSeekModels[model] && !in.fake.knows(model) {
		c.refuse(denied("Model Not Exist"))
	}
	anthropicLimit(c, in)
	t := &Turn{Model: model, Stream: yes(doc["stream"]), Choices: 1, Thinking: deepSeekThinks(model, doc)}
	anthropicTools(c, t, doc)
	anthropicSystem(c, t, doc["system"])
	deepSeekBlocks(c, t, list(doc["messages"]))
	return t
}

// deepSeekBlocks applies Anthropic's rules of order and pairing, and DeepSeek's that
// the reasoning of a tool loop comes back.
func deepSeekBlocks(c *inspector, t *Turn, raw []any) {
	if len(raw) == 0 {
		c.refuse(denied("messages: at least one message is required"))
		return
	}
	// Signatures are not looked at: the blocks are read by an inspector of their own.
	lenient := &inspector{seal: c.seal}
	messages := make([]said, len(raw))
	for i, v := range raw {
		m := obj(v)
		messages[i] = anthropicMessage(lenient, t, i, i == len(raw)-1, m)
		thoughts := 0
		for _, b := range messages[i].blocks {
			if str(b["type"]) == "thinking" && str(b["thinking"]) != "" {
				thoughts++
			}
		}
		c.state.Thinking += thoughts
		if t.Thinking && len(messages[i].calls) > 0 && thoughts == 0 {
			c.refuse(denied("The `content[].thinking` in the thinking mode must be passed back to the API."))
		}
	}
	anthropicOrder(c, t.Model, messages)
	for i := range messages {
		anthropicPairs(c, t, messages, i)
	}
	anthropicTurn(t, messages)
}
