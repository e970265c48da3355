package server

import (
	"net/url"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/relay"
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
		if m, err := url.PathUnescape(model); err == nil {
			model = m
		}
		return s.taskHandler(t.task, model)
	}
	return nil
}
