package app

import (
	"fmt"
	"io"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/fairlead-gateway/fairlead/internal/buildinfo"
)

// commands are the sub-commands; without one, serve is meant, so that the
// command line of the litellm program works as it is.
type commands struct {
	Serve   serveCommand   `cmd:"" default:"withargs" help:"Start the gateway. It is what happens without a command: fairlead --config F --port 4001."`
	Check   checkCommand   `cmd:"" help:"Read the configuration and report on every key, without starting."`
	Doctor  doctorCommand  `cmd:"" help:"Say what is wrong between a client's .env, the configuration and the network."`
	Chat    chatCommand    `cmd:"" help:"Chat with a model through a running gateway."`
	Models  modelsCommand  `cmd:"" help:"List the models that the configuration serves."`
	Why     whyCommand     `cmd:"" help:"Say what happened to a request of a running gateway, and why: choices, calls, times."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// configFlags choose the configuration.
type configFlags struct {
	Config  string `short:"c" placeholder:"FILE" help:"Configuration file (litellm_config.yaml). Default: CONFIG_FILE_PATH, else litellm_config.yaml here if there is one, else the environment and the built-in demo."`
	EnvFile string `name:"env-file" aliases:"env_file" placeholder:"FILE" help:"Read variables that are not set from this file."`
	Strict  bool   `help:"Take every warning of the configuration for an error."`
}

// serveCommand has the flags of litellm by their names; a hyphen works for an underscore.
type serveCommand struct {
	configFlags
	Host string `placeholder:"ADDR" help:"Address to listen on. Default: HOST, else 127.0.0.1 without a master key and 0.0.0.0 with one."`
	Port *int   `short:"p" help:"Port to listen on. Default: PORT, else 4000."`

	Model      string `short:"m" placeholder:"M" help:"Serve this model besides or without a file: gemini/gemini-3.1-pro-preview."`
	Alias      string `placeholder:"NAME" help:"Name under which --model is served."`
	APIBase    string `name:"api_base" aliases:"api-base" placeholder:"URL" help:"Base URL for --model."`
	APIVersion string `name:"api_version" aliases:"api-version" placeholder:"V" help:"API version for --model."`
	Headers    string `placeholder:"JSON" help:"Headers to send with every upstream call, as a JSON object."`

	DropParams     bool     `name:"drop_params" aliases:"drop-params" help:"Leave out parameters that a model does not support, instead of answering 400."`
	RequestTimeout float64  `name:"request_timeout" aliases:"request-timeout" placeholder:"SECONDS" help:"Time limit for an upstream call."`
	MaxTokens      int      `name:"max_tokens" aliases:"max-tokens" placeholder:"N" help:"Default max_tokens of requests that name none."`
	Temperature    *float64 `placeholder:"T" help:"Default temperature of requests that name none."`
	NumWorkers     int      `name:"num_workers" aliases:"num-workers,workers" placeholder:"N" help:"CPUs to use. Default: all."`
	Keepalive      float64  `name:"keepalive_timeout" aliases:"keepalive-timeout" placeholder:"SECONDS" help:"How long an idle client connection is kept (seconds)."`
	LimitConc      int      `name:"limit_concurrency" aliases:"limit-concurrency" placeholder:"N" help:"Requests in flight at most; more are answered 503."`

	SSLKey  string `name:"ssl_keyfile_path" aliases:"ssl-keyfile-path" placeholder:"FILE" help:"TLS key; with --ssl_certfile_path the gateway speaks HTTPS."`
	SSLCert string `name:"ssl_certfile_path" aliases:"ssl-certfile-path" placeholder:"FILE" help:"TLS certificate chain."`
	Ciphers string `placeholder:"LIST" help:"TLS 1.2 cipher suites by their IANA names, separated by ':' or ','."`

	Debug         bool   `help:"Log more."`
	DetailedDebug bool   `name:"detailed_debug" aliases:"detailed-debug" help:"Log bodies too, secrets masked."`
	LogConfig     string `name:"log_config" aliases:"log-config" placeholder:"FILE" help:"Python logging file; only level and JSON format are read from it."`

	Test    bool   `help:"Send one test request to the gateway that listens on --port, and exit."`
	Health  bool   `help:"Ask the gateway that listens on --port for the health of its deployments, and exit."`
	Version bool   `short:"v" help:"Print the version and exit."`
	PProf   string `name:"pprof" placeholder:"ADDR" help:"Serve runtime profiles on this private address."`

	noMeaning
}

// noMeaning are flags of litellm that are accepted and have nothing to do here.
type noMeaning struct {
	AddFunctionToPrompt        bool   `name:"add_function_to_prompt" hidden:""`
	AddKey                     string `name:"add_key" hidden:""`
	AzurePostgresqlAuth        bool   `name:"azure_postgresql_auth" hidden:""`
	CheckMigrations            bool   `name:"check_migrations_against_existing_data" hidden:""`
	GranianThreads             string `name:"granian_threads" hidden:""`
	IAMTokenDBAuth             bool   `name:"iam_token_db_auth" hidden:""`
	Local                      bool   `name:"local" hidden:""`
	MaxBudget                  string `name:"max_budget" hidden:""`
	MaxRequestsBeforeRestart   string `name:"max_requests_before_restart" hidden:""`
	MaxRequestsRestartJitter   string `name:"max_requests_before_restart_jitter" hidden:""`
	NumRequests                string `name:"num_requests" hidden:""`
	PrometheusMetricsPort      string `name:"prometheus_metrics_port" hidden:""`
	Reload                     bool   `name:"reload" hidden:""`
	RunGranian                 bool   `name:"run_granian" hidden:""`
	RunGunicorn                bool   `name:"run_gunicorn" hidden:""`
	RunHypercorn               bool   `name:"run_hypercorn" hidden:""`
	Runtime                    string `name:"runtime" hidden:""`
	Save                       bool   `name:"save" hidden:""`
	Setup                      bool   `name:"setup" hidden:""`
	SkipServerStartup          bool   `name:"skip_server_startup" hidden:""`
	TestAsync                  bool   `name:"test_async" hidden:""`
	TimeoutWorkerHealthcheck   string `name:"timeout_worker_healthcheck" hidden:""`
	UseLegacyMigrationResolver bool   `name:"use_legacy_migration_resolver" hidden:""`
	UsePrismaDBPush            bool   `name:"use_prisma_db_push" hidden:""`
	UseQueue                   bool   `name:"use_queue" hidden:""`
	UseV                       bool   `name:"use_v" hidden:""`
	ValidateConfig             bool   `name:"validate_config" hidden:""`
}

// why says for each flag without a meaning why it has none.
var why = map[string]string{
	"add_function_to_prompt":                 "tools are never written into prompts",
	"add_key":                                "keys belong into the environment or the configuration",
	"azure_postgresql_auth":                  "there is no database yet",
	"check_migrations_against_existing_data": "there is no database yet",
	"granian_threads":                        "there is no Python server to tune",
	"iam_token_db_auth":                      "there is no database yet",
	"local":                                  "there is no Python client to debug",
	"max_budget":                             "budgets come with virtual keys, which are planned",
	"max_requests_before_restart":            "the process need not be restarted",
	"max_requests_before_restart_jitter":     "the process need not be restarted",
	"num_requests":                           "it belonged to a load test of litellm",
	"prometheus_metrics_port":                "metrics are planned",
	"reload":                                 "the configuration is reloaded whenever its file changes",
	"run_granian":                            "there is one server, built in",
	"run_gunicorn":                           "there is one server, built in",
	"run_hypercorn":                          "there is one server, built in",
	"runtime":                                "there is one server, built in",
	"save":                                   "nothing is saved from the command line",
	"setup":                                  "there is nothing to set up",
	"skip_server_startup":                    "use the command check",
	"test_async":                             "use --test",
	"timeout_worker_healthcheck":             "there are no worker processes",
	"use_legacy_migration_resolver":          "there is no database yet",
	"use_prisma_db_push":                     "there is no database yet",
	"use_queue":                              "there is no queue",
	"use_v":                                  "there is one version of each route",
	"validate_config":                        "use the command check",
}

// belongsTo names the flag without which another does nothing.
var belongsTo = map[string]string{
	"alias":       "model",
	"api_base":    "model",
	"api_version": "model",
	"ciphers":     "ssl_certfile_path",
}

// withoutMeaning lists sentences for the flags that were given in vain.
func withoutMeaning(ctx *kong.Context) []string {
	given := map[string]bool{}
	for _, p := range ctx.Path {
		if p.Flag != nil {
			given[p.Flag.Name] = true
		}
	}
	var out []string
	for name := range given {
		if reason, ok := why[name]; ok {
			out = append(out, fmt.Sprintf("--%s has no meaning here: %s.", name, reason))
		}
		if other, ok := belongsTo[name]; ok && !given[other] {
			out = append(out, fmt.Sprintf("--%s has no effect without --%s.", name, other))
		}
	}
	slices.Sort(out)
	return out
}

type versionCommand struct{}

func printVersion(w io.Writer) error {
	_, err := fmt.Fprintf(w, "fairlead %s\n", buildinfo.String())
	return err
}
