package config

import (
	"slices"
	"strings"
	"testing"
)

func redisOf(t *testing.T, yaml string, env map[string]string) (RedisSettings, *Report) {
	t.Helper()
	cfg, report := usable(t, gpt(yaml), env)
	return cfg.Redis, report
}

func TestRedisIsFoundWhereLiteLLMHasIt(t *testing.T) {
	for name, c := range map[string]struct {
		yaml    string
		env     map[string]string
		source  string
		address string
	}{
		"router":                          {`router_settings: {redis_host: r, redis_port: "6380", redis_password: p}`, nil, "router_settings", "r:6380"},
		"router, default port":            {`router_settings: {redis_host: r}`, nil, "router_settings", "r:6379"},
		"router by URL":                   {`router_settings: {redis_url: "redis://:p@u:1/2", redis_host: r}`, nil, "router_settings", "u:1/2"},
		"cache":                           {`litellm_settings: {cache: true, cache_params: {type: redis, host: c, port: 6381}}`, nil, "litellm_settings.cache_params", "c:6381"},
		"cache by URL":                    {`litellm_settings: {cache: "True", cache_params: {type: redis, url: "rediss://c:2"}}`, nil, "litellm_settings.cache_params", "c:2"},
		"cache, environment":              {`litellm_settings: {cache: true}`, map[string]string{"REDIS_HOST": "e", "REDIS_PORT": "7"}, "litellm_settings.cache_params", "e:7"},
		"cache, URL of the environment":   {`litellm_settings: {cache: true, cache_params: {type: redis}}`, map[string]string{"REDIS_URL": "redis://e:8"}, "litellm_settings.cache_params", "e:8"},
		"the file before the environment": {`router_settings: {redis_host: r}`, map[string]string{"REDIS_URL": "redis://e:8", "REDIS_PORT": "9"}, "router_settings", "r:9"},
		"coordination before the others":  {"general_settings: {coordination_redis: {host: k}}\nrouter_settings: {redis_host: r}", nil, "general_settings.coordination_redis", "k:6379"},
		"router before cache":             {"litellm_settings: {cache: true, cache_params: {host: c}}\nrouter_settings: {redis_host: r}", nil, "router_settings", "r:6379"},
		"Sentinels":                       {`litellm_settings: {cache: true, cache_params: {service_name: m, sentinel_nodes: [[s1, 26379], [s2, "1"]]}}`, nil, "litellm_settings.cache_params", "m of the Sentinels s1:26379, s2:1"},
		"cluster":                         {`litellm_settings: {cache: true, cache_params: {redis_startup_nodes: [{host: n1, port: "7001"}, {host: n2}]}}`, nil, "litellm_settings.cache_params", "of the cluster n1:7001, n2:6379"},
		"Sentinels of the environment":    {`litellm_settings: {cache: true}`, map[string]string{"REDIS_SENTINEL_NODES": `[["s", 5]]`, "REDIS_SERVICE_NAME": "m"}, "litellm_settings.cache_params", "m of the Sentinels s:5"},
		"cluster of the environment":      {`litellm_settings: {cache: true}`, map[string]string{"REDIS_CLUSTER_NODES": `[{"host": "n", "port": "5"}]`}, "litellm_settings.cache_params", "of the cluster n:5"},
	} {
		t.Run(name, func(t *testing.T) {
			r, report := redisOf(t, c.yaml+"\n", c.env)
			if r.Source != c.source || r.Address() != c.address || !r.Enabled() {
				t.Errorf("%s at %s, want %s at %s", r.Source, r.Address(), c.source, c.address)
			}
			says(t, report, Note, "count limits, budgets and cooldowns together", c.address)
		})
	}
}

