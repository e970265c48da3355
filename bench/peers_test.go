package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

var somewhere = addresses{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}

func TestLiteLLMIsConfiguredForEveryScenarioOfThePeers(t *testing.T) {
	dir := t.TempDir()
	args, err := configureLiteLLM(dir, "4000", somewhere)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range [][2]string{{"--config", filepath.Join(dir, "litellm.yaml")}, {"--port", "4000"}, {"--num_workers", "1"}} {
		if i := slices.Index(args, want[0]); i < 0 || args[i+1] != want[1] {
			t.Errorf("%v lacks %v", args, want)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "litellm.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Models []struct {
			Name   string            `yaml:"model_name"`
			Params map[string]string `yaml:"litellm_params"`
		} `yaml:"model_list"`
		LiteLLM map[string]any    `yaml:"litellm_settings"`
		General map[string]string `yaml:"general_settings"`
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if c.General["master_key"] != masterKey || c.LiteLLM["set_verbose"] != false || c.LiteLLM["json_logs"] != true {
		t.Errorf("%v %v", c.General, c.LiteLLM)
	}
	bases := map[string]string{}
	for _, m := range c.Models {
		bases[m.Name] = m.Params["model"] + " at " + m.Params["api_base"]
	}
	for i := range scenarios {
		s := &scenarios[i]
		if s.withPeers() && !strings.Contains(bases[s.via+s.model], "/"+s.model+" at http://127.0.0.1:1") {
			t.Errorf("%s: %q", s.name, bases[s.via+s.model])
		}
	}
}

func TestBifrostIsConfiguredForEveryScenarioOfThePeers(t *testing.T) {
	dir := t.TempDir()
	args, err := configureBifrost(dir, "4000", somewhere)
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.Index(args, "-app-dir"); i < 0 || args[i+1] != dir {
		t.Errorf("%v", args)
	}
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Client    map[string]bool `json:"client"`
		Providers map[string]struct {
			Keys []struct {
				Value  string   `json:"value"`
				Models []string `json:"models"`
			} `json:"keys"`
			Network struct {
				Base string `json:"base_url"`
			} `json:"network_config"`
		} `json:"providers"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if logs, told := c.Client["enable_logging"]; logs || !told {
		t.Errorf("%v", c.Client)
	}
	for i := range scenarios {
		s := &scenarios[i]
		if !s.withPeers() {
			continue
		}
		provider, model, _ := strings.Cut(bifrostModel(s.via, s.model), "/")
		p := c.Providers[provider]
		if model != s.model || len(p.Keys) != 1 || p.Keys[0].Value == "" || p.Keys[0].Models[0] != "*" || !strings.HasPrefix(p.Network.Base, "http://127.0.0.1:1") {
			t.Errorf("%s: %s/%s, %+v", s.name, provider, model, p)
		}
	}
}

func TestEveryScenarioOfThePeersIsOne(t *testing.T) {
	n := 0
	for i := range scenarios {
		if scenarios[i].withPeers() {
			n++
		}
	}
	if n != len(peerScenarios) {
		t.Errorf("%d of %v are scenarios", n, peerScenarios)
	}
}

func TestAPeerIsFoundOnThePathOrWhereItIsSaidToBe(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	p := &knownPeers[0]
	if path, err := p.find(&settings{}); path != "" || err != nil {
		t.Errorf("not installed: %q, %v", path, err)
	}
	if _, err := p.find(&settings{litellm: filepath.Join(dir, "elsewhere")}); err == nil || !strings.Contains(err.Error(), "LiteLLM") {
		t.Errorf("not where it is said to be: %v", err)
	}
	program := filepath.Join(dir, "litellm")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, s := range []settings{{}, {litellm: program}} {
		if path, err := p.find(&s); path != program || err != nil {
			t.Errorf("%+v: %q, %v", s, path, err)
		}
	}
}

func TestARunWithoutPeersSaysSo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	tab, err := (&lab{settings: &settings{}}).beside(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	tab.write(&b)
	if want := "\n## Other gateways, when installed\n\nNot measured, since not installed where this was made: LiteLLM, Bifrost.\n\n"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}

func TestARunWithoutPeersKeepsTheTableOfTheLastThatHadThem(t *testing.T) {
	measured := peersTable([]string{"LiteLLM 1.2.3 (x)"}, []string{"Bifrost"}, 5, time.Second)
	measured.add("S1", "LiteLLM")
	var b strings.Builder
	b.WriteString("# Benchmarks\n")
	measured.write(&b)
	(&table{title: "Next", note: "other | text"}).write(&b)
	old := b.String()
	file := filepath.Join(t.TempDir(), "benchmarks.md")
	for range 2 { // the second run finds what the first has kept
		if err := os.WriteFile(file, []byte(old), 0o600); err != nil {
			t.Fatal(err)
		}
		b.Reset()
		absentPeers(file, []string{"LiteLLM", "Bifrost"}).write(&b)
		old = b.String()
		for want, times := range map[string]int{keptNote: 1, "Measured on 20": 1, "| S1 | LiteLLM |": 1, "Not installed where this was made: Bifrost.": 1, "Next": 0, "## Other": 1} {
			if n := strings.Count(old, want); n != times {
				t.Errorf("%d times %q in\n%s", n, want, old)
			}
		}
	}
}

func TestThePeersTableComparesFairleadWithEach(t *testing.T) {
	tab := peersTable(nil, nil, 1, time.Second)
	contestants := []*contestant{{name: "ReverseProxy"}, {name: "Fairlead"}, {name: "LiteLLM"}, {name: "Bifrost"}}
	there := []*peer{&knownPeers[0], &knownPeers[1]}
	cpu := func(seconds float64) *figures { return &figures{perThousand: []float64{seconds}} }
	tab.addPeers(&scenarios[0], there, contestants, []*figures{cpu(0.05), cpu(0.04), cpu(10), cpu(0.1)})
	tab.addPeers(&scenario{name: "S2"}, there, contestants, []*figures{cpu(0.05), cpu(0.04), {err: errors.New("a | b\nc")}, cpu(0.1)})
	got := make([]string, len(tab.rows))
	for i, row := range tab.rows {
		if len(row) != len(tab.columns) {
			t.Errorf("%d cells in %v", len(row), row)
		}
		got[i] = strings.Join(row[1:5], " ") + " " + strings.Join(row[7:], " ")
	}
	want := []string{
		"ReverseProxy 0.050 s 1.00  0 ", "Fairlead 0.040 s 0.80  0 ",
		"LiteLLM 10.000 s 200.00 0.0040 0 ≤ 0.008: held", "Bifrost 0.100 s 2.00 0.4000 0 ≤ 0.3: **not held**",
		"ReverseProxy 0.050 s 1.00  0 ", "Fairlead 0.040 s 0.80  0 ", "LiteLLM – – – a / b c ", "Bifrost 0.100 s 2.00 0.4000 0 ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAVersionIsReadFromWhatAProgramSays(t *testing.T) {
	for said, want := range map[string]string{
		"\nLiteLLM: Current Version = 1.108.7\n": "1.108.7",
		"║      v1.5.0-prerelease7      ║":       "1.5.0-prerelease7",
		"":                                       "of an unknown version",
	} {
		if got := versionIn(said); got != want {
			t.Errorf("%q: %q", said, got)
		}
	}
}

func TestAContestantThatAnswersNothingHasNoFurtherTurn(t *testing.T) {
	a := listening(t)
	itself := &process{pid: os.Getpid()}
	if _, err := itself.cpu(); err != nil {
		t.Skip("CPU is read from /proc: ", err)
	}
	good := &contestant{name: "good", plain: a.plain, process: itself}
	bad := &contestant{name: "bad", plain: "127.0.0.1:1", process: itself} // nobody listens there
	all := turns(&scenario{model: modelText, connected: 1}, []*contestant{good, bad}, 2, time.Millisecond)
	if all[0].err != nil || len(all[0].perThousand) != 2 {
		t.Errorf("good: %v, %d rounds", all[0].err, len(all[0].perThousand))
	}
	if all[1].err == nil || !strings.HasPrefix(all[1].err.Error(), "bad answered nothing: ") || len(all[1].perThousand) != 0 {
		t.Errorf("bad: %v, %d rounds", all[1].err, len(all[1].perThousand))
	}
}

func TestAProcessThatForksCountsAndEndsWithItsChildren(t *testing.T) {
	if _, err := os.Stat(fmt.Sprintf("/proc/%d/task/%[1]d/children", os.Getpid())); err != nil {
		t.Skip("children are read from /proc: ", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command("/bin/sh", "-c", "sleep 600 & echo ready; wait")
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	p := &process{cmd: cmd, pid: cmd.Process.Pid, forks: true}
	said := bufio.NewReader(r)
	if _, err := said.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if pids := p.all(); len(pids) != 2 || pids[0] != p.pid {
		t.Errorf("%v", pids)
	}
	p.stop()
	// The child holds the pipe too: it has no end before the child has.
	if _, err := io.ReadAll(said); err != nil {
		t.Error(err)
	}
}

func TestAChildThatHasJustEndedDoesNotSpoilASum(t *testing.T) {
	of := func(pid int) (int64, error) {
		if pid > 2 {
			return 0, os.ErrNotExist
		}
		return int64(pid), nil
	}
	if n, err := sum([]int{1, 2, 3}, of); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := sum([]int{3, 1}, of); err == nil {
		t.Error("the process itself has ended")
	}
}
