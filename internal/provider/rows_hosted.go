package provider

import "github.com/fairlead-gateway/fairlead/internal/wire"

// hostedRows are the OpenAI-compatible vendors that LiteLLM knows by name, outside China.
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
		{Name: "cerebras", Label: "Cerebras", BaseURL: "https://api.cerebras.ai/v1", KeyEnv: []string{"CEREBRAS_API_KEY"}, BaseEnv: []string{"CEREBRAS_API_BASE"}},
		{Name: "nvidia_nim", Label: "NVIDIA NIM", BaseURL: "https://integrate.api.nvidia.com/v1", KeyEnv: []string{"NVIDIA_NIM_API_KEY"}, BaseEnv: []string{"NVIDIA_NIM_API_BASE"}},
		{Name: "hyperbolic", Label: "Hyperbolic", BaseURL: "https://api.hyperbolic.xyz/v1", KeyEnv: []string{"HYPERBOLIC_API_KEY"}, BaseEnv: []string{"HYPERBOLIC_API_BASE"}},
		{Name: "featherless_ai", Label: "Featherless AI", BaseURL: "https://api.featherless.ai/v1", KeyEnv: []string{"FEATHERLESS_AI_API_KEY"}, BaseEnv: []string{"FEATHERLESS_API_BASE"}},
		{Name: "friendliai", Label: "FriendliAI", BaseURL: "https://api.friendli.ai/serverless/v1", KeyEnv: []string{"FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"}, BaseEnv: []string{"FRIENDLI_API_BASE"}},
		{Name: "nebius", Label: "Nebius", BaseURL: "https://api.studio.nebius.ai/v1", KeyEnv: []string{"NEBIUS_API_KEY"}, BaseEnv: []string{"NEBIUS_API_BASE"}},
		{Name: "nscale", Label: "Nscale", BaseURL: "https://inference.api.nscale.com/v1", KeyEnv: []string{"NSCALE_API_KEY"}, BaseEnv: []string{"NSCALE_API_BASE"}},
		{Name: "baseten", Label: "Baseten", BaseURL: "https://inference.baseten.co/v1", KeyEnv: []string{"BASETEN_API_KEY"}, BaseEnv: []string{"BASETEN_API_BASE"}},
		{Name: "v0", Label: "v0 by Vercel", BaseURL: "https://api.v0.dev/v1", KeyEnv: []string{"V0_API_KEY"}, BaseEnv: []string{"V0_API_BASE"}},
		{Name: "novita", Label: "Novita AI", BaseURL: "https://api.novita.ai/v3/openai", KeyEnv: []string{"NOVITA_API_KEY"}, BaseEnv: []string{"NOVITA_API_BASE"}},
		{Name: "meta_llama", Label: "Meta Llama API", BaseURL: "https://api.llama.com/compat/v1", KeyEnv: []string{"LLAMA_API_KEY"}, BaseEnv: []string{"LLAMA_API_BASE"}},
		{Name: "ai21_chat", Label: "AI21", Aliases: []string{"ai21"}, BaseURL: "https://api.ai21.com/studio/v1", KeyEnv: []string{"AI21_API_KEY"}, BaseEnv: []string{"AI21_API_BASE"}},
		{Name: "anyscale", Label: "Anyscale", BaseURL: "https://api.endpoints.anyscale.com/v1", KeyEnv: []string{"ANYSCALE_API_KEY"}, BaseEnv: []string{"ANYSCALE_API_BASE"}},
		{Name: "lambda_ai", Label: "Lambda", BaseURL: "https://api.lambda.ai/v1", KeyEnv: []string{"LAMBDA_API_KEY"}, BaseEnv: []string{"LAMBDA_API_BASE"}},
		{Name: "wandb", Label: "Weights & Biases", BaseURL: "https://api.inference.wandb.ai/v1", KeyEnv: []string{"WANDB_API_KEY"}, BaseEnv: []string{"WANDB_API_BASE"}},
		{Name: "aiml", Label: "AI/ML API", BaseURL: "https://api.aimlapi.com/v1", KeyEnv: []string{"AIML_API_KEY"}, BaseEnv: []string{"AIML_API_BASE"}},
		{Name: "morph", Label: "Morph", BaseURL: "https://api.morphllm.com/v1", KeyEnv: []string{"MORPH_API_KEY"}, BaseEnv: []string{"MORPH_API_BASE"}},
		{Name: "inception", Label: "Inception", BaseURL: "https://api.inceptionlabs.ai/v1", KeyEnv: []string{"INCEPTION_API_KEY"}, BaseEnv: []string{"INCEPTION_API_BASE"}},
		{Name: "clarifai", Label: "Clarifai", BaseURL: "https://api.clarifai.com/v2/ext/openai/v1", KeyEnv: []string{"CLARIFAI_PAT", "CLARIFAI_API_KEY"}, BaseEnv: []string{"CLARIFAI_API_BASE"}},
		{Name: "empower", Label: "Empower", BaseURL: "https://app.empower.dev/api/v1", KeyEnv: []string{"EMPOWER_API_KEY"}, BaseEnv: []string{"EMPOWER_API_BASE"}},
		{Name: "galadriel", Label: "Galadriel", BaseURL: "https://api.galadriel.com/v1", KeyEnv: []string{"GALADRIEL_API_KEY"}, BaseEnv: []string{"GALADRIEL_API_BASE"}},
		{Name: "amazon_nova", Label: "Amazon Nova", Aliases: []string{"amazon-nova"}, BaseURL: "https://api.nova.amazon.com/v1", KeyEnv: []string{"AMAZON_NOVA_API_KEY"}, BaseEnv: []string{"AMAZON_NOVA_API_BASE"}},
		{Name: "cometapi", Label: "CometAPI", BaseURL: "https://api.cometapi.com/v1", KeyEnv: []string{"COMETAPI_KEY", "COMETAPI_API_KEY"}, BaseEnv: []string{"COMETAPI_API_BASE"}},
		{Name: "ovhcloud", Label: "OVHcloud AI Endpoints", BaseURL: "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1", KeyEnv: []string{"OVHCLOUD_API_KEY"}, BaseEnv: []string{"OVHCLOUD_API_BASE"}},
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
