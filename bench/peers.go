package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// peerRounds are fewer than in the scenarios: a ratio of ten or a hundred needs less.
	peerRounds = 5
	// peerWarmUp is a load before the rounds: Python loads and keeps much on its first requests.
	peerWarmUp = 10 * time.Second
	peersTitle = "Other gateways, when installed"
	// keptNote begins a table that a run without other gateways has found in its file.
	keptNote = "This run found none of them installed: what follows is kept from the last one that did.\n\n"
)

// peerScenarios are those in which other gateways take part.
var peerScenarios = []string{"S1", "S2", "S4", "S5-gemini", "S5-anthropic", "S5-gemini-stream", "S5-anthropic-stream"}

// peer is another gateway, as its own pages advise to run it in production, with one
// worker.
type peer struct {
	name, program string // the program's name on the PATH
	told          func(*settings) string
	how           string  // what the report says of its settings
	bar           float64 // of S1: CPU of Fairlead over its own
	ready         string  // a path that answers 200 when it is
	// configure writes its configuration into a directory and returns its arguments.
	configure func(dir, port string, up addresses) (args []string, err error)
	env       []string
	model     func(via, model string) string // nil: as Fairlead calls it
	// version asks a program; log is what it has said when it was ready.
	version func(ctx context.Context, p *peer, path, log string) string
}

var knownPeers = []peer{
	{
		name: "LiteLLM", program: "litellm", told: func(s *settings) string { return s.litellm },
		how: "one worker on Granian, production mode, log at ERROR, master key, the same configuration file as Fairlead",
		bar: 0.008, ready: "/health/readiness", configure: configureLiteLLM,
		// The price list on the network is not part of what is measured.
		env: []string{"LITELLM_MODE=PRODUCTION", "LITELLM_LOG=ERROR", "LITELLM_LOCAL_MODEL_COST_MAP=True"},
		version: func(ctx context.Context, p *peer, path, _ string) string {
			ask := exec.CommandContext(ctx, path, "--version")
			ask.Env = append(os.Environ(), p.env...)
			text, _ := ask.Output()
			return string(text)
		},
	},
	{
		name: "Bifrost", program: "bifrost-http", told: func(s *settings) string { return s.bifrost },
		how: "configured by its file alone, pools and concurrency as by default, no log of requests, no key of clients",
		bar: 0.3, ready: "/health", configure: configureBifrost, model: bifrostModel,
		version: func(_ context.Context, _ *peer, _, log string) string { return log },
	},
}

// find is where the program of a peer is: "" when it is not installed.
func (p *peer) find(s *settings) (string, error) {
	if told := p.told(s); told != "" {
		path, err := exec.LookPath(told)
		if err != nil {
			return "", fmt.Errorf("the program of %s cannot be run: %w", p.name, err)
		}
		return path, nil
	}
	path, err := exec.LookPath(p.program)
	if err != nil {
		return "", nil // not being there is no mistake
	}
	return path, nil
}

func configureLiteLLM(dir, port string, up addresses) ([]string, error) {
	file := filepath.Join(dir, "litellm.yaml")
	args := []string{"--config", file, "--host", "127.0.0.1", "--port", port, "--num_workers", "1", "--run_granian"}
	return args, os.WriteFile(file, []byte(litellmConfiguration(up)), 0o600)
}

// litellmConfiguration is Fairlead's own, with what LiteLLM's page on production advises.
func litellmConfiguration(up addresses) string {
	return configuration(up) + "litellm_settings: {request_timeout: 600, set_verbose: false, json_logs: true}\n"
}

func configureBifrost(dir, port string, up addresses) ([]string, error) {
	text, err := bifrostConfiguration(up)
	if err != nil {
		return nil, err
	}
	args := []string{"-app-dir", dir, "-host", "127.0.0.1", "-port", port, "-log-level", "warn"}
	return args, os.WriteFile(filepath.Join(dir, "config.json"), text, 0o600)
}

// bifrostConfiguration names one provider for each format of the fake's.
func bifrostConfiguration(up addresses) ([]byte, error) {
	provider := func(base string) any {
		return map[string]any{
			"keys":           []any{map[string]any{"name": "bench", "value": "sk-bench-upstream", "models": []string{"*"}, "weight": 1}},
			"network_config": map[string]any{"base_url": base, "allow_private_network": true},
		}
	}
	return json.Marshal(map[string]any{
		"client":       map[string]any{"drop_excess_requests": false, "enable_logging": false},
		"config_store": map[string]any{"enabled": false},
		"providers": map[string]any{
			"openai":    provider("http://" + up.plain),
			"gemini":    provider("http://" + up.plain + "/v1beta"),
			"anthropic": provider("http://" + up.plain),
		},
	})
}

// bifrostModel has the provider before a slash.
func bifrostModel(via, model string) string {
	switch via {
	case viaGemini:
		return "gemini/" + model
	case viaAnthropic:
		return "anthropic/" + model
	}
	return "openai/" + model
}

