// Package demo is a provider that lives in the process: models that answer
// offline, so that a first request works with no key and no network. It speaks
// Chat Completions like any other upstream and stands behind the same wire and
// router, on a loopback port of its own; nothing else in the gateway knows that it
// is not far away.
package demo

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// Models are the names of the demo models without their prefix.
var Models = []string{"echo", "tools", "reasoning"}

// Handler answers POST /v1/chat/completions.
func Handler() http.Handler { return http.HandlerFunc(serve) }

func serve(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/chat/completions") {
		refuse(w, http.StatusNotFound, "the demo only converses: its models answer on /v1/chat/completions, and on the Messages, Responses and Gemini routes through it")
		return
	}
	body, err := readAll(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "the body cannot be read")
		return
	}
	v, err := rawjson.Check(body)
	if err != nil {
		refuse(w, http.StatusBadRequest, "the body is not JSON: "+err.Error())
		return
	}
	a, ok := answerFor(v)
	if !ok {
		refuse(w, http.StatusNotFound, fmt.Sprintf("the demo has no model %q; it has %s", v.Get("model").Text(), strings.Join(Models, ", ")))
		return
	}
	if v.Get("stream").True() {
		a.stream(w, v.Path("stream_options", "include_usage").True())
		return
	}
	a.whole(w)
}

func refuse(w http.ResponseWriter, status int, message string) {
	body := rawjson.AppendStringMember([]byte(`{"error":{`), "message", message)
	body = append(body, `,"type":"invalid_request_error","param":null,"code":null}}`...)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the reader is this process
}
