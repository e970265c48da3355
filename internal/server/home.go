package server

import (
	_ "embed"
	"html"
	"net/http"
	"strconv"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

//go:embed home.html
var homePage string

// home says what this is and how to use it, with this gateway's own address and
// models in the example.
func (s *Server) home(w http.ResponseWriter, r *http.Request, c *call) error {
	model := "MODEL"
	// Which models are served is nobody's business without the key.
	if !c.state.Auth.Needed() {
		if first := c.state.Models.First(); first != "" {
			model = first
		}
	}
	auth := ""
	if c.state.Auth.Needed() {
		auth = " -H 'Authorization: Bearer YOUR_KEY'"
	}
	page := strings.NewReplacer(
		"{{host}}", html.EscapeString(r.Host), "{{model}}", html.EscapeString(model),
		"{{auth}}", html.EscapeString(auth), "{{version}}", html.EscapeString(version),
	).Replace(homePage)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("Content-Length", strconv.Itoa(len(page)))
	_, err := w.Write([]byte(page))
	return clientGone(err)
}

// openAPI describes the routes of this server from its own route table.
func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request, _ *call) error {
	out := []byte(`{"openapi":"3.1.0"`)
	out = append(rawjson.AppendKey(out, "info"), `{"title":"Fairlead","description":"One OpenAI-compatible endpoint in front of every model provider."`...)
	out = append(rawjson.AppendStringMember(out, "version", version), '}')
	out = append(out, `,"components":{"securitySchemes":{"key":{"type":"http","scheme":"bearer"}}},"paths":{`...)
	for _, group := range s.pathGroups() {
		out = append(rawjson.AppendKey(out, group.path), '{')
		for _, op := range group.ops {
			out = appendOperation(out, op)
		}
		out = append(out, '}')
	}
	return writeJSON(w, append(out, "}}"...))
}

type operation struct {
	method, path string
	open         bool
}

type pathGroup struct {
	path string
	ops  []operation
}

func (s *Server) pathGroups() []pathGroup {
	var groups []pathGroup
	for _, r := range append(s.routes(), s.surfaceRoutes()...) {
		method, path, _ := strings.Cut(r.pattern, " ")
		path = openAPIPath(path)
		op := operation{strings.ToLower(method), path, r.open}
		if n := len(groups); n > 0 && groups[n-1].path == path {
			groups[n-1].ops = append(groups[n-1].ops, op)
			continue
		}
		groups = append(groups, pathGroup{path, []operation{op}})
	}
	return groups
}

func openAPIPath(pattern string) string {
	switch {
	case pattern == "/{$}":
		return "/"
	case strings.HasSuffix(pattern, "/{rest...}"):
		return strings.TrimSuffix(pattern, "{rest...}") + "{model}/chat/completions"
	}
	return strings.ReplaceAll(pattern, "...}", "}")
}

func appendOperation(dst []byte, op operation) []byte {
	dst = append(rawjson.AppendKey(dst, op.method), '{')
	dst = rawjson.AppendStringMember(dst, "summary", op.path)
	if strings.Contains(op.path, "{") {
		name := op.path[strings.Index(op.path, "{")+1 : strings.Index(op.path, "}")]
		dst = append(rawjson.AppendKey(dst, "parameters"), `[{"in":"path","required":true,"schema":{"type":"string"}`...)
		dst = append(rawjson.AppendStringMember(dst, "name", name), "}]"...)
	}
	switch {
	case op.method != "post":
	case strings.Contains(op.path, "chat/completions"):
		dst = append(dst, `,"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["messages"],"properties":{"model":{"type":"string"},"messages":{"type":"array"},"stream":{"type":"boolean"},"tools":{"type":"array"}}}}}}`...)
	default:
		dst = append(dst, `,"requestBody":{"content":{"application/json":{"schema":{"type":"object"}}}}`...)
	}
	if !op.open {
		dst = append(dst, `,"security":[{"key":[]}]`...)
	}
	return append(dst, `,"responses":{"200":{"description":"OK"}}}`...)
}
