package config

import (
	"slices"
	"strings"
	"testing"
)

const cloudFile = `model_list:
  - model_name: flash
    litellm_params: {model: vertex_ai/gemini-2.5-flash, vertex_project: p, vertex_location: eu, vertex_credentials: {type: service_account, private_key: CANARY-private-0001}}
  - model_name: sonnet
    litellm_params: {model: bedrock/converse/eu.anthropic.claude-x, litellm_credential_name: aws, aws_region_name: eu-central-1}
  - model_name: by-role
    litellm_params: {model: bedrock/nova, aws_role_name: r}
credential_list:
  - {credential_name: aws, credential_values: {aws_access_key_id: AKIAX, aws_secret_access_key: os.environ/AWS_SECRET}}
default_vertex_config: {vertex_project: os.environ/PROJECT, vertex_location: global, vertex_credentials: /keys/sa.json}
`

func TestAccountsOfCloudsAreKeptThoughTheirDeploymentsAreSkipped(t *testing.T) {
	cfg, report := usable(t, cloudFile, map[string]string{"AWS_SECRET": "CANARY-secret-0002", "PROJECT": "d"})
	c := &cfg.Clouds
	if len(c.Vertex) != 1 || len(c.AWS) != 2 || c.VertexDefault == nil || len(cfg.Deployments) != 0 {
		t.Fatalf("%+v", c)
	}
	v, d, a := c.Vertex[0], c.VertexDefault, c.AWS[0]
	if v.ModelName != "flash" || v.Model != "gemini-2.5-flash" || v.Project != "p" || v.Location != "eu" || v.Credentials.Reveal() != `{"type":"service_account","private_key":"CANARY-private-0001"}` {
		t.Errorf("%+v %s", v, v.Credentials.Reveal())
	}
	if d.Project != "d" || d.Location != "global" || d.Credentials.Reveal() != "/keys/sa.json" {
		t.Errorf("%+v", d)
	}
	if a.Model != "eu.anthropic.claude-x" || a.AccessKeyID.Reveal() != "AKIAX" || a.SecretAccessKey.Reveal() != "CANARY-secret-0002" || a.Region != "eu-central-1" || c.AWS[1].Unusable != "aws_role_name" {
		t.Errorf("%+v", c.AWS)
	}
	says(t, report, Warning, `"sonnet" is skipped`, "bedrock is planned")
	secrets := cfg.Secrets()
	for _, want := range []string{"CANARY-secret-0002", v.Credentials.Reveal()} {
		if !slices.Contains(secrets, want) {
			t.Errorf("%s is no secret", want)
		}
	}
	if slices.Contains(secrets, "/keys/sa.json") {
		t.Error("the path of a file would be cleaned out of every text")
	}
}

func TestDefaultVertexConfigOfAnotherKindIsSaid(t *testing.T) {
	cfg, report := usable(t, "model_list: []\ndefault_vertex_config: p\n", nil)
	if cfg.Clouds.VertexDefault != nil || !strings.Contains(render(t, report), "vertex_project, vertex_location and vertex_credentials") {
		t.Error(render(t, report))
	}
}

func TestFileOfCredentialsIsReadWhenItIsNeeded(t *testing.T) {
	cfg := &Config{env: &environment{readFile: func(path string) ([]byte, error) { return []byte(path), nil }}}
	if b, err := cfg.CredentialFile("/k"); err != nil || string(b) != "/k" {
		t.Errorf("%s %v", b, err)
	}
	cfg.env.readFile = readLimited
	if _, err := cfg.CredentialFile(t.TempDir() + "/none"); err == nil || err.Error() != "it does not exist" {
		t.Error(err)
	}
	if _, err := (&Config{}).CredentialFile("/k"); err == nil {
		t.Error("a configuration without files read one")
	}
}

func TestEnvFileBesideFillsWhatCloudsAreCalledWith(t *testing.T) {
	files := map[string]string{"litellm_config.yaml": "model_list: []\n", ".env": "AWS_SECRET_ACCESS_KEY=CANARY-secret-0003\nAWS_REGION_NAME=eu-central-1\nAWS_BEDROCK_RUNTIME_ENDPOINT=http://elsewhere\n"}
	cfg, _ := Load(world{files, nil}.options())
	for name, want := range map[string]string{"AWS_SECRET_ACCESS_KEY": "CANARY-secret-0003", "AWS_REGION_NAME": "eu-central-1", "AWS_BEDROCK_RUNTIME_ENDPOINT": ""} {
		if got, _ := cfg.Getenv(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !slices.Contains(cfg.Secrets(), "CANARY-secret-0003") || slices.Contains(cfg.Secrets(), "eu-central-1") {
		t.Errorf("the secrets are %q", cfg.Secrets())
	}
}
