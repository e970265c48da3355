package llm

// Drop is something that translation left out or changed.
type Drop struct {
	// What names the parameter, field or part: "seed", "messages[2].content[0]".
	What string
	// Why is a short clause: "not supported by this model".
	Why string
}
