package provider

import "github.com/fairlead-gateway/fairlead/internal/wire"

// localRows are servers that people run themselves, and rows for any server that
// speaks OpenAI's format.
func localRows() []Row {
	return []Row{
		{
			Name: "ollama", TextCompletions: true, Label: "Ollama", DocURL: "https://docs.ollama.com", Aliases: []string{"ollama_chat"},
			BaseURL: "http://localhost:11434/v1", AddVersion: true, OwnPaths: []string{"/api/chat", "/api/generate", "/api"},
			KeyEnv: []string{"OLLAMA_API_KEY"}, KeyOptional: true,
			BaseEnv: []string{"OLLAMA_API_BASE"},
			Hosts:   []string{"127.0.0.1:11434", "host.docker.internal:11434", "ollama:11434", "ollama.com"},
			Quirks: wire.Quirks{
				Note: "Ollama is reached through its OpenAI-compatible /v1; num_ctx, keep_alive and its other own options are not sent yet (set them in the Modelfile)",
			},
		},
		{
			Name: "hosted_vllm", TextCompletions: true, Label: "vLLM", DocURL: "https://docs.vllm.ai", Aliases: []string{"vllm"},
			KeyEnv: []string{"HOSTED_VLLM_API_KEY"}, KeyOptional: true, KeyFallback: "fake-api-key",
			BaseEnv: []string{"HOSTED_VLLM_API_BASE"},
			Quirks:  wire.Quirks{Reasoning: "echo"},
		},
		{
			Name: "lm_studio", TextCompletions: true, Label: "LM Studio", DocURL: "https://lmstudio.ai/docs",
			BaseURL: "http://localhost:1234/v1",
			KeyEnv:  []string{"LM_STUDIO_API_KEY"}, KeyOptional: true, KeyFallback: "fake-api-key",
			BaseEnv: []string{"LM_STUDIO_API_BASE"},
		},
		{
			Name: "llamafile", TextCompletions: true, Label: "llamafile", DocURL: "https://github.com/Mozilla-Ocho/llamafile",
			BaseURL: "http://127.0.0.1:8080/v1",
			KeyEnv:  []string{"LLAMAFILE_API_KEY"}, KeyOptional: true, KeyFallback: "fake-api-key",
			BaseEnv: []string{"LLAMAFILE_API_BASE"},
		},
		{
			Name: "docker_model_runner", TextCompletions: true, Label: "Docker Model Runner", DocURL: "https://docs.docker.com/ai/model-runner",
			BaseURL: "http://localhost:22088/engines/llama.cpp/v1", AddVersion: true,
			KeyEnv: []string{"DOCKER_MODEL_RUNNER_API_KEY"}, KeyOptional: true, KeyFallback: "dummy-key",
			BaseEnv: []string{"DOCKER_MODEL_RUNNER_API_BASE"},
		},
		{
			Name: "xinference", TextCompletions: true, Label: "Xinference", DocURL: "https://inference.readthedocs.io",
			BaseURL: "http://127.0.0.1:9997/v1",
			KeyEnv:  []string{"XINFERENCE_API_KEY"}, KeyOptional: true, KeyFallback: "anything",
			BaseEnv: []string{"XINFERENCE_API_BASE"},
		},
		{
			Name: "lemonade", Label: "Lemonade Server", DocURL: "https://lemonade-server.ai",
			BaseURL: "http://localhost:8000/api/v1",
			KeyEnv:  []string{"LEMONADE_API_KEY"}, KeyOptional: true, KeyFallback: "lemonade",
			BaseEnv: []string{"LEMONADE_API_BASE"},
		},
		{
			Name: "litellm_proxy", Label: "another LiteLLM or Fairlead", DocURL: "https://docs.litellm.ai",
			KeyEnv: []string{"LITELLM_PROXY_API_KEY"}, KeyOptional: true,
			BaseEnv: []string{"LITELLM_PROXY_API_BASE"},
			Quirks:  wire.Quirks{KeepCacheControl: true, Reasoning: "echo"},
		},
		{
			Name: "openai_like", TextCompletions: true, Label: "an OpenAI-like server",
			KeyEnv: []string{"OPENAI_LIKE_API_KEY"}, KeyOptional: true,
			BaseEnv: []string{"OPENAI_LIKE_API_BASE"},
		},
		{
			Name: "custom_openai", Label: "an OpenAI-compatible server", Aliases: []string{"aiohttp_openai"},
			BaseURL: "https://api.openai.com/v1",
			KeyEnv:  []string{"OPENAI_API_KEY"},
			BaseEnv: []string{"OPENAI_BASE_URL", "OPENAI_API_BASE"},
		},
	}
}
