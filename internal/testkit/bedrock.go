package testkit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Bedrock is a fake of Amazon Bedrock: it computes the signature of every request anew,
// from Amazon's description alone, and refuses what the real one refuses.
type Bedrock struct {
	// URL is its address.
	URL string
	// AccessKeyID, SecretAccessKey, SessionToken and Bearer are what it takes;
	// SessionToken is "" for a lasting key.
	AccessKeyID, SecretAccessKey, SessionToken, Bearer string
	// Region is where it lies.
	Region string

	mu       sync.Mutex
	requests []CloudRequest
}

// CloudRequest is what a fake of a cloud got.
type CloudRequest struct {
	Method, Path, Query string // Path is escaped, as it was sent
	Header              http.Header
	Body                string
	// Refused is why it was refused, "" when it was not.
	Refused string
}

// NewBedrock starts a fake of Bedrock that lies in eu-central-1.
func NewBedrock(t testing.TB) *Bedrock {
	b := &Bedrock{
		AccessKeyID: "AKIDEXAMPLEBEDROCK01", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Bearer: "bedrock-api-key-fake-0123456789", Region: "eu-central-1",
	}
	server := httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(server.Close)
	b.URL = server.URL
	return b
}

// Last returns the latest request.
func (b *Bedrock) Last(t testing.TB) CloudRequest {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	return lastOf(t, b.requests)
}

func lastOf(t testing.TB, all []CloudRequest) CloudRequest {
	t.Helper()
	if len(all) == 0 {
		t.Fatal("the cloud was never asked")
	}
	return all[len(all)-1]
}

func record(r *http.Request, body []byte) CloudRequest {
	return CloudRequest{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: string(body)}
}

func (b *Bedrock) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	got := record(r, body)
	kind, message := b.check(r, body)
	got.Refused = message
	b.mu.Lock()
	b.requests = append(b.requests, got)
	b.mu.Unlock()
	if kind != "" {
		refuseAWS(w, http.StatusForbidden, kind, message)
		return
	}
	b.answer(w, r.URL.EscapedPath())
}

func refuseAWS(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("X-Amzn-ErrorType", kind)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message":%q}`, message)
}

// check returns what is wrong with a request's credentials.
func (b *Bedrock) check(r *http.Request, body []byte) (kind, message string) {
	auth := r.Header.Get("Authorization")
	if key, ok := strings.CutPrefix(auth, "Bearer "); ok {
		if key != b.Bearer {
			return "AccessDeniedException", "Authentication failed: Please make sure your API Key is valid."
		}
		return "", ""
	}
	fields, ok := strings.CutPrefix(auth, "AWS4-HMAC-SHA256 ")
	if !ok {
		return "MissingAuthenticationTokenException", "Missing Authentication Token"
	}
	part := map[string]string{}
	for field := range strings.SplitSeq(fields, ", ") {
		name, value, _ := strings.Cut(field, "=")
		part[name] = value
	}
	return b.checkSignature(r, body, part)
}

func (b *Bedrock) checkSignature(r *http.Request, body []byte, part map[string]string) (kind, message string) {
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", date)
	scope := strings.Split(part["Credential"], "/")
	names := strings.Split(part["SignedHeaders"], ";")
	switch {
	case err != nil || len(scope) != 5 || scope[1] != date[:8] || scope[4] != "aws4_request":
		return "IncompleteSignatureException", "The credential or its date is not valid."
	case scope[0] != b.AccessKeyID || r.Header.Get("X-Amz-Security-Token") != b.SessionToken:
		return "UnrecognizedClientException", "The security token included in the request is invalid."
	case scope[2] != b.Region || scope[3] != "bedrock":
		return "InvalidSignatureException", fmt.Sprintf("Credential should be scoped to a valid region, not '%s/%s'.", scope[2], scope[3])
	case time.Since(at).Abs() > 5*time.Minute:
		return "InvalidSignatureException", "Signature expired: " + date
	case !signsAll(r, names):
		return "InvalidSignatureException", "'Host' or an 'X-Amz-' header must be a signed header in the AWS Authorization."
	case part["Signature"] != b.signature(r, body, date, names):
		return "InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method."
	}
	return "", ""
}

// signsAll reports whether everything is signed that must be.
func signsAll(r *http.Request, names []string) bool {
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") && !slices.Contains(names, strings.ToLower(name)) {
			return false
		}
	}
	return slices.Contains(names, "host")
}

