package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/provider"
)

// model checks that the gateway serves what the client asks for.
func (x *examination) model() {
	asked := x.client[varModel].text
	if x.Config == nil {
		return // told with the configuration
	}
	if looksLikeKey(asked) {
		x.about(Error, varModel, "It looks like a key, not like the name of a model.", "Set it to a model_name of the configuration.")
		return
	}
	missing := asked == ""
	name := cmp.Or(asked, defaultModel)
	d, served := served(x.Config, name)
	switch {
	case served && missing:
		x.about(Note, varModel, "It is missing: the client asks for "+defaultModel+", which is served.", "")
	case missing:
		x.about(Error, varModel, "It is missing: the client asks for "+defaultModel+", which is not in model_list.", "Set it to one of: "+some(offered(x.Config))+".")
	case !served:
		x.about(Error, varModel, fmt.Sprintf("%q is not in model_list: every request is answered 400.", name), x.nearest(name))
	case noSuchModel(d):
		x.about(Warning, varModel, absent(d), r1Remedy)
	case d != nil && d.MissingKey != "":
		x.about(Warning, varModel, fmt.Sprintf("%q is served, but %s has no key: the provider will refuse the request.", name, d.Provider), "Set "+d.MissingKey+" in the gateway's environment.")
	default:
		x.about(Good, varModel, fmt.Sprintf("%q is served.", name), "")
	}
}

// served finds the deployment that answers to a name; nil with true for an alias or
// a wildcard whose deployment has another name.
func served(cfg *config.Config, name string) (*config.Deployment, bool) {
	if alias, ok := cfg.Aliases[name]; ok && alias.Target != name {
		return find(cfg, alias.Target)
	}
	return find(cfg, name)
}

func find(cfg *config.Config, name string) (*config.Deployment, bool) {
	for i := range cfg.Deployments {
		if d := &cfg.Deployments[i]; d.ModelName == name || d.ID == name {
			return d, true
		}
	}
	for i := range cfg.Deployments {
		if d := &cfg.Deployments[i]; d.Wildcard && matches(d.ModelName, name) {
			concrete := *d
			concrete.Model = strings.TrimPrefix(name, d.Provider+"/")
			return &concrete, true
		}
	}
	return nil, false
}

// matches compares a name with a pattern whose "*" stands for any text.
func matches(pattern, name string) bool {
	prefix, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	if !strings.HasPrefix(name, prefix) {
		return false
	}
	name = name[len(prefix):]
	if !strings.Contains(rest, "*") {
		return strings.HasSuffix(name, rest)
	}
	for i := range len(name) + 1 {
		if matches(rest, name[i:]) {
			return true
		}
	}
	return false
}

// offered are the names that a client can ask for.
func offered(cfg *config.Config) []string {
	names := cfg.Groups()
	var aliases []string
	for name, alias := range cfg.Aliases {
		if !alias.Hidden {
			aliases = append(aliases, name)
		}
	}
	slices.Sort(aliases)
	return append(names, aliases...)
}

// nearest offers the name that was probably meant.
func (x *examination) nearest(name string) string {
	names := offered(x.Config)
	if near := catalog.Nearest(name, names); near != "" {
		return "Did you mean " + near + "? Otherwise add the model to model_list."
	}
	if len(names) == 0 {
		return "Add it to model_list, or serve a whole provider with a wildcard such as gemini/*."
	}
	return "Set it to one of: " + some(names) + "."
}

// maxNames is how many names a sentence lists.
const maxNames = 6

func some(names []string) string {
	if len(names) == 0 {
		return "(model_list is empty)"
	}
	if len(names) > maxNames {
		return strings.Join(names[:maxNames], ", ") + fmt.Sprintf(" and %d more", len(names)-maxNames)
	}
	return strings.Join(names, ", ")
}

// absentModels are names that the price map knows and DeepSeek's own API does not.
var absentModels = []string{"deepseek-r1", "deepseek-v3", "deepseek-coder"}

const r1Remedy = "R1 is deepseek/deepseek-reasoner there, today deepseek/deepseek-v4-flash with thinking; resellers serve R1 under their own prefixes."

// noSuchModel recognises those names on DeepSeek's own address.
func noSuchModel(d *config.Deployment) bool {
	if d == nil || d.Provider != "deepseek" || !slices.Contains(absentModels, d.Model) {
		return false
	}
	row, ok := provider.ByHost(d.APIBase)
	return d.APIBase == "" || ok && row.Name == "deepseek"
}

func absent(d *config.Deployment) string {
	return fmt.Sprintf("DeepSeek's own API has no model %s: it answers 400 Model Not Exist.", d.Model)
}
