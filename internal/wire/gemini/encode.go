package gemini

import (
	"fmt"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// encoder writes one request.
type encoder struct {
	req   *llm.Request
	t     *wire.Target
	model model
	drops []llm.Drop
	names toolNames
	tools toolSet
	set   settings
	// parsed counts the bytes that the schemas of the request cost beyond their size.
	parsed int
	// resolution is the image resolution of the whole request, for models that
	// know none per part.
	resolution string
}

// maxDrops bounds what one request reports.
const maxDrops = 32

// drop notes that something was left out or changed, once.
func (e *encoder) drop(what, why string) {
	if len(e.drops) >= maxDrops {
		return
	}
	for i := range e.drops {
		if e.drops[i].What == what {
			return
		}
	}
	e.drops = append(e.drops, llm.Drop{What: what, Why: why})
}

// body writes the whole GenerateContentRequest.
func (e *encoder) body() ([]byte, error) {
	if err := e.settings(); err != nil {
		return nil, err
	}
	e.names.learn(e.req.Tools)
	if err := e.collectTools(); err != nil {
		return nil, err
	}
	if err := e.format(); err != nil {
		return nil, err
	}
	system, rest := e.splitSystem()
	turns := e.turns(rest, max(len(e.req.Messages)-len(rest), 0))
	dst := append(make([]byte, 0, sizeHint(e.req)), '{')
	dst = e.appendContents(dst, turns)
	dst = e.appendSystem(dst, system)
	dst = e.appendTools(dst)
	dst = e.appendGenerationConfig(dst)
	dst = e.appendTop(dst)
	dst = append(dst, '}')
	return e.mergeExtra(dst)
}

// sizeHint avoids growing the body: the translated form is about as long as the
// client's.
func sizeHint(req *llm.Request) int { return len(req.Body) + len(req.Body)/4 + 512 }

// splitSystem cuts the leading run of system messages off. Only it becomes the
// system instruction: a later one stays in its place as user text, so that the
// provider's prefix cache survives (§2.3). A model that takes no instruction
// reads it as the user's text.
func (e *encoder) splitSystem() (system, rest []llm.Message) {
	if able, known := e.t.Info.Flag("supports_system_messages"); known && !able {
		rest = e.req.Messages
		if e.set.hint != "" {
			rest = append([]llm.Message{{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartText, Text: e.set.hint}}}}, rest...)
			e.set.hint = ""
		}
		return nil, rest
	}
	n := 0
	for n < len(e.req.Messages) && isSystem(e.req.Messages[n].Role) {
		n++
	}
	return e.req.Messages[:n], e.req.Messages[n:]
}

func isSystem(r llm.Role) bool { return r == llm.System || r == llm.Developer }

func (e *encoder) appendSystem(dst []byte, system []llm.Message) []byte {
	mark := len(dst)
	dst = append(rawjson.AppendKey(dst, "systemInstruction"), `{"parts":[`...)
	start := len(dst)
	for i := range system {
		for j := range system[i].Parts {
			p := &system[i].Parts[j]
			e.noteMarker(p.CacheControl)
			switch {
			case p.Kind != llm.PartText:
				e.drop(fmt.Sprintf("messages[%d].content[%d]", i, j), "a system instruction holds text only")
			case p.Text != "":
				dst = appendTextPart(dst, p.Text)
			}
		}
	}
	if e.set.hint != "" {
		dst = appendTextPart(dst, e.set.hint)
	}
	if len(dst) == start {
		return dst[:mark]
	}
	return append(dst, "]}"...)
}

// noteMarker reports a cache marker: Gemini caches prefixes on its own.
func (e *encoder) noteMarker(marker rawjson.Value) {
	if marker.Present() {
		e.drop("cache_control", "Gemini caches prefixes by itself")
	}
}

func appendTextPart(dst []byte, text string) []byte {
	dst = append(rawjson.AppendComma(dst), `{"text":`...)
	return append(rawjson.AppendString(dst, text), '}')
}

// appendTop writes the members besides contents, tools and generationConfig.
func (e *encoder) appendTop(dst []byte) []byte {
	for _, m := range e.set.top {
		dst = rawjson.AppendMember(dst, m.Key, m.Value)
	}
	return dst
}
