package relay

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// cloudModels are those of a configuration without a network.
func cloudModels(c config.Clouds) *Models {
	cfg := &config.Config{Clouds: c}
	return &Models{Config: cfg, accounts: accounts{config: cfg}}
}

func vertexIn(location string) config.Clouds {
	return config.Clouds{VertexDefault: &config.VertexAccount{Project: "p", Location: location, Credentials: config.NewSecret("{}")}}
}

func TestVertexIsCalledWhereItsLocationIsServed(t *testing.T) {
	const path = "/v1/projects/x/locations/us-east1/publishers/google/models/m:generateContent"
	for _, c := range []struct{ location, method, path, want string }{
		{"europe-west4", "POST", path, "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4/publishers/google/models/m:generateContent"},
		{"global", "POST", path, "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google/models/m:generateContent"},
		{"eu", "POST", path, "https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu/publishers/google/models/m:generateContent"},
		{"", "POST", path, "https://us-east1-aiplatform.googleapis.com/v1/projects/p/locations/us-east1/publishers/google/models/m:generateContent"},
		{"", "POST", "/publishers/google/models/m:predict", "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/publishers/google/models/m:predict"},
		{"eu", "GET", "/v1beta1/publishers/google/models", "https://aiplatform.eu.rep.googleapis.com/v1beta1/publishers/google/models"},
		{"eu", "GET", "/v1/projects/x", "https://aiplatform.eu.rep.googleapis.com/v1/projects/p"},
		{"eu", "GET", "/v1/%70rojects/x", "https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu/%70rojects/x"},
		{"eu", "POST", "/discovery/v1/projects/x/locations/global/dataStores/d:search", "https://discoveryengine.googleapis.com/v1/projects/p/locations/global/dataStores/d:search"},
	} {
		p := &Pass{Method: c.method, Header: http.Header{}}
		if err := cloudModels(vertexIn(c.location)).PassTo(p, "vertex_ai", c.path, url.Values{}); err != nil || p.url.String() != c.want {
			t.Errorf("%s in %q: %v %v, want %s", c.path, c.location, p.url, err, c.want)
		}
	}
}

func TestClientCannotNameAHostByItsLocation(t *testing.T) {
	for _, location := range []string{"evil.test%2F", "evil.test", "a@b", "-x", strings.Repeat("a", 50)} {
		p := &Pass{Method: "POST", Header: http.Header{}}
		if err := cloudModels(vertexIn("")).PassTo(p, "vertex_ai", "/v1/projects/x/locations/"+location+"/models/m:predict", url.Values{}); err == nil || p.url != nil {
			t.Errorf("%s leads to %v", location, p.url)
		}
	}
}

func TestBedrockIsCalledInItsRegion(t *testing.T) {
	account := config.AWSAccount{APIKey: config.NewSecret("b"), Region: "eu-central-1"}
	for _, c := range []struct{ region, method, path, want string }{
		{"eu-central-1", "POST", "/model/a.b-v1:0/converse", "https://bedrock-runtime.eu-central-1.amazonaws.com/model/a.b-v1%3A0/converse"},
		{"cn-north-1", "POST", "/model/m/converse", "https://bedrock-runtime.cn-north-1.amazonaws.com.cn/model/m/converse"},
		{"", "POST", "/model/m/converse", "https://bedrock-runtime.us-west-2.amazonaws.com/model/m/converse"},
		{"eu-central-1", "POST", "/model/arn:aws:bedrock:us-east-1:1:prompt%2Fx/converse", "https://bedrock-runtime.us-east-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aprompt%2Fx/converse"},
		{"eu-central-1", "POST", "/model/us-east-1/m/converse", "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse"},
		{"eu-central-1", "POST", "/rerank", "https://bedrock-agent-runtime.eu-central-1.amazonaws.com/rerank"},
		{"eu-central-1", "GET", "/inference-profiles", "https://bedrock.eu-central-1.amazonaws.com/inference-profiles"},
		{"eu-central-1", "POST", "/guardrails", "https://bedrock-runtime.eu-central-1.amazonaws.com/guardrails"}, // not to what administers
	} {
		account.Region = c.region
		p := &Pass{Method: c.method, Header: http.Header{}}
		if err := cloudModels(config.Clouds{AWS: []config.AWSAccount{account}}).PassTo(p, "bedrock", c.path, url.Values{}); err != nil || p.url.String() != c.want {
			t.Errorf("%s in %q: %v %v, want %s", c.path, c.region, p.url, err, c.want)
		}
	}
}

func TestFramesCutAnywhereGiveTheSameUsage(t *testing.T) {
	for want, stream := range map[string][]byte{"12 5 4": testkit.BedrockConverseStream(), "12 7 9": testkit.BedrockInvokeStream()} {
		for cut := range len(stream) + 1 {
			tap := &tap{frames: true}
			tap.write(stream[:cut])
			tap.write(stream[cut:])
			tap.end()
			if u := tap.usage; u == nil || fmt.Sprint(u.Input, u.CacheRead, u.Output) != want {
				t.Fatalf("cut at %d: %+v, want %s", cut, u, want)
			}
		}
	}
}

func TestFrameOfAnImpossibleLengthEndsTheReadingAlone(t *testing.T) {
	for _, head := range []string{"\x00\x00\x00\x01aaaabbbb", "\xff\xff\xff\xffaaaabbbb"} {
		tap := &tap{frames: true}
		tap.write([]byte(head))
		tap.write(testkit.BedrockConverseStream())
		if !tap.full || tap.usage != nil || cap(tap.held) > 64 {
			t.Errorf("%q: %+v", head, tap)
		}
	}
}

func TestVendorsWithoutUsageOfTheirOwnCountByAmazonsMetrics(t *testing.T) {
	tap := &tap{}
	tap.addMetrics([]byte(`{"amazon-bedrock-invocationMetrics":{"inputTokenCount":3,"outputTokenCount":4}}`))
	if u := tap.usage; u == nil || u.Input != 3 || u.Output != 4 {
		t.Errorf("%+v", u)
	}
}

func FuzzTapFrames(f *testing.F) {
	f.Add(testkit.BedrockConverseStream(), 7)
	f.Add(testkit.BedrockInvokeStream(), 100)
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		whole, parts := &tap{frames: true}, &tap{frames: true}
		whole.write(stream)
		cut = min(max(cut, 0), len(stream))
		parts.write(stream[:cut])
		parts.write(stream[cut:])
		if fmt.Sprint(whole.usage) != fmt.Sprint(parts.usage) || whole.full != parts.full {
			t.Errorf("cut at %d: %+v and %+v", cut, whole.usage, parts.usage)
		}
	})
}

func FuzzCloudPaths(f *testing.F) {
	f.Add("v1/projects/x/locations/y/publishers/google/models/m:generateContent")
	f.Add("model/arn:aws:bedrock:us-east-1:1:x%2Fy/converse")
	f.Fuzz(func(t *testing.T, path string) {
		clouds := vertexIn("eu")
		clouds.AWS = []config.AWSAccount{{APIKey: config.NewSecret("b")}}
		for name, hosts := range map[string]string{"vertex_ai": ".googleapis.com", "bedrock": ".amazonaws.com"} {
			p := &Pass{Method: "POST", Header: http.Header{}}
			err := cloudModels(clouds).PassTo(p, name, "/"+path, url.Values{})
			if err == nil && !strings.HasSuffix(strings.TrimSuffix(p.url.Host, ".cn"), hosts) {
				t.Errorf("%s leads to %s", path, p.url)
			}
		}
	})
}
