package app

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/buildinfo"
	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/demo"
	"github.com/fairlead-gateway/fairlead/internal/provider"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
)

// network gives deployments their clients and bases. It outlives reloads, so that
// connections and what was learnt of bases stay.
type network struct {
	*upstream.Network
	proxies *upstream.Proxies

	mu   sync.Mutex
	demo *http.Server
	addr string // of the demo provider, "" before it is needed
}

func newNetwork(p *program, cfg *config.Config, log *slog.Logger, instance string) *network {
	f := &cfg.Fairlead
	proxies, err := upstream.ProxiesFrom(func(name string) string {
		v, _ := cfg.Getenv(name)
		return v
	})
	if err != nil {
		log.Error("a proxy setting of the environment cannot be used; it is passed over", "error", err)
	}
	return &network{proxies: proxies, Network: upstream.NewNetwork(upstream.Options{
		ConnectTimeout: f.ConnectTimeout, TLSTimeout: f.TLSTimeout, HeaderTimeout: f.ResponseHeaderTimeout, TotalTimeout: f.TotalTimeout, IdleTimeout: f.IdleTimeout,
		MaxResponseBytes: f.MaxResponseBytes, MaxStreamBytes: f.MaxStreamBytes, Proxies: proxies, Instance: instance,
		UserAgent: "fairlead/" + buildinfo.String(),
		OnBase: func(base, used string) {
			log.Warn("a base URL works only with a version; it is used so from now on, and api_base should say it", "api_base", base, "used", used)
		},
	})}
}

// Client returns the client for the deployment's way of checking certificates.
func (n *network) Client(d *config.Deployment) (*upstream.Client, error) {
	p := upstream.Profile{Insecure: d.SSLVerify != nil && !*d.SSLVerify}
	if d.CAFile != "" {
		pem, err := os.ReadFile(d.CAFile)
		if err != nil {
			return nil, fmt.Errorf("the CA bundle of ssl_verify cannot be read: %w", err)
		}
		p.CA = string(pem)
	}
	return n.Network.Client(p)
}

// Base returns the memory of a base URL. The demo provider has none: it gets a
// loopback port when it is first needed.
func (n *network) Base(row *provider.Row, url string) (*upstream.Base, error) {
	if row.Name == provider.Demo {
		addr, err := n.startDemo()
		if err != nil {
			return nil, err
		}
		url = "http://" + addr + "/v1"
	}
	if url == "" {
		return nil, fmt.Errorf("the provider %s has no address of its own; set api_base", row.Name)
	}
	if row.AddVersion && !provider.HasVersion(url) {
		url = row.Root(url) + row.Version
	}
	return n.Network.Base(url, row.Version)
}

// Fetcher returns what fetches the images that clients name.
func (n *network) Fetcher(c *config.Config) *upstream.Fetcher {
	return upstream.NewFetcher(upstream.FetchOptions{
		Allowed:  append(append([]string(nil), c.Defaults.UserURLAllowedHosts...), c.Fairlead.MediaAllowedHosts...),
		MaxBytes: c.Fairlead.MediaMaxBytes, Timeout: c.Fairlead.MediaTimeout, Proxies: n.proxies, Unguarded: !c.Defaults.UserURLValidation,
	})
}

func (n *network) startDemo() (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.addr != "" {
		return n.addr, nil
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("the demo provider cannot listen on loopback: %w", err)
	}
	n.demo = &http.Server{Handler: demo.Handler(), ReadHeaderTimeout: 10 * time.Second}
	n.addr = ln.Addr().String()
	go func() { _ = n.demo.Serve(ln) }() // ends with Close
	return n.addr, nil
}

// Close ends what the network holds.
func (n *network) Close() error {
	n.Network.Close()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.demo == nil {
		return nil
	}
	return n.demo.Close()
}
