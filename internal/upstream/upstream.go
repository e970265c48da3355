// Package upstream is the only package that dials the network: it sends encoded
// requests to providers, holds every stage to a time limit and every answer to a
// size, and turns what goes wrong on the way into an [llm.Error]. It also fetches
// images and files that clients name, behind a guard against private addresses.
//
// Certificates are checked against the system's roots; SSL_CERT_FILE and
// SSL_CERT_DIR are honoured by Go's crypto/x509 on Unix, ssl_verify by [Profile].
package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
	"github.com/fairlead-gateway/fairlead/internal/upstream/http2"
)

// Options are the limits and the way out, shared by every client of a Network.
// Zero values mean the defaults.
type Options struct {
	// ConnectTimeout limits the dial; 5 s.
	ConnectTimeout time.Duration
	// TLSTimeout limits the TLS handshake after it; ConnectTimeout.
	TLSTimeout time.Duration
	// HeaderTimeout limits the wait for the header of every answer, connecting
	// included, whatever else a call allows; 0 is no limit of its own.
	HeaderTimeout time.Duration
	// TotalTimeout limits a whole call; 600 s.
	TotalTimeout time.Duration
	// IdleTimeout limits the silence of an upstream between two reads; 300 s.
	IdleTimeout time.Duration
	// MaxResponseBytes limits an answer that is read whole; 100 MiB.
	MaxResponseBytes int64
	// MaxStreamBytes limits a streamed answer; 1 GiB.
	MaxStreamBytes int64
	// Proxies is the way out; nil dials directly.
	Proxies *Proxies
	// Instance is the id of this process, sent along so that a loop back to it is
	// noticed; "" sends none.
	Instance string
	// UserAgent is sent when a request has none.
	UserAgent string
	// OnBase is told once when a base URL works only with a version appended.
	OnBase func(base, used string)
}

func (o Options) withDefaults() Options {
	o.ConnectTimeout = orDefault(o.ConnectTimeout, 5*time.Second)
	o.TLSTimeout = orDefault(o.TLSTimeout, o.ConnectTimeout)
	o.TotalTimeout = orDefault(o.TotalTimeout, 600*time.Second)
	o.IdleTimeout = orDefault(o.IdleTimeout, 300*time.Second)
	o.MaxResponseBytes = orDefault(o.MaxResponseBytes, 100<<20)
	o.MaxStreamBytes = orDefault(o.MaxStreamBytes, 1<<30)
	if o.UserAgent == "" {
		o.UserAgent = "fairlead"
	}
	return o
}

func orDefault[T int64 | time.Duration](value, fallback T) T {
	if value <= 0 {
		return fallback
	}
	return value
}

// Profile is how the certificates of an upstream are checked. Deployments with
// equal profiles share their connections.
type Profile struct {
	// Insecure turns the check off (ssl_verify: false).
	Insecure bool
	// CA is a PEM bundle to check against instead of the system's roots, "" for
	// these.
	CA string
}

// Network makes clients and remembers base URLs. It is safe for concurrent use.
type Network struct {
	options Options

	mu      sync.Mutex
	clients map[Profile]*Client
	bases   map[baseKey]*Base
}

// NewNetwork returns a network without connections.
func NewNetwork(o Options) *Network {
	return &Network{options: o.withDefaults(), clients: map[Profile]*Client{}, bases: map[baseKey]*Base{}}
}

// Client returns the client for a profile. The error says that the CA bundle
// holds no certificate.
func (n *Network) Client(p Profile) (*Client, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.clients[p]; c != nil {
		return c, nil
	}
	c, err := newClient(p, n.options)
	if err != nil {
		return nil, err
	}
	n.clients[p] = c
	return c, nil
}

// Close closes every idle connection. Calls in flight go on.
func (n *Network) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.clients {
		c.pooled.CloseIdleConnections()
		c.direct.CloseIdle()
		c.multi.CloseIdle()
	}
}

const (
	maxIdleConns        = 4096
	maxIdleConnsPerHost = 512
	idleConnTimeout     = 90 * time.Second
	// maxHeaderBytes limits the header of an answer, informational ones included.
	maxHeaderBytes = 256 << 10
	// pingAfter is the silence after which an HTTP/2 connection is probed.
	pingAfter = 15 * time.Second
)

func dial(o Options) func(context.Context, string, string) (net.Conn, error) {
	return (&net.Dialer{Timeout: o.ConnectTimeout, KeepAlive: 30 * time.Second}).DialContext
}

// newDirect returns the own HTTP/1.1 client, which offers HTTP/2 too where that may be
// spoken.
func newDirect(o Options, t *tls.Config) *http1.Client {
	t = t.Clone()
	if t.NextProtos = []string{"http/1.1"}; http2.Available() {
		t.NextProtos = []string{"h2", "http/1.1"}
	}
	return &http1.Client{
		Dial: dial(o), IdleTimeout: idleConnTimeout, MaxIdle: maxIdleConns, MaxIdlePerHost: maxIdleConnsPerHost,
		MaxHeaderBytes: maxHeaderBytes, TLS: t, TLSTimeout: o.TLSTimeout,
	}
}

func newMulti() *http2.Pool {
	return http2.NewPool(http2.Options{IdleTimeout: idleConnTimeout, PingAfter: pingAfter, MaxHeaderBytes: maxHeaderBytes})
}

func newTransport(o Options, t *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:                  o.Proxies.transport(),
		DialContext:            dial(o),
		TLSClientConfig:        t,
		TLSHandshakeTimeout:    o.TLSTimeout,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
		DisableCompression:     true,
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConnsPerHost,
		IdleConnTimeout:        idleConnTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         4 << 10,
		WriteBufferSize:        4 << 10,
	}
}

func (p Profile) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: p.Insecure, ClientSessionCache: tls.NewLRUClientSessionCache(64)}
	if p.CA == "" {
		return c, nil
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM([]byte(p.CA)) {
		return nil, errors.New("the CA bundle of ssl_verify holds no PEM certificate; name a file with -----BEGIN CERTIFICATE----- blocks")
	}
	return c, nil
}

// sameHost is the host of a URL for a sentence: no user, no path, no query.
func sameHost(u *url.URL) string { return u.Scheme + "://" + u.Host }
