package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/fairlead-gateway/fairlead/internal/relay"
)

type whyCommand struct {
	ID     string `arg:"" name:"request-id" help:"Id of the request: the x-litellm-call-id header of its answer, or id in the log."`
	JSON   bool   `name:"json" help:"Print the record as JSON."`
	URL    string `name:"url" placeholder:"URL" help:"Base URL of the gateway. Default: OPENAI_BASE_URL, else http://localhost:PORT/v1."`
	Key    string `placeholder:"KEY" help:"Key for the gateway. Default: OPENAI_API_KEY, else the master key of the configuration."`
	Config string `short:"c" placeholder:"FILE" help:"Configuration whose master key is used."`
}

// whyTimeout limits the question to the gateway, which answers from memory or its file.
const whyTimeout = 30 * time.Second

// why tells what a running gateway remembers of a request.
func (p *program) why(ctx context.Context, c *whyCommand) error {
	base, key, err := (&chatCommand{URL: c.URL, Key: c.Key, Config: c.Config}).gateway(p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, whyTimeout)
	defer cancel()
	body, err := fetchWhy(ctx, strings.TrimSuffix(strings.TrimRight(base, "/"), "/v1"), key, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		_, err := fmt.Fprintf(p.Stdout, "%s\n", body)
		return err
	}
	var w relay.Why
	if err := json.Unmarshal(body, &w); err != nil {
		return fmt.Errorf("what answers at %s is no Fairlead gateway of this version: %w", base, err)
	}
	return writeWhy(p.Stdout, &w)
}

func fetchWhy(ctx context.Context, base, key, id string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/fairlead/why/"+url.PathEscape(id), nil)
	if err != nil {
		return nil, err
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no gateway answers at %s; name it with --url (%w)", base, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return body, nil
	}
	var refused struct{ Error struct{ Message string } }
	if json.Unmarshal(body, &refused) == nil && refused.Error.Message != "" {
		return nil, errors.New(refused.Error.Message)
	}
	return nil, fmt.Errorf("the gateway answered %s", resp.Status)
}

// writeWhy prints a record for people.
func writeWhy(out io.Writer, w *relay.Why) error {
	var b strings.Builder
	kind := w.Format
	if w.Stream {
		kind += ", streamed"
	}
	fmt.Fprintf(&b, "%s  %s (%s)  %s\n", w.Time.Format(time.RFC3339), w.Model, kind, outcomeOf(w.Status, w.Kind))
	if w.Message != "" {
		fmt.Fprintf(&b, "%s\n", oneLine(w.Message))
	}
	b.WriteString("\nWhy it went where it went\n" + decisions(w))
	b.WriteString("\nCalls\n" + attempts(w) + "\n")
	for _, row := range facts(w) {
		fmt.Fprintf(&b, "%-18s %s\n", row[0], row[1])
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func outcomeOf(status int, kind string) string {
	if kind == "" {
		return fmt.Sprint(status)
	}
	return fmt.Sprintf("%d %s", status, kind)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func decisions(w *relay.Why) string {
	if len(w.Decisions) == 0 {
		return "  nothing could be chosen\n"
	}
	names := namesIn(w)
	var b strings.Builder
	for _, d := range w.Decisions {
		fmt.Fprintf(&b, "  %-20s %-34s %s", d.Group, names.of(d.Deployment, d.Upstream), d.What)
		if d.Kind != "" {
			b.WriteString(": " + outcomeOf(d.Status, d.Kind))
		}
		if d.Wait > 0 {
			b.WriteString(" after " + ms(d.Wait))
		}
		b.WriteByte('\n')
		for _, o := range d.Over {
			fmt.Fprintf(&b, "  %-20s %-34s not chosen: %s\n", "", names.of(o.Deployment, o.Upstream), o.Why)
		}
	}
	return b.String()
}

// deploymentNames are the ids of the deployments of a record by their upstream's name.
type deploymentNames map[string]string

// manyIDs stands for more than one id.
const manyIDs = "\x00"

func namesIn(w *relay.Why) deploymentNames {
	n := deploymentNames{}
	for _, d := range w.Decisions {
		n.add(d.Deployment, d.Upstream)
		for _, o := range d.Over {
			n.add(o.Deployment, o.Upstream)
		}
	}
	return n
}

func (n deploymentNames) add(id, upstream string) {
	if before, ok := n[upstream]; ok && before != id {
		id = manyIDs
	}
	n[upstream] = id
}

// of is the upstream's name, with the beginning of the id where two have the same.
func (n deploymentNames) of(id, upstream string) string {
	switch {
	case upstream == "":
		return id
	case n[upstream] == manyIDs:
		return upstream + " (" + id[:min(len(id), shownID)] + ")"
	}
	return upstream
}

// shownID is how much of an id tells deployments apart.
const shownID = 12

func attempts(w *relay.Why) string {
	list, names := w.Attempts, namesIn(w)
	if len(list) == 0 {
		return "  none\n"
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"began", "connection", "first byte", "token", "took", "upstream", "result"})
	for _, a := range list {
		result := outcomeOf(a.Status, a.Kind)
		if a.Lost {
			result = "cancelled, another was quicker; cost " + cmp.Or(a.Cost, "unknown")
			if a.Estimated {
				result += " (estimated from what was asked)"
			}
		}
		if a.Message != "" {
			result += "\n" + oneLine(a.Message)
		}
		t.AppendRow(table.Row{ms(a.Start), connection(&a), stage(a.FirstByte), stage(a.FirstToken), ms(a.Took), names.of(a.Deployment, a.Upstream), result})
	}
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 7, WidthMax: 48, WidthMaxEnforcer: text.WrapSoft}})
	return t.Render() + "\n"
}

