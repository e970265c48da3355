package server

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/relay"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaitext"
)

// taskRoutes are the paths below /v1 (and, as LiteLLM has them, below / too) of
// requests besides conversations.
var taskRoutes = []struct {
	path string
	task *relay.Task
}{
	{"/embeddings", relay.TaskEmbeddings},
	{"/moderations", relay.TaskModerations},
	{"/images/generations", relay.TaskImages},
	{"/images/edits", relay.TaskImageEdits},
	{"/images/variations", relay.TaskImageVariations},
	{"/audio/speech", relay.TaskSpeech},
	{"/audio/transcriptions", relay.TaskTranscriptions},
	{"/audio/translations", relay.TaskTranslations},
	{"/rerank", relay.TaskRerank},
}

// surfaceRoutes are the routes besides conversations.
func (s *Server) surfaceRoutes() []route {
	out := []route{{pattern: "POST /v2/rerank", handler: s.taskHandler(relay.TaskRerank, "")}}
	out = append(out, s.completionRoutes()...)
	out = append(out, s.passRoutes()...)
	out = append(out, s.ownedRoutes()...)
	out = append(out, s.inspectRoutes()...)
	out = append(out, s.realtimeRoutes()...)
	for _, t := range taskRoutes {
		h := s.taskHandler(t.task, "")
		out = append(out, route{pattern: "POST /v1" + t.path, handler: h}, route{pattern: "POST " + t.path, handler: h})
	}
	return out
}

// engineTask finds the task of a path such as MODEL/embeddings, below /engines and
// Azure's /openai/deployments; nil when it is none. A model's name may hold slashes.
func (s *Server) engineTask(rest string) handler {
	for _, t := range taskRoutes {
		model, ok := strings.CutSuffix(rest, t.path)
		if !ok || model == "" {
			continue
		}
		return s.taskHandler(t.task, unescaped(model))
	}
	if model, ok := strings.CutSuffix(rest, "/completions"); ok && model != "" && !strings.HasSuffix(model, "/chat") {
		return s.engineText(unescaped(model))
	}
	return nil
}

func unescaped(model string) string {
	if m, err := url.PathUnescape(model); err == nil {
		return m
	}
	return model
}

// text is the dialect of legacy completions.
var text wire.Dialect = &openaitext.Dialect{Gateway: openaichat.GatewayKey, Errors: openaichat.Dialect{}.Error}

func (s *Server) completionRoutes() []route {
	return []route{
		{pattern: "POST /v1/completions", handler: s.textCompletions, dialect: text},
		{pattern: "POST /completions", handler: s.textCompletions, dialect: text},
	}
}

func (s *Server) textCompletions(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.complete(w, r, c, func(rq *relay.Request) error {
		rq.Endpoint = "/completions"
		return nil
	})
}

// engineText serves MODEL/completions below /engines and Azure's paths.
func (s *Server) engineText(model string) handler {
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		c.dialect = text
		return s.complete(w, r, c, func(rq *relay.Request) error {
			rq.LLM.Model, rq.UpstreamName, rq.Endpoint = model, true, "/completions"
			return nil
		})
	}
}

// boundedBody is a body that is read while it is sent on, perhaps for a moment longer
// than the answer takes: the limit must not reach for the answer's writer then.
func boundedBody(r *http.Request, limit int64) io.ReadCloser {
	return http.MaxBytesReader(nil, r.Body, limit)
}
