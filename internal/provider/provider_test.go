package provider

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryRowIsComplete(t *testing.T) {
	variable := regexp.MustCompile(`^[A-Z0-9_]+$`)
	seen := map[string]string{}
	for _, row := range All() {
		for _, name := range append([]string{row.Name}, row.Aliases...) {
			if other, ok := seen[name]; ok {
				t.Errorf("%s names both %s and %s", name, other, row.Label)
			}
			seen[name] = row.Label
		}
		if row.Planned {
			if row.Wire != "" || row.BaseURL != "" {
				t.Errorf("%s is planned and has a wire or an address", row.Name)
			}
			continue
		}
		if !slices.Contains([]string{WireChat, WireAnthropic, WireGemini, WireText, WireTasks}, row.Wire) {
			t.Errorf("%s speaks %q", row.Name, row.Wire)
		}
		if !slices.Contains([]string{AuthBearer, AuthAPIKey, AuthGoogle, AuthNone}, row.Auth) {
			t.Errorf("%s authenticates by %q", row.Name, row.Auth)
		}
		if row.BaseURL == "" && len(row.BaseEnv) == 0 {
			t.Errorf("%s has no address and no variable for one", row.Name)
		}
		if u, err := url.Parse(row.BaseURL); err != nil || row.BaseURL != "" && u.Host == "" || strings.HasSuffix(row.BaseURL, "/") {
			t.Errorf("%s: base %q", row.Name, row.BaseURL)
		}
		if row.Auth != AuthNone && len(row.KeyEnv) == 0 {
			t.Errorf("%s has no variable for its key", row.Name)
		}
		if !strings.HasPrefix(row.Version, "/") || !HasVersion("https://x"+row.Version) {
			t.Errorf("%s: version %q", row.Name, row.Version)
		}
		for _, v := range slices.Concat(row.KeyEnv, row.BaseEnv, row.OrgEnv) {
			if !variable.MatchString(v) {
				t.Errorf("%s: %q is no variable", row.Name, v)
			}
		}
	}
}

func TestTheFourFamiliesReadTheirVariables(t *testing.T) {
	for name, want := range map[string]struct{ wire, auth, key, base string }{
		"openai":    {WireChat, AuthBearer, "OPENAI_API_KEY", "OPENAI_BASE_URL OPENAI_API_BASE"},
		"anthropic": {WireAnthropic, AuthAPIKey, "ANTHROPIC_API_KEY", "ANTHROPIC_API_BASE ANTHROPIC_BASE_URL"},
		"gemini":    {WireGemini, AuthGoogle, "GOOGLE_API_KEY GEMINI_API_KEY", "GEMINI_API_BASE"},
		"deepseek":  {WireChat, AuthBearer, "DEEPSEEK_API_KEY", "DEEPSEEK_API_BASE"},
	} {
		row, ok := Get(name)
		if !ok || row.Wire != want.wire || row.Auth != want.auth ||
			strings.Join(row.KeyEnv, " ") != want.key || strings.Join(row.BaseEnv, " ") != want.base {
			t.Errorf("%s: %+v", name, row)
		}
	}
}

func TestVendorsOfTheSpecificationHaveRows(t *testing.T) {
	for _, name := range strings.Fields(`mistral codestral groq xai openrouter together_ai fireworks_ai dashscope qwencloud
		qwen_ai_platform moonshot zai bigmodel minimax volcengine siliconflow aihubmix ollama ollama_chat hosted_vllm vllm
		lm_studio llamafile docker_model_runner xinference huggingface perplexity cerebras sambanova nvidia_nim deepinfra
		novita hyperbolic featherless_ai friendliai nebius nscale baseten github v0 vercel_ai_gateway custom_openai
		openai_like litellm_proxy demo publicai helicone veniceai xiaomi_mimo scaleway synthetic apertis nano-gpt poe
		zerogpu chutes abliteration llamagate gmi sarvam assemblyai charity_engine aiand crusoe darkbloom neosantara
		tensormesh parasail libertai empiriolabs meta cognition coralbricks cortecs pinstripes scx-ai prism
		hostinger_router sail reka openinfer inferenceapis refuseless kyma streamlake`) {
		if row, ok := Get(name); !ok || row.Planned {
			t.Errorf("%s has no row", name)
		}
	}
}

func TestProvidersWeDoNotSpeakYetArePlanned(t *testing.T) {
	for _, name := range []string{"azure", "azure_ai", "bedrock", "vertex_ai", "sagemaker", "watsonx", "replicate", "cloudflare", "databricks", "text-completion-codestral"} {
		if row, ok := Get(name); !ok || !row.Planned {
			t.Errorf("%s is not planned", name)
		}
	}
}

