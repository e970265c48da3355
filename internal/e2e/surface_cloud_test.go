package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

const (
	gatewayKey = "sk-gateway-0123456789"
	guarded    = "general_settings: {master_key: " + gatewayKey + "}\n"
)

// cloudCall sends a request as the clients of clouds do: with the gateway's key, and
// with what they would sign and select with themselves.
func cloudCall(g *gateway, method, path, body string, pairs ...string) reply {
	return g.call(method, path, "application/json", body, append([]string{
		"Authorization", "Bearer " + gatewayKey, "X-Amz-Date", "20200101T000000Z", "X-Amz-Security-Token", "theirs", "Amz-Sdk-Request", "attempt=1",
		"X-Goog-User-Project", "theirs", "X-Amzn-Bedrock-Trace", "ENABLED",
	}, pairs...)...)
}

func signing(b *testkit.Bedrock) []string {
	return []string{"AWS_ACCESS_KEY_ID", b.AccessKeyID, "AWS_SECRET_ACCESS_KEY", b.SecretAccessKey, "AWS_REGION_NAME", b.Region, "AWS_BEDROCK_RUNTIME_ENDPOINT", b.URL, "AWS_ENDPOINT_URL_BEDROCK", b.URL, "AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME", b.URL}
}

func TestBedrockRequestsAreSignedWithOurKeyAndPass(t *testing.T) {
	b := testkit.NewBedrock(t)
	g := start(t, guarded+"model_list: []\n", signing(b)...)
	for _, c := range []struct{ method, path, sent, want string }{
		{"POST", "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1:0/converse", "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse", testkit.BedrockConverse},
		{"POST", "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse?b=2%203&a=1", "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse", testkit.BedrockConverse},
		{"POST", "/model/amazon.titan-text-express-v1/invoke", "/model/amazon.titan-text-express-v1/invoke", testkit.BedrockInvoke},
		{"POST", "/model/arn:aws:bedrock:eu-central-1:1:application-inference-profile/x/converse", "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Aapplication-inference-profile%2Fx/converse", testkit.BedrockConverse},
		{"POST", "/knowledgebases/K1/retrieve", "/knowledgebases/K1/retrieve", `{"retrievalResults":[]}`},
		{"GET", "/foundation-models?byProvider=meta", "/foundation-models", testkit.BedrockModels},
	} {
		r := cloudCall(g, c.method, "/bedrock"+c.path, `{"messages":[{"role":"user","content":[{"text":"ü"}]}]}`)
		got := b.Last(t)
		if r.status != 200 || r.body != c.want || got.Path != c.sent {
			t.Errorf("%s: %d %s; sent to %s: %s", c.path, r.status, r.body, got.Path, got.Refused)
		}
		if got.Header.Get("X-Amz-Security-Token") != "" || got.Header.Get("Amz-Sdk-Request") != "" || got.Header.Get("X-Amzn-Bedrock-Trace") != "ENABLED" {
			t.Errorf("%s: header %v", c.path, got.Header)
		}
	}
	if r := cloudCall(g, "POST", "/bedrock/model/m/unknown", "{}"); r.status != 404 || r.body != `{"message":""}` || r.header.Get("X-Amzn-Errortype") != "UnknownOperationException" {
		t.Errorf("an error is not handed on as it is: %d %v %s", r.status, r.header, r.body)
	}
}

