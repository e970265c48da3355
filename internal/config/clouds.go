package config

import (
	"errors"
	"slices"
	"strings"
)

// VertexAccount is a project of Google Vertex AI whose API is passed through: that of a
// deployment, or of default_vertex_config.
type VertexAccount struct {
	// ModelName is the group that a deployment serves and Model its upstream name; both
	// are "" for default_vertex_config.
	ModelName, Model  string
	Project, Location string
	// Credentials is the JSON of the credentials or the path of a file with it, "" for
	// those of the environment.
	Credentials Secret
	// APIBase replaces Google's own address, "" for none.
	APIBase string
}

// AWSAccount is what a deployment of Amazon Bedrock calls with; empty fields mean what
// the environment says.
type AWSAccount struct {
	ModelName, Model, Region                           string
	AccessKeyID, SecretAccessKey, SessionToken, APIKey Secret
	// RuntimeEndpoint and ControlEndpoint replace Amazon's own addresses, "" for none.
	RuntimeEndpoint, ControlEndpoint string
	// Unusable names the key that asks for credentials which are not got here
	// (aws_role_name, aws_profile_name, …), "" for none.
	Unusable string
}

// Clouds are the accounts whose APIs are passed through although conversations with
// their deployments are not possible yet.
type Clouds struct {
	// Vertex are the deployments' accounts in file order, VertexDefault is
	// default_vertex_config, nil without one.
	Vertex        []VertexAccount
	VertexDefault *VertexAccount
	AWS           []AWSAccount
}

// cloudSecrets are variables with credentials of clouds, cloudVariables those with what
// belongs to them.
var (
	cloudSecrets   = []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK", "VERTEXAI_CREDENTIALS"}
	cloudVariables = []string{
		"AWS_ACCESS_KEY_ID", "AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION", "VERTEXAI_PROJECT", "VERTEXAI_LOCATION", "DEFAULT_VERTEXAI_PROJECT",
		"DEFAULT_VERTEXAI_LOCATION", "DEFAULT_GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS",
	}
)

// isCloudVariable reports whether a variable says how a cloud is called.
func isCloudVariable(name string) bool {
	return slices.Contains(cloudSecrets, name) || slices.Contains(cloudVariables, name)
}

// vertexDefault reads default_vertex_config.
func (l *loader) vertexDefault(n *node) *VertexAccount {
	const path = "default_vertex_config"
	switch {
	case !l.given(n, path):
		return nil
	case n.kind != mapKind:
		l.wrong(n, path, "a map with vertex_project, vertex_location and vertex_credentials")
		return nil
	}
	a := l.vertexAccount(params{{n, path}})
	return &a
}

// cloudAccount keeps the account of a deployment that is skipped because its provider
// is not spoken yet: its API is passed through below the path that is returned.
func (l *loader) cloudAccount(d *Deployment, p params, provider, model string) (below string) {
	switch provider {
	case "vertex_ai", "vertex_ai_beta":
		a := l.vertexAccount(p)
		a.ModelName, a.Model = d.ModelName, model
		l.clouds.Vertex = append(l.clouds.Vertex, a)
		return "/vertex_ai/"
	case "bedrock", "bedrock_converse":
		a := l.awsAccount(p)
		a.ModelName, a.Model = d.ModelName, bedrockModel(model)
		l.clouds.AWS = append(l.clouds.AWS, a)
		return "/bedrock/"
	}
	return ""
}

func (l *loader) vertexAccount(p params) VertexAccount {
	return VertexAccount{
		Project:     l.firstText(p, "vertex_project", "vertex_ai_project"),
		Location:    l.firstText(p, "vertex_location", "vertex_ai_location", "vertex_region"),
		Credentials: l.vertexCredentials(p),
		APIBase:     trimBase(l.firstText(p, "api_base", "base_url")),
	}
}

func (l *loader) firstText(p params, keys ...string) string {
	for _, key := range keys {
		if v := strings.TrimSpace(l.text(p.at(key))); v != "" {
			return v
		}
	}
	return ""
}

// vertexCredentials reads the JSON of credentials, as text or as a map, or a path.
func (l *loader) vertexCredentials(p params) Secret {
	for _, key := range [...]string{"vertex_credentials", "vertex_ai_credentials"} {
		n, path := p.at(key)
		if !l.given(n, path) {
			continue
		}
		if n.kind == mapKind {
			return NewSecret(string(toJSON(n)))
		}
		return l.secret(p, key)
	}
	return Secret{}
}

// secret reads a credential, which no finding will show.
func (l *loader) secret(p params, key string) Secret {
	text := strings.TrimSpace(l.text(p.at(key)))
	l.report.mask.learn(text)
	return NewSecret(text)
}

func (l *loader) awsAccount(p params) AWSAccount {
	a := AWSAccount{
		Region:      l.firstText(p, "aws_region_name"),
		AccessKeyID: l.secret(p, "aws_access_key_id"), SecretAccessKey: l.secret(p, "aws_secret_access_key"),
		SessionToken: l.secret(p, "aws_session_token"), APIKey: l.secret(p, "api_key"),
		RuntimeEndpoint: trimBase(l.firstText(p, "aws_bedrock_runtime_endpoint", "api_base", "base_url")),
		ControlEndpoint: trimBase(l.firstText(p, "aws_bedrock_control_plane_endpoint")),
	}
	for _, key := range [...]string{"aws_role_name", "aws_profile_name", "aws_web_identity_token"} {
		if l.firstText(p, key) != "" {
			a.Unusable = key
			break
		}
	}
	return a
}

// bedrockModel cuts off what addresses a route of LiteLLM's and not a model of Amazon's.
func bedrockModel(model string) string {
	for _, prefix := range [...]string{"converse/", "invoke/", "converse_like/"} {
		model = strings.TrimPrefix(model, prefix)
	}
	return model
}

// CredentialFile reads a file of credentials that the configuration or the environment
// names, when it is needed: it may be replaced while the gateway runs. The error is a
// clause without the path.
func (c *Config) CredentialFile(path string) ([]byte, error) {
	if c == nil || c.env == nil || c.env.readFile == nil {
		return nil, errors.New("there is no file system")
	}
	data, err := c.env.readFile(path)
	if err != nil {
		return nil, errors.New(pathError(err))
	}
	if len(data) > maxFileBytes {
		return nil, errors.New("it is too large for credentials")
	}
	return data, nil
}

// secrets lists the accounts' credentials.
func (c *Clouds) secrets() (out []string) {
	accounts := c.Vertex
	if c.VertexDefault != nil {
		accounts = append(slices.Clone(accounts), *c.VertexDefault)
	}
	for i := range accounts {
		if text := accounts[i].Credentials.Reveal(); strings.HasPrefix(text, "{") { // a path is none
			out = append(out, text)
		}
	}
	for i := range c.AWS {
		a := &c.AWS[i]
		out = append(out, a.SecretAccessKey.Reveal(), a.SessionToken.Reveal(), a.APIKey.Reveal())
	}
	return out
}
