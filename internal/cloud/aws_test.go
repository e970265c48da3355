package cloud

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The vectors are those of Amazon's "Signature Version 4 test suite".
func TestSignaturesAreThoseOfAmazonsTestSuite(t *testing.T) {
	key := &AWS{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	for _, v := range []struct{ name, method, address, signature string }{
		{"get-vanilla", "GET", "https://example.amazonaws.com/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query-order-key-case", "GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"post-vanilla", "POST", "https://example.amazonaws.com/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	} {
		u, err := url.Parse(v.address)
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{"User-Agent": {"x"}, "Accept": {"*/*"}}
		if e := key.Authorize(t.Context(), v.method, u, h, nil, "service", "us-east-1", at); e != nil {
			t.Fatal(e)
		}
		want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + v.signature
		if got := h.Get("Authorization"); got != want || h.Get("X-Amz-Date") != "20150830T123600Z" {
			t.Errorf("%s: %s, want %s", v.name, got, want)
		}
	}
}

func TestBearerKeyOfBedrockSignsNothing(t *testing.T) {
	key := &AWS{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "s", Bearer: "b-1"}
	h := http.Header{}
	if e := key.Authorize(t.Context(), "POST", &url.URL{Scheme: "https", Host: "h", RawQuery: "b=1&a=2"}, h, []byte("{}"), "bedrock", "us-east-1", time.Now()); e != nil {
		t.Fatal(e)
	}
	if h.Get("Authorization") != "Bearer b-1" || len(h) != 1 || key.Signs() {
		t.Errorf("%v", h)
	}
}

func TestCorrectedSecretCountsAtOnce(t *testing.T) {
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	var seen []string
	for _, secret := range []string{"mistyped", "right"} {
		h := http.Header{}
		key := &AWS{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret}
		if e := key.Authorize(t.Context(), "POST", &url.URL{Scheme: "https", Host: "h", Path: "/"}, h, nil, "bedrock", "us-east-1", at); e != nil {
			t.Fatal(e)
		}
		seen = append(seen, h.Get("Authorization"))
	}
	if seen[0] == seen[1] {
		t.Error("the first secret still signs")
	}
}

func TestHalfAnAccessKeyIsNone(t *testing.T) {
	for _, k := range []AWS{{}, {AccessKeyID: "a"}, {SecretAccessKey: "s", SessionToken: "t"}} {
		if k.IsSet() {
			t.Errorf("%q counts as a key", k.AccessKeyID)
		}
	}
}

func FuzzEscapeAWS(f *testing.F) {
	f.Add("anthropic.claude-v2:1")
	f.Add("arn:aws:bedrock:x/y z*~%")
	f.Fuzz(func(t *testing.T, s string) {
		e := EscapeAWS(s)
		back, err := url.PathUnescape(e)
		if err != nil || back != s || strings.ContainsAny(e, "/:*+ ?#") {
			t.Errorf("%q became %q", s, e)
		}
	})
}
