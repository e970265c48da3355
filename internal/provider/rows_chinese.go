package provider

import "github.com/fairlead-gateway/fairlead/internal/wire"

// chineseRows are vendors in China and their international twins.
func chineseRows() []Row {
	return []Row{
		dashscope("dashscope", "Alibaba Model Studio (DashScope)"),
		dashscope("qwencloud", "Qwen Cloud"),
		dashscope("qwen_ai_platform", "Qwen AI Platform"),
		{
			Name: "moonshot", Label: "Moonshot (Kimi)", DocURL: "https://platform.moonshot.ai/docs",
			BaseURL: "https://api.moonshot.ai/v1",
			KeyEnv:  []string{"MOONSHOT_API_KEY"},
			BaseEnv: []string{"MOONSHOT_API_BASE"},
			Hosts:   []string{"api.moonshot.cn"},
			Quirks: wire.Quirks{
				Rename: olderMaxTokens, Remove: []string{"functions", "function_call"},
				MaxTemperature: 1, TextContent: true, Reasoning: "fill",
				ToolChoiceAuto: true, ToolChoiceHint: "Please select a tool to handle the current issue.",
			},
		},
		{
			Name: "zai", Label: "Z.AI (GLM)", DocURL: "https://docs.z.ai",
			BaseURL: "https://api.z.ai/api/paas/v4", Version: "/api/paas/v4",
			KeyEnv:  []string{"ZAI_API_KEY"},
			BaseEnv: []string{"ZAI_API_BASE"},
			Quirks:  glmQuirks(),
		},
		{
			Name: "bigmodel", Label: "Zhipu BigModel (GLM)", DocURL: "https://docs.bigmodel.cn",
			BaseURL: "https://open.bigmodel.cn/api/paas/v4", Version: "/api/paas/v4",
			KeyEnv:  []string{"BIGMODEL_API_KEY"},
			BaseEnv: []string{"BIGMODEL_API_BASE"},
			Quirks:  glmQuirks(),
		},
		{
			Name: "minimax", Label: "MiniMax", DocURL: "https://platform.minimax.io/docs",
			BaseURL: "https://api.minimax.io/v1",
			KeyEnv:  []string{"MINIMAX_API_KEY"},
			BaseEnv: []string{"MINIMAX_API_BASE"},
			Hosts:   []string{"api.minimaxi.com", "api.minimax.chat"},
			Quirks: wire.Quirks{
				Rename: map[string]string{"max_tokens": "max_completion_tokens"}, Reasoning: "echo", BaseResp: true,
			},
		},
		{
			Name: "volcengine", Label: "Volcengine Ark (Doubao)", DocURL: "https://www.volcengine.com/docs/82379",
			BaseURL: "https://ark.cn-beijing.volces.com/api/v3", Version: "/api/v3",
			KeyEnv:  []string{"VOLCENGINE_API_KEY", "ARK_API_KEY"},
			BaseEnv: []string{"VOLCENGINE_API_BASE"},
			Hosts:   []string{"ark.ap-southeast.bytepluses.com"},
			Quirks:  wire.Quirks{EffortToThinking: "volcengine"},
		},
		{
			Name: "siliconflow", Label: "SiliconFlow", DocURL: "https://docs.siliconflow.cn",
			BaseURL: "https://api.siliconflow.cn/v1",
			KeyEnv:  []string{"SILICONFLOW_API_KEY"},
			BaseEnv: []string{"SILICONFLOW_API_BASE"},
			Hosts:   []string{"api.siliconflow.com"},
			Quirks:  wire.Quirks{EffortToThinking: "dashscope"},
		},
		{
			Name: "modelscope", Label: "ModelScope", DocURL: "https://modelscope.cn/docs/model-service/API-Inference/intro",
			BaseURL: "https://api-inference.modelscope.cn/v1",
			KeyEnv:  []string{"MODELSCOPE_API_KEY"},
			BaseEnv: []string{"MODELSCOPE_API_BASE"},
			Quirks:  wire.Quirks{EffortToThinking: "dashscope"},
		},
	}
}

// dashscope is one of the names under which Alibaba sells Qwen. A base may be given
// as the bare origin.
func dashscope(name, label string) Row {
	return Row{
		Name: name, Label: label, DocURL: "https://help.aliyun.com/zh/model-studio",
		BaseURL: "https://dashscope.aliyuncs.com/compatible-mode/v1", Version: "/compatible-mode/v1",
		KeyEnv:  []string{"DASHSCOPE_API_KEY"},
		BaseEnv: []string{"DASHSCOPE_API_BASE"},
		Hosts:   []string{"dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com", ".maas.aliyuncs.com"},
		Quirks: wire.Quirks{
			EffortToThinking: "dashscope", KeepCacheControl: true, Reasoning: "echo", StreamOnly: []string{"qwq", "qvq"},
		},
	}
}

func glmQuirks() wire.Quirks {
	return wire.Quirks{
		Rename: olderMaxTokens, ToolChoiceAuto: true, Reasoning: "echo", KeepCacheControl: true,
		EffortToThinking: "zai", NoJSONSchema: true,
	}
}
