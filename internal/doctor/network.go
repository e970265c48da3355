package doctor

import (
	"bytes"
	"cmp"
	"encoding/pem"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/upstream"
)

// examineNetwork checks the port, the proxies and the certificates.
func (x *examination) examineNetwork() {
	x.port()
	x.others()
	x.proxies()
	x.certificates()
}

func (x *examination) network(s Severity, subject, place, effect, remedy string) {
	x.add(Finding{s, GroupNetwork, subject, place, effect, remedy})
}

// port says who listens where the gateway should.
func (x *examination) port() {
	at := x.gateway()
	subject := "port " + at.port
	if !at.local() {
		subject = at.String()
	}
	switch l := x.listener; {
	case l.Kind == Fairlead:
		x.network(Good, subject, "", l.itself()+" answers.", "")
	case l.Kind == LiteLLM:
		x.network(Warning, subject, "", fmt.Sprintf("LiteLLM answers here%s: clients talk to it, and Fairlead cannot listen on the same port.", l.process()), "Stop LiteLLM, or start "+x.elsewhere()+".")
	case l.Kind == Other:
		x.network(Error, subject, "", fmt.Sprintf("It is taken by another program (%s).", l), "Start "+x.elsewhere()+".")
	case !at.local():
		x.network(Warning, subject, "", "Nothing answers there.", "Start the gateway on that machine, or check the address.")
	default:
		x.network(Note, subject, "", "It is free: no gateway is running.", "Start it: "+x.startCommand())
	}
}

// nearPorts are how many ports from LiteLLM's 4000 on are searched for a gateway that
// was started elsewhere: a busy port makes people take the next.
const nearPorts = 5

// others names another Fairlead of this machine when none is where it should be.
func (x *examination) others() {
	own := x.gateway()
	if !own.local() || x.listener.Kind == Fairlead {
		return
	}
	for port := 4000; port < 4000+nearPorts; port++ {
		at := address{"localhost", strconv.Itoa(port)}
		if at.port == own.port {
			continue
		}
		if l := x.System.Listening(x.ctx, at.String()); l.Kind == Fairlead {
			x.network(Note, "port "+at.port, "", "Another "+l.itself()+" answers here.",
				"If it is the one that is meant: OPENAI_BASE_URL="+l.base(at)+", and fairlead doctor --port "+at.port)
		}
	}
}

// startCommand starts the gateway as it was looked at.
func (x *examination) startCommand() string {
	command := "fairlead"
	if x.configPath != "" {
		command += " --config " + x.configPath
	}
	if p := x.gateway().port; p != "4000" {
		command += " --port " + p
	}
	return command
}

// elsewhere is a start on the next port, and the base URL that goes with it.
func (x *examination) elsewhere() string {
	n, err := strconv.Atoi(x.gateway().port)
	if err != nil || n >= 65535 {
		n = 4000
	}
	next := address{"localhost", strconv.Itoa(n + 1)}
	return fmt.Sprintf("the gateway with --port %s and set OPENAI_BASE_URL=%s", next.port, next.base())
}

func (x *examination) getenv(name string) string {
	if x.Config != nil {
		v, _ := x.Config.Getenv(name)
		return v
	}
	v, _ := x.Env(name)
	return v
}

// proxies says which way out is used, and whether a client's way to the gateway
// leads through it by mistake.
func (x *examination) proxies() {
	p, err := upstream.ProxiesFrom(x.getenv)
	if err != nil {
		x.network(Error, "proxy", placeEnvironment, sentence(err.Error()), "Correct or unset it.")
	}
	lines := p.Describe()
	if len(lines) == 0 {
		x.network(Note, "proxy", "", "None is set: providers are reached directly.", "")
		return
	}
	x.network(Note, "proxy", placeEnvironment, "Providers are reached "+strings.Join(lines, ", ")+".", "")
	x.proxiedClient()
}

// proxiedClient: Go never sends loopback through a proxy, Python's HTTP clients do.
func (x *examination) proxiedClient() {
	u, err := url.Parse(x.client[varBase].text)
	if err != nil || u.Host == "" {
		u = &url.URL{Scheme: "http", Host: x.gateway().String()}
	}
	if !addressOf(u).local() {
		return
	}
	exempt := cmp.Or(x.getenv("NO_PROXY"), x.getenv("no_proxy"))
	host := strings.ToLower(u.Hostname())
	for entry := range strings.SplitSeq(exempt, ",") {
		if e := strings.ToLower(strings.TrimSpace(entry)); e == "*" || e == host || strings.TrimPrefix(e, ".") == host {
			return
		}
	}
	x.network(Warning, "NO_PROXY", placeEnvironment, fmt.Sprintf("It does not name %s: clients in Python send their requests for the gateway to the proxy, which cannot reach it.", host), "export NO_PROXY=localhost,127.0.0.1")
}

func sentence(s string) string { return strings.TrimSuffix(s, ".") + "." }

// certificates checks the bundle that SSL_CERT_FILE names.
func (x *examination) certificates() {
	path := x.getenv("SSL_CERT_FILE")
	if path == "" {
		return
	}
	data, err := x.ReadFile(path)
	switch {
	case err != nil:
		x.network(Error, "SSL_CERT_FILE", placeEnvironment, "It names "+path+", which cannot be read: every provider's certificate will be refused.", "Give the path of a PEM bundle, or unset it.")
	case countCertificates(data) == 0:
		x.network(Error, "SSL_CERT_FILE", placeEnvironment, "It names "+path+", which holds no certificate: every provider's certificate will be refused.", "Give the path of a PEM bundle, or unset it.")
	default:
		x.network(Note, "SSL_CERT_FILE", placeEnvironment, fmt.Sprintf("Providers' certificates are checked with %s (%d certificates).", path, countCertificates(data)), "")
	}
}

func countCertificates(data []byte) int {
	n := 0
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return n
		}
		if bytes.Equal([]byte(block.Type), []byte("CERTIFICATE")) {
			n++
		}
		data = rest
	}
}
