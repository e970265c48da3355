package auth

import (
	"net/http/httptest"
	"strings"
	"testing"
)

const master = "sk-master-0123456789"

func TestKeyIsTakenFromEveryPlaceThatClientsUse(t *testing.T) {
	c := NewChecker(master, "")
	cases := []struct {
		name, header, value string
		ok                  bool
		message             string
	}{
		{"bearer", "Authorization", "Bearer " + master, true, ""},
		{"bearer in lower case", "Authorization", "bearer " + master, true, ""},
		{"anthropic", "x-api-key", master, true, ""},
		{"azure", "api-key", master, true, ""},
		{"google", "x-goog-api-key", master, true, ""},
		{"litellm", "x-litellm-api-key", master, true, ""},
		{"litellm with scheme", "x-litellm-api-key", "Bearer " + master, true, ""},
		{"azure gateway", "Ocp-Apim-Subscription-Key", master, true, ""},
		{"no key", "X-Other", master, false, "No api key passed in"},
		{"raw authorization", "Authorization", master, false, "Malformed API Key"},
		{"empty bearer", "Authorization", "Bearer ", false, "Malformed API Key"},
		{"wrong key", "Authorization", "Bearer sk-wrong", false, "Invalid proxy server token"},
		{"basic", "Authorization", "Basic dTpw", false, "Invalid proxy server token"},
		{"prefix of the key", "x-api-key", master[:10], false, "Invalid proxy server token"},
		{"huge", "x-api-key", strings.Repeat("k", 1<<16), false, "Invalid proxy server token"},
		{"sql", "Authorization", "Bearer ' OR 1=1 --", false, "Invalid proxy server token"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/v1/chat/completions", nil)
			r.Header.Set(tc.header, tc.value)
			p, err := c.Check(r, false)
			if tc.ok {
				if err != nil || !p.Admin || p.Tenant == "" {
					t.Fatalf("refused with %v, principal %+v", err, p)
				}
				return
			}
			if err == nil || err.Status != 401 || err.Type != "auth_error" || !strings.Contains(err.Message, tc.message) {
				t.Fatalf("error %+v, want 401 with %q", err, tc.message)
			}
			if p != (Principal{}) {
				t.Errorf("a refused request has the principal %+v", p)
			}
			if len(tc.value) > 8 && strings.Contains(err.Message, tc.value) {
				t.Error("the error repeats what the client sent")
			}
		})
	}
}

func TestEitherOfTwoHeadersMayHoldTheKey(t *testing.T) {
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Authorization", "Bearer sk-wrong")
	r.Header.Set("x-api-key", master)
	if _, err := NewChecker(master, "").Check(r, false); err != nil {
		t.Errorf("refused: %v", err)
	}
}

func TestKeyInTheQueryCountsOnlyWhereItIsAllowed(t *testing.T) {
	r := httptest.NewRequest("POST", "/?key="+master, nil)
	c := NewChecker(master, "")
	if _, err := c.Check(r, false); err == nil {
		t.Error("a key in the query was accepted where it is not allowed")
	}
	if _, err := c.Check(r, true); err != nil {
		t.Errorf("refused where it is allowed: %v", err)
	}
}

func TestWithoutAMasterKeyEverybodyIsAnonymous(t *testing.T) {
	p, err := NewChecker("", "").Check(httptest.NewRequest("GET", "/", nil), false)
	if err != nil || p != Anonymous {
		t.Errorf("principal %+v, error %v", p, err)
	}
}

func TestTenantsOfDifferentKeysDiffer(t *testing.T) {
	a, b := NewChecker("sk-aaaaaaaaaa", ""), NewChecker("sk-bbbbbbbbbb", "")
	if a.tenant == b.tenant || strings.Contains(a.tenant, "sk-") {
		t.Errorf("tenants %q and %q", a.tenant, b.tenant)
	}
}

func TestTheConfiguredHeaderMayHoldTheKey(t *testing.T) {
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("X-Team-Key", master)
	if _, err := NewChecker(master, "x-team-key").Check(r, false); err != nil {
		t.Errorf("refused: %v", err)
	}
}
