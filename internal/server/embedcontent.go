package server

import (
	"net/http"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/relay"
	"github.com/fairlead-gateway/fairlead/internal/wire/gemini"
)

// embedContent serves embedContent and batchEmbedContents over the same task as
// /v1/embeddings, so that every embedding model answers Google's clients too.
func (s *Server) embedContent(w http.ResponseWriter, r *http.Request, c *call, model string, batch bool) error {
	body, err := s.readBody(w, r, c, c.state.Config.Fairlead.MaxBodyBytes)
	if err != nil {
		return err
	}
	v, err := checkObject(body)
	if err != nil {
		return err
	}
	in, err := gemini.Dialect{}.DecodeEmbed(v, batch)
	if err != nil {
		return err
	}
	req, err := taskRequest(relay.TaskEmbeddings, embeddingsBody(model, in))
	if err != nil {
		return err
	}
	rq := s.request(r, c, req)
	rq.Endpoint = r.URL.Path
	answer := &held{header: w.Header()}
	if err := s.Relay.Forward(r.Context(), rq, relay.TaskEmbeddings, nil, answer); err != nil {
		return err
	}
	vectors, err := vectorsOf(answer.body.Bytes(), len(in.Texts))
	if err != nil {
		return err
	}
	return writeJSON(w, gemini.Dialect{}.EmbedAnswer(in, vectors))
}

// embeddingsBody is the same question in OpenAI's words.
func embeddingsBody(model string, in *gemini.EmbedInput) rawjson.Value {
	b := rawjson.AppendStringMember([]byte{'{'}, "model", model)
	b = append(rawjson.AppendKey(b, "input"), '[')
	for _, text := range in.Texts {
		b = rawjson.AppendString(rawjson.AppendComma(b), text)
	}
	b = append(b, ']')
	if in.Dimensions > 0 {
		b = rawjson.AppendIntMember(b, "dimensions", in.Dimensions)
	}
	return append(b, '}')
}

// vectorsOf reads the vectors in the order of their index.
func vectorsOf(body []byte, want int) ([]rawjson.Value, error) {
	out := make([]rawjson.Value, want)
	n := 0
	for i, e := range rawjson.Value(body).Get("data").Elems() {
		if at, ok := e.Get("index").Int(); ok {
			i = int(at)
		}
		if i < 0 || i >= want || out[i] != nil {
			break
		}
		out[i] = e.Get("embedding")
		n++
	}
	if n != want {
		return nil, &llm.Error{
			Kind: llm.KindBadGateway, Status: http.StatusBadGateway,
			Message: "The upstream's answer does not have one vector for each text.",
		}
	}
	return out, nil
}
