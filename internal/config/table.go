package config

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// WriteTable writes the report as tables of at most 100 columns, one per
// severity, and the summary line. `fairlead check` prints it.
func (r *Report) WriteTable(w io.Writer, color bool) error {
	var b strings.Builder
	p := painter(color)
	file := r.onlyFile()
	if file != "" {
		b.WriteString(p.paint(bold, file) + "\n\n")
	}
	for _, severity := range []Severity{Error, Warning, Note} {
		if n := r.Count(severity); n > 0 {
			b.WriteString(p.paint(severityColor(severity), strings.ToUpper(plural(n, severity.String()))) + "\n")
			b.WriteString(r.severityTable(severity, file) + "\n\n")
		}
	}
	b.WriteString(r.Summary() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// onlyFile returns the file of the findings when they are all about one.
func (r *Report) onlyFile() string {
	file := ""
	for i := range r.Findings {
		f := r.Findings[i].Pos.File
		if f != "" && file != "" && f != file {
			return ""
		}
		if f != "" {
			file = f
		}
	}
	return file
}

// The columns of a table are at most this wide; with its borders it is 100.
const (
	placeWidth = 24
	textWidth  = 69
)

func (r *Report) severityTable(severity Severity, file string) string {
	t := table.NewWriter()
	t.SetStyle(table.StyleRounded)
	t.Style().Options.SeparateRows = true
	header := "where"
	if file != "" {
		header = "line"
	}
	t.AppendHeader(table.Row{header, "what"})
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Severity == severity {
			t.AppendRow(table.Row{text.WrapHard(shortPlace(f.Pos, file), placeWidth), f.description()})
		}
	}
	return t.Render()
}

// description joins key, message and remedy for one cell, wrapped.
func (f *Finding) description() string {
	var parts []string
	if f.Key != "" {
		parts = append(parts, text.WrapText(f.Key, textWidth))
	}
	parts = append(parts, wrap(f.Message))
	if f.Remedy != "" {
		parts = append(parts, wrap("→ "+f.Remedy))
	}
	return strings.Join(parts, "\n")
}

// wrap breaks a paragraph between words, and long words anywhere.
func wrap(s string) string { return text.WrapText(text.WrapSoft(s, textWidth), textWidth) }

// shortPlace shows line and column, and the base name of the file when there
// are several.
func shortPlace(pos Position, only string) string {
	at := fmt.Sprintf("%d:%d", pos.Line, pos.Column)
	switch {
	case pos.File == "":
		return "–"
	case pos.Line == 0:
		return filepath.Base(pos.File)
	case only != "":
		return at
	}
	return filepath.Base(pos.File) + ":" + at
}
