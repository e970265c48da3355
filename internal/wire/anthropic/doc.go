// Package anthropic speaks Anthropic's Messages API in both directions.
//
// As [Wire] it speaks to an upstream: requests of the canonical model become
// Messages bodies that obey the API's rules on turns, tool results, thinking blocks
// and schemas, and answers, streams and errors come back as the canonical model.
// As [Dialect] it speaks with clients that know only Messages, whatever model
// answers. Where both sides speak it, the client's bytes pass, without what another
// provider left in the history. Source: wire-format specification §3, §5.1, §5.2
// and §7.
package anthropic

import (
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// providerName marks reasoning state that this wire made and may send.
const providerName = "anthropic"

// version is the value of the anthropic-version header.
const version = "2023-06-01"

// Wire is the Messages API as spoken to an upstream. The zero value is ready.
type Wire struct{}

var (
	_ wire.Wire        = Wire{}
	_ wire.Mender      = Wire{}
	_ wire.MediaReader = Wire{}
)

// New returns the wire.
func New() Wire { return Wire{} }

// Name implements [wire.Wire].
func (Wire) Name() string { return Name }

// Native implements [wire.Wire].
func (Wire) Native() string { return Name }

// NeedsData implements [wire.MediaReader]: Anthropic reads images and PDF files
// from https addresses itself, everything else must be sent inline.
func (Wire) NeedsData(m *llm.Media, t *wire.Target) bool {
	if m.Data != "" || m.FileID != "" || m.URL == "" || isSoundOrFilm(m) {
		return false
	}
	if !strings.HasPrefix(m.URL, "https://") || t.Provider != providerName {
		return true
	}
	unnamed := m.MIME == "" && m.Name == ""
	return !unnamed && !isImage(m) && !isPDF(m)
}

// path is what follows the base address: nothing when the base already names the
// endpoint, and no second version when it ends in one.
func path(base string) string {
	base = strings.TrimRight(base, "/")
	switch {
	case strings.HasSuffix(base, "/v1/messages"):
		return ""
	case strings.HasSuffix(base, "/v1"):
		return "/messages"
	}
	return "/v1/messages"
}

// headers holds the version and the betas, without credentials.
func headers(betas []string) http.Header {
	h := http.Header{"Anthropic-Version": {version}}
	if len(betas) > 0 {
		h["Anthropic-Beta"] = []string{strings.Join(betas, ",")}
	}
	return h
}
