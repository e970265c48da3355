package provider

import "github.com/fairlead-gateway/fairlead/internal/wire"

// hostedRows are OpenAI-compatible vendors outside China that LiteLLM knows by name and
// that need more than an address and a key.
func hostedRows() []Row {
	return []Row{
		{
			Name: "mistral", Label: "Mistral", DocURL: "https://docs.mistral.ai/getting-started/models",
			BaseURL: "https://api.mistral.ai/v1",
			KeyEnv:  []string{"MISTRAL_API_KEY"},
			BaseEnv: []string{"MISTRAL_API_BASE"},
			Quirks:  mistralQuirks(),
		},
		{
			Name: "codestral", Label: "Codestral", DocURL: "https://docs.mistral.ai/capabilities/code_generation",
			BaseURL: "https://codestral.mistral.ai/v1",
			KeyEnv:  []string{"CODESTRAL_API_KEY"},
			BaseEnv: []string{"CODESTRAL_API_BASE"},
			Quirks:  mistralQuirks(),
		},
		{
			Name: "groq", Label: "Groq", DocURL: "https://console.groq.com/docs/models",
			BaseURL: "https://api.groq.com/openai/v1",
			KeyEnv:  []string{"GROQ_API_KEY"},
			BaseEnv: []string{"GROQ_API_BASE"},
			Quirks:  wire.Quirks{TextContent: true},
		},
		{
			Name: "xai", Label: "xAI", DocURL: "https://docs.x.ai/docs/models",
			BaseURL: "https://api.x.ai/v1",
			KeyEnv:  []string{"XAI_API_KEY"},
			BaseEnv: []string{"XAI_API_BASE"},
			Quirks:  wire.Quirks{NoStrictTools: true},
		},
		{
			Name: "openrouter", Label: "OpenRouter", DocURL: "https://openrouter.ai/models",
			BaseURL:   "https://openrouter.ai/api/v1",
			KeyEnv:    []string{"OPENROUTER_API_KEY", "OR_API_KEY"},
			BaseEnv:   []string{"OPENROUTER_API_BASE"},
			HeaderEnv: map[string]string{"HTTP-Referer": "OR_SITE_URL", "X-Title": "OR_APP_NAME"},
			Quirks:    wire.Quirks{KeepCacheControl: true, Reasoning: "echo", ReasoningField: "reasoning"},
		},
		{
			Name: "together_ai", Label: "Together AI", DocURL: "https://docs.together.ai/docs/serverless-models",
			BaseURL: "https://api.together.ai/v1",
			KeyEnv:  []string{"TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN"},
			BaseEnv: []string{"TOGETHER_AI_API_BASE"},
			Hosts:   []string{"api.together.xyz"},
		},
		{
			Name: "fireworks_ai", Label: "Fireworks AI", DocURL: "https://fireworks.ai/models",
			BaseURL: "https://api.fireworks.ai/inference/v1",
			KeyEnv:  []string{"FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"},
			BaseEnv: []string{"FIREWORKS_API_BASE"},
			Quirks: wire.Quirks{
				ModelPrefix: "accounts/fireworks/models/", Values: map[string]string{"tool_choice=required": "any"},
			},
		},
		{
			Name: "perplexity", Label: "Perplexity", DocURL: "https://docs.perplexity.ai",
			BaseURL: "https://api.perplexity.ai",
			KeyEnv:  []string{"PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"},
			BaseEnv: []string{"PERPLEXITY_API_BASE"},
			Quirks:  wire.Quirks{Remove: []string{"tools", "tool_choice", "functions", "function_call", "parallel_tool_calls"}},
		},
		{
			Name: "huggingface", Label: "Hugging Face", DocURL: "https://huggingface.co/docs/inference-providers",
			BaseURL: "https://router.huggingface.co/v1",
			KeyEnv:  []string{"HF_TOKEN", "HUGGINGFACE_API_KEY"},
			BaseEnv: []string{"HF_API_BASE", "HUGGINGFACE_API_BASE"},
		},
		{
			Name: "github", Label: "GitHub Models", DocURL: "https://github.com/marketplace/models",
			BaseURL: "https://models.inference.ai.azure.com",
			KeyEnv:  []string{"GITHUB_API_KEY"},
			BaseEnv: []string{"GITHUB_API_BASE"},
			Hosts:   []string{"models.github.ai"},
		},
		{
			Name: "deepinfra", Label: "DeepInfra", DocURL: "https://deepinfra.com/models",
			BaseURL: "https://api.deepinfra.com/v1/openai",
			KeyEnv:  []string{"DEEPINFRA_API_KEY"},
			BaseEnv: []string{"DEEPINFRA_API_BASE"},
			Quirks:  wire.Quirks{Rename: olderMaxTokens},
		},
		{
			Name: "sambanova", Label: "SambaNova", BaseURL: "https://api.sambanova.ai/v1",
			KeyEnv: []string{"SAMBANOVA_API_KEY"}, BaseEnv: []string{"SAMBANOVA_API_BASE"},
			Quirks: wire.Quirks{Rename: olderMaxTokens},
		},
		{
			Name: "vercel_ai_gateway", Label: "Vercel AI Gateway", BaseURL: "https://ai-gateway.vercel.sh/v1",
			KeyEnv: []string{"VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"}, BaseEnv: []string{"VERCEL_AI_GATEWAY_API_BASE"},
			HeaderEnv: map[string]string{"HTTP-Referer": "VERCEL_SITE_URL", "X-Title": "VERCEL_APP_NAME"},
			Quirks:    wire.Quirks{KeepCacheControl: true},
		},
	}
}

// mistralQuirks: wire-format specification §6.
func mistralQuirks() wire.Quirks {
	return wire.Quirks{
		Rename:        map[string]string{"max_completion_tokens": "max_tokens", "seed": "random_seed"},
		Values:        map[string]string{"tool_choice=required": "any"},
		ToolIDs:       "mistral9",
		NoStrictTools: true,
	}
}
