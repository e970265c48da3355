package cloud

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// scope is what a token is good for: every API of Google Cloud, within the roles of the
// account.
const scope = "https://www.googleapis.com/auth/cloud-platform"

// defaultTokenURI is where a token is asked for when the credentials do not say.
const defaultTokenURI = "https://oauth2.googleapis.com/token"

// GoogleKey is a file of Google credentials: of a service account, or of a person as
// "gcloud auth application-default login" writes it.
type GoogleKey struct {
	Project  string
	tokenURI string

	email, keyID string
	private      *rsa.PrivateKey
	// person is the form that a person's token is refreshed with, nil for a service
	// account.
	person url.Values
}

// ParseGoogleKey reads credentials. The error is a sentence without any part of them.
func ParseGoogleKey(data []byte) (*GoogleKey, error) {
	var f struct {
		Type         string `json:"type"`
		ProjectID    string `json:"project_id"`
		Quota        string `json:"quota_project_id"`
		KeyID        string `json:"private_key_id"`
		PrivateKey   string `json:"private_key"`
		Email        string `json:"client_email"`
		TokenURI     string `json:"token_uri"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, errors.New("they are not JSON")
	}
	k := &GoogleKey{Project: f.ProjectID, tokenURI: f.TokenURI, email: f.Email, keyID: f.KeyID}
	if k.tokenURI == "" {
		k.tokenURI = defaultTokenURI
	}
	if u, err := url.Parse(k.tokenURI); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("their token_uri is not a URL")
	}
	switch {
	case f.Type == "authorized_user" && f.RefreshToken != "":
		k.Project = f.Quota
		k.person = url.Values{"grant_type": {"refresh_token"}, "client_id": {f.ClientID}, "client_secret": {f.ClientSecret}, "refresh_token": {f.RefreshToken}}
		return k, nil
	case f.Type != "service_account":
		return nil, fmt.Errorf("their type is %q; those of a service account (service_account) and of a person (authorized_user) can be used", short(f.Type))
	case f.Email == "" || f.PrivateKey == "":
		return nil, errors.New("they lack client_email or private_key")
	}
	var err error
	k.private, err = parsePrivate(f.PrivateKey)
	return k, err
}

func parsePrivate(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(strings.ReplaceAll(text, `\n`, "\n"))) // some secret stores escape it twice
	if block == nil {
		return nil, errors.New("their private_key is not PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if private, ok := key.(*rsa.PrivateKey); ok && err == nil {
		return private, nil
	}
	return nil, errors.New("their private_key is not an RSA key")
}

// short bounds a text of somebody else for a sentence.
func short(s string) string { return strings.ToValidUTF8(s[:min(len(s), 200)], "?") }

// grant is the form that a token is asked for with.
func (k *GoogleKey) grant(now time.Time) (url.Values, error) {
	if k.person != nil {
		return k.person, nil
	}
	assertion, err := k.assertion(now)
	return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}, err
}

// assertion is the signed statement (a JWT, RS256) that the account asks for a token.
func (k *GoogleKey) assertion(now time.Time) (string, error) {
	header := map[string]string{"alg": "RS256", "typ": "JWT"}
	if k.keyID != "" {
		header["kid"] = k.keyID
	}
	claims := map[string]any{"iss": k.email, "scope": scope, "aud": k.tokenURI, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	text := segment(header) + "." + segment(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, k.private, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// segment encodes a part of a JWT; maps of texts and numbers have no other JSON.
func segment(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}
