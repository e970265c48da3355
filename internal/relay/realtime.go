package relay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/coder/websocket"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/provider"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// KeyProtocol begins the WebSocket subprotocol in which browsers send a key, since
// they cannot send headers.
const KeyProtocol = "openai-insecure-api-key."

// realtime is one session of the Realtime API: messages pass both ways, with a tap on
// the usage of the answers.
type realtime struct {
	*exchange
	req *http.Request
}

// Realtime relays a WebSocket to the deployment of a model. Until the upstream has
// opened its side, other deployments are tried by the plan.
func (r *Relay) Realtime(ctx context.Context, rq *Request, w http.ResponseWriter, req *http.Request) error {
	rt := &realtime{exchange: &exchange{relay: r, rq: rq, w: w}, req: req}
	err := r.serve(ctx, rt.exchange, rt.attempt)
	rt.settle(err)
	return err
}

func (rt *realtime) attempt(ctx context.Context) error {
	dep, model, err := rt.dep.resolve(rt.step.Model)
	if err != nil {
		return err
	}
	rt.dep, rt.target, rt.wire = dep, dep.Target(model), dep.Wire
	if dep.Row.Wire != provider.WireChat {
		return llm.BadRequest("model", fmt.Sprintf("%s has no Realtime API of OpenAI's kind.", dep.Row.Label))
	}
	up, err := rt.dial(ctx)
	if err != nil {
		return err
	}
	defer up.CloseNow()
	rt.answerHeaders(rt.w.Header(), rt.relay.Now())
	client, err := websocket.Accept(rt.w, rt.req, &websocket.AcceptOptions{InsecureSkipVerify: true, Subprotocols: rt.protocols(up.Subprotocol())})
	rt.begun, rt.status = true, http.StatusSwitchingProtocols
	if err != nil {
		return &llm.Error{Kind: llm.KindClientGone, Status: 499, Message: "The client did not open its WebSocket.", Cause: err}
	}
	defer client.CloseNow()
	limit := rt.rq.Models.Config.Fairlead.MaxEventBytes
	client.SetReadLimit(limit)
	up.SetReadLimit(limit)
	rt.usage = &llm.Usage{}
	pump(ctx, client, up, rt.observeMessage)
	return nil
}

// dial opens the upstream's side.
func (rt *realtime) dial(ctx context.Context) (*websocket.Conn, error) {
	query := url.Values{}
	for name, values := range rt.req.URL.Query() {
		query[name] = values
	}
	query.Del("key")
	query.Set("model", rt.target.Model)
	rt.call = &wire.Call{Path: "/realtime?" + query.Encode(), Target: rt.target}
	out, err := rt.outgoing()
	if err != nil {
		return nil, err
	}
	delete(out.Header, "Content-Type")
	if beta := rt.req.Header["Openai-Beta"]; beta != nil {
		out.Header["Openai-Beta"] = beta
	}
	rt.sent = rt.relay.Now()
	conn, failed := rt.dep.Client.DialWebSocket(ctx, out, rt.protocols(""))
	if failed == nil {
		return conn, nil
	}
	var refused *upstream.RefusedError
	if !errors.As(failed, &refused) {
		return nil, failed
	}
	e := rt.wire.Error(refused.Status, refused.Header, refused.Body)
	e.Upstream, e.UpstreamStatus, e.Header = true, refused.Status, refused.Header
	e.Provider, e.Model = rt.target.Provider, rt.target.Model
	return nil, e
}

// protocols are the client's subprotocols without the one that holds its key; the
// chosen one alone, when there is one.
func (rt *realtime) protocols(chosen string) []string {
	if chosen != "" {
		return []string{chosen}
	}
	var out []string
	for _, line := range rt.req.Header["Sec-Websocket-Protocol"] {
		for p := range strings.SplitSeq(line, ",") {
			if p = strings.TrimSpace(p); p != "" && !strings.HasPrefix(p, KeyProtocol) {
				out = append(out, p)
			}
		}
	}
	return out
}

// observeMessage adds up the usage of the answers of a session.
func (rt *realtime) observeMessage(message []byte) {
	v, err := rawjson.Check(message)
	if err != nil || !v.Get("type").Is("response.done") {
		return
	}
	u := taskUsage(v.Path("response", "usage"))
	if u == nil {
		return
	}
	sum := rt.usage
	sum.Input, sum.Output, sum.CacheRead = sum.Input+u.Input, sum.Output+u.Output, sum.CacheRead+u.CacheRead
	sum.AudioIn, sum.AudioOut = sum.AudioIn+u.AudioIn, sum.AudioOut+u.AudioOut
	sum.ImageIn += u.ImageIn
}

// ended says which side of a session ended, and how.
type ended struct {
	other *websocket.Conn
	code  websocket.StatusCode
	text  string
}

// pump passes messages both ways until one side ends; then the other is closed at
// once, with the same code. tap sees the texts of the upstream.
func pump(ctx context.Context, client, up *websocket.Conn, tap func([]byte)) {
	ctx, cancel := context.WithCancel(ctx)
	ends := make(chan ended, 2)
	go func() { ends <- passMessages(ctx, client, up, websocket.StatusGoingAway, func([]byte) {}) }()
	go func() { ends <- passMessages(ctx, up, client, websocket.StatusInternalError, tap) }()
	first := <-ends
	_ = first.other.Close(first.code, first.text) // it may have left too
	cancel()
	<-ends
}

// passMessages copies messages until one side fails. broken is the code that the
// other side gets when this one broke off without a code.
func passMessages(ctx context.Context, from, to *websocket.Conn, broken websocket.StatusCode, tap func([]byte)) ended {
	for {
		kind, message, err := from.Read(ctx)
		if err != nil {
			return endOf(err, to, broken)
		}
		if kind == websocket.MessageText {
			tap(message)
		}
		if err := to.Write(ctx, kind, message); err != nil {
			return endOf(err, from, broken)
		}
	}
}

func endOf(err error, other *websocket.Conn, broken websocket.StatusCode) ended {
	var closed websocket.CloseError
	if !errors.As(err, &closed) {
		return ended{other, broken, ""}
	}
	switch closed.Code {
	case websocket.StatusNoStatusRcvd, websocket.StatusAbnormalClosure, websocket.StatusTLSHandshake:
		return ended{other, websocket.StatusNormalClosure, ""} // codes that must not be sent
	}
	return ended{other, closed.Code, closed.Reason}
}
