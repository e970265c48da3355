package anthropic

import (
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// countBeta was the name of the counting endpoint's beta; LiteLLM still sends it.
const countBeta = "token-counting-2024-11-01"

// CountRequest encodes a request for counting its tokens at an upstream of this
// format (POST /v1/messages/count_tokens). A request of another dialect must be
// expanded.
func CountRequest(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	body := req
	if req.From != Name {
		call, err := Wire{}.Encode(req, t)
		if err != nil {
			return nil, err
		}
		own := *req
		own.Body, own.Params, own.Drops = call.Body, nil, nil
		body = &own
	}
	target := *t
	target.Defaults, target.ExtraBody = nil, nil
	n := nativeEncoder{req: body, t: &target, betas: slices.Clone(t.Betas), count: true}
	n.beta(countBeta)
	call := n.encode()
	call.Path += "/count_tokens"
	if strings.HasSuffix(strings.TrimRight(t.Base, "/"), "/v1/messages") {
		call.Path = "/count_tokens"
	}
	return call, nil
}

// CountAnswer reads the number of input tokens from an answer of the counting
// endpoint.
func CountAnswer(c *wire.Call, body []byte) (int64, error) {
	v, err := rawjson.Check(body)
	if err != nil {
		return 0, unreadable(c, "The upstream's count is not JSON: "+err.Error()+".", err)
	}
	n, ok := v.Get("input_tokens").Int()
	if !ok || n < 0 {
		return 0, unreadable(c, "The upstream's count has no input_tokens.", nil)
	}
	return n, nil
}

// CountResponse writes the answer of the counting endpoint.
func CountResponse(n int64) []byte {
	return append(rawjson.AppendInt([]byte(`{"input_tokens":`), n), '}')
}
