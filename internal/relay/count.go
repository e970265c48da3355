package relay

import (
	"context"
	"net/http"

	"github.com/fairlead-gateway/fairlead/internal/tokens"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/anthropic"
	"github.com/fairlead-gateway/fairlead/internal/wire/gemini"
)

// Count returns the number of input tokens of a request: the provider's own count
// where it has one, else an estimate.
func (r *Relay) Count(ctx context.Context, rq *Request, w http.ResponseWriter) (n int64, estimated bool, err error) {
	x := &exchange{relay: r, rq: rq, w: w}
	err = r.serve(ctx, x, func(ctx context.Context) (err error) {
		n, estimated, err = x.count(ctx)
		return err
	})
	if err == nil {
		x.status = http.StatusOK
	}
	x.settle(err)
	return n, estimated, err
}

// count asks one deployment.
func (x *exchange) count(ctx context.Context) (n int64, estimated bool, err error) {
	dep, model, err := x.dep.resolve(x.step.Model)
	if err != nil {
		return 0, false, err
	}
	x.dep, x.target, x.wire = dep, dep.Target(model), dep.Wire
	x.applyControls()
	req := x.rq.LLM
	if x.wire.Native() != x.rq.Dialect.Name() {
		if err := x.expand(); err != nil {
			return 0, false, err
		}
		req = copyContent(req)
	}
	var read func(body []byte) (int64, error)
	switch w := x.wire.(type) {
	case anthropic.Wire:
		x.call, err = anthropic.CountRequest(req, x.target)
		read = func(body []byte) (int64, error) { return anthropic.CountAnswer(x.call, body) }
	case gemini.Wire:
		x.call, err = w.EncodeCount(req, x.target)
		read = w.ReadCount
	default:
		return x.estimate()
	}
	if err != nil {
		return 0, false, err
	}
	n, err = x.askCount(ctx, read)
	return n, false, err
}

func (x *exchange) estimate() (int64, bool, error) {
	if err := x.expand(); err != nil {
		return 0, false, err
	}
	x.call = &wire.Call{Request: x.rq.LLM, Target: x.target}
	return tokens.Request(x.rq.LLM), true, nil
}

func (x *exchange) askCount(ctx context.Context, read func([]byte) (int64, error)) (int64, error) {
	resp, err := x.send(ctx)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	x.header = resp.Header
	if resp.Status != http.StatusOK {
		return 0, x.refused(resp)
	}
	body, failed := resp.ReadAll(maxErrorBody)
	if failed != nil {
		return 0, failed
	}
	n, err := read(body)
	if err != nil {
		return 0, x.classify(ctx, err)
	}
	return n, nil
}
