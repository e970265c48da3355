package config

import (
	"slices"
	"sync"

	"github.com/fairlead-gateway/fairlead/internal/provider"
)

// providerKeys are the variables that hold keys of providers.
var providerKeys = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, row := range provider.All() {
		for _, name := range row.KeyEnv {
			names[name] = true
		}
	}
	return names
})

func isProviderKey(name string) bool {
	return providerKeys()[name] && !slices.Contains([]string{"LITELLM_PROXY_API_KEY"}, name)
}
