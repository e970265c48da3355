package provider

// plannedNames are providers that LiteLLM knows and we do not speak with yet: their
// own formats, their own credentials, or no chat at all. A deployment of one is
// skipped by name instead of being called unknown.
var plannedNames = map[string]string{
	"azure": "Azure OpenAI", "azure_ai": "Azure AI Foundry", "azure_text": "Azure OpenAI completions",
	"bedrock": "Amazon Bedrock", "bedrock_converse": "Amazon Bedrock", "bedrock_mantle": "Amazon Bedrock Mantle", "agentcore": "Amazon Bedrock AgentCore",
	"vertex_ai": "Google Vertex AI", "vertex_ai_beta": "Google Vertex AI", "palm": "Google PaLM",
	"sagemaker": "Amazon SageMaker", "sagemaker_chat": "Amazon SageMaker", "aws_polly": "Amazon Polly", "transcribe": "Amazon Transcribe",
	"watsonx": "IBM watsonx", "watsonx_text": "IBM watsonx",
	"replicate": "Replicate", "cloudflare": "Cloudflare Workers AI", "clf_ai_gateway": "Cloudflare AI Gateway",
	"databricks": "Databricks", "snowflake": "Snowflake Cortex", "oci": "Oracle Cloud", "sap": "SAP AI Core",
	"anthropic_text":            "Anthropic text completions",
	"text-completion-codestral": "Codestral text completions", "text-completion-inception": "Inception text completions",
	"github_copilot": "GitHub Copilot", "microsoft_365_copilot": "Microsoft 365 Copilot", "chatgpt": "ChatGPT subscription",
	"gigachat": "GigaChat", "datarobot": "DataRobot", "gradient_ai": "DigitalOcean Gradient AI", "heroku": "Heroku", "predibase": "Predibase",
	"triton": "NVIDIA Triton", "nvidia_riva": "NVIDIA Riva", "petals": "Petals", "nlp_cloud": "NLP Cloud", "aleph_alpha": "Aleph Alpha",
	"maritalk": "Maritaca", "oobabooga": "text-generation-webui", "bytez": "Bytez", "compactifai": "CompactifAI",
	"tencent": "Tencent Hunyuan", "opencode_go": "OpenCode Go", "bespoke": "Bespoke Labs", "typesafe": "TypeSafe", "nace": "Nace", "laya": "Laya",
	"eu_jev": "Jev EU", "strands_decider": "Strands Decider", "scaledown": "ScaleDown",
	"langgraph": "LangGraph", "ragflow": "RAGFlow", "manus": "Manus", "a2a": "A2A agents", "custom": "a Python CustomLLM",
	"deepgram": "Deepgram", "elevenlabs": "ElevenLabs", "soniox": "Soniox",
	"stability": "Stability AI", "recraft": "Recraft", "fal_ai": "fal.ai", "runwayml": "Runway", "black_forest_labs": "Black Forest Labs", "topaz": "Topaz Labs",
	"reducto": "Reducto", "linkup": "Linkup", "tavily": "Tavily", "exa_ai": "Exa", "firecrawl": "Firecrawl", "searxng": "SearXNG", "serper": "Serper",
	"google_pse": "Google Programmable Search", "dataforseo": "DataForSEO", "parallel_ai": "Parallel", "apiserpent": "APISerpent", "bing_grounding": "Bing grounding",
	"tinyfish": "TinyFish", "nimble": "Nimble", "you_com": "You.com", "duckduckgo": "DuckDuckGo",
}

func plannedRows() []Row {
	rows := make([]Row, 0, len(plannedNames))
	for name, label := range plannedNames {
		rows = append(rows, Row{Name: name, Label: label, Planned: true})
	}
	return rows
}
