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
	for _, severity := range []Severity{Error, Warning, Note} {
		if n := r.Count(severity); n > 0 {
			b.WriteString(p.paint(severityColor(severity), strings.ToUpper(plural(n, severity.String()))) + "\n")
			b.WriteString(r.severityTable(severity) + "\n\n")
		}
	}
	b.WriteString(r.Summary() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) severityTable(severity Severity) string {
	t := table.NewWriter()
	t.SetStyle(table.StyleRounded)
	t.Style().Options.SeparateRows = true
	t.SetColumnConfigs([]table.ColumnConfig{
		{Number: 1, WidthMax: 22, WidthMaxEnforcer: text.WrapHard},
		{Number: 2, WidthMax: 66, WidthMaxEnforcer: text.WrapSoft},
	})
	t.AppendHeader(table.Row{"where", "what"})
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Severity == severity {
			t.AppendRow(table.Row{shortPlace(f.Pos), f.description()})
		}
	}
	return t.Render()
}

// description joins key, message and remedy for one cell.
func (f *Finding) description() string {
	var parts []string
	if f.Key != "" {
		parts = append(parts, f.Key)
	}
	parts = append(parts, f.Message)
	if f.Remedy != "" {
		parts = append(parts, "→ "+f.Remedy)
	}
	return strings.Join(parts, "\n")
}

// shortPlace shows the file's base name only, to keep the table narrow.
func shortPlace(pos Position) string {
	if pos.File == "" {
		return "–"
	}
	name := filepath.Base(pos.File)
	if pos.Line == 0 {
		return name
	}
	return fmt.Sprintf("%s:%d:%d", name, pos.Line, pos.Column)
}