// signature is that of a request, after Amazon's description of Signature Version 4.
func (b *Bedrock) signature(r *http.Request, body []byte, date string, names []string) string {
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, encodedPath(r.URL), encodedQuery(r.URL.Query()))
	for _, name := range names {
		canonical.WriteString(name + ":" + strings.Join(strings.Fields(headerValue(r, name)), " ") + "\n")
	}
	fmt.Fprintf(&canonical, "\n%s\n%s", strings.Join(names, ";"), hexSum(body))
	scope := date[:8] + "/" + b.Region + "/bedrock/aws4_request"
	text := "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hexSum([]byte(canonical.String()))
	key := []byte("AWS4" + b.SecretAccessKey)
	for _, part := range []string{date[:8], b.Region, "bedrock", "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return fmt.Sprint(r.ContentLength)
	}
	return strings.Join(r.Header.Values(name), ",")
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// encodedPath encodes each segment of the path as it was sent once more.
func encodedPath(u *url.URL) string {
	parts := strings.Split(u.EscapedPath(), "/")
	for i := range parts {
		parts[i] = encodedAWS(parts[i])
	}
	return strings.Join(parts, "/")
}

func encodedQuery(q url.Values) string {
	var pairs []string
	for name, values := range q {
		for _, value := range values {
			pairs = append(pairs, encodedAWS(name)+"="+encodedAWS(value))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func encodedAWS(s string) string {
	s = url.QueryEscape(s)
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(s)
}

// The answers, as Amazon documents them.
const (
	BedrockConverse = `{"output":{"message":{"role":"assistant","content":[{"text":"Hi."}]}},"stopReason":"end_turn","usage":{"inputTokens":1000,"outputTokens":100,"totalTokens":1100},"metrics":{"latencyMs":5}}`
	BedrockInvoke   = `{"results":[{"outputText":"Hi.","tokenCount":9,"completionReason":"FINISH"}],"inputTextTokenCount":7}`
	BedrockModels   = `{"modelSummaries":[]}`
)

func (b *Bedrock) answer(w http.ResponseWriter, path string) {
	w.Header().Set("X-Amzn-Requestid", "r-1")
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(path, "/converse"):
		io.WriteString(w, BedrockConverse)
	case strings.HasSuffix(path, "/invoke"):
		w.Header().Set("X-Amzn-Bedrock-Input-Token-Count", "7")
		w.Header().Set("X-Amzn-Bedrock-Output-Token-Count", "9")
		io.WriteString(w, BedrockInvoke)
	case strings.HasSuffix(path, "/converse-stream"):
		w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
		w.Write(BedrockConverseStream())
	case strings.HasSuffix(path, "/invoke-with-response-stream"):
		w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
		w.Write(BedrockInvokeStream())
	case path == "/foundation-models":
		io.WriteString(w, BedrockModels)
	case strings.HasSuffix(path, "/retrieve"):
		io.WriteString(w, `{"retrievalResults":[]}`)
	default:
		refuseAWS(w, http.StatusNotFound, "UnknownOperationException", "")
	}
}

// BedrockConverseStream is a stream of ConverseStream with 12 tokens in, 5 of them from
// the cache, and 4 out.
func BedrockConverseStream() []byte {
	return slices.Concat(
		awsFrame("messageStart", `{"role":"assistant"}`), awsFrame("contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":"Hi \"usage\"."}}`),
		awsFrame("messageStop", `{"stopReason":"end_turn"}`),
		awsFrame("metadata", `{"metrics":{"latencyMs":5},"usage":{"cacheReadInputTokens":5,"inputTokens":7,"outputTokens":4,"totalTokens":16}}`))
}

// BedrockInvokeStream is a stream of InvokeModelWithResponseStream of Claude with 12
// tokens in, 7 of them from the cache, and 9 out.
func BedrockInvokeStream() []byte {
	var out []byte
	for _, event := range []string{
		`{"type":"message_start","message":{"model":"claude-sonnet-4-5","usage":{"input_tokens":5,"cache_read_input_tokens":7,"output_tokens":1}}}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}`,
		`{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":5,"outputTokenCount":9}}`,
	} {
		out = append(out, awsFrame("chunk", fmt.Sprintf(`{"bytes":%q,"p":"abc"}`, base64.StdEncoding.EncodeToString([]byte(event))))...)
	}
	return out
}

// awsFrame is one frame of application/vnd.amazon.eventstream.
func awsFrame(event, payload string) []byte {
	var headers []byte
	for _, h := range [][2]string{{":event-type", event}, {":content-type", "application/json"}, {":message-type", "event"}} {
		headers = append(headers, byte(len(h[0])))
		headers = append(append(headers, h[0]...), 7) // a text
		headers = append(binary.BigEndian.AppendUint16(headers, uint16(len(h[1]))), h[1]...)
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(16+len(headers)+len(payload)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(headers)))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(append(b, headers...), payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}
