package testkit

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Vertex is a fake of Google Vertex AI with its token endpoint: it checks the signed
// statement of a service account with the public key, gives out tokens, and takes no
// others.
type Vertex struct {
	// URL is its address.
	URL string
	// Project and Location are the only ones that it serves.
	Project, Location string
	email             string

	mu       sync.Mutex
	tokens   []string
	life     time.Duration
	revoked  bool
	requests []CloudRequest
}

// vertexKey is the key of the service account, made once.
var vertexKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// NewVertex starts a fake of Vertex AI that serves our-project in europe-west4.
func NewVertex(t testing.TB) *Vertex {
	v := &Vertex{Project: "our-project", Location: "europe-west4", email: "gateway@our-project.iam.gserviceaccount.com", life: time.Hour}
	server := httptest.NewServer(http.HandlerFunc(v.serve))
	t.Cleanup(server.Close)
	v.URL = server.URL
	return v
}

// Credentials is the JSON of the service account that the fake knows.
func (v *Vertex) Credentials() string {
	der, err := x509.MarshalPKCS8PrivateKey(vertexKey())
	if err != nil {
		panic(err)
	}
	b, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": v.Project, "private_key_id": "key-1", "client_email": v.email, "token_uri": v.URL + "/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Revoke makes every token that was given out useless.
func (v *Vertex) Revoke() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.revoked = true
}

// Tokens counts the tokens that were given out.
func (v *Vertex) Tokens() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.tokens)
}

// Last returns the latest request, those for tokens not counted.
func (v *Vertex) Last(t testing.TB) CloudRequest {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	return lastOf(t, v.requests)
}

func (v *Vertex) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/token" {
		v.grant(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	got := record(r, body)
	status, kind, message := v.check(r)
	got.Refused = message
	v.mu.Lock()
	v.requests = append(v.requests, got)
	v.mu.Unlock()
	if status != 0 {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"code":%d,"message":%q,"status":%q}}`, status, message, kind)
		return
	}
	v.answer(w, r)
}

// grant gives out a token for a signed statement.
func (v *Vertex) grant(w http.ResponseWriter, r *http.Request) {
	if why := v.checkAssertion(r); why != "" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"invalid_grant","error_description":%q}`, why)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.revoked = false
	v.tokens = append(v.tokens, fmt.Sprintf("ya29.fake-%d", len(v.tokens)+1))
	fmt.Fprintf(w, `{"access_token":%q,"expires_in":%d,"token_type":"Bearer"}`, v.tokens[len(v.tokens)-1], int(v.life.Seconds()))
}

// checkAssertion returns what is wrong with the statement of a service account.
func (v *Vertex) checkAssertion(r *http.Request) string {
	if r.Method != http.MethodPost || r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		return "Bad Request"
	}
	parts := strings.Split(r.PostFormValue("assertion"), ".")
	if len(parts) != 3 {
		return "Invalid JWT"
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || rsa.VerifyPKCS1v15(&vertexKey().PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return "Invalid JWT Signature."
	}
	var head struct{ Alg, Kid string }
	var claims struct {
		Iss, Scope, Aud string
		Iat, Exp        int64
	}
	if decodePart(parts[0], &head) != nil || decodePart(parts[1], &claims) != nil {
		return "Invalid JWT"
	}
	now := time.Now().Unix()
	switch {
	case head.Alg != "RS256" || head.Kid != "key-1" || claims.Iss != v.email:
		return "Invalid grant: account not found"
	case claims.Aud != v.URL+"/token" || claims.Scope != "https://www.googleapis.com/auth/cloud-platform":
		return "Invalid JWT: Failed audience check."
	case claims.Exp > claims.Iat+3600 || claims.Exp < now || claims.Iat > now+300:
		return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
	}
	return ""
}

func decodePart(part string, into any) error {
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// check returns what is wrong with a request for the API.
func (v *Vertex) check(r *http.Request) (status int, kind, message string) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	v.mu.Lock()
	good := !v.revoked && len(v.tokens) > 0 && token == v.tokens[len(v.tokens)-1]
	v.mu.Unlock()
	parts := strings.Split(r.URL.Path, "/")
	switch {
	case !good:
		return http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential."
	case len(parts) < 6 || parts[1] != "v1" && parts[1] != "v1beta1" || parts[2] != "projects" || parts[4] != "locations":
		return http.StatusNotFound, "NOT_FOUND", "Not found."
	case parts[3] != v.Project || parts[5] != v.Location:
		return http.StatusForbidden, "PERMISSION_DENIED", "Permission denied on resource project " + parts[3] + "."
	}
	return 0, "", ""
}

// The answers, as Google and Anthropic document them.
const (
	VertexGenerate  = `{"candidates":[{"content":{"role":"model","parts":[{"text":"Hi."}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100},"modelVersion":"gemini-2.5-flash"}`
	VertexArray     = "[{\"candidates\":[],\"modelVersion\":\"gemini-2.5-flash\"}\n,\r\n{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":31,\"candidatesTokenCount\":32}}]"
	VertexMessage   = `{"id":"msg_vrtx_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{"type":"text","text":"Hi."}],"stop_reason":"end_turn","usage":{"input_tokens":1000,"output_tokens":100}}`
	VertexRawStream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5-20250929\",\"usage\":{\"input_tokens\":21,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":22}}\n\n"
)

func (v *Vertex) answer(w http.ResponseWriter, r *http.Request) {
	_, verb, _ := strings.Cut(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], ":")
	switch verb {
	case "generateContent":
		io.WriteString(w, VertexGenerate)
	case "streamGenerateContent":
		if r.URL.Query().Get("alt") != "sse" {
			w.(http.Flusher).Flush() // a stream: of no known length
			io.WriteString(w, VertexArray)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: "+VertexGenerate+"\r\n\r\n")
	case "rawPredict":
		io.WriteString(w, VertexMessage)
	case "streamRawPredict":
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, VertexRawStream)
	default:
		io.WriteString(w, `{}`)
	}
}
