package provider

import "github.com/fairlead-gateway/fairlead/internal/wire"

// litellmRows are the vendors of LiteLLM's llms/openai_like/providers.json, version
// 1.109.1 (MIT, Copyright (c) 2023 Berri AI), each as one row.
func litellmRows() []Row {
	return []Row{
		{Name: "publicai", Label: "PublicAI", BaseURL: "https://api.publicai.co/v1", KeyEnv: []string{"PUBLICAI_API_KEY"}, BaseEnv: []string{"PUBLICAI_API_BASE"}, Quirks: wire.Quirks{Rename: olderMaxTokens, TextContent: true}},
		{Name: "helicone", Label: "Helicone", BaseURL: "https://ai-gateway.helicone.ai", KeyEnv: []string{"HELICONE_API_KEY"}},
		{Name: "veniceai", Label: "Venice AI", BaseURL: "https://api.venice.ai/api/v1", KeyEnv: []string{"VENICE_AI_API_KEY"}},
		{Name: "xiaomi_mimo", Label: "Xiaomi MiMo", BaseURL: "https://api.xiaomimimo.com/v1", KeyEnv: []string{"XIAOMI_MIMO_API_KEY"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "scaleway", Label: "Scaleway", BaseURL: "https://api.scaleway.ai/v1", KeyEnv: []string{"SCW_SECRET_KEY"}},
		{Name: "synthetic", Label: "Synthetic", BaseURL: "https://api.synthetic.new/openai/v1", KeyEnv: []string{"SYNTHETIC_API_KEY"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "apertis", Label: "Apertis", BaseURL: "https://api.stima.tech/v1", KeyEnv: []string{"STIMA_API_KEY"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "nano-gpt", Label: "NanoGPT", BaseURL: "https://nano-gpt.com/api/v1", KeyEnv: []string{"NANOGPT_API_KEY"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "poe", Label: "Poe", BaseURL: "https://api.poe.com/v1", KeyEnv: []string{"POE_API_KEY"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "zerogpu", Label: "ZeroGPU", BaseURL: "https://api.zerogpu.ai/v1", KeyEnv: []string{"ZEROGPU_API_KEY"}, BaseEnv: []string{"ZEROGPU_API_BASE"}},
		{Name: "chutes", Label: "Chutes", BaseURL: "https://llm.chutes.ai/v1", KeyEnv: []string{"CHUTES_API_KEY"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "abliteration", Label: "Abliteration", BaseURL: "https://api.abliteration.ai/v1", KeyEnv: []string{"ABLITERATION_API_KEY"}},
		{Name: "llamagate", Label: "LlamaGate", BaseURL: "https://api.llamagate.dev/v1", KeyEnv: []string{"LLAMAGATE_API_KEY"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "gmi", Label: "GMI Cloud", BaseURL: "https://api.gmi-serving.com/v1", KeyEnv: []string{"GMI_API_KEY"}},
		{Name: "sarvam", Label: "Sarvam AI", BaseURL: "https://api.sarvam.ai/v1", KeyEnv: []string{"SARVAM_API_KEY"}, Headers: map[string]string{"api-subscription-key": "{api_key}"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "assemblyai", Label: "AssemblyAI", BaseURL: "https://llm-gateway.assemblyai.com/v1", KeyEnv: []string{"ASSEMBLYAI_API_KEY"}},
		{Name: "charity_engine", Label: "Charity Engine", BaseURL: "https://api.charityengine.services/remotejobs/v2/inference", KeyEnv: []string{"CHARITY_ENGINE_API_KEY"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "aihubmix", Label: "AIHubMix", BaseURL: "https://aihubmix.com/v1", KeyEnv: []string{"AIHUBMIX_API_KEY"}, BaseEnv: []string{"AIHUBMIX_API_BASE"}},
		{Name: "aiand", Label: "AI&", BaseURL: "https://api.aiand.com/v1", KeyEnv: []string{"AIAND_API_KEY"}, BaseEnv: []string{"AIAND_API_BASE"}},
		{Name: "crusoe", Label: "Crusoe", BaseURL: "https://api.inference.crusoecloud.com/v1", KeyEnv: []string{"CRUSOE_API_KEY"}, BaseEnv: []string{"CRUSOE_API_BASE"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "darkbloom", Label: "Darkbloom", BaseURL: "https://api.darkbloom.dev/v1", KeyEnv: []string{"DARKBLOOM_API_KEY"}, BaseEnv: []string{"DARKBLOOM_API_BASE"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "neosantara", Label: "Neosantara", BaseURL: "https://api.neosantara.xyz/v1", KeyEnv: []string{"NEOSANTARA_API_KEY"}, BaseEnv: []string{"NEOSANTARA_API_BASE"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "tensormesh", Label: "Tensormesh", BaseURL: "https://serverless.tensormesh.ai/v1", KeyEnv: []string{"TENSORMESH_INFERENCE_API_KEY"}, BaseEnv: []string{"TENSORMESH_SERVERLESS_BASE_URL"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "parasail", Label: "Parasail", BaseURL: "https://api.parasail.io/v1", KeyEnv: []string{"PARASAIL_API_KEY"}, BaseEnv: []string{"PARASAIL_API_BASE"}, Quirks: wire.Quirks{StoreFalse: true}},
		{Name: "libertai", Label: "LibertAI", BaseURL: "https://api.libertai.io/v1", KeyEnv: []string{"LIBERTAI_API_KEY"}, BaseEnv: []string{"LIBERTAI_API_BASE"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "empiriolabs", Label: "EmpirioLabs", BaseURL: "https://api.empiriolabs.ai/v1", KeyEnv: []string{"EMPIRIOLABS_API_KEY"}, BaseEnv: []string{"EMPIRIOLABS_API_BASE"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "meta", Label: "Meta", BaseURL: "https://api.meta.ai/v1", KeyEnv: []string{"META_API_KEY"}, BaseEnv: []string{"META_API_BASE"}},
		{Name: "cognition", Label: "Cognition", BaseURL: "https://api.cognition.ai/v1", KeyEnv: []string{"COGNITION_API_KEY"}, BaseEnv: []string{"COGNITION_API_BASE"}},
		{Name: "coralbricks", Label: "Coral Bricks", BaseURL: "https://inference.coralbricks.ai/v1", KeyEnv: []string{"CORALBRICKS_API_KEY"}, BaseEnv: []string{"CORALBRICKS_API_BASE"}},
		{Name: "cortecs", Label: "Cortecs", BaseURL: "https://api.cortecs.ai/v1", KeyEnv: []string{"CORTECS_API_KEY"}, BaseEnv: []string{"CORTECS_API_BASE"}},
		{Name: "pinstripes", Label: "Pinstripes", BaseURL: "https://pinstripes.io/v1", KeyEnv: []string{"PINSTRIPES_API_KEY"}, BaseEnv: []string{"PINSTRIPES_API_BASE"}, Quirks: wire.Quirks{Rename: olderMaxTokens}},
		{Name: "scx-ai", Label: "SCX", BaseURL: "https://api.scx.ai/v1", KeyEnv: []string{"SCX_API_KEY"}, BaseEnv: []string{"SCX_API_BASE"}, Quirks: wire.Quirks{Rename: olderMaxTokens, MaxTemperature: 1.99}},
		{Name: "prism", Label: "Prism", BaseURL: "https://api.prisminference.com/v1", KeyEnv: []string{"PRISM_API_KEY"}, BaseEnv: []string{"PRISM_API_BASE"}},
		{Name: "hostinger_router", Label: "Hostinger", BaseURL: "https://router.hostinger.com/v1", KeyEnv: []string{"HOSTINGER_ROUTER_API_KEY"}, BaseEnv: []string{"HOSTINGER_ROUTER_API_BASE"}},
		{Name: "sail", Label: "Sail Research", BaseURL: "https://api.sailresearch.com/v1", KeyEnv: []string{"SAIL_API_KEY"}, BaseEnv: []string{"SAIL_API_BASE"}},
		{Name: "reka", Label: "Reka", BaseURL: "https://api.reka.ai/v1", KeyEnv: []string{"REKA_API_KEY"}, BaseEnv: []string{"REKA_API_BASE"}},
		{Name: "openinfer", Label: "OpenInfer", BaseURL: "https://api.openinfer.ai/v1", KeyEnv: []string{"OPENINFER_API_KEY"}, BaseEnv: []string{"OPENINFER_API_BASE"}},
		{Name: "inferenceapis", Label: "InferenceAPIs", BaseURL: "https://api.inferenceapis.com/v1", KeyEnv: []string{"INFERENCEAPIS_API_KEY"}, BaseEnv: []string{"INFERENCEAPIS_API_BASE"}},
		{Name: "refuseless", Label: "Refuseless", BaseURL: "https://api.refuseless.com/v1", KeyEnv: []string{"REFUSELESS_API_KEY"}},
		{Name: "kyma", Label: "Kyma", BaseURL: "https://kymaapi.com/v1", KeyEnv: []string{"KYMA_API_KEY"}},
		{Name: "streamlake", Label: "StreamLake", BaseURL: "https://vanchin.streamlake.ai/api/gateway/v1/endpoints", KeyEnv: []string{"STREAMLAKE_API_KEY"}, BaseEnv: []string{"STREAMLAKE_API_BASE"}, Quirks: wire.Quirks{Rename: map[string]string{"max_tokens": "max_completion_tokens"}, KeepCacheControl: true}},
	}
}
