package tasks

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// embedParams are OpenAI's parameters of embeddings besides input and model.
var embedParams = []string{"dimensions", "encoding_format", "user"}

// texts reads input as a list of texts. Token arrays are OpenAI's own vocabulary and
// mean nothing to others.
func texts(f *fields) ([]rawjson.Value, error) {
	in := f.take("input")
	switch in.Kind() {
	case '"':
		return []rawjson.Value{in}, nil
	case '[':
	default:
		return nil, llm.BadRequest("input", "'input' must be a text or a list of texts.")
	}
	var out []rawjson.Value
	for i, v := range in.Elems() {
		if v.Kind() != '"' {
			return nil, llm.BadRequest("input", fmt.Sprintf("input[%d] is no text: %s embeds texts only; token arrays are OpenAI's own.", i, f.t.Provider))
		}
		out = append(out, v)
	}
	if len(out) == 0 {
		return nil, llm.BadRequest("input", "'input' must not be an empty list.")
	}
	return out, nil
}

func list(values []rawjson.Value) []byte {
	out := []byte{'['}
	for _, v := range values {
		out = append(rawjson.AppendComma(out), v...)
	}
	return append(out, ']')
}

// encodingFormat takes what form of vectors the client wants.
func encodingFormat(f *fields) error {
	_, err := f.choice("encoding_format", "float", "base64")
	return err
}

func wantsBase64(c *wire.Call) bool { return c.Request.Param("encoding_format").Is("base64") }

// embeddings writes OpenAI's list from vectors as lists of numbers.
func embeddings(c *wire.Call, vectors []rawjson.Value, shown string, u *llm.Usage) ([]byte, error) {
	out := rawjson.AppendStringMember([]byte{'{'}, "object", "list")
	out = append(rawjson.AppendKey(out, "data"), '[')
	for i, v := range vectors {
		if wantsBase64(c) && v.Kind() == '[' {
			packed, ok := pack(v)
			if !ok {
				return nil, badAnswer(c, "numbers in its vectors")
			}
			v = packed
		}
		out = append(rawjson.AppendComma(out), `{"object":"embedding"`...)
		out = rawjson.AppendIntMember(out, "index", int64(i))
		out = append(rawjson.AppendMember(out, "embedding", v), '}')
	}
	out = rawjson.AppendStringMember(append(out, ']'), "model", shown)
	out = append(rawjson.AppendKey(out, "usage"), '{')
	out = rawjson.AppendIntMember(out, "prompt_tokens", u.Input)
	out = rawjson.AppendIntMember(out, "total_tokens", u.Input)
	return append(out, "}}"...), nil
}

// pack writes a vector as base64 of little-endian 32-bit floats.
func pack(v rawjson.Value) (rawjson.Value, bool) {
	var raw []byte
	for _, n := range v.Elems() {
		x, ok := n.Float()
		if !ok {
			return nil, false
		}
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(x)))
	}
	return rawjson.String(base64.StdEncoding.EncodeToString(raw)), true
}

// Gemini: batchEmbedContents takes a list of any length, one text included.

func geminiModel(t *wire.Target) string { return "models/" + strings.TrimPrefix(t.Model, "models/") }

func geminiEmbedRequest(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	f := read(req, t)
	in, err := texts(f)
	if err != nil {
		return nil, err
	}
	if err := encodingFormat(f); err != nil {
		return nil, err
	}
	options := geminiEmbedOptions(f)
	if err := f.rest(embedParams, nil); err != nil {
		return nil, err
	}
	body := []byte(`{"requests":[`)
	for _, text := range in {
		body = append(rawjson.AppendComma(body), '{')
		body = rawjson.AppendStringMember(body, "model", geminiModel(t))
		body = append(rawjson.AppendKey(body, "content"), `{"parts":[{"text":`...)
		body = append(append(body, text...), "}]}"...)
		body = append(append(body, options...), '}')
	}
	return f.call("/"+escapeModel(geminiModel(t))+":batchEmbedContents", append(body, "]}"...)), nil
}

// geminiEmbedOptions are the members that every text of a request gets.
func geminiEmbedOptions(f *fields) []byte {
	var out []byte
	for _, o := range [...]struct{ param, field string }{
		{"dimensions", "outputDimensionality"},
		{"outputDimensionality", "outputDimensionality"},
		{"task_type", "taskType"},
		{"taskType", "taskType"},
		{"title", "title"},
	} {
		if v := f.take(o.param); v != nil {
			out = append(append(append(out, ",\""...), o.field...), "\":"...)
			out = append(out, v...)
		}
	}
	return out
}

func geminiEmbedAnswer(c *wire.Call, body rawjson.Value, a wire.Answer) ([]byte, *llm.Usage, error) {
	var vectors []rawjson.Value
	for _, e := range body.Get("embeddings").Elems() {
		vectors = append(vectors, e.Get("values"))
	}
	if len(vectors) == 0 || vectors[0].Kind() != '[' {
		return nil, nil, badAnswer(c, "embeddings")
	}
	u := &llm.Usage{Input: inputTokens(c.Request)}
	if n, ok := body.Path("usageMetadata", "promptTokenCount").Int(); ok {
		u.Input = n
	}
	out, err := embeddings(c, vectors, a.Model, u)
	return out, u, err
}

