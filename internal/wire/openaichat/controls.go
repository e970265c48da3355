package openaichat

import (
	"strconv"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// Controls are the keys of a request that are for the gateway itself, as the
// client wrote them. A key that is absent or null leaves its field at zero.
type Controls struct {
	DropParams           *bool
	ModifyParams         *bool
	AdditionalDropParams []string
	AllowedOpenAIParams  []string
	NumRetries           *int
	// Timeout and StreamTimeout are 0 when the client asks for none.
	Timeout, StreamTimeout time.Duration
	// The fallback lists are raw: names or objects, as the client wrote them.
	Fallbacks, ContextWindowFallbacks, ContentPolicyFallbacks rawjson.Value
	DisableFallbacks                                          bool
	MockResponse                                              rawjson.Value
	// HasCredentials says that the client sent api_key, api_base, base_url or the
	// like; CredentialKey names the first one.
	HasCredentials bool
	CredentialKey  string
	Tags           []string
	Metadata       rawjson.Value
	ExtraHeaders   rawjson.Value
	// SignatureInID is thought_signature_in_tool_call_id.
	SignatureInID *bool
	// MergeReasoning is merge_reasoning_content_in_choices.
	MergeReasoning *bool
	NoCache        bool
	CallID         string
	SessionID      string // litellm_session_id
	// MockFailure is the failure of the request's own group that a client feigns to test
	// its fallbacks, by the key MockKey; 0 is none.
	MockFailure llm.ErrorKind
	MockKey     string
	// Priority orders requests that wait for a deployment, lowest first.
	Priority *int64
	// Region is allowed_model_region: only deployments of this region_name may answer.
	Region string
	// Keepalive is keepalive_seconds, the silence after which the client wants a ping of
	// its stream, 0 for none; nil when it says nothing.
	Keepalive *time.Duration
}

// ReadControls reads the gateway's own keys from the body of a request of this
// dialect. Errors are *llm.Error with status 400.
func ReadControls(req *llm.Request) (Controls, error) {
	var c Controls
	for _, m := range envelopeOf(req).Members {
		if class(m.Class) != control {
			continue
		}
		v := m.Value(req.Body)
		if !v.Present() {
			continue
		}
		if err := c.set(m.Name, v); err != nil {
			return Controls{}, err
		}
	}
	return c, nil
}

func (c *Controls) set(name string, v rawjson.Value) (err error) {
	switch name {
	case "drop_params":
		c.DropParams, err = boolOf(name, v)
	case "modify_params":
		c.ModifyParams, err = boolOf(name, v)
	case "thought_signature_in_tool_call_id":
		c.SignatureInID, err = boolOf(name, v)
	case "merge_reasoning_content_in_choices":
		c.MergeReasoning, err = boolOf(name, v)
	case "disable_fallbacks":
		c.DisableFallbacks = v.True()
	case "additional_drop_params":
		c.AdditionalDropParams, err = stringsOf(name, v)
	case "allowed_openai_params":
		c.AllowedOpenAIParams, err = stringsOf(name, v)
	case "tags":
		c.Tags, err = stringsOf(name, v)
	case "num_retries", "max_retries":
		c.NumRetries, err = countOf(name, v)
	case "timeout", "request_timeout":
		c.Timeout, err = secondsOf(name, v)
	case "stream_timeout":
		c.StreamTimeout, err = secondsOf(name, v)
	case "priority":
		c.Priority, err = wholeOf(name, v)
	case "allowed_model_region":
		c.Region, err = nameOf(name, v)
	case "keepalive_seconds":
		var every time.Duration
		every, err = secondsOf(name, v)
		c.Keepalive = &every
	default:
		c.setRaw(name, v)
	}
	return err
}

func (c *Controls) setRaw(name string, v rawjson.Value) {
	switch name {
	case "fallbacks":
		c.Fallbacks = v
	case "context_window_fallbacks":
		c.ContextWindowFallbacks = v
	case "content_policy_fallbacks":
		c.ContentPolicyFallbacks = v
	case "mock_response":
		c.MockResponse = v
	case "metadata", "litellm_metadata":
		c.Metadata = v
	case "extra_headers", "headers":
		c.ExtraHeaders = v
	case "litellm_call_id":
		c.CallID = v.Text()
	case "litellm_session_id":
		c.SessionID = v.Text()
	case "cache":
		c.NoCache = v.Get("no-cache").True()
	case "mock_testing_fallbacks", "mock_testing_context_fallbacks", "mock_testing_content_policy_fallbacks", "mock_testing_rate_limit_error":
		if v.True() {
			c.MockKey, c.MockFailure = name, mockFailures[name]
		}
	case "api_key", "api_base", "base_url", "api_version", "api_type", "organization", "custom_llm_provider":
		if !c.HasCredentials {
			c.HasCredentials, c.CredentialKey = true, name
		}
	}
}

// mockFailures are the failures that a client can feign.
var mockFailures = map[string]llm.ErrorKind{
	"mock_testing_fallbacks":                llm.KindInternal,
	"mock_testing_context_fallbacks":        llm.KindContextWindow,
	"mock_testing_content_policy_fallbacks": llm.KindContentPolicy,
	"mock_testing_rate_limit_error":         llm.KindRateLimit,
}

func boolOf(name string, v rawjson.Value) (*bool, error) {
	b, ok := v.Bool()
	if !ok {
		switch strings.ToLower(v.Text()) {
		case "true":
			b, ok = true, true
		case "false":
			ok = true
		}
	}
	if !ok {
		return nil, llm.BadRequest(name, "'"+name+"' must be true or false.")
	}
	return &b, nil
}

// maxListed bounds the lists of names that a client may send to the gateway: each
// entry is looked for in every parameter, a path even in the whole body.
const maxListed = 64

func stringsOf(name string, v rawjson.Value) ([]string, error) {
	if s, ok := v.Str(); ok {
		return []string{s}, nil
	}
	if v.Kind() != '[' {
		return nil, llm.BadRequest(name, "'"+name+"' must be a list of strings.")
	}
	var out []string
	for _, e := range v.Elems() {
		if len(out) >= maxListed {
			return nil, llm.BadRequest(name, "'"+name+"' must not have more than "+strconv.Itoa(maxListed)+" entries.")
		}
		s, ok := e.Str()
		if !ok {
			return nil, llm.BadRequest(name, "'"+name+"' must be a list of strings.")
		}
		out = append(out, s)
	}
	return out, nil
}

// maxRetries bounds what a client may ask for.
const maxRetries = 100

func countOf(name string, v rawjson.Value) (*int, error) {
	n, ok := v.Int()
	if !ok {
		if s, err := strconv.ParseInt(v.Text(), 10, 64); err == nil {
			n, ok = s, true
		}
	}
	if !ok || n < 0 {
		return nil, llm.BadRequest(name, "'"+name+"' must be a number from 0.")
	}
	count := int(min(n, maxRetries))
	return &count, nil
}

func wholeOf(name string, v rawjson.Value) (*int64, error) {
	n, ok := v.Int()
	if !ok {
		return nil, llm.BadRequest(name, "'"+name+"' must be a whole number; requests with a lower one are served first.")
	}
	return &n, nil
}

func nameOf(name string, v rawjson.Value) (string, error) {
	s, ok := v.Str()
	if !ok || s == "" {
		return "", llm.BadRequest(name, "'"+name+"' must be a string.")
	}
	return s, nil
}

func secondsOf(name string, v rawjson.Value) (time.Duration, error) {
	f, ok := v.Float()
	if !ok {
		if s, err := strconv.ParseFloat(v.Text(), 64); err == nil {
			f, ok = s, true
		}
	}
	if !ok || f != f || f < 0 {
		return 0, llm.BadRequest(name, "'"+name+"' must be a number of seconds from 0.")
	}
	const day = 24 * 60 * 60
	return time.Duration(min(f, day) * float64(time.Second)), nil
}
