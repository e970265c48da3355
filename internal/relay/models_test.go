package relay

import (
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/provider"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
)

// askedNetwork remembers how each client was to check certificates.
type askedNetwork struct {
	*upstream.Network
	insecure []bool
	files    []string
}

func (n *askedNetwork) Client(d *config.Deployment) (*upstream.Client, error) {
	n.insecure = append(n.insecure, d.SSLVerify != nil && !*d.SSLVerify)
	n.files = append(n.files, d.CAFile)
	return n.Network.Client(upstream.Profile{})
}

func (n *askedNetwork) Base(row *provider.Row, url string) (*upstream.Base, error) {
	return n.Network.Base(url, row.Version)
}

func (n *askedNetwork) Fetcher(*config.Config) *upstream.Fetcher {
	return upstream.NewFetcher(upstream.FetchOptions{})
}

// Proxies that inspect TLS are common; LiteLLM's users switch the check off, or
// name a bundle, for all deployments at once.
func TestSSLVerifyOfTheSettingsHoldsForEveryDeploymentThatSaysNothing(t *testing.T) {
	yes, no := true, false
	cases := []struct {
		name     string
		defaults config.CallDefaults
		own      config.Deployment
		insecure bool
		file     string
	}{
		{"off for all", config.CallDefaults{SSLVerify: &no}, config.Deployment{}, true, ""},
		{"a bundle for all", config.CallDefaults{CAFile: "/ca.pem"}, config.Deployment{}, false, "/ca.pem"},
		{"checked all the same here", config.CallDefaults{SSLVerify: &no}, config.Deployment{SSLVerify: &yes}, false, ""},
		{"a bundle of its own", config.CallDefaults{SSLVerify: &no}, config.Deployment{CAFile: "/own.pem"}, false, "/own.pem"},
		{"nothing said", config.CallDefaults{}, config.Deployment{}, false, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			cd := tc.own
			cd.ModelName, cd.Provider, cd.Model, cd.APIBase = "m", "openai", "gpt-4o", "https://example.com/v1"
			net := &askedNetwork{Network: upstream.NewNetwork(upstream.Options{})}
			defer net.Close()
			c := &config.Config{Defaults: tc.defaults, Deployments: []config.Deployment{cd}}
			if _, errs := NewModels(c, net, func() float64 { return 0 }); len(errs) > 0 {
				t.Fatal(errs)
			}
			if net.insecure[0] != tc.insecure || net.files[0] != tc.file {
				t.Errorf("insecure %v, bundle %q; want %v, %q", net.insecure[0], net.files[0], tc.insecure, tc.file)
			}
		})
	}
}
