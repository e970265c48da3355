package testkit

import "net/http"

// family is what the fakes of one provider have of their own.
type family interface {
	name() string
	// route says what a path asks for.
	route(in *incoming) operation
	// authorise refuses a wrong key.
	authorise(in *incoming) *refusal
	// inspect refuses what the provider refuses and reads the rest.
	inspect(c *inspector, in *incoming) *Turn
	// whole writes an answer, frames the same as the events of a stream.
	whole(in *incoming, t *Turn, r Reply) string
	frames(in *incoming, t *Turn, r Reply) []frame
	// canned is the error that the provider gives with a status.
	canned(status int) *refusal
	// failure writes the body of an error.
	failure(r *refusal) string
	// failureFrame writes an error within a stream.
	failureFrame(r *refusal) frame
	// modelList writes the list of models.
	modelList(names []string) string
}

// counter is a family that counts the tokens of a request.
type counter interface {
	count(in *incoming, n int) string
}

type operation uint8

const (
	opUnknown operation = iota
	opAnswer
	opModels
	// opCount asks what a request would cost, opAbsent for an API that this provider
	// could have and does not.
	opCount
	opAbsent
)

// incoming is a request while a fake works on it.
type incoming struct {
	*http.Request
	fake *Fake
	// family answers: the fake's own, unless the path is that of another API.
	family family
	body   []byte
	doc    object
	model  string
	// stream is set where the path asks for it.
	stream bool
}

// frame is one event of a stream.
type frame struct {
	event, data string
	// crlf ends lines as Google's servers do.
	crlf bool
}

func (fr frame) text() string {
	nl := "\n"
	if fr.crlf {
		nl = "\r\n"
	}
	head := ""
	if fr.event != "" {
		head = "event: " + fr.event + nl
	}
	return head + "data: " + fr.data + nl + nl
}