// Cohere: POST /v2/embed.

func cohereEmbedRequest(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	f := read(req, t)
	in, err := texts(f)
	if err != nil {
		return nil, err
	}
	if err := encodingFormat(f); err != nil {
		return nil, err
	}
	body := rawjson.AppendStringMember([]byte{'{'}, "model", t.Model)
	body = rawjson.AppendMember(body, "texts", list(in))
	kind := f.take("input_type")
	if kind == nil {
		kind = rawjson.String("search_document") // required by models of version 3 and up
	}
	body = rawjson.AppendMember(body, "input_type", kind)
	body = append(rawjson.AppendKey(body, "embedding_types"), `["float"]`...)
	body = rawjson.AppendMember(body, "output_dimension", f.take("dimensions"))
	for _, name := range [...]string{"truncate", "max_tokens", "priority"} {
		body = rawjson.AppendMember(body, name, f.take(name))
	}
	if err := f.rest(embedParams, nil); err != nil {
		return nil, err
	}
	c := f.call(below(t.Base, "/v2/embed"), append(body, '}'))
	c.Absolute = true
	return c, nil
}

func cohereEmbedAnswer(c *wire.Call, body rawjson.Value, a wire.Answer) ([]byte, *llm.Usage, error) {
	list := body.Get("embeddings")
	if list.Kind() == '{' {
		list = list.Get("float")
	}
	var vectors []rawjson.Value
	for _, v := range list.Elems() {
		vectors = append(vectors, v)
	}
	if len(vectors) == 0 {
		return nil, nil, badAnswer(c, "embeddings")
	}
	u := &llm.Usage{Input: inputTokens(c.Request)}
	if n, ok := body.Path("meta", "billed_units", "input_tokens").Int(); ok {
		u.Input = n
	}
	out, err := embeddings(c, vectors, a.Model, u)
	return out, u, err
}

// Voyage: OpenAI's shape with names of its own.

func voyageEmbedRequest(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	return nearOpenAI(req, t, map[string]string{"dimensions": "output_dimension"}, "user")
}

func voyageEmbedAnswer(c *wire.Call, body rawjson.Value, a wire.Answer) ([]byte, *llm.Usage, error) {
	return nearOpenAIAnswer(c, body, a)
}

// Jina: OpenAI's shape with embedding_type for encoding_format.

func jinaEmbedRequest(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	return nearOpenAI(req, t, nil, "user")
}

func jinaEmbedAnswer(c *wire.Call, body rawjson.Value, a wire.Answer) ([]byte, *llm.Usage, error) {
	return nearOpenAIAnswer(c, body, a)
}

// nearOpenAI sends the request to /embeddings with parameters renamed and others
// refused; vectors come as numbers and are packed here when the client wants that.
func nearOpenAI(req *llm.Request, t *wire.Target, rename map[string]string, unknown ...string) (*wire.Call, error) {
	f := read(req, t)
	in := f.take("input")
	if in.Kind() == '"' {
		in = append(append([]byte{'['}, in...), ']')
	}
	if in.Kind() != '[' || in.Len() == 0 {
		return nil, llm.BadRequest("input", "'input' must be a text or a list that is not empty.")
	}
	if n := in.First().Kind(); n == '[' || n == '0' {
		return nil, llm.BadRequest("input", "'input' must hold texts: token arrays are OpenAI's own, "+t.Provider+" does not know them.")
	}
	if err := encodingFormat(f); err != nil {
		return nil, err
	}
	body := rawjson.AppendStringMember([]byte{'{'}, "model", t.Model)
	body = rawjson.AppendMember(body, "input", in)
	name := "dimensions"
	if to, ok := rename[name]; ok {
		name = to
	}
	body = rawjson.AppendMember(body, name, f.take("dimensions"))
	err := f.rest(unknown, func(name string, v rawjson.Value) { body = rawjson.AppendMember(body, name, v) })
	if err != nil {
		return nil, err
	}
	return f.call("/embeddings", append(body, '}')), nil
}

func nearOpenAIAnswer(c *wire.Call, body rawjson.Value, a wire.Answer) ([]byte, *llm.Usage, error) {
	var vectors []rawjson.Value
	for _, e := range body.Get("data").Elems() {
		vectors = append(vectors, e.Get("embedding"))
	}
	if len(vectors) == 0 {
		return nil, nil, badAnswer(c, "data")
	}
	u := &llm.Usage{}
	if n, ok := body.Path("usage", "prompt_tokens").Int(); ok {
		u.Input = n
	} else if n, ok := body.Path("usage", "total_tokens").Int(); ok {
		u.Input = n
	}
	out, err := embeddings(c, vectors, a.Model, u)
	return out, u, err
}
