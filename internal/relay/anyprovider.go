package relay

import (
	"cmp"
	"net/http"
	"sync"

	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/provider"
)

// anyProvider makes deployments for a bare "*", whose provider stands in the name
// that the client asks for: one for each provider, when it is first asked for.
type anyProvider struct {
	cfg   *config.Config
	net   Network
	mu    sync.Mutex
	byRow map[string]*Deployment
}

// resolve returns the deployment and the upstream name for a model.
func (d *Deployment) resolve(model string) (*Deployment, string, error) {
	if d.any == nil {
		return d, model, nil
	}
	row, name, err := provider.Resolve(model, "", d.Config.APIBase)
	if err != nil {
		return nil, "", llm.BadRequest("model", "The model "+clip(model)+" cannot be served: "+err.Error()+".")
	}
	if row.Planned {
		e := llm.BadRequest("model", "The model "+clip(model)+" cannot be served: the provider "+row.Label+" is planned, not spoken yet.")
		e.Status = http.StatusBadRequest
		return nil, "", e
	}
	sub, err := d.any.deployment(d, row)
	if err != nil {
		return nil, "", llm.AsError(err)
	}
	return sub, name, nil
}

func (a *anyProvider) deployment(d *Deployment, row *provider.Row) (*Deployment, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if sub := a.byRow[row.Name]; sub != nil {
		return sub, nil
	}
	cd := *d.Config
	cd.Provider = row.Name
	if !cd.APIKey.IsSet() {
		value, name := firstNamed(a.cfg, row.KeyEnv)
		cd.APIKey, cd.KeySource = config.NewSecret(value), name
	}
	cd.APIBase = cmp.Or(cd.APIBase, firstSet(a.cfg, row.BaseEnv))
	sub, err := newDeployment(a.cfg, &cd, a.net)
	if err != nil {
		return nil, err
	}
	a.byRow[row.Name] = sub
	return sub, nil
}

func firstSet(c *config.Config, names []string) string {
	value, _ := firstNamed(c, names)
	return value
}

// firstNamed returns the first variable that is set, with its name.
func firstNamed(c *config.Config, names []string) (value, name string) {
	for _, name := range names {
		if v, ok := c.Getenv(name); ok && v != "" {
			return v, name
		}
	}
	return "", ""
}
