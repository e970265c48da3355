package provider

// taskRows are vendors that are known for tasks besides conversations, and OpenAI's
// older models, which complete text and hold no conversations.
func taskRows() []Row {
	own := func(format string) map[string]string {
		return map[string]string{"embeddings": format, "rerank": format}
	}
	return []Row{
		{
			Name: "text-completion-openai", Label: "OpenAI text completions", DocURL: "https://platform.openai.com/docs/models",
			Wire:    WireText,
			BaseURL: "https://api.openai.com/v1",
			KeyEnv:  []string{"OPENAI_API_KEY"},
			BaseEnv: []string{"OPENAI_BASE_URL", "OPENAI_API_BASE"},
			OrgEnv:  []string{"OPENAI_ORGANIZATION", "OPENAI_ORG_ID"},
		},
		{
			// Conversations go over Cohere's compatibility API; its own tasks are at /v2.
			Name: "cohere", Label: "Cohere", DocURL: "https://docs.cohere.com", Aliases: []string{"cohere_chat"},
			BaseURL: "https://api.cohere.com/compatibility/v1", Version: "/compatibility/v1",
			KeyEnv:  []string{"COHERE_API_KEY", "CO_API_KEY"},
			BaseEnv: []string{"COHERE_API_BASE"},
			Hosts:   []string{"api.cohere.ai"},
			Tasks:   own(TaskCohere),
		},
		{
			Name: "voyage", Label: "Voyage AI", DocURL: "https://docs.voyageai.com",
			Wire:    WireTasks,
			BaseURL: "https://api.voyageai.com/v1",
			KeyEnv:  []string{"VOYAGE_API_KEY", "VOYAGE_AI_API_KEY", "VOYAGE_AI_TOKEN"},
			BaseEnv: []string{"VOYAGE_API_BASE"},
			Tasks:   own(TaskVoyage),
		},
		{
			Name: "jina_ai", Label: "Jina AI", DocURL: "https://jina.ai/api-dashboard",
			Wire:    WireTasks,
			BaseURL: "https://api.jina.ai/v1",
			KeyEnv:  []string{"JINA_AI_API_KEY", "JINA_AI_TOKEN"},
			BaseEnv: []string{"JINA_AI_API_BASE"},
			Tasks:   own(TaskJina),
		},
		{
			Name: "infinity", Label: "Infinity", DocURL: "https://michaelfeil.eu/infinity",
			Wire:   WireTasks,
			KeyEnv: []string{"INFINITY_API_KEY"}, KeyOptional: true,
			BaseEnv: []string{"INFINITY_API_BASE"},
			Tasks:   own(TaskOpenAI),
		},
	}
}
