package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPublicAddressNeedsAMasterKey(t *testing.T) {
	for _, c := range []struct {
		name, general, requested, host string
		refused                        bool
	}{
		{"no key, no host", "", "", "127.0.0.1", false},
		{"no key, loopback", "", "localhost", "localhost", false},
		{"no key, IPv6 loopback", "", "::1", "::1", false},
		{"no key, public", "", "0.0.0.0", "", true},
		{"no key, name", "", "gateway.example", "", true},
		{"key, no host", "{master_key: sk-long-enough-01}", "", "0.0.0.0", false},
		{"key, public", "{master_key: sk-long-enough-01}", "::", "::", false},
		{"tutorial key, no host", "{master_key: sk-1234}", "", "127.0.0.1", false},
		{"tutorial key, public", "{master_key: sk-1234}", "0.0.0.0", "", true},
		{"override", "{dangerously_permit_weak_or_unset_master_key: true}", "0.0.0.0", "0.0.0.0", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, _ := usable(t, gpt("general_settings: "+c.general+"\n"), nil)
			host, err := cfg.BindPolicy(c.requested)
			if host != c.host || (err != nil) != c.refused {
				t.Errorf("BindPolicy(%q) = %q, %v", c.requested, host, err)
			}
			if err != nil && !strings.Contains(err.Error(), "dangerously_permit_weak_or_unset_master_key: true") {
				t.Errorf("the sentence names no override: %v", err)
			}
		})
	}
}

func TestTutorialKeyIsStillAsked(t *testing.T) {
	cfg, _ := usable(t, gpt("general_settings: {master_key: sk-1234}\n"), nil)
	if !cfg.General.MasterKey.Equal("sk-1234") || cfg.Protected() {
		t.Error("sk-1234 must be required of clients and count as none")
	}
}

func TestBaseThatLeadsToOurselvesIsRefused(t *testing.T) {
	for base, own := range map[string]bool{
		"http://localhost:4000/v1": true, "http://127.0.0.1:4000": true, "http://[::1]:4000/v1": true, "http://0.0.0.0:4000/v1": true, "http://127.8.8.8:4000": true,
		"http://10.1.2.3:4000/v1": true, "http://localhost:4001/v1": false, "https://api.openai.com/v1": false, "http://10.9.9.9:4000/v1": false,
	} {
		w := world{files: map[string]string{"litellm_config.yaml": "model_list:\n  - {model_name: a, litellm_params: {model: openai/x, api_key: k, api_base: \"" + base + "\"}}\n"}}
		o := w.options()
		o.Listen = "10.1.2.3:4000"
		cfg, report := Load(o)
		if (len(cfg.Deployments) == 0) != own {
			t.Errorf("%s: %s", base, render(t, report))
		}
		if own {
			says(t, report, Error, `"a" is skipped`, "this gateway's own address")
		}
	}
}

func TestClientsBaseURLInOurEnvironmentIsIgnored(t *testing.T) {
	w := world{
		files: map[string]string{"litellm_config.yaml": "model_list:\n  - {model_name: a, litellm_params: {model: openai/gpt-4o, api_key: k}}\n  - {model_name: b, litellm_params: {model: openai/gpt-4o, api_key: k}}\n"},
		env:   env("OPENAI_BASE_URL", "http://localhost:4000/v1"),
	}
	o := w.options()
	o.Listen = "0.0.0.0:4000"
	cfg, report := Load(o)
	if len(cfg.Deployments) != 2 || cfg.Deployments[0].APIBase != "" || cfg.Deployments[1].APIBase != "" {
		t.Errorf("%+v", cfg.Deployments)
	}
	says(t, report, Warning, "OPENAI_BASE_URL is this gateway's own address", "ignored")
	if n := report.Count(Warning); n != 1 {
		t.Errorf("said %d times", n)
	}
	o.Listen = "0.0.0.0:4001"
	if cfg, _ = Load(o); cfg.Deployments[0].APIBase != "http://localhost:4000/v1" {
		t.Error("a base that does not lead to us is not used")
	}
}

