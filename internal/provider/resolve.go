package provider

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
)

// Resolve finds the provider of a configured model and the name by which the provider
// knows it. The order is LiteLLM's: custom_llm_provider, the prefix before the first
// slash when it names a provider, the host of api_base, then the bare name in the
// price map. A pattern ("gemini/*", "*") keeps its star in the upstream name.
// The row may be a Planned one. An error is a sentence for the configuration's author.
func Resolve(model, customProvider, apiBase string) (row *Row, upstreamModel string, err error) {
	model = strings.TrimSpace(model)
	if model == "" {
		return nil, "", fmt.Errorf("the model name is empty; write provider/model, such as openai/gpt-4o")
	}
	if custom := strings.TrimSpace(customProvider); custom != "" {
		return resolveCustom(model, custom)
	}
	if row, rest, ok := byPrefix(model); ok {
		return named(row, rest, model)
	}
	if row, ok := ByHost(apiBase); ok {
		return row, model, nil
	}
	if row, name, ok := byCatalog(model); ok {
		return row, name, nil
	}
	return nil, "", unknown(model)
}

// resolveCustom obeys custom_llm_provider; the model may repeat it as a prefix.
func resolveCustom(model, custom string) (*Row, string, error) {
	row, ok := Get(custom)
	if !ok {
		return nil, "", fmt.Errorf("custom_llm_provider %q is no known provider%s", custom, suggestion(custom))
	}
	return named(row, strings.TrimPrefix(model, custom+"/"), model)
}

func byPrefix(model string) (row *Row, rest string, ok bool) {
	prefix, rest, found := strings.Cut(model, "/")
	if !found {
		return nil, "", false
	}
	row, ok = Get(prefix)
	return row, rest, ok
}

// named strips what addresses a route of LiteLLM's and not a model of the vendor's.
func named(row *Row, name, model string) (*Row, string, error) {
	upstream := name
	switch row.Name {
	case "openai":
		upstream = strings.TrimPrefix(name, "responses/")
	case "gemini":
		upstream = strings.TrimPrefix(name, "models/")
	}
	if upstream == "" {
		return nil, "", fmt.Errorf("%q names the provider %s and no model; write %s/MODEL", model, row.Label, row.Name)
	}
	return row, upstream, nil
}

// byCatalog looks a name up that has no provider in it. A lone star is OpenAI's, as
// in LiteLLM.
func byCatalog(model string) (*Row, string, bool) {
	if model == "*" {
		row, ok := Get("openai")
		return row, model, ok
	}
	if name, ok := strings.CutPrefix(model, "models/gemini"); ok {
		row, found := Get("gemini")
		return row, "gemini" + name, found
	}
	owner, ok := catalog.ProviderOf(strings.TrimSuffix(model, "*"))
	if !ok {
		m, _ := catalog.Find(model)
		owner = m.Provider()
	}
	row, ok := Get(owner)
	return row, model, ok
}

// unknown is the error for a model whose provider cannot be told.
func unknown(model string) error {
	prefix, _, found := strings.Cut(model, "/")
	if !found {
		return fmt.Errorf("the provider of model %q is not known; write it in front, such as openai/%s", model, model)
	}
	return fmt.Errorf("model %q: there is no provider %q%s; for an OpenAI-compatible server write openai/%s and api_base",
		model, prefix, suggestion(prefix), model)
}

// suggestion is the end of a sentence that offers the nearest provider.
func suggestion(name string) string {
	near := cmp.Or(meant[strings.ToLower(name)], catalog.Nearest(name, table().names))
	if near == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", near)
}

// meant maps names that people write to the rows they mean. They are no aliases: a
// prefix such as qwen/ is also the organisation in a model's name on other hosts.
var meant = map[string]string{
	"zhipu": "bigmodel or zai", "zhipuai": "bigmodel or zai", "glm": "zai", "z.ai": "zai",
	"google": "gemini", "googleai": "gemini", "google_ai_studio": "gemini", "vertexai": "vertex_ai", "vertex": "vertex_ai",
	"claude": "anthropic", "kimi": "moonshot", "moonshotai": "moonshot",
	"qwen": "dashscope", "alibaba": "dashscope", "aliyun": "dashscope", "tongyi": "dashscope",
	"doubao": "volcengine", "ark": "volcengine", "bytedance": "volcengine",
	"nvidia": "nvidia_nim", "together": "together_ai", "togetherai": "together_ai", "fireworks": "fireworks_ai",
	"lmstudio": "lm_studio", "lm-studio": "lm_studio", "grok": "xai", "hf": "huggingface",
	"azure_openai": "azure", "aws": "bedrock", "amazon": "bedrock", "vercel": "vercel_ai_gateway",
	"docker": "docker_model_runner", "litellm": "litellm_proxy", "mistralai": "mistral", "friendli": "friendliai",
}