func TestNoRedisIsUsedThatNobodyAskedFor(t *testing.T) {
	env := map[string]string{"REDIS_HOST": "e", "REDIS_URL": "redis://e"}
	for _, yaml := range []string{
		"", "litellm_settings: {cache: false, cache_params: {type: redis, host: c}}", "litellm_settings: {cache_params: {type: redis, host: c}}",
		"litellm_settings: {cache: true, cache_params: {type: local}}", "litellm_settings: {cache: true, cache_params: {type: s3}}",
		"router_settings: {redis_port: 1, redis_password: x}",
	} {
		if r, _ := redisOf(t, yaml+"\n", env); r.Enabled() {
			t.Errorf("%q uses %s", yaml, r.Address())
		}
	}
}

func TestWhatRedisIsToldIsReadFromFileAndEnvironment(t *testing.T) {
	r, _ := redisOf(t, `litellm_settings:
  cache: true
  cache_params: {host: h, username: u, password: os.environ/PW, db: 3, ssl: true, ssl_ca_certs: /ca.pem, ssl_cert_reqs: none, ssl_check_hostname: false,
    namespace: team, max_connections: 7}
`, map[string]string{"PW": "secret-1", "REDIS_USERNAME": "not this", "REDIS_PASSWORD": "nor this"})
	if r.Username != "u" || r.Password.Reveal() != "secret-1" || r.DB != 3 || !r.TLS || r.CAFile != "/ca.pem" || !r.Insecure || !r.AnyName || r.Namespace != "team" || r.MaxConnections != 7 {
		t.Errorf("%+v", r)
	}
	r, _ = redisOf(t, "router_settings: {redis_host: h, redis_db: 2, cache_kwargs: {ssl: true, username: k}}\n",
		map[string]string{"REDIS_PASSWORD": "secret-2", "REDIS_USERNAME": "not this"})
	if r.DB != 2 || !r.TLS || r.Username != "k" || r.Password.Reveal() != "secret-2" {
		t.Errorf("%+v", r)
	}
	if r, _ = redisOf(t, "router_settings: {redis_host: h}\n", map[string]string{"REDIS_SSL": "True", "REDIS_DB": "4"}); !r.TLS || r.DB != 4 {
		t.Errorf("%+v", r)
	}
}

func TestSecretsOfRedisAreKnownAndNotShown(t *testing.T) {
	cfg, report := usable(t, gpt("router_settings: {redis_url: \"redis://u:canary-1@h\"}\n"), map[string]string{"REDIS_PASSWORD": "canary-2", "REDIS_SENTINEL_PASSWORD": "canary-3"})
	for _, want := range []string{"canary-1", "canary-2", "canary-3"} {
		if !slices.Contains(cfg.Secrets(), want) {
			t.Errorf("%s is not known as a secret", want)
		}
	}
	for _, f := range report.Findings {
		if strings.Contains(f.Message+f.Remedy, "canary") {
			t.Errorf("shown: %s", f.Message)
		}
	}
	if text := cfg.Redis.Address(); strings.Contains(text, "canary") {
		t.Error(text)
	}
}

func TestSignInThatIsPlannedIsSaid(t *testing.T) {
	r, report := redisOf(t, "litellm_settings: {cache: true, cache_params: {host: h, gcp_service_account: x}}\n", nil)
	if r.Enabled() {
		t.Error("it is used")
	}
	says(t, report, Warning, "Google service account", "password")
	r, report = redisOf(t, "router_settings: {redis_host: h}\n", map[string]string{"REDIS_AZURE_AD_TOKEN": "true"})
	if r.Enabled() {
		t.Error("it is used")
	}
	says(t, report, Warning, "Azure AD")
}

func TestARedisWithoutAddressIsSaid(t *testing.T) {
	_, report := redisOf(t, "litellm_settings: {cache: true, cache_params: {type: redis, ttl: 5}}\n", nil)
	says(t, report, Note, "No address of a Redis server", "REDIS_HOST")
	_, report = redisOf(t, "litellm_settings: {cache: true, cache_params: {sentinel_nodes: [5, [a]]}}\n", nil)
	says(t, report, Warning, "a host and a port")
}
