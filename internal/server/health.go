package server

import (
	"net/http"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

func (s *Server) alive(w http.ResponseWriter, _ *http.Request, _ *call) error {
	return writeJSON(w, []byte(`"I'm alive!"`))
}

// ready answers 503 as soon as the process drains, before connections close.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request, _ *call) error {
	if !s.draining.Load() {
		return writeJSON(w, []byte(`{"status":"healthy","db":"Not connected"}`))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, err := w.Write([]byte(`{"status":"draining","db":"Not connected"}`))
	return clientGone(err)
}

// health tells what the gateway knows of its deployments from their traffic: it
// does not call them, since that costs money at every look.
func (s *Server) health(w http.ResponseWriter, r *http.Request, c *call) error {
	only := r.URL.Query().Get("model")
	var lists [2][]byte
	var counts [2]int64
	for i := range lists {
		lists[i] = []byte{'['}
	}
	for _, d := range c.state.Models.Health(s.Now()) {
		if only != "" && d.Group != only && d.ID != only {
			continue
		}
		i := 0
		if d.CoolingDown {
			i = 1
		}
		row := rawjson.AppendStringMember([]byte{'{'}, "model", d.Name)
		row = rawjson.AppendStringMember(row, "model_name", d.Group)
		row = append(rawjson.AppendStringMember(row, "model_id", d.ID), '}')
		lists[i] = append(rawjson.AppendComma(lists[i]), row...)
		counts[i]++
	}
	out := rawjson.AppendMember([]byte{'{'}, "healthy_endpoints", append(lists[0], ']'))
	out = rawjson.AppendMember(out, "unhealthy_endpoints", append(lists[1], ']'))
	out = rawjson.AppendIntMember(out, "healthy_count", counts[0])
	out = append(rawjson.AppendIntMember(out, "unhealthy_count", counts[1]), '}')
	if only != "" && counts[0] == 0 && counts[1] > 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, err := w.Write(out)
		return clientGone(err)
	}
	return writeJSON(w, out)
}
