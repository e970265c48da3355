package provider

// plainRows are hosted vendors that speak OpenAI's format without deviations.
func plainRows() []Row {
	return []Row{
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
