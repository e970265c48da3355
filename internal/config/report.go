package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity grades a Finding.
type Severity uint8

// The grades, worst first.
const (
	// Error means that something the file asks for does not happen: the file
	// cannot be read, or a deployment is skipped. `check` exits with 1;
	// serving goes on when there is a Config.
	Error Severity = iota + 1
	// Warning means that something may not do what its writer expects.
	Warning
	// Note names a key that has no effect, or a choice that was made.
	Note
)

// String returns error, warning or note.
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	case Note:
		return "note"
	}
	return "finding"
}

// Finding is one thing to say about a configuration, with its place.
type Finding struct {
	Severity Severity
	Pos      Position
	// Key is the path of the key, such as model_list[2].litellm_params.model.
	Key string
	// Message says what is wrong or what was done, as a sentence.
	Message string
	// Remedy says what to do about it; may be empty.
	Remedy string

	// also are the lines of further places with the same finding.
	also []int
}

// Report is everything there is to say about one load. Its texts never hold a
// secret: values of credential keys are masked in messages and source lines.
type Report struct {
	Findings []Finding
	// Served and Skipped count deployments.
	Served  int
	Skipped int

	// dropped counts findings beyond maxFindings.
	dropped  int
	refusals []string
	sources  map[string][]string
	mask     masker
}

// newReport returns an empty report.
func newReport() *Report { return &Report{sources: map[string][]string{}} }

// maxFindings bounds a report about a file that is wrong everywhere.
const maxFindings = 2000

// full reports whether only errors still find room.
func (r *Report) full() bool { return len(r.Findings) >= maxFindings }

// add appends a finding, up to maxFindings, and as many errors again.
func (r *Report) add(f Finding) {
	if r.full() && (f.Severity != Error || len(r.Findings) >= 2*maxFindings) {
		r.dropped++
		return
	}
	r.Findings = append(r.Findings, f)
}

// maxPlaces is how many further lines a repeated finding lists.
const maxPlaces = 12

// again adds a further place to finding i, which says the same.
func (r *Report) again(i int, pos Position) {
	if i >= len(r.Findings) {
		return
	}
	f := &r.Findings[i]
	f.also = append(f.also, pos.Line)
}

// where lists the further lines of a finding that was repeated.
func (f *Finding) where() string {
	if len(f.also) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(" (also on line")
	if len(f.also) > 1 {
		b.WriteString("s")
	}
	for i, line := range f.also {
		if i == maxPlaces {
			fmt.Fprintf(&b, " and %d more", len(f.also)-i)
			break
		}
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " %d", line)
	}
	return b.String() + ")"
}

func (r *Report) errorf(pos Position, key, remedy, format string, args ...any) {
	r.add(Finding{Severity: Error, Pos: pos, Key: key, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (r *Report) warnf(pos Position, key, remedy, format string, args ...any) {
	r.add(Finding{Severity: Warning, Pos: pos, Key: key, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (r *Report) notef(pos Position, key, remedy, format string, args ...any) {
	r.add(Finding{Severity: Note, Pos: pos, Key: key, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

// refuse records a sentence for which serving must not start.
func (r *Report) refuse(pos Position, key, remedy, sentence string) {
	r.errorf(pos, key, remedy, "%s", sentence)
	r.refusals = append(r.refusals, strings.TrimSpace(sentence+" "+remedy))
}

// Refusal returns the sentences for which the gateway must not start with this
// configuration, each naming its override, or "" when it may start.
func (r *Report) Refusal() string { return strings.Join(r.refusals, "\n") }

// Count returns how many findings have the severity.
func (r *Report) Count(s Severity) int {
	n := 0
	for i := range r.Findings {
		if r.Findings[i].Severity == s {
			n++
		}
	}
	return n
}

// HasErrors reports whether `check` must exit with 1.
func (r *Report) HasErrors() bool { return r.Count(Error) > 0 }

// Summary is the one line that ends every rendering.
func (r *Report) Summary() string {
	parts := []string{plural(r.Served, "deployment") + " served"}
	if r.Skipped > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped", r.Skipped))
	}
	for _, s := range []Severity{Error, Warning, Note} {
		if n := r.Count(s); n > 0 {
			parts = append(parts, plural(n, s.String()))
		}
	}
	if r.dropped > 0 {
		parts = append(parts, fmt.Sprintf("%d more not shown", r.dropped))
	}
	if len(r.Findings) == 0 {
		parts = append(parts, "nothing to say about the file")
	}
	return strings.Join(parts, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// seal masks every text and sorts the findings by severity, file and place, so
// that nothing that leaves Load needs masking again.
func (r *Report) seal() {
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Message, f.Remedy, f.Key = r.mask.text(f.Message+f.where()), r.mask.text(f.Remedy), r.mask.text(f.Key)
		f.also = nil
	}
	for i := range r.refusals {
		r.refusals[i] = r.mask.text(r.refusals[i])
	}
	order := map[string]int{}
	for i := range r.Findings {
		file := r.Findings[i].Pos.File
		if _, ok := order[file]; !ok {
			order[file] = len(order)
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(order[a.Pos.File], order[b.Pos.File]),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column),
		)
	})
}