func TestStartWithoutAFileServesDemoAndKeysOfTheEnvironment(t *testing.T) {
	o := world{env: env("GEMINI_API_KEY", "gemini-000001", "OPENAI_API_KEY", "sk-openai-0001")}.options()
	o.Path = ""
	cfg, report := Demo(o)
	var names []string
	for _, d := range cfg.Deployments {
		names = append(names, d.ModelName)
	}
	if want := []string{"demo/echo", "demo/tools", "demo/reasoning", "gemini/*", "openai/*"}; !slices.Equal(names, want) {
		t.Errorf("%v\n%s", names, render(t, report))
	}
	if cfg.Deployments[0].Provider != "demo" || cfg.Deployments[0].Model != "echo" || cfg.Deployments[3].APIKey.Reveal() != "gemini-000001" || len(report.Findings) != 0 {
		t.Errorf("%+v\n%s", cfg.Deployments[0], render(t, report))
	}
}

func TestDemoTakesAClientsKeyForNobodyElse(t *testing.T) {
	o := world{env: env("OPENAI_API_KEY", "sk-litellm-proxy-local", "OPENAI_BASE_URL", "http://localhost:4000/v1")}.options()
	o.Path, o.Listen = "", "127.0.0.1:4000"
	cfg, report := Demo(o)
	if len(cfg.Deployments) != 3 {
		t.Errorf("%d deployments", len(cfg.Deployments))
	}
	says(t, report, Note, "OPENAI_BASE_URL is this gateway's own address", "openai/* is not served")
}

func TestModelFlagServesOneDeployment(t *testing.T) {
	on, tokens, temperature := true, 5, 0.5
	o := world{}.options()
	o.Path = ""
	o.Overrides = Overrides{
		Model: "ollama/llama3", Alias: "local", APIBase: "http://localhost:11434/", DropParams: &on, MaxTokens: &tokens, Temperature: &temperature,
		RequestTimeout: time.Minute, Headers: map[string]string{"x-team": "a", "bad name": "x"}, Debug: true,
	}
	cfg, _ := FromModel(o)
	d := one(t, cfg)
	if d.ModelName != "local" || d.Provider != "ollama" || d.APIBase != "http://localhost:11434" {
		t.Errorf("%+v", d)
	}
	if c := cfg.Defaults; !*c.DropParams || *c.MaxTokens != 5 || *c.Temperature != 0.5 || c.RequestTimeout != time.Minute || c.ExtraHeaders["x-team"] != "a" || len(c.ExtraHeaders) != 1 || !c.Verbose {
		t.Errorf("%+v", c)
	}
	f := world{files: map[string]string{"litellm_config.yaml": gpt("")}}.options()
	f.Overrides = o.Overrides
	if cfg, _ = Load(f); strings.Join(cfg.Groups(), ",") != "gpt,local" {
		t.Errorf("%v", cfg.Groups())
	}
}

func TestLiteLLMsIntervalOfKeepalivesHoldsUnlessOursSaysOtherwise(t *testing.T) {
	for yaml, want := range map[string][2]time.Duration{
		"": {5 * time.Second, 30 * time.Second},
		"litellm_settings: {sse_keepalive_ping_interval_seconds: null}":                                                            {5 * time.Second, 30 * time.Second},
		"litellm_settings: {sse_keepalive_ping_interval_seconds: 15}":                                                              {15 * time.Second, 15 * time.Second},
		"litellm_settings: {sse_keepalive_ping_interval_seconds: 0}":                                                               {0, 0},
		"litellm_settings: {sse_keepalive_ping_interval_seconds: 0.01}":                                                            {time.Second, time.Second},
		"litellm_settings: {sse_keepalive_ping_interval_seconds: 9000}":                                                            {5 * time.Minute, 5 * time.Minute},
		"litellm_settings: {sse_keepalive_ping_interval_seconds: -1}":                                                              {5 * time.Second, 30 * time.Second},
		"litellm_settings: {sse_keepalive_ping_interval_seconds: 15}\nfairlead_settings: {ping_interval: 2}":                       {2 * time.Second, 15 * time.Second},
		"litellm_settings: {sse_keepalive_ping_interval_seconds: 15}\nfairlead_settings: {ping_interval: 2, first_ping_after: 40}": {2 * time.Second, 40 * time.Second},
	} {
		cfg, _ := usable(t, gpt(yaml+"\n"), nil)
		if got := [2]time.Duration{cfg.Fairlead.PingInterval, cfg.Fairlead.FirstPingAfter}; got != want {
			t.Errorf("%s: %v, want %v", yaml, got, want)
		}
	}
}

