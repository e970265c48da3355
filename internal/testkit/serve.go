package testkit

import (
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// maxBody limits a recorded request.
const maxBody = 64 << 20

func (f *Fake) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	in := &incoming{Request: r, fake: f, family: f.family, body: body}
	op := f.family.route(in)
	if op == opModels {
		f.serveModels(w, in)
		return
	}
	rec := f.record(in)
	signal(f.arrived)
	if op == opAbsent {
		f.update(rec, func(r *Request) { r.Status = http.StatusNotFound })
		in.fail(w, nowhere(in))
		return
	}
	f.answer(w, in, rec, op, f.nextFault())
	if r.Context().Err() != nil {
		signal(f.gone)
	}
}

func (f *Fake) record(in *incoming) *Request {
	rec := &Request{
		Method: in.Method, Path: in.URL.Path, RawQuery: in.URL.RawQuery,
		Header: in.Header.Clone(), Body: in.body,
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, rec)
	return rec
}

func (f *Fake) serveModels(w http.ResponseWriter, in *incoming) {
	if bad := in.family.authorise(in); bad != nil {
		in.fail(w, bad)
		return
	}
	send(w, http.StatusOK, nil, in.family.modelList(f.models))
}

func (f *Fake) answer(w http.ResponseWriter, in *incoming, rec *Request, op operation, fault Fault) {
	if fault.wait != nil && !f.held(in, fault.wait) {
		return
	}
	if f.faulty(w, in, rec, fault) {
		return
	}
	turn, bad, state := f.understand(in, op)
	f.update(rec, func(r *Request) { r.State = state })
	if bad != nil {
		f.update(rec, func(r *Request) { r.Refused, r.Status = bad.message, bad.status })
		in.fail(w, bad)
		return
	}
	f.update(rec, func(r *Request) { r.Status = http.StatusOK })
	if op == opCount {
		send(w, http.StatusOK, nil, in.family.(counter).count(in, tokens(string(in.body))))
		return
	}
	reply := f.script(turn)
	out := &writer{w: w, in: in, fault: fault}
	if turn.Stream {
		out.stream(f.replyFrames(in, turn, reply), reply.Header)
		return
	}
	out.whole(f.replyBody(in, turn, reply), reply.Header)
}

// held waits for ch; false means that the client left or the answer is lost.
func (f *Fake) held(in *incoming, ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	case <-in.Context().Done():
		return false
	}
}

// faulty answers for the faults that need no answer of the model.
func (f *Fake) faulty(w http.ResponseWriter, in *incoming, rec *Request, fault Fault) bool {
	switch fault.kind {
	case failNative:
		bad := in.family.canned(fault.status)
		bad.header = merge(bad.header, fault.header)
		f.update(rec, func(r *Request) { r.Status = bad.status })
		in.fail(w, bad)
	case failBody:
		f.update(rec, func(r *Request) { r.Status = fault.status })
		send(w, fault.status, fault.header, fault.body)
	case hang:
		<-in.Context().Done()
	case drop:
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

// understand applies the strict rules.
func (f *Fake) understand(in *incoming, op operation) (*Turn, *refusal, State) {
	if op == opUnknown {
		return nil, nowhere(in), State{}
	}
	if bad := in.family.authorise(in); bad != nil {
		return nil, bad, State{}
	}
	doc, err := decode(in.body)
	if err != nil {
		return nil, &refusal{status: http.StatusBadRequest, message: "We could not parse the JSON body of your request: " + err.Error(), kind: "invalid_request_error"}, State{}
	}
	in.doc = doc
	c := &inspector{seal: f.seal}
	turn := in.family.inspect(c, in)
	return turn, c.first, c.state
}

// nowhere is the refusal of a path that the provider does not have.
func nowhere(in *incoming) *refusal {
	return &refusal{status: http.StatusNotFound, message: "Invalid URL (" + in.Method + " " + in.URL.Path + ")", kind: "invalid_request_error"}
}

func (in *incoming) fail(w http.ResponseWriter, bad *refusal) {
	send(w, bad.status, bad.header, in.family.failure(bad))
}

func (f *Fake) replyBody(in *incoming, t *Turn, r Reply) string {
	if r.Body != "" {
		return r.Body
	}
	return in.family.whole(in, t, r)
}

func (f *Fake) replyFrames(in *incoming, t *Turn, r Reply) []frame {
	if r.Events == nil {
		return in.family.frames(in, t, r)
	}
	var out []frame
	for _, data := range r.Events {
		event := ""
		if doc, err := decode([]byte(data)); err == nil {
			event = str(doc["type"]) // only the formats that name their events have one
		}
		out = append(out, frame{event: event, data: data})
	}
	return out
}

func send(w http.ResponseWriter, status int, header map[string]string, body string) {
	w.Header().Set("Content-Type", "application/json")
	setAll(w.Header(), header)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	io.WriteString(w, body) //nolint:errcheck // a client that left is no failure of the fake
}

func setAll(h http.Header, values map[string]string) {
	for k, v := range values {
		h.Set(k, v)
	}
}

func merge(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, b)
	return out
}

// pieces cuts text into n parts of about equal size, never within a character.
func pieces(s string, n int) []string {
	var out []string
	runes := []rune(s)
	size := max(1, (len(runes)+n-1)/n)
	for len(runes) > 0 {
		k := min(size, len(runes))
		out = append(out, string(runes[:k]))
		runes = runes[k:]
	}
	return out
}

// tokens counts roughly as providers do.
func tokens(s string) int { return max(1, len(strings.TrimSpace(s))/4) }
