package cloud

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// AWS is what an account of Amazon calls with: Bearer alone, or the two halves of an
// access key, with a session token when they are temporary.
type AWS struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	// Bearer is an API key of Amazon Bedrock; it wins, and nothing is signed.
	Bearer string
}

// IsSet reports whether there is something to call with.
func (a *AWS) IsSet() bool { return a.Bearer != "" || a.AccessKeyID != "" && a.SecretAccessKey != "" }

// Signs reports whether requests are signed, which takes their whole body.
func (a *AWS) Signs() bool { return a.Bearer == "" }

// Authorize adds what makes a request one of the account's to its header, and brings
// the query of its address into the order that is signed. The path of u must be escaped
// as [EscapeAWS] does.
func (a *AWS) Authorize(ctx context.Context, method string, u *url.URL, h http.Header, body []byte, service, region string, now time.Time) *llm.Error {
	if !a.Signs() {
		h["Authorization"] = []string{"Bearer " + a.Bearer}
		return nil
	}
	signed := &http.Request{Method: method, URL: cloned(u), Host: u.Host, Header: toSign(h), ContentLength: int64(len(body))}
	sum := sha256.Sum256(body)
	key := aws.Credentials{AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccessKey, SessionToken: a.SessionToken}
	// A signer remembers keys by their ids and would go on with a secret that has been
	// corrected since: each request has its own.
	if err := v4.NewSigner().SignHTTP(ctx, key, signed, hex.EncodeToString(sum[:]), service, region, now); err != nil {
		e := unauthorized("The request could not be signed for Amazon with the gateway's access key.")
		e.Cause = err
		return e
	}
	for _, name := range [...]string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		if v := signed.Header[name]; v != nil {
			h[name] = v
		}
	}
	u.RawQuery = signed.URL.RawQuery
	return nil
}

func cloned(u *url.URL) *url.URL {
	out := *u
	return &out
}

// toSign picks what is signed besides the host: what no one on the way may change, and
// nothing that is added or rewritten on the way (User-Agent, Accept-Encoding).
func toSign(h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		if name == "Content-Type" || strings.HasPrefix(name, "X-Amzn-Bedrock-") {
			out[name] = values
		}
	}
	return out
}

const upperHex = "0123456789ABCDEF"

// EscapeAWS escapes one segment of a path as Amazon's own clients do: all but letters,
// digits and -._~.
func EscapeAWS(segment string) string {
	var b strings.Builder
	for i := range len(segment) {
		switch c := segment[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}