// beside measures the other gateways that are installed, in turns with the floor and
// Fairlead.
func (l *lab) beside(ctx context.Context) (*table, error) {
	contestants := []*contestant{l.floor, l.ours}
	var there []*peer
	var told, missing []string
	for i := range knownPeers {
		p := &knownPeers[i]
		path, err := p.find(l.settings)
		if err != nil {
			return nil, err
		}
		if path == "" {
			missing = append(missing, p.name)
			continue
		}
		c, version, err := l.startPeer(ctx, p, path)
		if err != nil {
			return nil, err
		}
		defer c.process.stop()
		memory, err := c.process.memory() // idle
		if err != nil {
			return nil, err
		}
		there, contestants = append(there, p), append(contestants, c)
		told = append(told, fmt.Sprintf("%s %s (%s; ready after %.1f s, %s idle)", p.name, version, p.how, c.process.ready.Seconds(), mebibytes(memory)))
	}
	if len(there) == 0 {
		return absentPeers(l.settings.out, missing), nil
	}
	for _, c := range contestants {
		_ = (&figures{}).turn(&scenarios[0], c, peerWarmUp, false) // whatever is wrong shows in the rounds
	}
	t := peersTable(told, missing, min(peerRounds, l.settings.rounds), l.settings.slice)
	for i := range scenarios {
		if s := &scenarios[i]; s.withPeers() && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "  ", s.name, s.what)
			t.addPeers(s, there, contestants, turns(s, contestants, min(peerRounds, l.settings.rounds), l.settings.slice))
		}
	}
	return t, ctx.Err()
}

func (s *scenario) withPeers() bool { return slices.Contains(peerScenarios, s.name) }

// startPeer runs another gateway before the same fake provider and says its version.
func (l *lab) startPeer(ctx context.Context, p *peer, path string) (*contestant, string, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	_, port, _ := net.SplitHostPort(address)
	dir := filepath.Join(l.dir, p.program)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, "", err
	}
	args, err := p.configure(dir, port, addresses{l.provider.lines[0], l.provider.lines[1], l.provider.lines[2]})
	if err != nil {
		return nil, "", err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, "", err
	}
	defer log.Close()
	cmd := pinned(ctx, measuredCPU, path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, log, log, append(os.Environ(), p.env...)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	c := &contestant{name: p.name, process: &process{cmd: cmd, pid: cmd.Process.Pid, forks: true}, plain: address, prefixed: true, model: p.model}
	if !answers("http://"+address+p.ready, 90*time.Second, func(status int) bool { return status == http.StatusOK }) {
		c.process.stop()
		said, _ := os.ReadFile(log.Name())
		return nil, "", fmt.Errorf("%s was not ready within 90 s; the end of what it said: %s", p.name, said[max(0, len(said)-2000):])
	}
	c.process.ready = time.Since(began)
	said, _ := os.ReadFile(log.Name())
	return c, versionIn(p.version(ctx, p, path, string(said))), nil
}

var versionForm = regexp.MustCompile(`\d+\.\d+\.\d+[-.\w]*`)

// versionIn is the first version that a text names.
func versionIn(text string) string {
	if v := versionForm.FindString(text); v != "" {
		return v
	}
	return "of an unknown version"
}

// absentPeers is what a run tells that found no other gateway: what the file has from
// one that did, with its date, else that there is none.
func absentPeers(file string, missing []string) *table {
	if text, err := os.ReadFile(file); err == nil {
		if old := sectionOf(string(text), peersTitle); strings.Contains(old, "|") {
			return &table{title: peersTitle, note: keptNote + strings.TrimPrefix(old, keptNote)}
		}
	}
	return &table{title: peersTitle, note: "Not measured, since not installed where this was made: " + strings.Join(missing, ", ") + "."}
}

// sectionOf is the text under a heading of the second rank, "" when there is none.
func sectionOf(text, title string) string {
	_, rest, ok := strings.Cut("\n"+text, "\n## "+title+"\n")
	if !ok {
		return ""
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	return strings.TrimSpace(section)
}

func peersTable(told, missing []string, rounds int, slice time.Duration) *table {
	note := fmt.Sprintf("Measured on %s in %d rounds of %v, in turns with the floor and Fairlead, before the same fake provider and with the same check of every answer, after %v of warming up. %s. CPU is that of all processes of a gateway.",
		time.Now().Format("2006-01-02"), rounds, slice, peerWarmUp, strings.Join(told, "; "))
	if len(missing) > 0 {
		note += " Not installed where this was made: " + strings.Join(missing, ", ") + "."
	}
	return &table{
		title: peersTitle, note: note,
		columns: []string{"scenario", "", "CPU for 1,000", "over the floor", "Fairlead over it", "p50", "p99", "failed", "bar"},
	}
}

// addPeers adds the rows of a scenario: the floor, Fairlead, and the others.
func (t *table) addPeers(s *scenario, there []*peer, contestants []*contestant, all []*figures) {
	label := s.name + ": " + s.what
	for i, f := range all {
		if f.err != nil {
			t.add(label, contestants[i].name, "–", "–", "–", "–", "–", cell(f.err), "")
			label = ""
			continue
		}
		cpu := median(f.perThousand)
		over, bar := "", ""
		if i >= 2 && all[1].err == nil {
			ratio := median(all[1].perThousand) / cpu
			over = fmt.Sprintf("%.4f", ratio)
			if limit := there[i-2].bar; s.name == "S1" {
				bar = fmt.Sprintf("≤ %g: %s", limit, held(ratio <= limit))
			}
		}
		t.add(label, contestants[i].name, fmt.Sprintf("%.3f s", cpu), ratioTo(cpu, all[0]), over,
			milliseconds(quantile(f.outcome.latency, 0.5)), milliseconds(quantile(f.outcome.latency, 0.99)), fmt.Sprint(f.outcome.failed), bar)
		label = ""
	}
}

func ratioTo(cpu float64, floor *figures) string {
	if floor.err != nil {
		return "–"
	}
	return fmt.Sprintf("%.2f", cpu/median(floor.perThousand))
}

// cell is an error in a table: one line, and not a long one.
func cell(err error) string {
	text := []rune(strings.ReplaceAll(strings.Join(strings.Fields(err.Error()), " "), "|", "/"))
	return string(text[:min(len(text), 200)])
}
