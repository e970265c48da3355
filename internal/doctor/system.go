package doctor

import (
	"bytes"
	"context"
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

func (l Listener) version() string {
	if l.Version == "" {
		return ""
	}
	return " (version " + l.Version + ")"
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
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	l := Listener{Kind: Other}
	if a, err := net.ResolveTCPAddr("tcp", address); err == nil && a.IP.IsLoopback() {
		l.Process = listenerProcess(a.Port)
	}
	body, header := probe(ctx, transport, "http://"+address+"/health/liveliness")
	l.Server = printable(header.Get("Server"))
	if !strings.Contains(body, "I'm alive!") {
		return l
	}
	l.Kind = LiteLLM
	if about, h := probe(ctx, transport, "http://"+address+"/openapi.json"); strings.Contains(about, `"title":"Fairlead"`) {
		l.Kind, l.Version = Fairlead, printable(h.Get("X-Litellm-Version"))
	}
	return l
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
