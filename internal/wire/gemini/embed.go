package gemini

import (
	"net/url"
	"strconv"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// EmbedInput is what embedContent and batchEmbedContents ask for.
type EmbedInput struct {
	// Texts to embed, in order; the parts of one content are one text.
	Texts []string
	// Dimensions of the vectors, 0 for the model's own. Within a batch the first
	// request that says it decides.
	Dimensions int64
	// Body is the client's body, for a hop in the same format.
	Body rawjson.Value
	// Batch says which of the two it was, and so which answer is expected.
	Batch bool
}

// DecodeEmbed reads the checked body of embedContent, or of batchEmbedContents.
// Errors are *llm.Error with status 400.
func (Dialect) DecodeEmbed(body rawjson.Value, batch bool) (*EmbedInput, error) {
	if err := isKind("request_body", body, "{"); err != nil {
		return nil, err
	}
	in := &EmbedInput{Body: body, Batch: batch}
	if !batch {
		return in, in.add("", body)
	}
	requests := member(body, "requests")
	for i, r := range elems(requests) {
		place := "requests[" + strconv.Itoa(i) + "]"
		if err := isKind(place, r, "{"); err != nil {
			return nil, err
		}
		if err := in.add(place+".", r); err != nil {
			return nil, err
		}
	}
	if len(in.Texts) == 0 {
		return nil, badRequest("requests", "BatchEmbedContentsRequest.requests: requests is not specified.")
	}
	return in, nil
}

// add reads one request.
func (in *EmbedInput) add(place string, v rawjson.Value) error {
	var text []byte
	for name, m := range members(v) {
		switch name {
		case "content":
			if err := isKind(place+name, m, "{"); err != nil {
				return err
			}
			for _, p := range elems(member(m, "parts")) {
				text = append(text, member(p, "text").Text()...)
			}
		case "outputDimensionality":
			n, ok := numberOf(m).Int()
			if !ok || n < 1 {
				return badRequest(place+name, "Invalid value at '"+place+name+"': it must be a whole number from 1.")
			}
			if in.Dimensions == 0 {
				in.Dimensions = n
			}
		}
	}
	if len(text) == 0 {
		return badRequest(place+"content", "Invalid value at '"+place+"content': it needs a part with text.")
	}
	in.Texts = append(in.Texts, string(text))
	return nil
}

// EmbedAnswer writes the vectors, each a JSON array of numbers, as the answer that
// in expects.
func (Dialect) EmbedAnswer(in *EmbedInput, vectors []rawjson.Value) []byte {
	if !in.Batch {
		dst := []byte(`{"embedding":`)
		if len(vectors) > 0 {
			return append(appendVector(dst, vectors[0]), '}')
		}
		return append(dst, "{}}"...)
	}
	dst := []byte(`{"embeddings":[`)
	for _, v := range vectors {
		dst = appendVector(rawjson.AppendComma(dst), v)
	}
	return append(dst, "]}"...)
}

func appendVector(dst []byte, v rawjson.Value) []byte {
	return append(rawjson.AppendMember(append(dst, '{'), "values", v), '}')
}

// EncodeEmbed writes a batchEmbedContents request for the texts. extra are further
// members of each request (taskType, title) under Gemini's names.
func (Wire) EncodeEmbed(texts []string, dimensions int64, extra rawjson.Object, t *wire.Target) *wire.Call {
	model := bareName(t.Model)
	dst := []byte(`{"requests":[`)
	for _, text := range texts {
		dst = rawjson.AppendStringMember(append(rawjson.AppendComma(dst), '{'), "model", "models/"+model)
		dst = append(dst, `,"content":{"parts":[{"text":`...)
		dst = append(rawjson.AppendString(dst, text), "}]}"...)
		if dimensions > 0 {
			dst = rawjson.AppendIntMember(dst, "outputDimensionality", dimensions)
		}
		for _, m := range extra {
			dst = rawjson.AppendMember(dst, m.Key, m.Value)
		}
		dst = append(dst, '}')
	}
	return &wire.Call{Path: "/models/" + url.PathEscape(model) + ":" + VerbBatchEmbeds, Body: append(dst, "]}"...), Target: t}
}

// ReadEmbed reads the vectors of an answer to either method, and what it cost as far
// as the provider says so (nil otherwise). The vectors share memory with body.
func (Wire) ReadEmbed(body []byte) ([]rawjson.Value, *llm.Usage, error) {
	v, err := rawjson.Check(body)
	if err != nil {
		e := brokenAnswer("the embeddings are not JSON")
		e.Cause = err
		return nil, nil, e
	}
	var vectors []rawjson.Value
	for _, e := range v.Get("embeddings").Elems() {
		vectors = append(vectors, e.Get("values"))
	}
	if one := v.Path("embedding", "values"); one != nil {
		vectors = append(vectors, one)
	}
	for _, values := range vectors {
		if values.Kind() != '[' {
			return nil, nil, brokenAnswer("an embedding has no values")
		}
	}
	if len(vectors) == 0 {
		return nil, nil, brokenAnswer("the answer has no embeddings")
	}
	return vectors, usageOf(v.Get("usageMetadata"), 0), nil
}
