// Package catalog knows the models: prices, context windows, abilities and
// retirement dates, from LiteLLM's price map (see SOURCE.md for origin and licence).
//
// The map is embedded as one packed table that is read in place, so a program that
// imports this package pays nothing at start and nothing for models it never asks for.
// Prices stay decimal text until they are turned into integers; no money here is a float.
package catalog

//go:generate go run ./gen -in ${MODEL_PRICES} -out data/models.pack

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fairlead-gateway/fairlead/internal/catalog/pack"
)

//go:embed data/models.pack
var packed string

// table opens the embedded data once. Data that cannot be opened is an empty catalog;
// a test holds that this does not happen.
var table = sync.OnceValue(func() pack.Table {
	t, _ := pack.Open(packed)
	return t
})

// lookups remembers answers of Lookup and Find, so that the price sheet of a model
// is worked out once. Only names that exist are remembered, and at most maxLookups.
var lookups struct {
	sync.Map
	count atomic.Int64
}

const maxLookups = 4096

type lookupKey struct{ provider, model string }

func remember(k lookupKey, m *Model) *Model {
	if lookups.count.Add(1) > maxLookups {
		lookups.Clear()
		lookups.count.Store(1)
	}
	kept, _ := lookups.LoadOrStore(k, m)
	return kept.(*Model)
}

// Find returns the model with exactly this key of the price map, such as
// "gemini/gemini-2.5-flash" or "gpt-4o".
func Find(key string) (*Model, bool) {
	if m, ok := lookups.Load(lookupKey{model: key}); ok {
		return m.(*Model), true
	}
	row, ok := table().Find(key)
	if !ok {
		return nil, false
	}
	m := &Model{key: table().Key(row), row: row}
	m.inferred = missing(m.Provider(), key)
	return remember(lookupKey{model: m.key}, m), true
}

// Lookup returns the model that a provider serves under a name. It tries
// "provider/model", then the bare name where the map files it under this provider,
// then the name without what providers add to it (sub-routes, fine-tune and version
// suffixes). A name that the map does not know but whose family it knows answers an
// inferred model: abilities without a price (see Model.Inferred).
func Lookup(provider, model string) (*Model, bool) {
	k := lookupKey{provider, model}
	if m, ok := lookups.Load(k); ok {
		return m.(*Model), true
	}
	provider = mapName(provider)
	for _, name := range spellings(provider, model) {
		if m, ok := exact(provider, name); ok {
			return remember(lookupKey{strings.Clone(k.provider), strings.Clone(k.model)}, m), true
		}
	}
	if m := infer(provider, model); m != nil {
		return m, true
	}
	return nil, false
}

// exact finds a name under its provider: prefixed, or bare with the same owner.
func exact(provider, name string) (*Model, bool) {
	if m, ok := Find(provider + "/" + name); ok {
		return m, true
	}
	m, ok := Find(name)
	if !ok || !owns(provider, m.Provider()) {
		return nil, false
	}
	return m, true
}

// mapName is the name under which the price map files a provider's models.
func mapName(provider string) string {
	switch provider {
	case "ollama_chat":
		return "ollama"
	case "text-completion-openai":
		return "openai"
	case "text-completion-codestral":
		return "codestral"
	case "cohere_chat":
		return "cohere"
	}
	return provider
}

// owns tells whether an entry's litellm_provider belongs to the provider: the map
// files some under finer names, such as "vertex_ai-language-models".
func owns(provider, owner string) bool {
	return owner != "" && (owner == provider || mapName(owner) == provider ||
		strings.HasPrefix(owner, provider+"-") || provider == "bedrock" && owner == "bedrock_converse")
}

// spellings lists the names to try, nearest to what was asked first.
func spellings(provider, model string) []string {
	names := []string{model}
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	bare := model
	for _, route := range []string{provider + "/", "models/", "responses/", "chat/"} {
		bare = strings.TrimPrefix(bare, route)
	}
	bare = strings.TrimPrefix(bare, "/")
	add(bare)
	add(withoutTuning(bare))
	if provider == "gemini" || provider == "vertex_ai" {
		at, _, _ := strings.Cut(bare, "@")
		add(at)
		add(withoutVersion(at))
	}
	return names
}

// withoutTuning cuts "ft:gpt-4o:org:name:id" to "ft:gpt-4o".
func withoutTuning(name string) string {
	parts := strings.SplitN(name, ":", 3)
	if len(parts) < 3 || parts[0] != "ft" {
		return name
	}
	return parts[0] + ":" + parts[1]
}

// withoutVersion cuts the stable version "-001" of a Google model.
func withoutVersion(name string) string {
	i := strings.LastIndexByte(name, '-')
	if i < 0 || len(name)-i != 4 || strings.Trim(name[i+1:], "0123456789") != "" {
		return name
	}
	return name[:i]
}

// Names returns the chat models of a provider as its own API names them (without
// the provider's prefix), sorted; for showing what a wildcard serves.
func Names(provider string) []string {
	var names []string
	t := table()
	provider = mapName(provider)
	owner, _ := t.Field("litellm_provider")
	mode, _ := t.Field("mode")
	for i := range t.Len() {
		if m, _ := t.Value(i, mode); m != `"chat"` {
			continue
		}
		if p, _ := t.Value(i, owner); owns(provider, strings.Trim(p, `"`)) {
			names = append(names, strings.TrimPrefix(t.Key(i), provider+"/"))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ProviderOf names the provider of a bare model name: gpt-4o is openai's,
// claude-sonnet-4-5 anthropic's. The answer is a provider prefix as configurations
// write it.
func ProviderOf(bare string) (provider string, ok bool) {
	if m, found := Find(bare); found && !strings.Contains(bare, "/") {
		return prefixOf(m.Provider()), m.Provider() != ""
	}
	return familyProvider(strings.ToLower(bare))
}

// prefixOf turns a litellm_provider value into the prefix that addresses it.
func prefixOf(owner string) string {
	if owner == "bedrock_converse" {
		return "bedrock"
	}
	for _, family := range []string{"vertex_ai", "fireworks_ai"} {
		if strings.HasPrefix(owner, family+"-") {
			return family
		}
	}
	return owner
}
