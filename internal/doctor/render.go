package doctor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

// width is how many columns the text takes at most.
const width = 100

const (
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	reset  = "\x1b[0m"
)

// page is the text being written.
type page struct {
	strings.Builder
	color bool
}

func (p *page) paint(code, s string) string {
	if !p.color || s == "" || code == "" {
		return s
	}
	return code + s + reset
}

// marks are what stands before a finding.
var marks = map[Severity]struct{ mark, color string }{
	Error: {"✗", bold + red}, Warning: {"!", bold + yellow}, Note: {"·", cyan}, Good: {"✓", green},
}

var rank = map[Severity]int{Error: 0, Warning: 1, Note: 2, Good: 3}

// WriteText writes the diagnosis for a person, at most 100 columns wide; color says
// whether the reader is a terminal.
func (d *Diagnosis) WriteText(w io.Writer, color bool) error {
	p := &page{color: color}
	for _, group := range []string{GroupClient, GroupConfig, GroupNetwork, GroupLive} {
		d.writeGroup(p, group)
	}
	d.writeModels(p)
	d.writeEnd(p)
	_, err := io.WriteString(w, p.String())
	return err
}

// WriteJSON writes the diagnosis for a program.
func (d *Diagnosis) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		*Diagnosis
		Errors   int    `json:"errors"`
		Warnings int    `json:"warnings"`
		Next     string `json:"next"`
	}{d, d.Count(Error), d.Count(Warning), d.next()})
}

// source says what a group of findings is about.
func (d *Diagnosis) source(group string) string {
	switch group {
	case GroupClient:
		return cmp.Or(d.envPath, "environment only")
	case GroupConfig:
		return cmp.Or(d.configPath, "no file: environment and built-in demo")
	case GroupNetwork:
		return d.gateway.String()
	}
	return ""
}

func (d *Diagnosis) writeGroup(p *page, group string) {
	var findings []Finding
	for _, f := range d.Findings {
		if f.Group == group {
			findings = append(findings, f)
		}
	}
	if len(findings) == 0 {
		return
	}
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(rank[a.Severity], rank[b.Severity]) })
	fmt.Fprintf(p, "\n%s  %s\n", p.paint(bold, group), p.paint(dim, d.source(group)))
	for i := range findings {
		p.finding(&findings[i])
	}
}

// column is where short effects begin, so that they stand below each other.
const column = 29

// finding writes a good thing on a line, and everything else with room to read.
func (p *page) finding(f *Finding) {
	m := marks[f.Severity]
	subject := cmp.Or(f.Subject, "model_list")
	quiet := f.Remedy == "" && (f.Severity == Good || f.Severity == Note)
	if quiet && runewidth.StringWidth(subject) <= column {
		fmt.Fprintf(p, "  %s %s ", p.paint(m.color, m.mark), runewidth.FillRight(subject, column))
		p.wrapped(f.Effect, 4+column+1, 4+column+1, "")
		return
	}
	head := p.paint(bold, subject)
	if gap := width - 4 - runewidth.StringWidth(subject) - runewidth.StringWidth(f.Place); f.Place != "" && gap > 1 {
		head += strings.Repeat(" ", gap) + p.paint(dim, f.Place)
	} else if f.Place != "" {
		head += "\n    " + p.paint(dim, f.Place)
	}
	fmt.Fprintf(p, "  %s %s\n    ", p.paint(m.color, m.mark), head)
	p.wrapped(f.Effect, 4, 4, "")
	if f.Remedy != "" {
		fmt.Fprintf(p, "    %s ", p.paint(green, "→"))
		p.wrapped(f.Remedy, 6, 6, "")
	}
}

// wrapped writes text from column at on, further lines indented, and ends the line.
func (p *page) wrapped(text string, at, indent int, code string) {
	for i, line := range wrap(text, width-at, width-indent) {
		if i > 0 {
			p.WriteString(strings.Repeat(" ", indent))
		}
		p.WriteString(p.paint(code, line) + "\n")
	}
}

