package openaichat

import (
	"bytes"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// rules say what must not stand in messages to this provider. One walk finds the
// messages that break one; only those are written anew, all others are copied.
type rules struct {
	e *encoding
	// reasoning is what happens to reasoning_content in history.
	reasoning reasoningRule
	// breaks are the features of a message that break a rule of this provider.
	breaks feature
	// stripCache removes cache_control.
	stripCache bool
	// textContent and noMedia change content lists.
	textContent, noMedia, vision bool
	toolIDs                      string
	// noNames removes name from all but tool messages (Mistral).
	noNames bool
	// recalled counts the bytes of reasoning that the gateway remembered.
	recalled int
	// at is the index of the message that is read, for what is reported.
	at int
}

type reasoningRule uint8

const (
	// stripReasoning removes it: the provider does not know it, or refuses it.
	stripReasoning reasoningRule = iota
	// keepReasoning sends what the client sends.
	keepReasoning
	// fillReasoning also fills it in on messages with tool calls.
	fillReasoning
	// fillAll fills it in on every assistant message, after a refusal.
	fillAll
)

func (e *encoding) messageRules() rules {
	vision, _ := e.t.Info.Flag("supports_vision")
	r := rules{
		e: e, reasoning: e.reasoningRule(), stripCache: !e.q.KeepCacheControl && (!e.q.OpenAI || e.req.From != Name),
		textContent: e.q.TextContent, noMedia: e.q.NoMedia, vision: vision,
		toolIDs: e.q.ToolIDs, noNames: e.t.Provider == "mistral",
	}
	if e.q.OpenAI && r.toolIDs == "" {
		r.toolIDs = "openai40"
	}
	r.breaks = r.broken()
	return r
}

// broken collects the features that this provider cannot take.
func (r *rules) broken() feature {
	f := carriers | thinkingPart | imageText | markedID | otherArguments | escapedKey
	for _, rule := range []struct {
		on   bool
		what feature
	}{
		{r.stripCache, cacheControl},
		{r.textContent, contentList},
		{r.noMedia, media},
		{r.noNames, named},
		{r.toolIDs == "openai40", longID},
		{r.toolIDs == "mistral9", otherID},
		{r.reasoning == stripReasoning || r.e.q.ReasoningField != "", reasoned},
	} {
		if rule.on {
			f |= rule.what
		}
	}
	return f
}

// mustRewrite reports whether a message with these features must be written anew.
func (r *rules) mustRewrite(f feature) bool {
	if f&r.breaks != 0 {
		return true
	}
	if f&assistant == 0 {
		return f&reasoned != 0
	}
	switch r.reasoning {
	case fillReasoning:
		return f&(toolCalls|reasoned) == toolCalls
	case fillAll:
		return f&reasoned == 0
	}
	return false
}

func (e *encoding) reasoningRule() reasoningRule {
	if e.t.Repair == wire.RepairReasoning {
		return fillAll
	}
	switch e.q.Reasoning {
	case "deepseek":
		if strings.Contains(strings.ToLower(e.t.Model), "r1") || !e.mayThink() {
			return stripReasoning
		}
		return fillReasoning
	case "fill":
		if p := e.plan("thinking"); p != nil && p.value.Get("type").Is("disabled") {
			return keepReasoning
		}
		return fillReasoning
	case "echo":
		return keepReasoning
	}
	return stripReasoning
}

// mayTouch reports whether messages with these features in all may have to be
// written anew, or joined by others.
func (r *rules) mayTouch(all feature) bool {
	if all&r.breaks != 0 || r.e.schema.Present() || r.e.hint != "" || all&reasoned != 0 {
		return true
	}
	return r.reasoning == fillReasoning && all&toolCalls != 0 || r.reasoning == fillAll && all&assistant != 0
}

// messages copies the list at the cursor, writing anew what breaks a rule.
func (r *rules) messages(dst []byte, c *rawjson.Cursor) []byte {
	if c.Peek() != '[' {
		return append(dst, c.Skip()...)
	}
	copied, opened := c.I, len(dst)
	r.at = 0
	for ok := c.Open('['); ok; ok = c.Next() {
		start := c.I
		if r.mustRewrite(scanMessage(c)) {
			dst = append(dst, c.B[copied:start]...)
			dst = r.rewrite(dst, c.B[start:c.I])
			copied = c.I
		}
		r.at++
	}
	dst = append(dst, c.B[copied:c.I]...)
	return r.prompts(dst, opened)
}

// prompts adds the sentences that stand in for what the provider cannot do: the
// schema before the conversation, the tool hint after it.
func (r *rules) prompts(dst []byte, opened int) []byte {
	if s := r.e.schema; s.Present() {
		rest := append([]byte(nil), dst[opened+1:]...)
		dst = append(dst[:opened+1], `{"role":"system","content":`...)
		dst = append(rawjson.AppendString(dst, schemaPrompt+string(s)), '}')
		if bytes.IndexByte(rest, '{') >= 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, rest...)
	}
	if r.e.hint != "" && len(dst) > 0 && dst[len(dst)-1] == ']' {
		dst = rawjson.AppendComma(dst[:len(dst)-1])
		dst = append(dst, `{"role":"user","content":`...)
		dst = append(rawjson.AppendString(dst, r.e.hint), "}]"...)
	}
	return dst
}

const schemaPrompt = "Answer with one JSON object and nothing else. It must follow this JSON schema:\n"
