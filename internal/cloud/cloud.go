// Package cloud authorizes requests to the two clouds whose APIs take no plain key:
// Amazon's, which want a signature over each request (Signature Version 4) or a bearer
// key, and Google's, which want an access token got with a service account.
//
// It has no network, files or clock of its own: the caller hands in what it needs.
// Sources: AWS General Reference, "Signing AWS API requests"; Google Identity, "Using
// OAuth 2.0 for server to server applications" (RFC 7523).
package cloud

import (
	"net/http"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// unauthorized is the error when a cloud does not accept what the gateway has: it is no
// failure of a server, and the client can do nothing but tell the operator.
func unauthorized(message string) *llm.Error {
	return &llm.Error{Kind: llm.KindAuthentication, Status: http.StatusUnauthorized, Type: "authentication_error", Message: message}
}
