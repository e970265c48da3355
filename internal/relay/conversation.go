package relay

import (
	"crypto/sha256"
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/wire/openairesponses"
)

// sessionHeaders name the conversation of a client: LiteLLM's header, and those of
// Claude Code, Codex (of its older and newer versions) and others.
var sessionHeaders = [...]string{
	"X-Litellm-Session-Id", "X-Claude-Code-Session-Id", "Session_id", "Session-Id", "X-Session-Id", "Thread-Id", "Conversation_id",
}

// Conversation implements route.Talker: a hash over the tenant and what the client says
// of its session, else over how the conversation begins. Of the latter only what has an
// answer behind it goes on: what everybody asks first is spread over the deployments.
func (x *exchange) Conversation() (id route.Conversation, goesOn bool) {
	var p prefix
	p.text(x.rq.Principal.Tenant)
	if session := x.session(); session != "" {
		p.text("session")
		p.text(session[:min(len(session), maxOpening)])
		return p.sum(), true
	}
	goesOn, ok := x.opening(&p)
	if !ok {
		return route.Conversation{}, false
	}
	return p.sum(), goesOn
}

// UserAgent implements route.Talker.
func (x *exchange) UserAgent() string { return x.rq.field("User-Agent") }

// session is what the client calls its conversation, "" when it does not.
func (x *exchange) session() string {
	for _, name := range sessionHeaders {
		if v := x.rq.Header[name]; len(v) > 0 && v[0] != "" {
			return v[0]
		}
	}
	if s := vendorSession(x.rq.Header); s != "" {
		return s
	}
	if s := x.controls.SessionID; s != "" {
		return s
	}
	if s := x.controls.Metadata.Get("session_id").Text(); s != "" {
		return s
	}
	// Claude Code's user id holds that of the session.
	if s := x.controls.Metadata.Get("user_id").Text(); strings.Contains(s, "session") {
		return s
	}
	return x.rq.LLM.Param("prompt_cache_key").Text()
}

// vendorSession is the value of a header x-VENDOR-session-id, of the first vendor by name.
// That of the parent is another conversation's.
func vendorSession(h http.Header) string {
	found := ""
	for name, v := range h {
		if strings.HasSuffix(name, "-Session-Id") && strings.HasPrefix(name, "X-") && name != "X-Parent-Session-Id" &&
			len(v) > 0 && v[0] != "" && (found == "" || name < found) {
			found = name
		}
	}
	if found == "" {
		return ""
	}
	return h[found][0]
}

// opening adds the system prompt and the messages up to the first of the user, in any
// dialect; not the instructions of Responses, which a request with previous_response_id
// does not inherit and may change. It reports whether the conversation goes on after them,
// and whether there is such a message.
func (x *exchange) opening(p *prefix) (goesOn, ok bool) {
	var messages rawjson.Value
	each := func(name string, v rawjson.Value) {
		switch name {
		case "system", "systemInstruction", "system_instruction":
			p.add(v, p.n+maxOpening)
		case "messages", "input", "contents":
			messages = v
		}
	}
	if env := x.rq.LLM.Envelope; env != nil {
		for i := range env.Members {
			each(env.Members[i].Name, env.Members[i].Value(x.rq.LLM.Body))
		}
	} else {
		for name, v := range x.rq.LLM.Body.Members() {
			each(name, v)
		}
	}
	if messages.Kind() != '[' {
		return false, x.asks(p, messages) // a text alone is a question without a past
	}
	for i, m := range messages.Elems() {
		if ok || i == maxOpeningMessages {
			return true, ok
		}
		p.add(m, p.n+maxOpening)
		role := m.Get("role")
		ok = role.Is("user") || !role.Present() && m.Get("parts").Present()
	}
	return false, ok
}

// asks adds a question of Responses that is a text alone, as it stands in the conversation
// that goes on from its answer, and reports whether it is one: an embedding's is none.
func (x *exchange) asks(p *prefix, input rawjson.Value) bool {
	if input.Kind() != '"' || x.rq.Dialect == nil || x.rq.Dialect.Name() != openairesponses.Name {
		return false
	}
	p.add(rawjson.Value(`"user"`), p.n+maxOpening)
	p.add(input, p.n+maxOpening)
	return true
}

const (
	// maxOpening bounds the bytes of one part of an opening that are looked at, and
	// maxOpeningMessages the messages before the user's first.
	maxOpening         = 2 << 10
	maxOpeningMessages = 8
	// maxDepth bounds how deep in a message its text may stand.
	maxDepth = 6
)

// prefix collects the beginning of a conversation.
type prefix struct {
	buf [10 << 10]byte
	n   int
}

// text adds one text of its own.
func (p *prefix) text(s string) {
	p.n += copy(p.buf[p.n:], s)
	p.n += copy(p.buf[p.n:], "\n")
}

// add adds what a value says, up to limit bytes in all. Cache markers are left out, since
// they move from turn to turn, and types, so that a text is the same alone and as a part.
func (p *prefix) add(v rawjson.Value, limit int) { p.walk(v, min(limit, len(p.buf)), maxDepth) }

func (p *prefix) walk(v rawjson.Value, limit, depth int) {
	if p.n >= limit || depth == 0 {
		return
	}
	switch v.Kind() {
	case '{':
		for name, member := range v.Members() {
			if name == "cache_control" || name == "type" {
				continue
			}
			if p.walk(member, limit, depth-1); p.n >= limit {
				return
			}
		}
	case '[':
		for _, e := range v.Elems() {
			if p.walk(e, limit, depth-1); p.n >= limit {
				return
			}
		}
	default:
		p.n += copy(p.buf[p.n:limit], v)
	}
}

func (p *prefix) sum() (id route.Conversation) {
	h := sha256.Sum256(p.buf[:p.n])
	copy(id[:], h[:])
	return id
}
