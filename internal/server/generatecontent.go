package server

import (
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/relay"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/gemini"
)

// generateContent is the dialect of Gemini CLI and Google's SDKs.
var generateContent wire.Dialect = gemini.Dialect{}

func (s *Server) generateContentRoutes() []route {
	row := func(pattern string, h handler) route {
		return route{pattern: pattern, handler: h, dialect: generateContent, keyInQuery: true}
	}
	return []route{
		row("POST /v1beta/models/{rest...}", s.geminiVerb),
		row("POST /v1/models/{rest...}", s.geminiVerb),
		row("POST /models/{rest...}", s.geminiVerb),
		row("POST /v1beta1/projects/{rest...}", s.vertexVerb),
		row("POST /v1/projects/{rest...}", s.vertexVerb),
		row("GET /v1beta/models", s.geminiModels),
		row("GET /v1beta/models/{id...}", s.geminiModel),
	}
}

// geminiVerb serves /v1beta/models/{model}:{verb}.
func (s *Server) geminiVerb(w http.ResponseWriter, r *http.Request, c *call) error {
	model, verb, ok := gemini.ParsePath(r.PathValue("rest"))
	if !ok {
		return s.notFound(w, r, c)
	}
	return s.generate(w, r, c, model, verb)
}

// vertexVerb serves projects/…/publishers/google/models/{model}:{verb}.
func (s *Server) vertexVerb(w http.ResponseWriter, r *http.Request, c *call) error {
	_, rest, ok := strings.Cut(r.PathValue("rest"), "/models/")
	if !ok {
		return s.notFound(w, r, c)
	}
	model, verb, ok := gemini.ParsePath(rest)
	if !ok {
		return s.notFound(w, r, c)
	}
	return s.generate(w, r, c, model, verb)
}

func (s *Server) generate(w http.ResponseWriter, r *http.Request, c *call, model, verb string) error {
	prepare := func(rq *relay.Request) error {
		rq.LLM.Model = model
		rq.LLM.Stream = verb == gemini.VerbStream
		rq.JSONArray = rq.LLM.Stream && r.URL.Query().Get("alt") != "sse"
		rq.Endpoint = r.URL.Path
		return nil
	}
	switch verb {
	case gemini.VerbGenerate, gemini.VerbStream:
		return s.complete(w, r, c, prepare)
	case gemini.VerbCount:
		return s.count(w, r, c, gemini.Dialect{}.DecodeCount, prepare, gemini.Dialect{}.CountAnswer)
	case gemini.VerbEmbed, gemini.VerbBatchEmbeds:
		return s.embedContent(w, r, c, model, verb == gemini.VerbBatchEmbeds)
	}
	return &llm.Error{
		Kind: llm.KindNotFound, Status: http.StatusNotFound,
		Message: "The method " + clipName(verb) + " is not served here; generateContent, streamGenerateContent, countTokens, embedContent and batchEmbedContents are.",
	}
}

// clipName bounds what of a client's text stands in a sentence.
func clipName(s string) string { return s[:min(len(s), 80)] }

func (s *Server) geminiModels(w http.ResponseWriter, _ *http.Request, c *call) error {
	var list []gemini.ListedModel
	for _, m := range c.state.Models.Listed(false, s.Now()) {
		list = append(list, geminiListed(m.ID, m.Info))
	}
	return writeJSON(w, gemini.Dialect{}.ListAnswer(list))
}

func (s *Server) geminiModel(w http.ResponseWriter, r *http.Request, c *call) error {
	m, ok := c.state.Models.Find(r.PathValue("id"))
	if !ok {
		return &llm.Error{Kind: llm.KindNotFound, Status: http.StatusNotFound, Message: "The model " + clipName(r.PathValue("id")) + " is not served here; GET /v1beta/models lists those that are."}
	}
	return writeJSON(w, gemini.Dialect{}.ModelAnswer(geminiListed(m.ID, m.Info)))
}

func geminiListed(id string, info *catalog.Model) gemini.ListedModel {
	thinks, _ := info.Flag("supports_reasoning")
	return gemini.ListedModel{Name: id, InputLimit: info.MaxInput(), OutputLimit: info.MaxOutput(), Embeds: info.Mode() == "embedding", Thinks: thinks}
}

// checkObject checks a body that must be a JSON object.
func checkObject(body []byte) (rawjson.Value, error) {
	if len(body) == 0 {
		body = []byte("{}")
	}
	v, err := rawjson.Check(body)
	if err != nil {
		return nil, wire.NotJSON(err)
	}
	if v.Kind() != '{' {
		return nil, llm.BadRequest("request_body", "Invalid JSON payload: expected an object")
	}
	return v, nil
}
