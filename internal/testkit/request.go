package testkit

import (
	"net/http"

	"github.com/go-json-experiment/json"
)

// Request is one request as a fake received it, and what the fake made of it.
type Request struct {
	Method, Path, RawQuery string
	Header                 http.Header
	Body                   []byte

	// Status of the answer, 0 while there is none.
	Status int
	// Refused is the text with which a strict rule refused the request, "" when it
	// was correct or a fault came first.
	Refused string
	// State says what reasoning state the request carried.
	State State
}

// State counts the reasoning state in one request.
type State struct {
	// Real counts signatures that this account made.
	Real int
	// Placeholders counts documented stand-ins for a lost signature.
	Placeholders int
	// Foreign counts signatures that this account never made, wherever they are.
	Foreign int
	// Thinking counts returned thinking blocks (Anthropic) or reasoning texts
	// (DeepSeek).
	Thinking int
}

// object is a decoded JSON object.
type object = map[string]any

// decode reads a JSON object strictly: duplicate members and bad UTF-8 are errors.
func decode(body []byte) (object, error) {
	var o object
	err := json.Unmarshal(body, &o)
	return o, err
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

func obj(v any) object {
	o, _ := v.(object)
	return o
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func num(v any) (float64, bool) {
	n, ok := v.(float64)
	return n, ok
}

func yes(v any) bool {
	b, _ := v.(bool)
	return b
}

// encode writes v; what it is given here always has a JSON form.
func encode(v any) string {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic("testkit: " + err.Error())
	}
	return string(b)
}
