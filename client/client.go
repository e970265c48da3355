package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxAnswer bounds what is read of an answer that is not streamed, in bytes.
const maxAnswer = 64 << 20

// Client talks to one gateway. It is safe for concurrent use as long as its fields
// are not changed.
type Client struct {
	// BaseURL is the address up to and with the version, such as
	// http://localhost:4000/v1, without a trailing slash.
	BaseURL string
	// Key is sent as a bearer token; "" sends none.
	Key string
	// HTTP sends the requests; nil means http.DefaultClient.
	HTTP *http.Client
	// Header is sent with every request, besides what the protocol needs.
	Header http.Header
}

// New returns a client for the gateway at baseURL. A base without a path gets /v1.
func New(baseURL, key string) *Client {
	base := strings.TrimRight(strings.TrimSpace(baseURL), "/")
	if u, err := url.Parse(base); err == nil && u.Host != "" && u.Path == "" {
		base += "/v1"
	}
	return &Client{BaseURL: base, Key: key}
}

// Chat asks for one whole answer.
func (c *Client) Chat(ctx context.Context, r Request) (*Answer, error) {
	body, err := r.encode(false)
	if err != nil {
		return nil, err
	}
	resp, err := c.do(ctx, http.MethodPost, "/chat/completions", body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := readAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return decodeAnswer(data, resp.Header)
}

// Model is one entry of the gateway's list.
type Model struct {
	// ID is the name that a Request asks for.
	ID string `json:"id"`
	// Mode is what the model does ("chat", "embedding", …); "" when not told.
	Mode string `json:"mode"`
}

// Models lists what the gateway serves, wildcards such as gemini/* among it.
func (c *Client) Models(ctx context.Context) ([]Model, error) {
	resp, err := c.do(ctx, http.MethodGet, "/models?return_wildcard_routes=true", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := readAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var list struct {
		Data []Model `json:"data"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("the list of models at %s/models is not JSON; does the base URL end in /v1? (%w)", c.BaseURL, err)
	}
	return list.Data, nil
}

// do sends a request and returns a successful response; any other is an *Error.
func (c *Client) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the base URL %q cannot be used; write it as http://host:port/v1 (%w)", c.BaseURL, err)
	}
	c.setHeaders(req, body != nil)
	hc := c.HTTP
	if hc == nil {
		hc = http.DefaultClient
	}
	resp, err := hc.Do(req)
	if err != nil {
		return nil, unreachable(c.BaseURL, err)
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // a cut body still tells something
	return nil, decodeError(resp.StatusCode, resp.Header, data)
}

func (c *Client) setHeaders(req *http.Request, body bool) {
	for name, values := range c.Header {
		req.Header[name] = values
	}
	if body {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.Key)
	}
}

// errTooLarge ends the reading of an answer that nobody could use.
var errTooLarge = errors.New("the answer is larger than 64 MiB")

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer broke off: %w", err)
	case len(data) > maxAnswer:
		return nil, errTooLarge
	}
	return data, nil
}
