package relay

// Task is one kind of request besides a conversation, as OpenAI's API has it (or, for
// rerank, Cohere's).
type Task struct {
	// Name is the task's path below /v1 and below an upstream's base.
	Name string
	// Required names the fields without which a request is refused.
	Required []string
	// File names the file without which a form is refused, "" when the request is no
	// form.
	File string
	// Params are the task's own parameters which chat has too: what a deployment says
	// of them holds here as well. Those that only chat has are left out.
	Params []string
	// Bytes says that an answer need not be JSON.
	Bytes bool
	// Hedged says that a second deployment may be asked beside one that says nothing.
	Hedged bool
	// Mode is the mode of a model that is asked when the request names none, "" when
	// it must name one.
	Mode string
}

// The tasks. Sources: OpenAI's API reference, and Cohere's for rerank.
var (
	TaskEmbeddings      = &Task{Name: "embeddings", Required: []string{"input"}, Params: []string{"user"}, Hedged: true}
	TaskModerations     = &Task{Name: "moderations", Required: []string{"input"}, Mode: "moderation", Hedged: true}
	TaskImages          = &Task{Name: "images/generations", Required: []string{"prompt"}, Params: []string{"n", "user", "response_format"}}
	TaskImageEdits      = &Task{Name: "images/edits", Required: []string{"prompt"}, File: "image", Params: []string{"n", "user", "response_format"}}
	TaskImageVariations = &Task{Name: "images/variations", File: "image", Params: []string{"n", "user", "response_format"}}
	TaskSpeech          = &Task{Name: "audio/speech", Required: []string{"input"}, Params: []string{"response_format"}, Bytes: true}
	TaskTranscriptions  = &Task{Name: "audio/transcriptions", File: "file", Params: []string{"response_format", "temperature"}, Bytes: true}
	TaskTranslations    = &Task{Name: "audio/translations", File: "file", Params: []string{"response_format", "temperature"}, Bytes: true}
	TaskRerank          = &Task{Name: "rerank", Required: []string{"query", "documents"}, Hedged: true}
)
