package relay

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
)

// answer hands an answer on as it is, with a tap on it.
func (p *Pass) answer(x *exchange, resp *upstream.Response, t *tap) error {
	h := x.w.Header()
	for name, values := range resp.Header {
		if passable(name) {
			h[name] = values
		}
	}
	if resp.Status == http.StatusUnauthorized && p.refused != nil {
		p.refused()
	}
	t.read(resp.Header)
	if n, err := strconv.Atoi(resp.Header.Get("Content-Length")); err == nil && n <= smallBody && isJSON(resp.Header) {
		return p.whole(x, resp, t)
	}
	p.keepAlive(x, resp)
	return copyTapped(x, resp, t)
}

// whole reads a small answer before it is handed on, so that its price can stand in
// the header.
func (p *Pass) whole(x *exchange, resp *upstream.Response, t *tap) error {
	body, failed := resp.ReadAll(smallBody)
	if failed != nil {
		return failed
	}
	t.json(body)
	if p.provider != "" && t.usage != nil {
		info, _ := catalog.Lookup(p.provider, p.modelOf(t))
		if cost, ok := info.Cost(catalogUsage(t.usage), x.relay.Now()); ok {
			x.w.Header()["X-Litellm-Response-Cost"] = []string{cost.Total.String()}
		}
	}
	x.w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	begin(x, resp.Status)
	_, err := x.w.Write(body)
	return left(err)
}

func begin(x *exchange, status int) {
	x.begun, x.status, x.firstToken = true, status, x.relay.Now()
	x.w.WriteHeader(status)
}

func left(err error) error {
	if err == nil {
		return nil
	}
	return &llm.Error{Kind: llm.KindClientGone, Status: 499, Message: "The client left.", Cause: err}
}

// copyTapped hands bytes on as they come. While it waits for them it holds no buffer.
func copyTapped(x *exchange, resp *upstream.Response, t *tap) error {
	begin(x, resp.Status)
	x.watchPassing()
	defer x.alive.stop()
	for {
		switch err := x.passChunk(resp, t); err {
		case nil:
		case io.EOF:
			t.end()
			return nil
		default:
			return err
		}
	}
}

// passChunk waits for bytes and hands them on; io.EOF is the end.
func (x *exchange) passChunk(resp *upstream.Response, t *tap) error {
	if err := resp.Body.Wait(); err != nil {
		return &BegunError{Err: err}
	}
	buf := chunks.Get().(*[]byte)
	defer chunks.Put(buf)
	n, err := resp.Body.Read(*buf)
	if n > 0 {
		t.write((*buf)[:n])
		if werr := x.pass((*buf)[:n]); werr != nil {
			return werr
		}
	}
	if err == nil || err == io.EOF {
		return err
	}
	return &BegunError{Err: err}
}

// passable reports whether a header of the upstream's answer goes to the client: all
// but those of the connection, those that the gateway sets itself, cookies, and what
// names the operator's account.
func passable(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "Upgrade", "Te", "Proxy-Authenticate", "Content-Length", "Date", "Server",
		"Set-Cookie", "Strict-Transport-Security", "Alt-Svc", "Vary", "X-Frame-Options", "X-Content-Type-Options", "Content-Security-Policy",
		"Openai-Organization", "Openai-Project", "Anthropic-Organization-Id":
		return false
	}
	return !strings.HasPrefix(name, "Access-Control-") && !strings.HasPrefix(name, "X-Litellm-") && !strings.HasPrefix(name, "X-Fairlead-")
}

// maxTapped bounds what the tap holds of an answer, or of one line of a stream.
const maxTapped = 4 << 20

// tap reads the usage and the model from an answer that passes, in whatever format
// of the known ones it is.
type tap struct {
	// events says that the answer is a stream of events, frames that it is one of
	// Amazon's.
	events, frames bool
	held           []byte
	full           bool
	usage          *llm.Usage
	model          string
}

