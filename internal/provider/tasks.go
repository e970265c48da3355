package provider

// The formats of tasks besides conversations, for Row.Tasks. They are also the names
// of the codecs in package wire/tasks.
const (
	// TaskNone says that the vendor does not have the task.
	TaskNone = ""
	// TaskOpenAI is OpenAI's format at OpenAI's path below the base: bytes pass.
	TaskOpenAI = "openai"
	// TaskGemini, TaskCohere, TaskVoyage and TaskJina are the vendors' own formats.
	TaskGemini = "gemini"
	TaskCohere = "cohere"
	TaskVoyage = "voyage"
	TaskJina   = "jina"
)

// TaskFormat names the format in which the vendor has a task ("embeddings",
// "images/generations", "audio/speech", "rerank", …), TaskNone when it has not. A
// vendor of OpenAI's format whose row says nothing is asked in that format: it knows
// best what it has.
func (r *Row) TaskFormat(task string) string {
	if r.Tasks != nil {
		return r.Tasks[task]
	}
	if r.Wire != WireChat {
		return TaskNone
	}
	return TaskOpenAI
}

// openAITasks are the tasks that OpenAI itself has.
var openAITasks = map[string]string{
	"embeddings": TaskOpenAI, "moderations": TaskOpenAI,
	"images/generations": TaskOpenAI, "images/edits": TaskOpenAI, "images/variations": TaskOpenAI,
	"audio/speech": TaskOpenAI, "audio/transcriptions": TaskOpenAI, "audio/translations": TaskOpenAI,
}