// facts are the lines about the request as a whole; what did not happen has none.
func facts(w *relay.Why) [][2]string {
	var out [][2]string
	add := func(given bool, name, text string) {
		if given {
			out = append(out, [2]string{name, text})
		}
	}
	add(w.FirstByte > 0, "first byte", ms(w.FirstByte))
	add(w.FirstToken > 0, "first token", ms(w.FirstToken))
	add(true, "total", ms(w.Total))
	add(w.Input+w.Output > 0, "tokens", fmt.Sprintf("%d in, %d out", w.Input, w.Output))
	add(w.Cost != "", "cost", w.Cost+" USD")
	add(w.Finish != "", "finish", w.Finish)
	add(w.Continued > 0, "continued", fmt.Sprintf("%d times by another deployment, after the stream broke off", w.Continued))
	add(w.Retries > 0, "retries", fmt.Sprint(w.Retries))
	add(w.Fallbacks > 0, "fallbacks", fmt.Sprint(w.Fallbacks))
	add(w.Pinged, "keepalive", "sent before the answer began, which decided the status")
	add(w.Restored.Signatures+w.Restored.Thinking > 0, "restored", fmt.Sprintf("%d signatures, %d thinking blocks", w.Restored.Signatures, w.Restored.Thinking))
	add(len(w.Repairs) > 0, "repairs", strings.Join(w.Repairs, ", "))
	add(w.Dropped != "", "dropped", w.Dropped)
	return out
}

// connection says how an attempt came by its connection, and how long that took.
func connection(a *relay.WhyAttempt) string {
	if a.Connect == 0 {
		return a.Connection
	}
	out := a.Connection + " " + ms(a.Connect)
	if a.TLS > 0 {
		out += "\nTLS " + ms(a.TLS)
	}
	return out
}

// stage is a time within an attempt, "" for what did not come to that.
func stage(v float64) string {
	if v == 0 {
		return ""
	}
	return ms(v)
}

func ms(v float64) string {
	return (time.Duration(v*1000) * time.Microsecond).Round(10 * time.Microsecond).String()
}
