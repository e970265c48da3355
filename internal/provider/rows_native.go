package provider

import "github.com/fairlead-gateway/fairlead/internal/wire"

// olderMaxTokens renames OpenAI's newer name of the output limit for servers that
// know only the older one.
var olderMaxTokens = map[string]string{"max_completion_tokens": "max_tokens"}

// nativeRows are the four model families and the built-in demo.
func nativeRows() []Row {
	return []Row{
		{
			Name: "openai", Label: "OpenAI", DocURL: "https://platform.openai.com/docs/models",
			BaseURL: "https://api.openai.com/v1",
			KeyEnv:  []string{"OPENAI_API_KEY"},
			BaseEnv: []string{"OPENAI_BASE_URL", "OPENAI_API_BASE"},
			OrgEnv:  []string{"OPENAI_ORGANIZATION", "OPENAI_ORG_ID"},
			Hosts:   []string{"eu.api.openai.com", "us.api.openai.com"},
			Quirks:  wire.Quirks{OpenAI: true, ToolIDs: "openai40"},
			Tasks:   openAITasks,
		},
		{
			Name: "anthropic", Label: "Anthropic", DocURL: "https://docs.claude.com/en/docs/about-claude/models",
			Wire: WireAnthropic, Auth: AuthAPIKey,
			BaseURL: "https://api.anthropic.com",
			KeyEnv:  []string{"ANTHROPIC_API_KEY"},
			BaseEnv: []string{"ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"},
			Quirks:  wire.Quirks{KeepCacheControl: true},
		},
		{
			Name: "gemini", Label: "Google AI Studio", DocURL: "https://ai.google.dev/gemini-api/docs/models",
			Wire: WireGemini, Auth: AuthGoogle, Version: "/v1beta",
			BaseURL: "https://generativelanguage.googleapis.com/v1beta",
			KeyEnv:  []string{"GOOGLE_API_KEY", "GEMINI_API_KEY"},
			BaseEnv: []string{"GEMINI_API_BASE"},
			Tasks:   map[string]string{"embeddings": TaskGemini, "images/generations": TaskGemini},
		},
		{
			Name: "deepseek", Label: "DeepSeek", DocURL: "https://api-docs.deepseek.com",
			BaseURL: "https://api.deepseek.com/beta",
			KeyEnv:  []string{"DEEPSEEK_API_KEY"},
			BaseEnv: []string{"DEEPSEEK_API_BASE"},
			Quirks: wire.Quirks{
				Reasoning: "deepseek", FunctionsOnly: true, NoJSONSchema: true, NoMedia: true, TextContent: true,
				EffortToThinking: "deepseek", Remove: []string{"verbosity", "web_search_options"},
			},
		},
		{
			Name: Demo, Label: "the built-in demo",
			Auth: AuthNone, KeyOptional: true,
			BaseURL: "http://demo.invalid/v1", // answered inside the program; .invalid never resolves
			Quirks:  wire.Quirks{Reasoning: "echo", KeepCacheControl: true},
		},
	}
}
