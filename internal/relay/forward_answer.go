package relay

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
)

// take hands the answer on: events and other bytes as they come, JSON whole.
func (f *forward) take(ctx context.Context, resp *upstream.Response) error {
	f.countRequest()
	switch {
	case !f.coded && upstream.EventStream(resp.Header):
		return f.passEvents(ctx, resp.Body)
	case !f.whole():
		return f.takeWhole(ctx, resp)
	case f.task.Bytes && !isJSON(resp.Header):
		return f.passBytes(ctx, resp)
	}
	body, failed := resp.ReadAll(f.rq.Models.Config.Fairlead.MaxResponseBytes)
	if failed != nil {
		return failed
	}
	f.debugBody("answer of the upstream", body)
	v, err := rawjson.Check(body)
	if err != nil {
		return f.classify(ctx, err)
	}
	answer, err := f.decode(v)
	if err != nil {
		return f.classify(ctx, err)
	}
	return f.deliverJSON(answer)
}

func isJSON(h http.Header) bool {
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return media == "" || strings.HasSuffix(strings.ToLower(strings.TrimSpace(media)), "json")
}

func (f *forward) decode(v rawjson.Value) (answer []byte, err error) {
	if f.coded {
		answer, f.usage, err = f.codec.Decode(f.call, v, f.answer())
		f.countAnswer(answer)
		return answer, err
	}
	if v.Get("error").Kind() == '{' && v.Len() == 1 {
		// An error in spite of its status 200.
		e := f.wire.Error(http.StatusInternalServerError, f.header, v)
		e.Provider, e.Model = f.target.Provider, f.target.Model
		return nil, e
	}
	f.usage = taskUsage(v.Get("usage"))
	f.countAnswer(v)
	return withModel(v, f.shownModel()), nil
}

// withModel replaces the name of the model in an answer that has one.
func withModel(body rawjson.Value, model string) []byte {
	for m := range body.Fields() {
		if m.Key.Is("model") && m.Value.Kind() == '"' {
			out := append(make([]byte, 0, len(body)+len(model)), body[:m.Start]...)
			return append(rawjson.AppendString(out, model), body[m.End:]...)
		}
	}
	return body
}

func (f *forward) deliverJSON(body []byte) error {
	if !f.claims() {
		return errLost
	}
	f.begin200(f.w.Header(), "application/json")
	f.w.Header()["Content-Length"] = []string{string(rawjson.Int(int64(len(body))))}
	if _, err := f.w.Write(body); err != nil {
		return &llm.Error{Kind: llm.KindClientGone, Status: 499, Message: "The client left.", Cause: err}
	}
	return nil
}

// begin200 is the commit point.
func (f *forward) begin200(h http.Header, contentType string) {
	f.begun, f.status = true, http.StatusOK
	f.firstToken = f.relay.Now()
	h["Content-Type"] = []string{contentType}
	f.priceTask()
	if f.priced {
		f.setCost(h)
	}
	f.answerHeaders(h, f.firstToken)
}

// chunks are empty between uses.
var chunks = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// passBytes copies an answer of whatever kind. It begins with the first bytes: until
// then another deployment may answer.
func (f *forward) passBytes(ctx context.Context, resp *upstream.Response) error {
	buf := chunks.Get().(*[]byte)
	defer chunks.Put(buf)
	for {
		n, err := resp.Body.Read(*buf)
		if n > 0 || err == io.EOF {
			if !f.begun {
				f.begin200(f.w.Header(), contentTypeOf(resp.Header))
			}
			if werr := f.write((*buf)[:n]); werr != nil {
				return werr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return f.classify(ctx, err)
		}
	}
}

func contentTypeOf(h http.Header) string {
	if t := h.Get("Content-Type"); t != "" {
		return t
	}
	return "application/octet-stream"
}