func TestFairleadSettings(t *testing.T) {
	cfg, report := usable(t, gpt(`fairlead_settings:
  data_dir: /var/lib/fairlead
  expose_api_base: true
  connect_timeout: 2
  total_timeout: 100
  idle_timeout: 1m
  drain_timeout: 5
  max_body_mb: 1.5
  max_response_mb: 2
  max_event_mb: 1
  max_stream_mb: 4
  max_connections: 9
  max_concurrent: 7
  media_allowed_hosts: minio:9000
  media_max_mb: 3
  media_timeout: 4
  media_max_count: 0
  reasoning_max_mb: 8
  reasoning_ttl: 60
`), nil)
	want := FairleadSettings{
		DataDir: "/var/lib/fairlead", ExposeAPIBase: true, ConnectTimeout: 2 * time.Second, TotalTimeout: 100 * time.Second, IdleTimeout: time.Minute, DrainTimeout: 5 * time.Second,
		MaxBodyBytes: 3 * mebibyte / 2, MaxResponseBytes: 2 * mebibyte, MaxEventBytes: mebibyte, MaxStreamBytes: 4 * mebibyte, MaxConnections: 9, MaxConcurrent: 7, MediaAllowedHosts: []string{"minio:9000"},
		MediaMaxBytes: 3 * mebibyte, MediaTimeout: 4 * time.Second, ReasoningMaxBytes: 8 * mebibyte, ReasoningTTL: time.Minute,
	}
	got := cfg.Fairlead
	if !slices.Equal(got.MediaAllowedHosts, want.MediaAllowedHosts) {
		t.Errorf("%v", got.MediaAllowedHosts)
	}
	got.MediaAllowedHosts, want.MediaAllowedHosts = nil, nil
	if got.MediaMaxCount != 0 || got.MaxBodyBytes != want.MaxBodyBytes || got.IdleTimeout != want.IdleTimeout || got.ReasoningTTL != want.ReasoningTTL || got.DataDir != want.DataDir ||
		got.ConnectTimeout != want.ConnectTimeout || got.MaxConcurrent != want.MaxConcurrent || got.MediaTimeout != want.MediaTimeout || got.MaxEventBytes != want.MaxEventBytes || got.MaxStreamBytes != want.MaxStreamBytes || got.MaxConnections != want.MaxConnections {
		t.Errorf("%+v", got)
	}
	if len(report.Findings) != 0 {
		t.Errorf("%s", render(t, report))
	}
	cfg, _ = usable(t, gpt(""), nil)
	if s := cfg.Fairlead; s.ConnectTimeout != 5*time.Second || s.TotalTimeout != 600*time.Second || s.IdleTimeout != 300*time.Second || s.MaxBodyBytes != 100*mebibyte || s.ExposeAPIBase {
		t.Errorf("defaults %+v", s)
	}
}

func TestGeneralSettings(t *testing.T) {
	cfg, report := usable(t, gpt(`general_settings:
  master_key: 123456789
  forward_client_headers_to_llm_api: true
  always_include_stream_usage: true
  include_call_id_in_error_body: true
  allow_client_side_credentials: true
  litellm_key_header_name: X-Key
  max_request_size_mb: 2
  user_url_validation: false
  user_url_allowed_hosts: 127.0.0.1
litellm_settings: {user_url_allowed_hosts: [minio]}
`), nil)
	g := cfg.General
	if g.MasterKey.Reveal() != "123456789" || !g.ForwardClientHeaders || !g.AlwaysIncludeStreamUsage || !g.IncludeCallIDInErrorBody || !g.AllowClientSideCreds || g.KeyHeaderName != "X-Key" || cfg.Fairlead.MaxBodyBytes != 2*mebibyte {
		t.Errorf("%+v", g)
	}
	if cfg.Defaults.UserURLValidation || !slices.Equal(cfg.Defaults.UserURLAllowedHosts, []string{"minio", "127.0.0.1"}) {
		t.Errorf("%+v", cfg.Defaults)
	}
	if report.HasErrors() {
		t.Errorf("%s", render(t, report))
	}
}
