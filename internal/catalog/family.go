package catalog

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A family tells facts of models that the price map has not named yet, from the shape
// of their names. The rules are those of the map's own "fallback_generalizations"
// entry, rewritten for Go because they look ahead. They never tell a price.
type family struct {
	matches func(name string) bool
	// fills lists the owners (litellm_provider) whose mapped models take these facts
	// too, where their entry does not say. Without owners only unmapped models do.
	fills []string
	facts map[string]string
}

func families() []family {
	claude := []string{"anthropic", "azure_ai", "bedrock", "bedrock_converse", "vertex_ai-anthropic_models"}
	return []family{
		{isClaude, nil, claudeFacts()},
		{claudeFrom(4, 6), claude, map[string]string{"supports_adaptive_thinking": "true"}},
		{isClaude46, claude, map[string]string{"supports_legacy_thinking": "true"}},
		{alwaysThinks, nil, map[string]string{"thinking_always_on": "true"}},
		{claudeFrom(4, 8), claude, map[string]string{"supports_mid_conversation_system": "true"}},
		{claudeFrom(4, 5), claude, map[string]string{"supports_tool_search": "true"}},
		{isWandb, nil, map[string]string{"supports_reasoning": "true"}},
		{isOpenAIReasoning, []string{"azure", "azure_ai", "openai"}, map[string]string{"supports_reasoning": "true"}},
		{isGeminiChat, nil, geminiFacts()},
	}
}

func claudeFacts() map[string]string {
	facts := abilities("function_calling", "parallel_function_calling", "vision", "tool_choice",
		"assistant_prefill", "prompt_caching", "response_schema", "reasoning", "pdf_input", "system_messages")
	facts["max_input_tokens"], facts["max_output_tokens"] = "200000", "64000"
	return facts
}

func geminiFacts() map[string]string {
	return abilities("reasoning", "function_calling", "tool_choice", "system_messages", "vision",
		"response_schema", "pdf_input", "prompt_caching", "web_search")
}

func abilities(names ...string) map[string]string {
	facts := map[string]string{"mode": `"chat"`}
	for _, n := range names {
		facts["supports_"+n] = "true"
	}
	return facts
}

// missing returns what the families add to a mapped model.
func missing(owner, key string) map[string]string {
	return facts(key, func(f family) bool { return slices.Contains(f.fills, owner) })
}

// infer makes a model of an unmapped name, nil when no family knows it.
func infer(provider, name string) *Model {
	key := provider + "/" + name
	told := facts(key, func(family) bool { return true })
	if told == nil {
		return nil
	}
	told["litellm_provider"] = `"` + jsonSafe(provider) + `"`
	return &Model{key: key, row: noRow, inferred: told}
}

func facts(key string, applies func(family) bool) map[string]string {
	var told map[string]string
	key = strings.ToLower(key)
	for _, f := range families() {
		if !applies(f) || !f.matches(key) {
			continue
		}
		if told == nil {
			told = map[string]string{}
		}
		maps.Copy(told, f.facts)
	}
	return told
}

// jsonSafe keeps a provider name writable between quotes; names have no such bytes.
func jsonSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, s)
}

var claudeID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`claude-[a-z]+-([0-9]+)(?:[-._]([0-9]+))?`)
})

// claudeVersion reads the version out of claude-<family>-<major>[-minor]. A minor of
// more than two digits is a date. Majors of two digits are not versions ("opus-41" is 4.1).
func claudeVersion(name string) (major, minor int, ok bool) {
	m := claudeID().FindStringSubmatch(name)
	if m == nil || len(m[1]) != 1 {
		return 0, 0, false
	}
	if len(m[2]) <= 2 {
		for _, c := range m[2] {
			minor = minor*10 + int(c-'0')
		}
	}
	return int(m[1][0] - '0'), minor, true
}

func isClaude(name string) bool { return claudeID().MatchString(name) }

func claudeFrom(major, minor int) func(string) bool {
	return func(name string) bool {
		a, b, ok := claudeVersion(name)
		return ok && (a > major || a == major && b >= minor)
	}
}

func isClaude46(name string) bool {
	major, minor, ok := claudeVersion(name)
	return ok && major == 4 && minor == 6
}

func alwaysThinks(name string) bool {
	return strings.Contains(name, "claude-fable-") || strings.Contains(name, "claude-mythos-")
}

func isWandb(name string) bool { return strings.HasPrefix(name, "wandb/") }

var openAIReasoning = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:[a-z0-9_.-]+/)*(?:ft:)?(?:o[1-9][0-9]*(?:[^a-z0-9]|$)` +
		`|gpt-[5-9](?:\.[0-9]+)?(?:[^0-9.]|$)` +
		`|(?:gpt-[0-9]+(?:\.[0-9]+)?(?:-[a-z0-9]+)*-)?(?:codex|deep-research|chat-latest)(?:[^a-z0-9]|$))`)
})

func isOpenAIReasoning(name string) bool {
	return !strings.Contains(name, "search-api") && openAIReasoning().MatchString(name)
}

var geminiID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`gemini-(?:2[.-][5-9]|[3-9](?:[.-][0-9]{1,2})?)-(?:pro|flash)(?:-lite)?(?:[^a-z]|$)`)
})

// otherGemini names the lines of Gemini that do not chat in text.
var otherGemini = []string{
	"-tts", "-image", "-live", "-audio", "-embedding", "-computer-use", "-robotics", "-transcribe", "-translate",
}

func isGeminiChat(name string) bool {
	if !geminiID().MatchString(name) {
		return false
	}
	return !slices.ContainsFunc(otherGemini, func(line string) bool { return strings.Contains(name, line) })
}

// familyProvider guesses who serves a bare name that the map has never had or has
// dropped: configurations outlive the map.
func familyProvider(name string) (string, bool) {
	base := strings.TrimPrefix(name, "ft:")
	switch {
	case strings.Contains(name, "/"):
		return "", false
	case bedrockClaude().MatchString(name):
		return "bedrock", true
	case strings.HasPrefix(name, "claude-"):
		return "anthropic", true
	case strings.HasPrefix(base, "chatgpt-"), openAIName().MatchString(base):
		return "openai", true
	case strings.HasPrefix(name, "gemini-"):
		return "vertex_ai", true
	}
	return "", false
}

var bedrockClaude = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:[a-z-]+\.)?anthropic\.claude-`)
})

// openAIName is gpt-4…, o3…; not gpt-oss, gpt-j and other open models.
var openAIName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:gpt-[0-9]|gpt-(?:image|audio|realtime)|o[1-9](?:-|$)|text-embedding-(?:3|ada)|dall-e-|whisper-1$|tts-1|omni-moderation)`)
})
