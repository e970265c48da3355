package cloud

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func credentials(change map[string]string) []byte {
	m := map[string]string{
		"type": "service_account", "project_id": "p", "private_key_id": "k1", "client_email": "a@b", "token_uri": "https://token.test/t",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(testKey())})),
	}
	for k, v := range change {
		m[k] = v
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

func load() ([]byte, *llm.Error) { return credentials(nil), nil }

func TestTokenIsAskedForWithAStatementThatTheAccountSigned(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	ask := func(_ context.Context, address string, form url.Values) (int, []byte, *llm.Error) {
		if address != "https://token.test/t" || form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
			t.Errorf("%s %v", address, form)
		}
		parts := strings.Split(form.Get("assertion"), ".")
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		signature, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil || rsa.VerifyPKCS1v15(&testKey().PublicKey, crypto.SHA256, sum[:], signature) != nil {
			t.Error("the signature does not hold")
		}
		claims, err := base64.RawURLEncoding.DecodeString(parts[1])
		if want := `{"aud":"https://token.test/t","exp":1800003600,"iat":1800000000,"iss":"a@b","scope":"https://www.googleapis.com/auth/cloud-platform"}`; err != nil || string(claims) != want {
			t.Errorf("claims %s, want %s", claims, want)
		}
		return 200, []byte(`{"access_token":"ya29.x","expires_in":3599}`), nil
	}
	if got, e := NewTokens(load).Token(t.Context(), now, ask); e != nil || got != "ya29.x" {
		t.Errorf("%q %v", got, e)
	}
}

func TestTokenIsKeptUntilShortlyBeforeItsEnd(t *testing.T) {
	asked := 0
	status := 200
	ask := func(context.Context, string, url.Values) (int, []byte, *llm.Error) {
		asked++
		return status, []byte(`{"access_token":"t` + string(rune('0'+asked)) + `","expires_in":3600}`), nil
	}
	tokens, start := NewTokens(load), time.Unix(1_800_000_000, 0)
	for _, step := range []struct {
		after  time.Duration
		status int
		want   string
	}{
		{0, 200, "t1"},
		{55 * time.Minute, 200, "t1"},
		{57 * time.Minute, 503, "t1"}, // the old one is still good
		{58 * time.Minute, 200, "t3"},
		{90 * time.Minute, 200, "t3"},
	} {
		status = step.status
		if got, e := tokens.Token(t.Context(), start.Add(step.after), ask); e != nil || got != step.want {
			t.Errorf("after %s: %q %v, want %q", step.after, got, e, step.want)
		}
	}
	tokens.Forget("another")
	if got, _ := tokens.Token(t.Context(), start.Add(time.Hour), ask); got != "t3" {
		t.Errorf("a token was forgotten that nobody refused: %q", got)
	}
	tokens.Forget("t3")
	if got, _ := tokens.Token(t.Context(), start.Add(time.Hour), ask); got != "t4" {
		t.Errorf("a refused token was given out again: %q", got)
	}
}

func TestOneRequestAsksForTheTokenOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		ask := func(context.Context, string, url.Values) (int, []byte, *llm.Error) {
			asked++
			time.Sleep(time.Second)
			return 200, []byte(`{"access_token":"t","expires_in":3600}`), nil
		}
		tokens := NewTokens(load)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if got, e := tokens.Token(t.Context(), time.Now(), ask); e != nil || got != "t" {
					t.Errorf("%q %v", got, e)
				}
			})
		}
		synctest.Wait()
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, e := tokens.Token(gone, time.Now(), ask); e == nil || e.Kind != llm.KindClientGone {
			t.Errorf("a client that left waits for the token of others: %v", e)
		}
		all.Wait()
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestRefusedCredentialsAreASentenceAndNoServerError(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   int
		says   string
	}{
		{400, `{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`, http.StatusUnauthorized, "invalid_grant: Invalid JWT Signature"},
		{401, `nonsense`, http.StatusUnauthorized, "status 401"},
		{200, `{"access_token":"a b"}`, http.StatusUnauthorized, "status 200"},
		{200, `<html>`, http.StatusBadGateway, "not JSON"},
		{500, `{}`, http.StatusServiceUnavailable, "at the moment"},
	} {
		ask := func(context.Context, string, url.Values) (int, []byte, *llm.Error) {
			return c.status, []byte(c.body), nil
		}
		_, e := NewTokens(load).Token(t.Context(), time.Now(), ask)
		if e == nil || e.Status != c.want || !strings.Contains(e.Message, c.says) {
			t.Errorf("%d %s: %v", c.status, c.body, e)
		}
	}
}

func TestCredentialsThatCannotBeUsedSayWhy(t *testing.T) {
	for why, data := range map[string][]byte{
		"not JSON":              []byte("-----BEGIN"),
		`type is "external_ac`:  credentials(map[string]string{"type": "external_account"}),
		"lack client_email":     credentials(map[string]string{"client_email": ""}),
		"private_key is not PE": credentials(map[string]string{"private_key": "sk-secret-secret"}),
		"not an RSA key":        credentials(map[string]string{"private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}),
		"token_uri is not a":    credentials(map[string]string{"token_uri": "file:///etc/passwd"}),
	} {
		_, e := NewTokens(func() ([]byte, *llm.Error) { return data, nil }).Key()
		if e == nil || e.Status != http.StatusBadRequest || !strings.Contains(e.Message, why) || strings.Contains(e.Message, "secret-secret") {
			t.Errorf("%s: %v", why, e)
		}
	}
}

func TestKeyWhoseLineBreaksWereEscapedTwiceIsRead(t *testing.T) {
	data := credentials(nil)
	data = []byte(strings.ReplaceAll(string(data), `\n`, `\\n`))
	if k, err := ParseGoogleKey(data); err != nil || k.Project != "p" {
		t.Error(err)
	}
}

func TestPersonsCredentialsAreRefreshed(t *testing.T) {
	data := []byte(`{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r","quota_project_id":"q"}`)
	ask := func(_ context.Context, address string, form url.Values) (int, []byte, *llm.Error) {
		if address != defaultTokenURI || form.Encode() != "client_id=c&client_secret=s&grant_type=refresh_token&refresh_token=r" {
			t.Errorf("%s %s", address, form.Encode())
		}
		return 200, []byte(`{"access_token":"t","expires_in":3600}`), nil
	}
	tokens := NewTokens(func() ([]byte, *llm.Error) { return data, nil })
	if got, e := tokens.Token(t.Context(), time.Now(), ask); e != nil || got != "t" {
		t.Errorf("%q %v", got, e)
	}
	if k, _ := tokens.Key(); k.Project != "q" {
		t.Errorf("project %q", k.Project)
	}
}

func FuzzParseGoogleKey(f *testing.F) {
	f.Add(credentials(nil))
	f.Add([]byte(`{"type":"authorized_user","refresh_token":"r"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := ParseGoogleKey(data)
		if err == nil && k.private == nil && k.person == nil {
			t.Error("credentials without anything to call with were taken")
		}
	})
}