func TestQuirksFollowTheSpecification(t *testing.T) {
	quirk := func(name string) *Row { row, _ := Get(name); return row }
	for claim, ok := range map[string]bool{
		"openai ids":               quirk("openai").Quirks.ToolIDs == "openai40" && quirk("openai").Quirks.OpenAI,
		"deepseek reasoning":       quirk("deepseek").Quirks.Reasoning == "deepseek" && quirk("deepseek").Quirks.NoJSONSchema,
		"mistral ids and seed":     quirk("mistral").Quirks.ToolIDs == "mistral9" && quirk("mistral").Quirks.Rename["seed"] == "random_seed",
		"moonshot fills":           quirk("moonshot").Quirks.Reasoning == "fill" && quirk("moonshot").Quirks.MaxTemperature == 1,
		"fireworks names":          quirk("fireworks_ai").Quirks.ModelPrefix == "accounts/fireworks/models/",
		"minimax base_resp":        quirk("minimax").Quirks.BaseResp,
		"qwen streams":             len(quirk("dashscope").Quirks.StreamOnly) > 0,
		"ollama note":              strings.Contains(quirk("ollama").Quirks.Note, "num_ctx") && quirk("ollama").KeyOptional && quirk("ollama").AddVersion,
		"parasail never stores":    quirk("parasail").Quirks.StoreFalse,
		"publicai takes text":      quirk("publicai").Quirks.TextContent,
		"scx-ai temperature":       quirk("scx-ai").Quirks.MaxTemperature == 1.99,
		"streamlake cache_control": quirk("streamlake").Quirks.KeepCacheControl,
		"sarvam header":            quirk("sarvam").Headers["api-subscription-key"] == "{api_key}",
	} {
		if !ok {
			t.Errorf("%s: not so", claim)
		}
	}
}

func TestHostsNameTheirVendor(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.deepseek.com/v1": "deepseek", "https://api.groq.com/openai/v1/": "groq",
		"https://API.Mistral.ai/v1": "mistral", "https://api.together.xyz/v1": "together_ai",
		"https://ws-1.maas.aliyuncs.com/compatible-mode/v1": "dashscope", "http://localhost:11434": "ollama",
		"http://host.docker.internal:11434/v1": "ollama", "https://api.siliconflow.com/v1": "siliconflow",
		"https://generativelanguage.googleapis.com/v1beta":         "gemini",
		"https://generativelanguage.googleapis.com/v1beta/openai/": "openai",
		"https://example.com/v1":                                   "", "http://localhost:8001/v1": "", "": "", "::": "", "api.deepseek.com": "",
	} {
		row, ok := ByHost(base)
		if ok != (want != "") || ok && row.Name != want && row.BaseURL != mustGet(t, want).BaseURL {
			t.Errorf("%q belongs to %+v, want %q", base, row, want)
		}
	}
}

func mustGet(t *testing.T, name string) *Row {
	t.Helper()
	row, ok := Get(name)
	if !ok {
		t.Fatalf("no row %s", name)
	}
	return row
}

func TestHasVersionReadsThePath(t *testing.T) {
	for base, want := range map[string]bool{
		"https://x/v1": true, "https://x/v1/": true, "https://x/v1beta": true, "https://x/api/paas/v4": true,
		"https://x/v1beta1/y": true, "https://x/openai/v1": true, "https://x": false, "https://x/beta": false,
		"https://x/vision": false, "https://v1.x": false, "https://x/v": false, "https://x/v1x": false, ":": false,
	} {
		if got := HasVersion(base); got != want {
			t.Errorf("HasVersion(%q) = %v", base, got)
		}
	}
}

func TestAllIsSortedAndTheCallersOwn(t *testing.T) {
	rows := All()
	if len(rows) < 100 || !slices.IsSortedFunc(rows, func(a, b *Row) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("%d rows", len(rows))
	}
	rows[0] = nil
	if All()[0] == nil {
		t.Error("the table itself was handed out")
	}
}

func TestAnthropicBetasHoldOnlyWhatTheTargetKnows(t *testing.T) {
	betas := AnthropicBetas("anthropic")
	if betas["files-api-2025-04-14"] != "files-api-2025-04-14" {
		t.Error("anthropic does not know its own files-api beta")
	}
	if name, ok := betas["mcp-servers-2025-12-04"]; ok {
		t.Errorf("a beta that is null is sent as %q", name)
	}
	if AnthropicBetas("description") != nil || AnthropicBetas("nobody") != nil {
		t.Error("a target that is none has betas")
	}
}

func TestEachVendorNamesTheFormatOfItsTasks(t *testing.T) {
	for _, c := range []struct{ row, task, format string }{
		{"openai", "embeddings", TaskOpenAI},
		{"openai", "rerank", TaskNone},
		{"hosted_vllm", "rerank", TaskOpenAI},
		{"gemini", "embeddings", TaskGemini},
		{"gemini", "audio/speech", TaskNone},
		{"anthropic", "embeddings", TaskNone},
		{"cohere", "rerank", TaskCohere},
		{"voyage", "embeddings", TaskVoyage},
		{"jina_ai", "rerank", TaskJina},
		{"text-completion-openai", "embeddings", TaskNone},
	} {
		row, ok := Get(c.row)
		if !ok {
			t.Fatalf("%s has no row", c.row)
		}
		if got := row.TaskFormat(c.task); got != c.format {
			t.Errorf("%s has %s in the format %q, want %q", c.row, c.task, got, c.format)
		}
	}
}
