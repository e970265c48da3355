// Package provider is the table of vendors. A vendor is one row of data: which wire it
// speaks, where it is, which variable holds its key and what it does differently.
// Adding an OpenAI-compatible vendor is adding one row, and nothing else.
//
// Sources: wire-format specification §4 and §6, and LiteLLM's
// llms/openai_like/providers.json of version 1.109.1 (MIT, Copyright (c) 2023 Berri AI;
// the licence text is in package catalog's SOURCE.md).
package provider

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// The wires that a row may name.
const (
	WireChat      = "openaichat" // OpenAI Chat Completions
	WireAnthropic = "anthropic"  // Anthropic Messages
	WireGemini    = "gemini"     // Gemini generateContent
	WireText      = "text"       // OpenAI's legacy completions, and nothing else
	WireTasks     = "tasks"      // no conversations: only what Row.Tasks names
)

// The ways in which a key is sent.
const (
	AuthBearer = "bearer"         // Authorization: Bearer KEY
	AuthAPIKey = "x-api-key"      // x-api-key: KEY
	AuthGoogle = "x-goog-api-key" // x-goog-api-key: KEY
	AuthNone   = "none"
)

// Demo is the name of the built-in provider that answers offline.
const Demo = "demo"

// Row is one vendor. Rows are shared and must not be changed.
type Row struct {
	// Name is the prefix of model names and the value of custom_llm_provider.
	Name string
	// Label is the vendor's name for people, DocURL where its models and keys are.
	Label  string
	DocURL string
	// Aliases are other prefixes for the same row.
	Aliases []string
	// Wire is one of the Wire constants, "" when Planned.
	Wire string
	// BaseURL is the default address without a trailing slash, "" when every
	// deployment must name its api_base.
	BaseURL string
	// Version is the path that a base without a version probably lacks: "/v1",
	// "/v1beta". It is for one retry after a 404.
	Version string
	// AddVersion says that a base without a version always gets Version: the base of
	// such a vendor is customarily given as its root (Ollama).
	AddVersion bool
	// OwnPaths are paths of the vendor's other API that stand in a base by mistake.
	OwnPaths []string
	// KeyEnv are the variables that may hold the key, BaseEnv the base URL and OrgEnv
	// the organization; the first that is set wins.
	KeyEnv  []string
	BaseEnv []string
	OrgEnv  []string
	// Auth is one of the Auth constants.
	Auth string
	// KeyOptional says that a deployment without a key is no mistake.
	KeyOptional bool
	// KeyFallback is sent when there is no key, because servers of this kind want to
	// see some; it is no secret.
	KeyFallback string
	// Headers are sent besides; "{api_key}" in a value stands for the key.
	Headers map[string]string
	// HeaderEnv are headers that are sent when a variable is set: name → variable.
	HeaderEnv map[string]string
	// Hosts are further hosts of the vendor, beside that of BaseURL: "host",
	// "host:port", or ".domain" for every host below a domain.
	Hosts []string
	// Quirks are the deviations from the wire.
	Quirks wire.Quirks
	// Tasks are the formats of tasks besides conversations, see TaskFormat; nil is
	// what the wire lets expect.
	Tasks map[string]string
	// TextCompletions says that the vendor answers /completions for its chat models
	// too, as servers that people run themselves do.
	TextCompletions bool
	// Planned says that LiteLLM knows this provider and we do not speak with it yet.
	Planned bool
}

// registry is the assembled table.
type registry struct {
	rows   []*Row
	byName map[string]*Row
	names  []string
}

var table = sync.OnceValue(assemble)

func assemble() registry {
	r := registry{byName: map[string]*Row{}}
	for _, group := range [][]Row{nativeRows(), hostedRows(), plainRows(), chineseRows(), localRows(), taskRows(), litellmRows(), plannedRows()} {
		for i := range group {
			r.add(&group[i])
		}
	}
	slices.SortFunc(r.rows, func(a, b *Row) int { return cmp.Compare(a.Name, b.Name) })
	slices.Sort(r.names)
	return r
}

func (r *registry) add(row *Row) {
	complete(row)
	r.rows = append(r.rows, row)
	for _, name := range append([]string{row.Name}, row.Aliases...) {
		r.byName[name] = row
		r.names = append(r.names, name)
	}
}

// complete fills in what most rows have in common.
func complete(row *Row) {
	row.Label = cmp.Or(row.Label, row.Name)
	if row.Planned {
		return
	}
	row.Wire = cmp.Or(row.Wire, WireChat)
	row.Auth = cmp.Or(row.Auth, AuthBearer)
	row.Version = cmp.Or(row.Version, "/v1")
}

// Get finds a provider by its name or an alias.
func Get(name string) (*Row, bool) {
	row, ok := table().byName[name]
	return row, ok
}

// All returns every row, also planned ones, sorted by name.
func All() []*Row { return slices.Clone(table().rows) }

// ByHost finds the provider whose address a base URL is.
func ByHost(base string) (*Row, bool) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return nil, false
	}
	for _, row := range table().rows {
		if !row.Planned && row.at(u) {
			return row.spokenAt(u), true
		}
	}
	return nil, false
}

// at tells whether an address is one of the vendor's.
func (r *Row) at(u *url.URL) bool {
	if own, err := url.Parse(r.BaseURL); err == nil && own.Host != "" && strings.EqualFold(own.Host, u.Host) {
		return true
	}
	host := strings.ToLower(u.Host)
	return slices.ContainsFunc(r.Hosts, func(h string) bool {
		return host == h || strings.HasPrefix(h, ".") && strings.HasSuffix(host, h)
	})
}

// spokenAt is the row for a path of the vendor's: Google answers OpenAI's format
// below /openai.
func (r *Row) spokenAt(u *url.URL) *Row {
	if r.Wire == WireGemini && strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/openai") {
		return table().byName["openai"]
	}
	return r
}

// Root is a base URL without what follows the vendor's root in it: a slash, and of
// Ollama the path of its own API, which people write where LiteLLM wants the root.
func (r *Row) Root(base string) string {
	base = strings.TrimRight(base, "/")
	for _, own := range r.OwnPaths {
		if root, ok := strings.CutSuffix(base, own); ok {
			return strings.TrimRight(root, "/")
		}
	}
	return base
}

// HasVersion tells whether the path of a base URL names a version, as /v1 and
// /v1beta do.
func HasVersion(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(strings.Split(u.Path, "/"), isVersion)
}

// isVersion matches v1, v3, v1beta, v1alpha2.
func isVersion(segment string) bool {
	rest, ok := strings.CutPrefix(segment, "v")
	if !ok || rest == "" || rest[0] < '0' || rest[0] > '9' {
		return false
	}
	rest = strings.TrimLeft(rest, "0123456789")
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "alpha"), "beta")
	return strings.Trim(rest, "0123456789") == ""
}
