package relay

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/provider"
)

// noVertex says what to set.
const noVertex = "The gateway has no credentials for Google Vertex AI: set VERTEXAI_PROJECT, VERTEXAI_LOCATION and GOOGLE_APPLICATION_CREDENTIALS (the path of a service account's JSON) in its environment, or default_vertex_config in its configuration, or give a vertex_ai deployment vertex_project, vertex_location and vertex_credentials."

// vertexPath is a path of Vertex AI's API, escaped, in its parts:
// /VERSION/projects/PROJECT/locations/LOCATION/rest.
type vertexPath struct {
	version           string // "v1", "" for none
	project, location string // "" where the path has none
	rest              string
}

// parseVertexPath takes a path apart; one may leave out the project and the location,
// or the version too.
func parseVertexPath(path string) vertexPath {
	p := vertexPath{rest: path}
	if first, rest, ok := strings.Cut(path[1:], "/"); ok && provider.HasVersion("http://x/"+first) {
		p.version, p.rest = first, "/"+rest
	}
	p.project, p.rest = cutPair(p.rest, "/projects/")
	p.location, p.rest = cutPair(p.rest, "/locations/")
	return p
}

// cutPair cuts a name and its value off the front of a path.
func cutPair(path, name string) (value, rest string) {
	after, ok := strings.CutPrefix(path, name)
	if !ok {
		return "", path
	}
	value, _, _ = strings.Cut(after, "/")
	return value, after[len(value):]
}

// String puts a path together again.
func (p vertexPath) String() string {
	var b strings.Builder
	if p.version != "" {
		b.WriteString("/" + p.version)
	}
	if p.project != "" {
		b.WriteString("/projects/" + p.project)
	}
	if p.location != "" {
		b.WriteString("/locations/" + p.location)
	}
	return b.String() + p.rest
}

// model is the name in …/models/NAME:verb, unescaped; at is what stands around it.
func (p vertexPath) model() (name string, at [2]string) {
	before, after, ok := strings.Cut(p.rest, "/models/")
	if !ok {
		return "", at
	}
	end := len(after)
	if i := strings.LastIndexByte(after, ':'); i >= 0 {
		end = i
	} else if i := strings.LastIndex(strings.ToUpper(after), "%3A"); i >= 0 {
		end = i
	}
	name, err := url.PathUnescape(after[:end])
	if err != nil {
		return "", at
	}
	return name, [2]string{before + "/models/", after[end:]}
}

// vertexAccount finds what calls Vertex AI: the deployment of the model, else the one
// of the project and location in the path, else what holds for all.
func (a *accounts) vertexAccount(model string, p vertexPath) config.VertexAccount {
	list := a.config.Clouds.Vertex
	for i := range list {
		if model != "" && list[i].ModelName == model {
			return a.completeVertex(list[i])
		}
	}
	for i := range list {
		if p.project != "" && list[i].Project == p.project && list[i].Location == p.location {
			return a.completeVertex(list[i])
		}
	}
	if d := a.config.Clouds.VertexDefault; d != nil {
		return a.completeVertex(*d)
	}
	if v := a.completeVertex(config.VertexAccount{}); len(list) == 0 || v.Credentials.IsSet() && v.Project != "" {
		return v
	}
	return a.completeVertex(list[0])
}

// completeVertex adds what the environment says. LiteLLM's variables for pass-through
// win over those for deployments.
func (a *accounts) completeVertex(v config.VertexAccount) config.VertexAccount {
	env := func(names ...string) string { return firstSet(a.config, names) }
	v.Project = cmp.Or(v.Project, env("DEFAULT_VERTEXAI_PROJECT", "VERTEXAI_PROJECT"))
	v.Location = cmp.Or(v.Location, env("DEFAULT_VERTEXAI_LOCATION", "VERTEXAI_LOCATION"))
	v.APIBase = cmp.Or(v.APIBase, env("VERTEXAI_API_BASE", "GOOGLE_VERTEX_BASE_URL"))
	if !v.Credentials.IsSet() {
		v.Credentials = config.NewSecret(env("DEFAULT_GOOGLE_APPLICATION_CREDENTIALS", "VERTEXAI_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"))
	}
	return v
}

// googleSelects are headers and parameters with which a client would call Google in
// another's name, or let another pay.
var googleSelects = struct{ headers, query []string }{
	[]string{"X-Goog-User-Project", "X-Goog-Iam-Authorization-Token", "X-Goog-Iam-Authority-Selector"},
	[]string{"key", "access_token", "oauth_token", "$userProject", "userProject"},
}

// passToVertex aims a request at Vertex AI, or below /discovery at Google's search, in
// the project and location of the configuration.
func (m *Models) passToVertex(p *Pass, path string, query url.Values) error {
	path, discovery := strings.CutPrefix(path, "/discovery/")
	if discovery {
		path = "/" + path
	}
	at := parseVertexPath(path)
	name, around := at.model()
	account := m.accounts.vertexAccount(name, at)
	if !account.Credentials.IsSet() {
		return llm.BadRequest("", noVertex)
	}
	tokens := m.accounts.tokensOf(account.Credentials.Reveal())
	if account.Project == "" {
		key, failed := tokens.Key()
		if failed != nil {
			return failed
		}
		account.Project = key.Project
	}
	if model := modelOf(name, account.ModelName, account.Model); model != name {
		name, at.rest = model, around[0]+url.PathEscape(model)+around[1]
	}
	if err := at.place(&account, p.Method, discovery); err != nil {
		return err
	}
	p.out = passHeader(p.Header, m.Config.General.KeyHeaderName)
	for _, h := range googleSelects.headers {
		p.out.Del(h)
	}
	for _, q := range googleSelects.query {
		query.Del(q)
	}
	p.Name, p.provider, p.client, p.model, p.named = passVertex, passVertex, m.passClient, name, true
	p.authorize, p.refused = m.accounts.withToken(tokens)
	base := cmp.Or(account.APIBase, vertexHost(account.Location))
	if discovery {
		base = "https://discoveryengine.googleapis.com"
	}
	return p.aim(base, at.String(), query)
}

// place writes the project and the location of the configuration into a path. What
// belongs to no project (GET /v1beta1/publishers/…) stays.
func (p *vertexPath) place(account *config.VertexAccount, method string, discovery bool) error {
	account.Location = cmp.Or(account.Location, p.location, "us-central1")
	if !isPlace(account.Location) {
		return badPlace("location of Google's", account.Location)
	}
	listing := method == http.MethodGet && p.version != "" && strings.HasPrefix(p.rest, "/publishers/")
	bare := p.project == ""
	if listing && bare {
		return nil
	}
	if account.Project == "" {
		return llm.BadRequest("", "The gateway has no project for Google Vertex AI: set VERTEXAI_PROJECT in its environment, or vertex_project in its configuration.")
	}
	p.project = url.PathEscape(account.Project)
	switch {
	case bare && p.version == "" && strings.Contains(p.rest, "cachedContents"):
		p.version = "v1beta1"
	case p.version == "":
		p.version = "v1"
	}
	if discovery && !bare { // the data of a search lie where they lie
		return nil
	}
	if bare || p.location != "" {
		p.location = account.Location
	}
	return nil
}

// vertexHost is where a location is served.
func vertexHost(location string) string {
	switch {
	case location == "global":
		return "https://aiplatform.googleapis.com"
	case !strings.Contains(location, "-"): // a multi-region: us, eu
		return "https://aiplatform." + location + ".rep.googleapis.com"
	}
	return "https://" + location + "-aiplatform.googleapis.com"
}
