// Package auth finds the key in a request and says whose it is.
package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// Principal is who makes a request. Its zero value is nobody and may do nothing.
type Principal struct {
	// Tenant separates what one key's owner left in the gateway from everybody
	// else's: a hash, "" for nobody.
	Tenant string
	// Admin may do everything.
	Admin bool
}

// keyHeaders are the places where clients of the different vendors put a key,
// in the order of precedence.
var keyHeaders = []string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "X-Litellm-Api-Key", "Ocp-Apim-Subscription-Key"}

// Anonymous is everybody when no master key is set.
var Anonymous = Principal{Tenant: "anonymous", Admin: true}

// Checker knows the keys.
type Checker struct {
	set     bool
	digest  [sha256.Size]byte
	tenant  string
	headers []string
}

// NewChecker makes a checker for the master key; "" means that no key is needed.
// header, when not "", is one more place where clients put the key
// (general_settings.litellm_key_header_name).
func NewChecker(masterKey, header string) *Checker {
	c := &Checker{set: masterKey != "", digest: sha256.Sum256([]byte(masterKey)), headers: keyHeaders}
	if header != "" {
		c.headers = append([]string{http.CanonicalHeaderKey(header)}, keyHeaders...)
	}
	sum := sha256.Sum256([]byte("tenant:" + masterKey))
	c.tenant = hex.EncodeToString(sum[:])
	return c
}

// Check finds the principal of a request from its headers and, where keyInQuery
// allows it, the query parameter key. Every place is tried, so that a client
// which fills two of them is let in when either is right. The error is for the
// client and holds nothing of what it sent.
func (c *Checker) Check(r *http.Request, keyInQuery bool) (Principal, *llm.Error) {
	if !c.set {
		return Anonymous, nil
	}
	found, malformed := false, false
	for _, name := range c.headers {
		values := r.Header[name]
		if len(values) == 0 {
			continue
		}
		key, ok := keyOf(name, values[0])
		if !ok {
			malformed = true
			continue
		}
		found = true
		if c.matches(key) {
			return Principal{Tenant: c.tenant, Admin: true}, nil
		}
	}
	if keyInQuery {
		if key := r.URL.Query().Get("key"); key != "" {
			found = true
			if c.matches(key) {
				return Principal{Tenant: c.tenant, Admin: true}, nil
			}
		}
	}
	return Principal{}, refusal(found, malformed)
}

// matches compares digests, so that neither content nor length shows in the time.
func (c *Checker) matches(key string) bool {
	d := sha256.Sum256([]byte(key))
	return subtle.ConstantTimeCompare(d[:], c.digest[:]) == 1
}

// keyOf reads a key from a header. Authorization needs its scheme; the others
// may have one.
func keyOf(header, value string) (string, bool) {
	scheme, rest, has := strings.Cut(value, " ")
	if has && strings.EqualFold(scheme, "bearer") {
		rest = strings.TrimSpace(rest)
		return rest, rest != ""
	}
	if header != "Authorization" {
		return value, value != ""
	}
	// Basic and other schemes are keys of the wrong kind, not malformed ones.
	return rest, has && rest != ""
}

func refusal(found, malformed bool) *llm.Error {
	msg := "Authentication Error, No api key passed in. Send the gateway's key as 'Authorization: Bearer KEY'."
	switch {
	case found:
		msg = "Authentication Error, Invalid proxy server token passed: this key is not known here. Use the gateway's master key."
	case malformed:
		msg = "Authentication Error, Malformed API Key passed in. Ensure Key has `Bearer ` prefix."
	}
	return &llm.Error{Kind: llm.KindAuthentication, Status: http.StatusUnauthorized, Type: "auth_error", Code: "401", Message: msg}
}

// Needed reports whether a key must be sent.
func (c *Checker) Needed() bool { return c.set }
