// Package client is a small client for an OpenAI-compatible gateway such as
// Fairlead: one answer (Chat), a streamed one (Stream), and a loop in which the
// model calls functions of the program (ToolLoop).
//
// What it does that most clients do not: it keeps whole assistant messages. Models
// that think return opaque state with their answers (thought signatures of Gemini,
// thinking blocks of Claude, reasoning_content of DeepSeek), in fields that
// common SDKs do not know, and refuse the next turn of a tool loop without them. A
// Message that came from a model is sent back byte for byte, and a streamed one is
// put together with every field of every chunk.
//
//	c := client.New("http://localhost:4000/v1", os.Getenv("OPENAI_API_KEY"))
//	answer, err := c.Chat(ctx, client.Request{
//		Model:    "gemini/gemini-3.1-pro-preview",
//		Messages: []client.Message{client.User("Hello")},
//	})
//
// The package uses the standard library only.
package client
