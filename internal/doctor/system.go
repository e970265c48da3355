package doctor

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// ListenerKind is what answers on a port.
type ListenerKind string

// The kinds of listeners.
const (
	Nobody   ListenerKind = ""
	Fairlead ListenerKind = "Fairlead"
	LiteLLM  ListenerKind = "LiteLLM"
	Other    ListenerKind = "other"
)

// Listener is what answers on a port.
type Listener struct {
	Kind ListenerKind
	// TLS says that it speaks HTTPS.
	TLS bool
	// Version is what a gateway says of itself.
	Version string
	// Server is the Server header of another program.
	Server string
	// Process is the program's name and id where the system tells, "nginx, pid 7".
	Process string
}

// String describes another program.
func (l Listener) String() string {
	switch {
	case l.Process != "":
		return l.Process
	case l.Server != "":
		return l.Server
	}
	return "it does not say which"
}

// itself names a gateway: "Fairlead (version 1.2, fairlead, pid 7)".
func (l Listener) itself() string {
	var about []string
	if l.Version != "" {
		about = append(about, "version "+l.Version)
	}
	if l.Process != "" {
		about = append(about, l.Process)
	}
	if l.TLS {
		about = append(about, "HTTPS")
	}
	if len(about) == 0 {
		return string(l.Kind)
	}
	return string(l.Kind) + " (" + strings.Join(about, ", ") + ")"
}

// base is the base URL of a gateway at the address.
func (l Listener) base(at address) string {
	if l.TLS {
		return "https://" + at.String() + "/v1"
	}
	return at.base()
}

func (l Listener) process() string {
	if l.Process == "" {
		return ""
	}
	return " (" + l.Process + ")"
}

// System answers what only the machine knows. The zero value asks the real one.
type System struct {
	// Listening finds out what answers at host:port.
	Listening func(ctx context.Context, address string) Listener
	// InContainer tells whether this process runs in a container.
	InContainer func() bool
}

func (s System) withDefaults(readFile func(string) ([]byte, error)) System {
	if s.Listening == nil {
		s.Listening = listening
	}
	if s.InContainer == nil {
		s.InContainer = func() bool { return inContainer(readFile) }
	}
	return s
}

// inContainer looks for the marks that Docker, Podman and Kubernetes leave.
func inContainer(readFile func(string) ([]byte, error)) bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	groups, err := readFile("/proc/1/cgroup")
	if err != nil {
		return false
	}
	for _, mark := range []string{"docker", "kubepods", "containerd", "libpod"} {
		if bytes.Contains(groups, []byte(mark)) {
			return true
		}
	}
	return false
}

// probeTimeout bounds one question to a port.
const probeTimeout = 2 * time.Second

// maxProbe is how much of an answer is read, in bytes.
const maxProbe = 4 << 10

// listening asks a port who is there. The proxies of the environment play no part.
func listening(ctx context.Context, address string) Listener {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return Listener{}
	}
	_ = conn.Close() // it was only to see whether somebody listens
	// The certificate is not what is asked for, and no key is sent.
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	l := Listener{Kind: Other}
	if a, err := net.ResolveTCPAddr("tcp", address); err == nil && a.IP.IsLoopback() {
		l.Process = listenerProcess(a.Port)
	}
	for _, scheme := range []string{"http://", "https://"} {
		body, header := probe(ctx, transport, scheme+address+"/health/liveliness")
		l.Server = cmp.Or(printable(header.Get("Server")), l.Server)
		if strings.Contains(body, "I'm alive!") {
			l.TLS = scheme == "https://"
			l.identify(ctx, transport, scheme+address)
			return l
		}
	}
	return l
}

// identify tells which of the two gateways answers at a root.
func (l *Listener) identify(ctx context.Context, t *http.Transport, root string) {
	l.Kind = LiteLLM
	if about, h := probe(ctx, t, root+"/openapi.json"); strings.Contains(about, `"title":"Fairlead"`) {
		l.Kind, l.Version = Fairlead, printable(h.Get("X-Litellm-Version"))
	}
}

func probe(ctx context.Context, t *http.Transport, url string) (string, http.Header) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", http.Header{}
	}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return "", http.Header{}
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxProbe)) // a part is enough
	return string(body), resp.Header
}

// maxHeaderShown bounds what a foreign server may make us print.
const maxHeaderShown = 60

func printable(s string) string {
	s = s[:min(len(s), maxHeaderShown)]
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}

// process describes a program.
func process(name string, pid string) string { return fmt.Sprintf("%s, pid %s", name, pid) }
