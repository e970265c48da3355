package provider

import (
	"strings"
	"testing"
)

func TestResolveFollowsTheOrder(t *testing.T) {
	for _, c := range []struct{ model, custom, base, row, upstream string }{
		// custom_llm_provider first
		{"gpt-4o", "deepseek", "", "deepseek", "gpt-4o"},
		{"openai/gpt-4o", "openai", "", "openai", "gpt-4o"},
		{"anthropic/claude-sonnet-4-5", "openrouter", "", "openrouter", "anthropic/claude-sonnet-4-5"},
		// then the prefix
		{"openai/gpt-4o", "", "https://api.groq.com/openai/v1", "openai", "gpt-4o"},
		{"gemini/gemini-2.5-flash", "", "", "gemini", "gemini-2.5-flash"},
		{"gemini/models/gemini-2.5-flash", "", "", "gemini", "gemini-2.5-flash"},
		{"openai/responses/gpt-5.2", "", "", "openai", "gpt-5.2"},
		{"openai//model", "", "http://localhost:8001/v1", "openai", "/model"},
		{"openrouter/deepseek/deepseek-r1:free", "", "", "openrouter", "deepseek/deepseek-r1:free"},
		{"openai/deepseek/deepseek-chat", "", "https://openrouter.ai/api/v1", "openai", "deepseek/deepseek-chat"},
		{"ollama_chat/llama3.1:latest", "", "", "ollama", "llama3.1:latest"},
		{"vllm/Qwen/Qwen3-8B", "", "http://gpu:8000/v1", "hosted_vllm", "Qwen/Qwen3-8B"},
		{"azure/gpt-4o", "", "", "azure", "gpt-4o"},
		{"demo/echo", "", "", "demo", "echo"},
		// then the host
		{"Qwen/Qwen3-8B", "", "https://api.siliconflow.cn/v1", "siliconflow", "Qwen/Qwen3-8B"},
		{"gpt-4o", "", "https://api.groq.com/openai/v1", "groq", "gpt-4o"},
		{"llama3.1:latest", "", "http://localhost:11434", "ollama", "llama3.1:latest"},
		{"gemini-2.5-flash", "", "https://generativelanguage.googleapis.com/v1beta/openai/", "openai", "gemini-2.5-flash"},
		// then the price map
		{"gpt-4o", "", "", "openai", "gpt-4o"},
		{"gpt-4o", "", "https://my.gateway/v1", "openai", "gpt-4o"},
		{"claude-sonnet-4-5", "", "", "anthropic", "claude-sonnet-4-5"},
		{"deepseek-chat", "", "", "deepseek", "deepseek-chat"},
		{"gemini-2.5-flash", "", "", "vertex_ai", "gemini-2.5-flash"},
		{"models/gemini-2.5-flash", "", "", "gemini", "gemini-2.5-flash"},
		{"command-r-08-2024", "", "", "cohere", "command-r-08-2024"},
		{"1024-x-1024/gpt-image-1.5", "", "", "openai", "1024-x-1024/gpt-image-1.5"},
		// patterns
		{"*", "", "", "openai", "*"},
		{"gemini/*", "", "", "gemini", "*"},
		{"anthropic/claude-*", "", "", "anthropic", "claude-*"},
		{"claude-*", "", "", "anthropic", "claude-*"},
		{"gpt-5*", "", "", "openai", "gpt-5*"},
		{" openai/gpt-4o ", " ", "", "openai", "gpt-4o"},
	} {
		row, upstream, err := Resolve(c.model, c.custom, c.base)
		if err != nil || row.Name != c.row || upstream != c.upstream {
			t.Errorf("Resolve(%q, %q, %q) = %v, %q, %v; want %s, %q", c.model, c.custom, c.base, name(row), upstream, err, c.row, c.upstream)
		}
	}
}

func name(r *Row) string {
	if r == nil {
		return "none"
	}
	return r.Name
}

func TestResolveErrorsAreSentencesWithARemedy(t *testing.T) {
	for _, c := range []struct{ model, custom, base, says string }{
		{"", "", "", "the model name is empty"},
		{"azure/", "", "", "write azure/MODEL"},
		{"gpt-4o", "opanai", "", "did you mean openai?"},
		{"zhipu/glm-4-flash", "", "", "did you mean bigmodel or zai?"},
		{"nvidia/llama", "", "", "did you mean nvidia_nim?"},
		{"antropic/claude-x", "", "", "did you mean anthropic?"},
		{"zhipu/glm-4-flash", "", "", "write openai/zhipu/glm-4-flash and api_base"},
		{"glm-4-flash", "", "https://example.com/v1", "such as openai/glm-4-flash"},
		{"llama3.1:latest", "", "", "such as openai/llama3.1:latest"},
	} {
		row, _, err := Resolve(c.model, c.custom, c.base)
		if err == nil || row != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Resolve(%q, %q): %v, want %q", c.model, c.custom, err, c.says)
		}
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("openai//model", "", "http://localhost:11434")
	f.Add("models/gemini", "gemini", "::")
	f.Fuzz(func(t *testing.T, model, custom, base string) {
		row, upstream, err := Resolve(model, custom, base)
		if (err == nil) != (row != nil && upstream != "") {
			t.Errorf("Resolve(%q, %q, %q) = %v, %q, %v", model, custom, base, name(row), upstream, err)
		}
	})
}
