package server

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/relay"
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

// health tells what the gateway knows of its deployments from their traffic and from
// the checks in the background: it does not call them, since that costs money at every
// look.
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
		found, checked := s.Relay.Found(d.ID)
		ill := checked && !found.Healthy && found.At.After(d.LastSuccess)
		if d.CoolingDown || ill || failing(&d, found, s.Now()) {
			i = 1
		}
		row := rawjson.AppendStringMember([]byte{'{'}, "model", d.Name)
		row = rawjson.AppendStringMember(row, "model_name", d.Group)
		row = rawjson.AppendStringMember(row, "model_id", d.ID)
		if checked && c.state.Config.General.HealthChecks.Details {
			row = rawjson.AppendStringMember(row, "checked_at", found.At.UTC().Format(time.RFC3339))
			if ill {
				row = rawjson.AppendStringMember(row, "error", found.Message)
			}
		}
		row = append(row, '}')
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

// remembered is for how long a failed call makes a deployment unhealthy: who is not asked
// because of that cannot show that it is well again.
const remembered = 5 * time.Minute

// failing reports whether the last that was heard of a deployment is a failed call.
func failing(d *relay.DeploymentHealth, found relay.Finding, now time.Time) bool {
	at := d.LastFailure
	return at.After(d.LastSuccess) && !(found.Healthy && found.At.After(at)) && now.Sub(at) < remembered
}

// healthCheck is one check in the background as LiteLLM shows it.
type healthCheck struct {
	ModelName      string   `json:"model_name"`
	ModelID        string   `json:"model_id"`
	Status         string   `json:"status"`
	HealthyCount   int      `json:"healthy_count"`
	UnhealthyCount int      `json:"unhealthy_count"`
	ErrorMessage   *string  `json:"error_message"`
	ResponseTimeMS *float64 `json:"response_time_ms"`
	CheckedBy      string   `json:"checked_by"`
	CheckedAt      string   `json:"checked_at"`
}

func checkRow(f relay.Finding) healthCheck {
	row := healthCheck{
		ModelName: f.Group, ModelID: f.Deployment, Status: "healthy", HealthyCount: 1,
		CheckedBy: "background", CheckedAt: f.At.UTC().Format(time.RFC3339),
	}
	if f.Took > 0 {
		ms := float64(f.Took.Microseconds()) / 1000
		row.ResponseTimeMS = &ms
	} else {
		row.CheckedBy = "traffic"
	}
	if !f.Healthy {
		row.Status, row.HealthyCount, row.UnhealthyCount, row.ErrorMessage = "unhealthy", 0, 1, &f.Message
	}
	return row
}

// maxShownChecks bounds what one answer of the history shows.
const maxShownChecks = 1000

// healthHistory lists the checks in the background that are remembered, the newest first.
func (s *Server) healthHistory(w http.ResponseWriter, r *http.Request, c *call) error {
	if !c.principal.Admin {
		return healthIsPrivate()
	}
	q := r.URL.Query()
	limit, offset := bound(q.Get("limit"), 100, maxShownChecks), bound(q.Get("offset"), 0, 1<<20)
	var healthy *bool
	if status := q.Get("status_filter"); status != "" {
		well := status == "healthy"
		healthy = &well
	}
	list, total := s.Relay.FindingsOf(q.Get("model"), healthy, limit, offset)
	rows := make([]healthCheck, len(list))
	for i, f := range list {
		rows[i] = checkRow(f)
	}
	return writeAny(w, map[string]any{"health_checks": rows, "total_records": total, "limit": limit, "offset": offset})
}

// healthLatest shows the last check of each deployment.
func (s *Server) healthLatest(w http.ResponseWriter, _ *http.Request, c *call) error {
	if !c.principal.Admin {
		return healthIsPrivate()
	}
	latest := map[string]healthCheck{}
	for _, f := range s.Relay.Findings() {
		if _, ok := latest[f.Deployment]; !ok {
			latest[f.Deployment] = checkRow(f)
		}
	}
	return writeAny(w, map[string]any{"latest_health_checks": latest, "total_models": len(latest)})
}

func healthIsPrivate() error {
	return &llm.Error{Kind: llm.KindPermission, Status: http.StatusForbidden, Message: "What the checks of deployments found is shown to the master key only."}
}

// bound reads a number from 0 to most of a query.
func bound(text string, otherwise, most int) int {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return min(n, most)
	}
	return otherwise
}

func writeAny(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeJSON(w, body)
}
