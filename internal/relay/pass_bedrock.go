package relay

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/cloud"
	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// noBedrock says what to set.
const noBedrock = "The gateway has no credentials for Amazon Bedrock: set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN when they are temporary), and AWS_REGION_NAME in its environment, or give a bedrock deployment aws_access_key_id and aws_secret_access_key."

// defaultRegion is LiteLLM's.
const defaultRegion = "us-west-2"

// bedrockService is one of the hosts that Bedrock is served from.
type bedrockService struct {
	host string
	// env are variables that replace its address.
	env []string
}

var (
	bedrockRuntime = bedrockService{"bedrock-runtime", []string{"AWS_BEDROCK_RUNTIME_ENDPOINT", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"}}
	bedrockAgents  = bedrockService{"bedrock-agent-runtime", []string{"AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME"}}
	bedrockControl = bedrockService{"bedrock", []string{"AWS_ENDPOINT_URL_BEDROCK"}}
)

// agentPaths are the first parts of the paths of agents, as LiteLLM sends them there.
var agentPaths = []string{"agents", "knowledgebases", "flows", "retrieveAndGenerate", "retrieveAndGenerateStream", "rerank", "generateQuery", "optimize-prompt"}

// serviceOf finds the host of a path. Of the API that administers Bedrock only the
// lists of models are served: a gateway's key is none of an administrator.
func serviceOf(method, path string) bedrockService {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case slices.Contains(agentPaths, first):
		return bedrockAgents
	case method == http.MethodGet && (first == "foundation-models" || first == "inference-profiles"):
		return bedrockControl
	}
	return bedrockRuntime
}

// bedrockModel is the model in /model/ID/action, unescaped. An ARN may hold a slash
// that the client did not escape.
func bedrockModel(path string) (id, action string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/model/")
	end := strings.LastIndexByte(rest, '/')
	if !ok || end <= 0 {
		return "", "", false
	}
	id, err := url.PathUnescape(rest[:end])
	return id, rest[end:], err == nil
}

// bedrockAccount finds what calls Bedrock: the deployment of the model, else what the
// environment says, else the first deployment with credentials of its own.
func (a *accounts) bedrockAccount(model string) (config.AWSAccount, *llm.Error) {
	list := a.config.Clouds.AWS
	for i := range list {
		if model != "" && list[i].ModelName == model {
			return a.completeAWS(list[i])
		}
	}
	account, failed := a.completeAWS(config.AWSAccount{})
	for i := 0; failed != nil && i < len(list); i++ {
		if own, wrong := a.completeAWS(list[i]); wrong == nil {
			return own, nil
		}
	}
	return account, failed
}

// completeAWS adds what the environment says. Credentials are taken from one place
// whole: halves of two accounts fit nobody.
func (a *accounts) completeAWS(w config.AWSAccount) (config.AWSAccount, *llm.Error) {
	if w.Unusable != "" {
		return w, llm.BadRequest("", "The gateway cannot get the credentials that "+w.Unusable+" asks for; that is planned. Give the deployment aws_access_key_id and aws_secret_access_key.")
	}
	env := func(names ...string) string { return firstSet(a.config, names) }
	w.Region = cmp.Or(w.Region, env("AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"))
	if own := awsOf(&w); own.IsSet() {
		return w, nil
	}
	w.APIKey = config.NewSecret(env("AWS_BEARER_TOKEN_BEDROCK"))
	w.AccessKeyID, w.SecretAccessKey = config.NewSecret(env("AWS_ACCESS_KEY_ID")), config.NewSecret(env("AWS_SECRET_ACCESS_KEY"))
	w.SessionToken = config.NewSecret(env("AWS_SESSION_TOKEN"))
	if found := awsOf(&w); !found.IsSet() {
		return w, llm.BadRequest("", noBedrock)
	}
	return w, nil
}

func awsOf(w *config.AWSAccount) *cloud.AWS {
	return &cloud.AWS{
		AccessKeyID: w.AccessKeyID.Reveal(), SecretAccessKey: w.SecretAccessKey.Reveal(), SessionToken: w.SessionToken.Reveal(), Bearer: w.APIKey.Reveal(),
	}
}

// passToBedrock aims a request at Amazon Bedrock.
func (m *Models) passToBedrock(p *Pass, path string, query url.Values) error {
	id, action, hasModel := bedrockModel(path)
	account, failed := m.accounts.bedrockAccount(id)
	if failed != nil {
		return failed
	}
	region := account.Region
	if hasModel {
		id = modelOf(id, account.ModelName, account.Model)
		region, id = regionOf(id, region)
		path = "/model/" + cloud.EscapeAWS(id) + action
	}
	region = cmp.Or(region, defaultRegion)
	if !isPlace(region) {
		return badPlace("region of Amazon's", region)
	}
	p.out = passHeader(p.Header, m.Config.General.KeyHeaderName)
	withoutSignature(p.out, query)
	key := awsOf(&account)
	p.Name, p.provider, p.client, p.model, p.named = passBedrock, passBedrock, m.passClient, id, true
	p.authorize, p.signsBody = withSignature(key, region), key.Signs()
	return p.aim(m.accounts.bedrockBase(&account, serviceOf(p.Method, path), region), escapedAWS(path), query)
}

// regionOf finds the region that a model's name brings along: an ARN is of one region,
// and LiteLLM knows REGION/MODEL.
func regionOf(id, otherwise string) (region, model string) {
	if parts := strings.SplitN(id, ":", 6); len(parts) == 6 && parts[0] == "arn" && parts[2] == "bedrock" && parts[3] != "" {
		return parts[3], id
	}
	if front, rest, ok := strings.Cut(id, "/"); ok && strings.Count(front, "-") >= 2 && isPlace(front) {
		return front, rest
	}
	return otherwise, id
}

// bedrockBase is the address of a service.
func (a *accounts) bedrockBase(w *config.AWSAccount, s bedrockService, region string) string {
	own := map[string]string{bedrockRuntime.host: w.RuntimeEndpoint, bedrockControl.host: w.ControlEndpoint}[s.host]
	if base := cmp.Or(own, firstSet(a.config, s.env)); base != "" {
		return base
	}
	domain := ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		domain += ".cn"
	}
	return "https://" + s.host + "." + region + domain
}

// withoutSignature takes out what the client signed with; what it says to Bedrock
// itself (X-Amzn-Bedrock-…) stays.
func withoutSignature(h http.Header, query url.Values) {
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-") || strings.HasPrefix(name, "Amz-Sdk-") {
			delete(h, name)
		}
	}
	for name := range query {
		if strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			query.Del(name)
		}
	}
}

// escapedAWS escapes a path as it is signed; one that is no path stays, for aim to
// refuse.
func escapedAWS(path string) string {
	parts := strings.Split(path, "/")
	for i := range parts {
		plain, err := url.PathUnescape(parts[i])
		if err != nil {
			return path
		}
		parts[i] = cloud.EscapeAWS(plain)
	}
	return strings.Join(parts, "/")
}
