package config

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

//go:generate go test -run TestConfigurationReferenceIsCurrent . -update

var update = flag.Bool("update", false, "write docs/configuration.md anew")

const referencePath = "../../docs/configuration.md"

func TestConfigurationReferenceIsCurrent(t *testing.T) {
	want := manual()
	if *update {
		if err := os.WriteFile(referencePath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(referencePath)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ReplaceAll(string(got), "\r\n", "\n") != want {
		t.Error("docs/configuration.md differs from the code: run go generate ./internal/config")
	}
}

// chapters are the sections of the reference, in reading order.
var chapters = []struct{ section, title, intro string }{
	{"root", "Root of the file", ""},
	{"entry", "model_list[]", "One entry is one deployment. Several with the same `model_name` are a group. `rpm`, `tpm` and `weight` may stand here or in `litellm_params`."},
	{"litellm_params", "model_list[].litellm_params", "Prices (`*_cost_per_*` and the like) override the catalog. A key that is in none of these lists is sent to the provider with every call, as LiteLLM does, and said."},
	{"model_info", "model_list[].model_info", "Any key of the price map (`max_tokens`, `supports_*`, `input_cost_per_token`, …) overrides the catalog; every other key is shown by `/model/info`."},
	{"router_settings", "router_settings", "`num_retries`, `allowed_fails`, `max_fallbacks` and the fallback lists may also stand in `litellm_settings`; `router_settings` wins."},
	{"litellm_settings", "litellm_settings", ""},
	{"general_settings", "general_settings", ""},
	{"cache_params", "litellm_settings.cache_params", "With `cache: true` and `type: redis` (or none), this server carries what nodes share, as that of `router_settings.redis_*` or of `general_settings.coordination_redis` does. `REDIS_URL`, `REDIS_HOST`, `REDIS_PORT`, `REDIS_PASSWORD`, `REDIS_USERNAME`, `REDIS_DB`, `REDIS_SSL` and their kin fill what the file does not say."},
	{"retry_policy", "router_settings.retry_policy", ""},
	{"allowed_fails_policy", "router_settings.allowed_fails_policy", ""},
}

// manual returns docs/configuration.md from the registry.
func manual() string {
	var b strings.Builder
	b.WriteString(preface)
	b.WriteString("\n## fairlead_settings\n\nWhat LiteLLM does not have stands under this one root key, so the file stays valid for LiteLLM.\n\n| key | default | meaning |\n|---|---|---|\n")
	for _, s := range fairleadSettings {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.name, s.shows, s.doc)
	}
	for _, c := range chapters {
		fmt.Fprintf(&b, "\n## %s\n\n", c.title)
		if c.intro != "" {
			b.WriteString(c.intro + "\n\n")
		}
		writeChapter(&b, c.section)
	}
	return b.String()
}

// writeChapter lists what works in a line, and the rest in a table.
func writeChapter(b *strings.Builder, section string) {
	for _, kind := range []struct {
		status Status
		title  string
	}{{Honoured, "Honoured"}, {Named, "Named at the start, and not run or not used"}, {CallDefault, "Sent with every call unless the client says otherwise"}} {
		var names []string
		for _, key := range sectionKeys(section) {
			if registry()[section][key].status == kind.status {
				names = append(names, "`"+key+"`")
			}
		}
		if len(names) > 0 {
			fmt.Fprintf(b, "%s: %s.\n\n", kind.title, strings.Join(names, ", "))
		}
	}
	clauses := map[string][]string{}
	var order []string
	for _, key := range sectionKeys(section) {
		e := registry()[section][key]
		if e.status == Honoured || e.status == CallDefault || e.status == Named {
			continue
		}
		row := statusWords[e.status] + " | " + e.clause
		if clauses[row] == nil {
			order = append(order, row)
		}
		clauses[row] = append(clauses[row], "`"+key+"`")
	}
	if len(order) == 0 {
		return
	}
	b.WriteString("| keys | status | what they would do, or why nothing is lost |\n|---|---|---|\n")
	for _, row := range order {
		fmt.Fprintf(b, "| %s | %s |\n", strings.Join(clauses[row], " "), row)
	}
}

var statusWords = map[Status]string{Approximated: "approximated", Planned: "planned", PlannedLimit: "planned (a limit)", Refused: "refused", NoEffect: "no effect"}

const preface = `# Configuration

<!-- Generated from internal/config by ` + "`go generate ./internal/config`" + `; do not edit. -->

The gateway reads a LiteLLM configuration as it is. ` + "`fairlead check --config FILE`" + ` reports on every key without starting,
and exits with 1 when there are errors. The names of the keys are those of LiteLLM 1.109.1 (MIT).

` + "```yaml" + `
model_list:
  - model_name: smart                      # what clients ask for
    litellm_params:
      model: gemini/gemini-3.1-pro-preview # provider/model
      api_key: os.environ/GEMINI_API_KEY
litellm_settings:
  drop_params: true
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
` + "```" + `

## Where values come from

- The file: ` + "`--config`" + `, else ` + "`CONFIG_FILE_PATH`" + `, else ` + "`litellm_config.yaml`" + ` in the working directory. Without a file the built-in demo
  models are served, and ` + "`gemini/*`, `anthropic/*`, `deepseek/*`, `openai/*`" + ` for each key in the environment.
- ` + "`os.environ/NAME`" + ` as a whole value is read from the environment. ` + "`${NAME}` and `${NAME:-default}`" + ` work too when they are the whole value
  (LiteLLM would not expand them). Inside a longer value nothing is expanded, and that is said.
- Variables are looked up in ` + "`environment_variables`" + ` of the file, then in the process environment, then in ` + "`--env-file`" + `, then among the
  provider keys of a ` + "`.env`" + ` beside the configuration. Of that ` + "`.env`" + ` only keys of known providers are taken, never a base URL, and not
  ` + "`OPENAI_API_KEY`" + ` when its ` + "`OPENAI_BASE_URL`" + ` leads to this gateway: then it is the key of a client.
- A deployment without ` + "`api_key`" + ` uses the provider's own variable (` + "`GOOGLE_API_KEY`" + ` before ` + "`GEMINI_API_KEY`, `ANTHROPIC_API_KEY`, `DEEPSEEK_API_KEY`,\n  `OPENAI_API_KEY`" + `, …); one without ` + "`api_base`" + ` uses ` + "`OPENAI_API_BASE`" + ` and its kin, else the provider's address. A base URL that is
  this gateway's own address is refused.
- ` + "`include`" + ` names further files, relative to the one that names them. Lists are appended, every other section is replaced as a whole.
- ` + "`LITELLM_MASTER_KEY`, `LITELLM_MODIFY_PARAMS`, `LITELLM_LOG`, `JSON_LOGS`, `SSL_VERIFY`" + ` count where the file says nothing.

## What is said, and what stops

- An entry of ` + "`model_list`" + ` that cannot be used is skipped; the rest is served.
- Unknown keys, keys in the wrong section and values of the wrong type are warnings with the place and the remedy. They change nothing.
- Numbers and switches may be text; a text may stand for a list of one; of duplicate keys the last one counts, and that is said.
- Loggers and Python callbacks are named and skipped. A guardrail or ` + "`custom_auth`" + ` that cannot run refuses to start, unless
  ` + "`fairlead_settings.allow_missing_hooks: true`" + `.
- Without a master key (or with ` + "`sk-1234`" + `, the key of every tutorial) only this machine is served. A public ` + "`--host`" + ` is then refused, unless
  ` + "`general_settings.dangerously_permit_weak_or_unset_master_key: true`" + `.
- ` + "`database_url`" + ` is named: keys and spend kept in that database are not known here yet.
- The file is read again on SIGHUP and when it changes. A file that cannot be used leaves the old configuration serving.
`
