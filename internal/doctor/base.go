package doctor

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/provider"
)

// baseURL checks where the client sends its requests.
func (x *examination) baseURL() {
	v := x.client[varBase]
	if v.text == "" {
		x.noBase()
		return
	}
	u, ok := x.baseScheme(v.text)
	if !ok {
		return
	}
	before := len(x.Findings)
	if row, known := provider.ByHost(u.String()); known && addressOf(u) != x.gateway() {
		x.about(Error, varBase, fmt.Sprintf("%s is the address of %s: requests go there, past the gateway.", shown(u), row.Label), "Set OPENAI_BASE_URL="+x.ownBase())
		return
	}
	x.basePath(u)
	x.baseHost(u)
	if len(x.Findings) == before {
		x.about(Good, varBase, shown(u)+" leads to the gateway.", "")
	}
}

func (x *examination) noBase() {
	if x.client[varAIHubMix].text != "" {
		return // told with that key
	}
	x.about(Error, varBase, "It is missing: requests go to "+openaiBase+", past the gateway.", "Set OPENAI_BASE_URL="+x.ownBase())
}

// baseScheme parses the URL; one without a scheme is examined further as http.
func (x *examination) baseScheme(text string) (*url.URL, bool) {
	if !strings.Contains(text, "://") {
		u, err := url.Parse("http://" + text)
		if err != nil || u.Host == "" || looksLikeKey(text) {
			x.about(Error, varBase, "It is not a URL.", "Set OPENAI_BASE_URL="+x.ownBase())
			return nil, false
		}
		x.about(Error, varBase, "It has no scheme, so the client cannot connect.", "Write http:// before it: OPENAI_BASE_URL="+shown(u))
		return u, true
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		x.about(Error, varBase, "It is not an http:// or https:// URL with a host.", "Set OPENAI_BASE_URL="+x.ownBase())
		return nil, false
	}
	return u, true
}

// basePath checks that the URL ends where SDKs append their paths.
func (x *examination) basePath(u *url.URL) {
	path := strings.TrimRight(u.Path, "/")
	right := *u
	right.Path = "/v1"
	switch {
	case path == "/v1":
	case path == "":
		x.about(Warning, varBase, "It does not end in /v1. Chat works with this gateway all the same, other servers and routes need it.", "Set OPENAI_BASE_URL="+shown(&right))
	case strings.HasSuffix(path, "/chat/completions"):
		x.about(Error, varBase, "It ends in /chat/completions, which the client appends once more: every request is answered 404.", "Set OPENAI_BASE_URL="+shown(&right))
	default:
		x.about(Warning, varBase, "Its path is "+path+"; the gateway's is /v1.", "Set OPENAI_BASE_URL="+shown(&right)+" unless a proxy before the gateway takes that path.")
	}
}

// baseHost checks that the gateway is where the URL leads.
func (x *examination) baseHost(u *url.URL) {
	at := addressOf(u)
	inside := x.System.InContainer()
	switch {
	case at.local() && inside:
		x.about(Warning, varBase, "This is a container: "+at.host+" is the container itself, so the gateway is reached only if it runs in here too.",
			fmt.Sprintf("If it runs on the host: http://host.docker.internal:%[1]s/v1 (on Linux with --add-host=host.docker.internal:host-gateway). If it runs in another container: http://SERVICE:%[1]s/v1.", at.port))
	case at.host == "host.docker.internal" && !inside:
		x.about(Warning, varBase, "The name host.docker.internal exists in containers only, and this is none.", "Set OPENAI_BASE_URL="+address{"localhost", at.port}.base()+", unless the client runs in a container.")
	}
	if at.local() {
		x.basePort(u, at)
	}
}

// basePort compares with the gateway's port, and lets a gateway that answers there
// be right.
func (x *examination) basePort(u *url.URL, at address) {
	own := x.gateway()
	if at.port == own.port || !own.local() {
		x.baseSecurity(u)
		return
	}
	switch l := x.System.Listening(x.ctx, at.String()); l.Kind {
	case Fairlead:
		x.about(Good, varBase, fmt.Sprintf("%s leads to another Fairlead than the one of port %s: %s.", shown(u), own.port, l.itself()), "")
	case LiteLLM:
		x.about(Warning, varBase, "LiteLLM answers at "+at.String()+", not Fairlead.", "Set OPENAI_BASE_URL="+x.ownBase())
	case Other:
		x.about(Error, varBase, fmt.Sprintf("Port %s belongs to another program (%s); the gateway's port is %s.", at.port, l, own.port), "Set OPENAI_BASE_URL="+x.ownBase())
	default:
		x.about(Error, varBase, fmt.Sprintf("Nothing answers on port %s; the gateway's port is %s.", at.port, own.port), fmt.Sprintf("Set OPENAI_BASE_URL=%s, or start the gateway with --port %s.", x.ownBase(), at.port))
	}
}

// baseSecurity compares http and https with what the gateway speaks.
func (x *examination) baseSecurity(u *url.URL) {
	switch {
	case x.listener.Kind == Nobody:
	case u.Scheme == "https" && !x.listener.TLS:
		x.about(Warning, varBase, "It says https, which the gateway speaks only with --ssl_certfile_path and --ssl_keyfile_path.", "Set OPENAI_BASE_URL="+x.ownBase())
	case u.Scheme == "http" && x.listener.TLS:
		x.about(Error, varBase, "It says http, but what listens there speaks HTTPS.", "Set OPENAI_BASE_URL="+x.ownBase())
	}
}

// shown is a URL for a person: no password, no query.
func shown(u *url.URL) string {
	plain := *u
	plain.RawQuery, plain.Fragment = "", ""
	return plain.Redacted()
}

// looksLikeKey recognises a key that was pasted where something else belongs.
func looksLikeKey(text string) bool {
	return strings.HasPrefix(text, "sk-") || strings.HasPrefix(text, "AIza") || !strings.ContainsAny(text, ".:/") && len(text) > 30
}
