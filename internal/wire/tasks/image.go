package tasks

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// imageParams are OpenAI's parameters of images/generations besides prompt and model.
var imageParams = []string{
	"background", "moderation", "n", "output_compression", "output_format", "partial_images", "quality",
	"response_format", "size", "stream", "style", "user",
}

// ratios are the aspect ratios that Gemini's and Imagen's models draw.
var ratios = []struct {
	name string
	of   float64
}{
	{"1:1", 1},
	{"2:3", 2.0 / 3},
	{"3:2", 1.5},
	{"3:4", 0.75},
	{"4:3", 4.0 / 3},
	{"4:5", 0.8},
	{"5:4", 1.25},
	{"9:16", 9.0 / 16},
	{"16:9", 16.0 / 9},
	{"21:9", 21.0 / 9},
}

// aspect is the nearest ratio to a size such as 1792x1024; "" for auto.
func aspect(size string) (string, error) {
	if size == "" || size == "auto" {
		return "", nil
	}
	w, h, ok := strings.Cut(size, "x")
	width, err1 := strconv.Atoi(w)
	height, err2 := strconv.Atoi(h)
	if !ok || err1 != nil || err2 != nil || width <= 0 || height <= 0 {
		return "", llm.BadRequest("size", "'size' must be a width and a height, such as 1024x1024, or auto.")
	}
	best, distance := "", math.Inf(1)
	for _, r := range ratios {
		if d := math.Abs(math.Log(float64(width) / float64(height) / r.of)); d < distance {
			best, distance = r.name, d
		}
	}
	return best, nil
}

// geminiImageRequest asks a Gemini image model by generateContent, an Imagen model by
// predict.
func geminiImageRequest(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	f := read(req, t)
	prompt := f.take("prompt")
	if prompt.Kind() != '"' {
		return nil, llm.BadRequest("prompt", "'prompt' must be a text.")
	}
	ratio, err := aspect(f.take("size").Text())
	if err != nil {
		return nil, err
	}
	if err := inlineOnly(f); err != nil {
		return nil, err
	}
	if strings.HasPrefix(t.Model, "imagen") {
		return imagenRequest(f, prompt, ratio)
	}
	if n, ok := req.Param("n").Int(); ok && n == 1 {
		f.take("n")
	}
	if err := f.rest(imageParams, nil); err != nil {
		return nil, err
	}
	body := append([]byte(`{"contents":[{"role":"user","parts":[{"text":`), prompt...)
	body = append(body, `}]}],"generationConfig":{"responseModalities":["TEXT","IMAGE"]`...)
	if ratio != "" {
		body = append(append(append(body, `,"imageConfig":{"aspectRatio":"`...), ratio...), `"}`...)
	}
	return f.call("/"+escapeModel(geminiModel(t))+":generateContent", append(body, "}}"...)), nil
}

// inlineOnly takes response_format: the images come inline and nowhere else.
func inlineOnly(f *fields) error {
	v := f.req.Param("response_format")
	if !v.Present() || v.Is("b64_json") {
		f.take("response_format")
	}
	if v := f.req.Param("stream"); v.Present() && !v.True() {
		f.take("stream")
	}
	return nil
}

func imagenRequest(f *fields, prompt rawjson.Value, ratio string) (*wire.Call, error) {
	n := f.take("n")
	if n == nil {
		n = rawjson.Int(1)
	}
	if err := f.rest(imageParams, nil); err != nil {
		return nil, err
	}
	body := append([]byte(`{"instances":[{"prompt":`), prompt...)
	body = rawjson.AppendMember(append(body, `}],"parameters":{`...), "sampleCount", n)
	if ratio != "" {
		body = rawjson.AppendStringMember(body, "aspectRatio", ratio)
	}
	return f.call("/"+escapeModel(geminiModel(f.t))+":predict", append(body, "}}"...)), nil
}

func geminiImageAnswer(c *wire.Call, body rawjson.Value, a wire.Answer) ([]byte, *llm.Usage, error) {
	images, why := geminiImages(body)
	if len(images) == 0 {
		return nil, nil, noImage(c, why)
	}
	out := rawjson.AppendIntMember([]byte{'{'}, "created", a.Created)
	out = append(rawjson.AppendKey(out, "data"), '[')
	for _, data := range images {
		out = append(rawjson.AppendMember(append(rawjson.AppendComma(out), '{'), "b64_json", data), '}')
	}
	out = append(out, ']')
	u := geminiImageUsage(body)
	if u != nil {
		out = append(rawjson.AppendKey(out, "usage"), '{')
		out = rawjson.AppendIntMember(out, "input_tokens", u.Input)
		out = rawjson.AppendIntMember(out, "output_tokens", u.Output)
		out = append(rawjson.AppendIntMember(out, "total_tokens", u.Input+u.Output), '}')
	}
	return append(out, '}'), u, nil
}

// geminiImages finds the images of either format, or the reason why there are none.
func geminiImages(body rawjson.Value) (images []rawjson.Value, why string) {
	for _, p := range body.Get("predictions").Elems() {
		if data := p.Get("bytesBase64Encoded"); data.Kind() == '"' {
			images = append(images, data)
		}
		why = p.Get("raiFilteredReason").Text()
	}
	if reason := body.Path("promptFeedback", "blockReason").Text(); reason != "" {
		why = reason
	}
	for _, candidate := range body.Get("candidates").Elems() {
		why = candidate.Get("finishReason").Text()
		for _, p := range candidate.Path("content", "parts").Elems() {
			data := p.Path("inlineData", "data")
			if data.Kind() == '"' && !p.Get("thought").True() {
				images = append(images, data)
			}
		}
	}
	return images, why
}

// noImage is the error for an answer without an image: the model refused.
func noImage(c *wire.Call, why string) error {
	if why == "" || why == "STOP" {
		why = "it answered in words only"
	}
	e := llm.BadRequest("prompt", fmt.Sprintf("litellm.ContentPolicyViolationError: %s made no image: %s.", c.Target.Provider, why))
	e.Kind, e.Status, e.Upstream = llm.KindContentPolicy, http.StatusBadRequest, true
	e.Provider, e.Model = c.Target.Provider, c.Target.Model
	return e
}

func geminiImageUsage(body rawjson.Value) *llm.Usage {
	m := body.Get("usageMetadata")
	if m.Kind() != '{' {
		return nil
	}
	u := &llm.Usage{}
	u.Input, _ = m.Get("promptTokenCount").Int()
	u.Output, _ = m.Get("candidatesTokenCount").Int()
	if thoughts, ok := m.Get("thoughtsTokenCount").Int(); ok {
		u.Output, u.Reasoning = u.Output+thoughts, thoughts
	}
	for _, d := range m.Get("candidatesTokensDetails").Elems() {
		if n, ok := d.Get("tokenCount").Int(); ok && d.Get("modality").Is("IMAGE") {
			u.ImageOut += n
		}
	}
	return u
}
