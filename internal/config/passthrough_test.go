package config

import (
	"testing"
	"time"
)

func TestPassThroughRoutesAreReadWithTheirHeadersFilled(t *testing.T) {
	cfg, report := usable(t, gpt("")+`general_settings:
  pass_through_request_timeout: 30
  pass_through_endpoints:
    - path: /bria/
      target: https://engine.example.com/
      include_subpath: true
      headers: {Authorization: "bearer os.environ/BRIA_KEY", x-own: one}
      default_query_params: {version: "2"}
      cost_per_request: 0.02
      methods: [post]
      auth: false
    - {path: nowhere, target: "https://example.com"}
    - {path: /file, target: "file:///etc/passwd"}
`, map[string]string{"BRIA_KEY": "sk-bria-secret"})
	if len(cfg.General.PassThrough) != 1 {
		t.Fatalf("%d routes: %+v", len(cfg.General.PassThrough), cfg.General.PassThrough)
	}
	p := cfg.General.PassThrough[0]
	if p.Path != "/bria" || p.Target != "https://engine.example.com/" || !p.IncludeSubpath || p.Auth || p.CostPerRequest != "0.02" ||
		p.Timeout != 30*time.Second || len(p.Methods) != 1 || p.Methods[0] != "POST" || p.Query["version"] != "2" {
		t.Errorf("%+v", p)
	}
	if got := p.Headers["Authorization"].Reveal(); got != "bearer sk-bria-secret" {
		t.Errorf("the header is %q", got)
	}
	says(t, report, Warning, "no path that begins with a slash")
	says(t, report, Warning, "no http or https address as target")
}

func TestPassThroughRoutesNeedAKeyUnlessTheySayOtherwise(t *testing.T) {
	cfg, _ := usable(t, gpt("")+"general_settings:\n  pass_through_endpoints:\n    - {path: /a, target: \"https://example.com\"}\n", nil)
	if !cfg.General.PassThrough[0].Auth {
		t.Error("a route without auth is open")
	}
}
