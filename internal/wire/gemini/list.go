package gemini

import "github.com/fairlead-gateway/fairlead/internal/rawjson"

// ListedModel is one model in the list that Gemini clients read.
type ListedModel struct {
	// Name as clients ask for it, without "models/".
	Name string
	// InputLimit and OutputLimit are in tokens, 0 when not known.
	InputLimit, OutputLimit int64
	// Embeds says that the model makes embeddings instead of answers.
	Embeds bool
	// Thinks says that the model can think.
	Thinks bool
}

// ListAnswer is the answer of GET /v1beta/models.
func (Dialect) ListAnswer(models []ListedModel) []byte {
	dst := append(make([]byte, 0, 16+200*len(models)), `{"models":[`...)
	for i := range models {
		dst = models[i].append(rawjson.AppendComma(dst))
	}
	return append(dst, "]}"...)
}

// ModelAnswer is the answer of GET /v1beta/models/{name}.
func (Dialect) ModelAnswer(m ListedModel) []byte { return m.append(nil) }

func (m *ListedModel) append(dst []byte) []byte {
	dst = rawjson.AppendStringMember(append(dst, '{'), "name", "models/"+m.Name)
	dst = rawjson.AppendStringMember(dst, "baseModelId", m.Name)
	dst = rawjson.AppendStringMember(dst, "version", m.Name)
	dst = rawjson.AppendStringMember(dst, "displayName", m.Name)
	if m.InputLimit > 0 {
		dst = rawjson.AppendIntMember(dst, "inputTokenLimit", m.InputLimit)
	}
	if m.OutputLimit > 0 {
		dst = rawjson.AppendIntMember(dst, "outputTokenLimit", m.OutputLimit)
	}
	methods := `["` + VerbGenerate + `","` + VerbStream + `","` + VerbCount + `"]`
	if m.Embeds {
		methods = `["` + VerbEmbed + `","` + VerbBatchEmbeds + `","` + VerbCount + `"]`
	}
	dst = rawjson.AppendMember(dst, "supportedGenerationMethods", rawjson.Value(methods))
	if m.Thinks {
		dst = rawjson.AppendMember(dst, "thinking", rawjson.Value("true"))
	}
	return append(dst, '}')
}