// wrap breaks text between words; a word that is longer than a line is cut.
func wrap(text string, first, rest int) []string {
	var lines []string
	line, limit := "", first
	flush := func() {
		lines = append(lines, line)
		line, limit = "", rest
	}
	for _, word := range strings.Fields(text) {
		if line != "" && runewidth.StringWidth(line)+1+runewidth.StringWidth(word) > limit {
			flush()
		}
		for runewidth.StringWidth(word) > limit {
			head := runewidth.Truncate(word, limit, "")
			if head == "" {
				break
			}
			line, word = head, word[len(head):]
			flush()
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" || len(lines) == 0 {
		flush()
	}
	return lines
}

// writeModels shows what Live found as a table.
func (d *Diagnosis) writeModels(p *page) {
	if len(d.Models) == 0 {
		return
	}
	name := len("model")
	for _, r := range d.Models {
		name = max(name, runewidth.StringWidth(r.Model))
	}
	name = min(name, 40)
	row := func(model, chat, tools, ms, reasoning string) {
		line := fmt.Sprintf("    %s  %-7s  %-8s  %7s  %s", runewidth.FillRight(runewidth.Truncate(model, name, "…"), name), chat, tools, ms, reasoning)
		p.WriteString(strings.TrimRight(runewidth.Truncate(line, width, "…"), " ") + "\n")
	}
	p.WriteString("\n")
	row("model", "chat", "tools", "time", "reasoning state")
	for i := range d.Models {
		r := &d.Models[i]
		row(r.Model, r.Chat, cmp.Or(r.Tools, "–"), seconds(r.Milliseconds), state(r))
	}
	if d.Skipped != "" {
		p.WriteString("    ")
		p.wrapped(d.Skipped, 4, 4, dim)
	}
}

func seconds(ms int64) string { return fmt.Sprintf("%d.%02d s", ms/1000, ms%1000/10) }

// state says for a person whether reasoning came back and went on.
func state(r *ModelResult) string {
	switch {
	case r.Tools == "" || r.Chat == outcomeFailed:
		return "–"
	case len(r.Reasoning) == 0:
		return "none came"
	case r.Tools == outcomeOK:
		return "accepted back: " + strings.Join(r.Reasoning, ", ")
	}
	return "came: " + strings.Join(r.Reasoning, ", ")
}

// writeEnd writes the summary and the next step.
func (d *Diagnosis) writeEnd(p *page) {
	errors, warnings := d.Count(Error), d.Count(Warning)
	text, code := "No problem found", green
	switch {
	case errors > 0:
		text, code = plural(errors, "error")+", "+plural(warnings, "warning"), red
	case warnings > 0:
		text, code = "No error, "+plural(warnings, "warning"), yellow
	}
	fmt.Fprintf(p, "\n%s\n%s ", p.paint(bold+code, text), p.paint(bold, "Next:"))
	p.wrapped(d.next(), 6, 6, "")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// next is what to do first.
func (d *Diagnosis) next() string {
	for i := range d.Findings {
		if f := &d.Findings[i]; f.Severity == Error {
			return strings.TrimSpace(fmt.Sprintf("correct %s. %s", f.Subject, f.Remedy))
		}
	}
	switch {
	case len(d.Models) > 0:
		return "everything that was asked works."
	case d.listener.Kind == Fairlead:
		return "fairlead doctor --live asks every model for an answer and a tool call (it costs a few tokens each)."
	case d.listener.Kind == LiteLLM:
		return "stop LiteLLM, then start Fairlead on its port with the same configuration."
	}
	start := "fairlead"
	if d.configPath != "" {
		start += " --config " + d.configPath
	}
	if d.gateway.port != "4000" {
		start += " --port " + d.gateway.port
	}
	return "start the gateway: " + start
}
