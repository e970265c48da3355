package testkit_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/cloud"
	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

func sent(t *testing.T, req *http.Request) (status int, body string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestFakeOfBedrockRefusesWhatTheRealOneRefuses(t *testing.T) {
	b := testkit.NewBedrock(t)
	good := cloud.AWS{AccessKeyID: b.AccessKeyID, SecretAccessKey: b.SecretAccessKey}
	for name, c := range map[string]struct {
		key    cloud.AWS
		region string
		age    time.Duration
		change func(*http.Request)
		says   string
	}{
		"right":              {key: good},
		"another secret":     {key: cloud.AWS{AccessKeyID: b.AccessKeyID, SecretAccessKey: "x"}, says: "signature we calculated"},
		"another id":         {key: cloud.AWS{AccessKeyID: "AKIAX", SecretAccessKey: b.SecretAccessKey}, says: "security token"},
		"a stray token":      {key: cloud.AWS{AccessKeyID: b.AccessKeyID, SecretAccessKey: b.SecretAccessKey, SessionToken: "s"}, says: "security token"},
		"another region":     {key: good, region: "us-east-1", says: "scoped to a valid region"},
		"too old":            {key: good, age: time.Hour, says: "expired"},
		"another path":       {key: good, change: func(r *http.Request) { r.URL.Path = "/model/m/converse" }, says: "signature we calculated"},
		"another query":      {key: good, change: func(r *http.Request) { r.URL.RawQuery = "a=2" }, says: "signature we calculated"},
		"another body":       {key: good, change: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("{ }")); r.ContentLength = 3 }, says: "signature we calculated"},
		"an unsigned header": {key: good, change: func(r *http.Request) { r.Header.Set("X-Amz-Target", "x") }, says: "must be a signed header"},
		"no signature":       {key: good, change: func(r *http.Request) { r.Header.Del("Authorization") }, says: "Missing"},
		"another bearer key": {key: cloud.AWS{Bearer: "x"}, says: "API Key"},
		"its bearer key":     {key: cloud.AWS{Bearer: b.Bearer}},
	} {
		u, err := url.Parse(b.URL + "/model/m%3A0/converse?a=1")
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{"Content-Type": {"application/json"}}
		if c.region == "" {
			c.region = b.Region
		}
		if e := c.key.Authorize(t.Context(), "POST", u, h, []byte("{}"), "bedrock", c.region, time.Now().Add(-c.age)); e != nil {
			t.Fatal(e)
		}
		req := &http.Request{Method: "POST", URL: u, Header: h, Body: io.NopCloser(strings.NewReader("{}")), ContentLength: 2}
		if c.change != nil {
			c.change(req)
		}
		status, body := sent(t, req)
		if c.says == "" && status != 200 || c.says != "" && (status != 403 || !strings.Contains(body, c.says)) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func TestFakeOfVertexRefusesWhatTheRealOneRefuses(t *testing.T) {
	v := testkit.NewVertex(t)
	for _, c := range []struct{ path, token, says string }{
		{"/v1/projects/our-project/locations/europe-west4/x", "Bearer ya29.fake-1", "invalid authentication credentials"},
		{"/token", "", "Bad Request"},
	} {
		req, err := http.NewRequest("POST", v.URL+c.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", c.token)
		if status, body := sent(t, req); status < 400 || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s", c.path, status, body)
		}
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {"e30.e30.AAAA"}}
	resp, err := http.PostForm(v.URL+"/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != 400 || !strings.Contains(string(b), "Invalid JWT Signature") {
		t.Errorf("%d %s", resp.StatusCode, b)
	}
}
