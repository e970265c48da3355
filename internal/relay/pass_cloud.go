package relay

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/cloud"
	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
)

// The clouds whose APIs are passed through below /NAME/.
const (
	passVertex  = "vertex_ai"
	passBedrock = "bedrock"
)

// accounts finds what calls the clouds. Nothing is read or asked for before the first
// request that needs it.
type accounts struct {
	config *config.Config
	client *upstream.Client

	mu sync.Mutex
	// tokens are those of Google credentials, by their text or the path of their file.
	tokens map[string]*cloud.Tokens
}

// authorizer puts credentials into a request that is about to be sent.
type authorizer func(ctx context.Context, req *upstream.Request, now time.Time) *llm.Error

// tokensOf returns the tokens of credentials: JSON, or the path of a file with it.
func (a *accounts) tokensOf(credentials string) *cloud.Tokens {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.tokens[credentials]
	if t == nil {
		t = cloud.NewTokens(func() ([]byte, *llm.Error) { return a.credentials(credentials) })
		if a.tokens == nil {
			a.tokens = map[string]*cloud.Tokens{}
		}
		a.tokens[credentials] = t
	}
	return t
}

func (a *accounts) credentials(text string) ([]byte, *llm.Error) {
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		return []byte(text), nil
	}
	data, err := a.config.CredentialFile(text)
	if err != nil {
		return nil, llm.BadRequest("", "The file with the gateway's Google credentials cannot be read: "+err.Error()+". Check vertex_credentials or GOOGLE_APPLICATION_CREDENTIALS.")
	}
	return data, nil
}

// maxTokenAnswer bounds the answer of a token endpoint.
const maxTokenAnswer = 1 << 20

// exchange asks a token endpoint, over the network that everything goes over.
func (a *accounts) exchange(ctx context.Context, address string, form url.Values) (int, []byte, *llm.Error) {
	u, err := url.Parse(address)
	if err != nil {
		return 0, nil, llm.AsError(err)
	}
	resp, failed := a.client.Do(ctx, &upstream.Request{
		URL: u, Body: []byte(form.Encode()), Provider: passVertex,
		Header:   http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}},
		Timeouts: upstream.Timeouts{Header: 30 * time.Second, Idle: 30 * time.Second},
	})
	if failed != nil {
		return 0, nil, failed
	}
	body, failed := resp.ReadAll(maxTokenAnswer)
	return resp.Status, body, failed
}

// withToken authorizes requests with an access token; refused tells that it was not
// taken.
func (a *accounts) withToken(t *cloud.Tokens) (put authorizer, refused func()) {
	var used string
	put = func(ctx context.Context, req *upstream.Request, now time.Time) *llm.Error {
		token, failed := t.Token(ctx, now, a.exchange)
		if failed != nil {
			return failed
		}
		used = token
		req.Header["Authorization"] = []string{"Bearer " + token}
		return nil
	}
	return put, func() { t.Forget(used) }
}

// withSignature authorizes requests for a service of Amazon's in a region.
func withSignature(a *cloud.AWS, region string) authorizer {
	return func(ctx context.Context, req *upstream.Request, now time.Time) *llm.Error {
		return a.Authorize(ctx, req.Method, req.URL, req.Header, req.Body, "bedrock", region, now)
	}
}

// isPlace reports whether a region or location can stand in the name of a host: it may
// come from the client's path.
func isPlace(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && strings.Trim(s, "-") == s
}

func badPlace(what, name string) *llm.Error {
	return llm.BadRequest("", fmt.Sprintf("%q is not the name of a %s.", headerSafe(name), what))
}

// modelOf is the model of an account of one deployment for the name in a path: a group
// of the configuration stands for its model.
func modelOf(name, group, model string) string {
	if group == "" || name != group || strings.Contains(model, "*") {
		return name
	}
	return cmp.Or(model, name)
}
