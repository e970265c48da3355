package config

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

const (
	bold   = "\x1b[1m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	dim    = "\x1b[2m"
	reset  = "\x1b[0m"
)

// painter adds colour, or nothing when colour is off.
type painter bool

func (p painter) paint(code, s string) string {
	if !p || s == "" {
		return s
	}
	return code + s + reset
}

func severityColor(s Severity) string {
	switch s {
	case Error:
		return bold + red
	case Warning:
		return bold + yellow
	}
	return cyan
}

// WriteText writes every finding for a person: errors and warnings with their
// source line and a caret, notes on a line each, and the summary.
func (r *Report) WriteText(w io.Writer, color bool) error {
	var b strings.Builder
	p := painter(color)
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity == Note {
			r.writeNote(&b, p, f)
			continue
		}
		r.writeFinding(&b, p, f)
	}
	b.WriteString(r.Summary() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writeNote(b *strings.Builder, p painter, f *Finding) {
	fmt.Fprintf(b, "%s %s%s", p.paint(severityColor(f.Severity), "note:"), place(f.Pos), f.Message)
	if f.Remedy != "" {
		b.WriteString(" " + f.Remedy)
	}
	b.WriteString("\n")
}

// place returns the position as a prefix of a line.
func place(pos Position) string {
	if pos.File == "" {
		return ""
	}
	return pos.String() + ": "
}

func (r *Report) writeFinding(b *strings.Builder, p painter, f *Finding) {
	fmt.Fprintf(b, "%s %s%s\n", p.paint(severityColor(f.Severity), f.Severity.String()+":"), place(f.Pos), p.paint(bold, f.Message))
	if line, caret, ok := r.excerpt(f.Pos); ok {
		number := fmt.Sprintf("%5d | ", f.Pos.Line)
		fmt.Fprintf(b, "%s%s\n", p.paint(dim, number), line)
		fmt.Fprintf(b, "%s%s\n", p.paint(dim, "      | "), p.paint(severityColor(f.Severity), caret))
	}
	if f.Remedy != "" {
		fmt.Fprintf(b, "%s%s\n", p.paint(dim, "      = "), f.Remedy)
	}
}

// maxExcerpt is how many characters of a source line are shown.
const maxExcerpt = 120

// excerpt returns the masked source line of a position and a line with the
// caret under its column; of a long line, the part around the caret.
func (r *Report) excerpt(pos Position) (line, caret string, ok bool) {
	lines := r.sources[pos.File]
	if pos.Line < 1 || pos.Line > len(lines) {
		return "", "", false
	}
	source := []rune(lines[pos.Line-1])
	if insideCredential(lines, pos.Line-1) {
		source = []rune(lines[pos.Line-1][:indentOf(lines[pos.Line-1])] + hidden)
	}
	column := min(max(pos.Column, 1)-1, len(source))
	before := []rune(r.mask.sourceLine(string(source[:column])))
	shown := []rune(r.mask.sourceLine(string(source)))
	if len(before) > len(shown) {
		return string(shown), "", true
	}
	from, to := window(len(before), len(shown))
	line = string(shown[from:to])
	if from > 0 {
		line = "…" + line
		before = append([]rune{' '}, before[from:]...)
	}
	if to < len(shown) {
		line += "…"
	}
	return line, strings.Repeat(" ", text.StringWidth(string(before))) + "^", true
}

// window chooses which part of a line of n characters is shown so that the
// character at is seen.
func window(at, n int) (from, to int) {
	if n <= maxExcerpt {
		return 0, n
	}
	from = max(0, min(at-maxExcerpt/2, n-maxExcerpt))
	return from, min(n, from+maxExcerpt)
}