func TestLongBodyForBedrockIsSignedAndBounded(t *testing.T) {
	b := testkit.NewBedrock(t)
	g := start(t, guarded+"fairlead_settings: {max_body_mb: 4}\nmodel_list: []\n", signing(b)...)
	long := `{"a":"` + strings.Repeat("x", 3<<20) + `"}`
	if r := cloudCall(g, "POST", "/bedrock/model/m/converse", long); r.status != 200 || b.Last(t).Body != long {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := cloudCall(g, "POST", "/bedrock/model/m/converse", long+long); r.status != 413 {
		t.Errorf("a body over the limit: %d %s", r.status, r.body)
	}
}

func TestBedrockTakesABearerKeyAndATemporaryOne(t *testing.T) {
	b := testkit.NewBedrock(t)
	g := start(t, guarded+"model_list: []\n", append(signing(b), "AWS_BEARER_TOKEN_BEDROCK", b.Bearer)...)
	if r := cloudCall(g, "POST", "/bedrock/model/m/converse", "{}"); r.status != 200 || b.Last(t).Header.Get("Authorization") != "Bearer "+b.Bearer {
		t.Errorf("%d %s", r.status, r.body)
	}
	temporary := testkit.NewBedrock(t)
	temporary.SessionToken = "session-token-0123456789"
	g = start(t, guarded+"model_list: []\n", append(signing(temporary), "AWS_SESSION_TOKEN", temporary.SessionToken)...)
	if r := cloudCall(g, "POST", "/bedrock/model/m/converse", "{}"); r.status != 200 {
		t.Errorf("%d %s", r.status, temporary.Last(t).Refused)
	}
}

func TestUsageOfBedrockIsReadAndPriced(t *testing.T) {
	b := testkit.NewBedrock(t)
	g := start(t, guarded+"model_list: []\n", signing(b)...)
	const claude = "/bedrock/model/anthropic.claude-sonnet-4-5-20250929-v1:0"
	if r := cloudCall(g, "POST", claude+"/converse", "{}"); r.header.Get("X-Litellm-Response-Cost") != "0.0045" {
		t.Errorf("cost %q", r.header.Get("X-Litellm-Response-Cost"))
	}
	for path, c := range map[string]struct{ body, logged string }{
		claude + "/converse-stream":                          {string(testkit.BedrockConverseStream()), "in=12 out=4"},
		claude + "/invoke-with-response-stream":              {string(testkit.BedrockInvokeStream()), "in=12 out=9"},
		"/bedrock/model/amazon.titan-text-express-v1/invoke": {testkit.BedrockInvoke, "in=7 out=9"},
	} {
		from := g.log.Size()
		if r := cloudCall(g, "POST", path, "{}"); r.body != c.body {
			t.Errorf("%s: the stream was changed: %q", path, r.body)
		}
		if g.log.Find(from, regexp.MustCompile(c.logged), nil) == "" {
			t.Errorf("%s: no %q in the log:\n%s", path, c.logged, g.log)
		}
	}
}

func TestDeploymentsOfBedrockServeItsAPIByTheirNames(t *testing.T) {
	b := testkit.NewBedrock(t)
	g := start(t, guarded+`model_list:
  - model_name: my-claude
    litellm_params: {model: bedrock/converse/eu.anthropic.claude-x, aws_access_key_id: `+b.AccessKeyID+`, aws_secret_access_key: os.environ/SECRET, aws_region_name: eu-central-1, aws_bedrock_runtime_endpoint: "`+b.URL+`"}
  - model_name: by-role
    litellm_params: {model: bedrock/m, aws_role_name: "arn:aws:iam::1:role/x"}
`, "SECRET", b.SecretAccessKey)
	for path, sent := range map[string]string{"/model/my-claude/converse": "/model/eu.anthropic.claude-x/converse", "/model/other/converse": "/model/other/converse"} {
		if r := cloudCall(g, "POST", "/bedrock"+path, "{}"); r.status != 200 || b.Last(t).Path != sent {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := cloudCall(g, "POST", "/bedrock/model/by-role/converse", "{}"); r.status != 400 || !strings.Contains(r.body, "aws_role_name") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestCloudWithoutCredentialsSaysWhatToSet(t *testing.T) {
	g := start(t, guarded+"model_list: []\n")
	for path, names := range map[string][]string{
		"/bedrock/model/m/converse":                               {"AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_REGION_NAME"},
		"/vertex_ai/publishers/google/models/m:generateContent":   {"VERTEXAI_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS", "default_vertex_config"},
		"/vertex-ai/v1/projects/p/locations/l/publishers/x/y:zzz": {"VERTEXAI_PROJECT"},
	} {
		r := cloudCall(g, "POST", path, "{}")
		for _, name := range names {
			if r.status != 400 || !strings.Contains(r.body, name) {
				t.Errorf("%s: %d %s", path, r.status, r.body)
			}
		}
		amazons := regexp.MustCompile(`"message":"The gateway has no credentials.*"__type":"ValidationException"`)
		if strings.HasPrefix(path, "/bedrock") && !amazons.MatchString(r.body) {
			t.Errorf("Amazon's clients cannot read %s", r.body)
		}
		if r := g.call("POST", path, "application/json", "{}"); r.status != 401 {
			t.Errorf("%s without a key: %d", path, r.status)
		}
	}
	g = start(t, guarded+"model_list: []\n", "VERTEXAI_PROJECT", "p", "GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json", "AWS_ACCESS_KEY_ID", "AKIA", "AWS_SECRET_ACCESS_KEY", "s", "AWS_REGION_NAME", "evil.test/#")
	if r := cloudCall(g, "POST", "/vertex_ai/publishers/google/models/m:generateContent", "{}"); r.status != 400 || !strings.Contains(r.body, "does not exist") {
		t.Errorf("%d %s", r.status, r.body)
	}
	for _, path := range []string{"/bedrock/model/m/converse", "/bedrock/model/arn:aws:bedrock:evil.test%23:1:x%2Fy/converse"} {
		if r := cloudCall(g, "POST", path, "{}"); r.status != 400 || !strings.Contains(r.body, "region") {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}

// credentialFile writes the credentials of a fake into a file.
func credentialFile(t *testing.T, v *testkit.Vertex) string {
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, []byte(v.Credentials()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVertexGetsATokenOfOurAccountInOurProject(t *testing.T) {
	v := testkit.NewVertex(t)
	g := start(t, guarded+"model_list: []\n", "VERTEXAI_PROJECT", v.Project, "VERTEXAI_LOCATION", v.Location, "GOOGLE_APPLICATION_CREDENTIALS", credentialFile(t, v), "VERTEXAI_API_BASE", v.URL)
	const ours, model = "/projects/our-project/locations/europe-west4", "/publishers/google/models/gemini-2.5-flash:generateContent"
	for _, c := range []struct{ method, path, sent, want string }{
		{"POST", "/vertex_ai/v1/projects/theirs/locations/us-east1" + model, "/v1" + ours + model, testkit.VertexGenerate},
		{"POST", "/vertex-ai/v1beta1/projects/theirs/locations/global" + model, "/v1beta1" + ours + model, testkit.VertexGenerate},
		{"POST", "/vertex_ai" + model, "/v1" + ours + model, testkit.VertexGenerate},
		{"POST", "/vertex_ai/v1" + model, "/v1" + ours + model, testkit.VertexGenerate},
		{"POST", "/vertex_ai/cachedContents", "/v1beta1" + ours + "/cachedContents", `{}`},
		{"POST", "/vertex_ai/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict", "/v1" + ours + "/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict", testkit.VertexMessage},
		{"GET", "/vertex_ai/v1/projects/theirs/locations/x/endpoints/7", "/v1" + ours + "/endpoints/7", `{}`},
	} {
		r := cloudCall(g, c.method, c.path+"?key="+gatewayKey+"&access_token=theirs&userProject=theirs", `{"a":1}`)
		got := v.Last(t)
		if r.status != 200 || r.body != c.want || got.Path != c.sent || got.Query != "" || got.Header.Get("X-Goog-User-Project") != "" {
			t.Errorf("%s: %d %s; sent %+v", c.path, r.status, r.body, got)
		}
	}
	if v.Tokens() != 1 {
		t.Errorf("%d tokens were asked for", v.Tokens())
	}
	v.Revoke()
	for _, want := range []int{401, 200} {
		if r := cloudCall(g, "POST", "/vertex_ai"+model, "{}"); r.status != want || want == 401 && !strings.Contains(r.body, "UNAUTHENTICATED") {
			t.Errorf("after the token was revoked: %d %s, want %d", r.status, r.body, want)
		}
	}
}

func TestUsageOfVertexIsReadAndPriced(t *testing.T) {
	v := testkit.NewVertex(t)
	g := start(t, guarded+"model_list: []\ndefault_vertex_config: {vertex_project: our-project, vertex_location: europe-west4, vertex_credentials: os.environ/CREDS}\n", "CREDS", v.Credentials(), "VERTEXAI_API_BASE", v.URL)
	const google, claude = "/vertex_ai/publishers/google/models/gemini-2.5-flash:", "/vertex_ai/publishers/anthropic/models/claude-sonnet-4-5@20250929:"
	for path, cost := range map[string]string{google + "generateContent": "0.00055", claude + "rawPredict": "0.0045"} {
		if r := cloudCall(g, "POST", path, "{}"); r.header.Get("X-Litellm-Response-Cost") != cost {
			t.Errorf("%s: cost %q, want %s", path, r.header.Get("X-Litellm-Response-Cost"), cost)
		}
	}
	for path, c := range map[string]struct{ body, logged string }{
		google + "streamGenerateContent?alt=sse": {"data: " + testkit.VertexGenerate + "\r\n\r\n", "in=1000 out=100"},
		google + "streamGenerateContent":         {testkit.VertexArray, "in=31 out=32"},
		claude + "streamRawPredict":              {testkit.VertexRawStream, "in=21 out=22"},
	} {
		from := g.log.Size()
		if r := cloudCall(g, "POST", path, "{}"); r.body != c.body {
			t.Errorf("%s: the stream was changed: %q", path, r.body)
		}
		if g.log.Find(from, regexp.MustCompile(c.logged), nil) == "" {
			t.Errorf("%s: no %q in the log:\n%s", path, c.logged, g.log)
		}
	}
}

func TestDeploymentsOfVertexServeItsAPIByTheirNames(t *testing.T) {
	v := testkit.NewVertex(t)
	g := start(t, guarded+`model_list:
  - model_name: team/flash
    litellm_params: {model: vertex_ai/gemini-2.5-flash, vertex_project: our-project, vertex_location: europe-west4, vertex_credentials: `+v.Credentials()+`, api_base: "`+v.URL+`"}
`)
	for _, name := range []string{"team/flash", "team%2Fflash", "gemini-2.5-flash"} {
		r := cloudCall(g, "POST", "/vertex_ai/v1/projects/x/locations/y/publishers/google/models/"+name+":generateContent", "{}")
		if want := "/v1/projects/our-project/locations/europe-west4/publishers/google/models/gemini-2.5-flash:generateContent"; r.status != 200 || v.Last(t).Path != want {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
}

func TestRefusedServiceAccountIs401InGooglesFormWithoutAnySecret(t *testing.T) {
	v, other := testkit.NewVertex(t), testkit.NewVertex(t)
	credentials := strings.Replace(other.Credentials(), `"client_email":"`, `"client_email":"x`, 1)
	g := start(t, guarded+"model_list: []\n", "VERTEXAI_CREDENTIALS", credentials, "VERTEXAI_API_BASE", v.URL)
	r := cloudCall(g, "POST", "/vertex_ai/publishers/google/models/m:generateContent", "{}")
	if r.status != 401 || !strings.Contains(r.body, "account not found") || !strings.Contains(r.body, `"status": "UNAUTHENTICATED"`) && !strings.Contains(r.body, `"status":"UNAUTHENTICATED"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	for _, text := range []string{r.body, g.log.String()} {
		if strings.Contains(text, "PRIVATE KEY") || strings.Contains(text, "ya29.") {
			t.Errorf("a secret is shown: %s", text)
		}
	}
}