// read takes what the header of an answer tells: its format, and of Amazon's the
// counts of tokens.
func (t *tap) read(h http.Header) {
	t.events = upstream.EventStream(h)
	t.frames = strings.HasPrefix(h.Get("Content-Type"), "application/vnd.amazon.eventstream")
	in, err := strconv.ParseInt(h.Get("X-Amzn-Bedrock-Input-Token-Count"), 10, 64)
	if err != nil || in < 0 {
		return
	}
	out, _ := strconv.ParseInt(h.Get("X-Amzn-Bedrock-Output-Token-Count"), 10, 64)
	t.usage = &llm.Usage{Input: in, Output: max(out, 0)}
}

func (t *tap) write(b []byte) {
	switch {
	case t.frames:
		t.writeFrames(b)
		return
	case !t.events:
		t.hold(b)
		return
	}
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			t.hold(b)
			return
		}
		t.hold(b[:i])
		t.line()
		b = b[i+1:]
	}
}

func (t *tap) hold(b []byte) {
	if t.full = t.full || len(t.held)+len(b) > maxTapped; !t.full {
		t.held = append(t.held, b...)
	}
}

// line reads one line of a stream; only those that speak of usage or name the model
// for the first time are looked into.
func (t *tap) line() {
	data, ok := bytes.CutPrefix(t.held, []byte("data:"))
	if ok && !t.full && (t.model == "" || bytes.Contains(data, []byte("usage")) || bytes.Contains(data, []byte("Usage"))) {
		t.json(data)
	}
	t.held, t.full = t.held[:0], false
}

func (t *tap) end() {
	switch {
	case t.frames: // what is left is no whole frame
	case t.events:
		t.line()
	case !t.full:
		t.json(t.held)
	}
}

// json reads an answer, or one event of a stream.
func (t *tap) json(b []byte) {
	v, err := rawjson.Check(b)
	if err != nil {
		return
	}
	for _, item := range v.Elems() { // a Gemini stream without alt=sse
		t.value(item)
	}
	if v.Kind() == '{' {
		t.value(v)
	}
}

func (t *tap) value(v rawjson.Value) {
	for _, at := range [...]rawjson.Value{v, v.Get("response"), v.Get("message")} {
		if name := cmp.Or(at.Get("model").Text(), at.Get("modelVersion").Text()); name != "" {
			t.model = name
		}
		t.add(at.Get("usage"))
		t.addConverse(at.Get("usage"))
		t.addGemini(at.Get("usageMetadata"))
	}
}

// add takes OpenAI's and Anthropic's usage; numbers that a later event leaves out
// stay. Anthropic counts what is cached beside its input tokens, not in them.
func (t *tap) add(v rawjson.Value) {
	u := taskUsage(v)
	if u == nil {
		if out, ok := v.Get("output_tokens").Int(); ok && t.usage != nil {
			t.usage.Output = out
		}
		return
	}
	read, hasRead := v.Get("cache_read_input_tokens").Int()
	write, hasWrite := v.Get("cache_creation_input_tokens").Int()
	if hasRead || hasWrite {
		u.Input += read + write
		u.CacheRead, u.CacheWrite5m = read, write
		if hour, ok := v.Path("cache_creation", "ephemeral_1h_input_tokens").Int(); ok {
			u.CacheWrite1h, u.CacheWrite5m = hour, max(write-hour, 0)
		}
	}
	t.usage = u
}

func (t *tap) addGemini(v rawjson.Value) {
	if v.Kind() != '{' {
		return
	}
	u := &llm.Usage{}
	u.Input, _ = v.Get("promptTokenCount").Int()
	u.Output, _ = v.Get("candidatesTokenCount").Int()
	u.Reasoning, _ = v.Get("thoughtsTokenCount").Int()
	u.CacheRead, _ = v.Get("cachedContentTokenCount").Int()
	u.Output += u.Reasoning
	t.usage = u
}
