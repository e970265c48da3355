package main

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// trial is a scenario with a bar of its own, of the gateway alone or beside others.
type trial struct {
	name, what string
	run        func(*lab, context.Context) (*table, error)
}

var trials = []trial{
	{"S6", "an upstream of which a fifth of the calls fails", (*lab).flaky},
	{"S8", "start and memory", (*lab).steady},
	{"lifecycle", "reloads and the end under load", (*lab).lifecycle},
	{"nodes", "two nodes and their Redis server", (*lab).nodes},
	{"overload", "ten times too much", (*lab).overload},
	{"leaving", "clients that leave", (*lab).leaving},
	{"peers", "other gateways, when installed", (*lab).beside},
}

// table is what a trial has found.
type table struct {
	title, note string
	columns     []string // none: the note is all
	rows        [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// held says whether a bar is.
func held(ok bool) string {
	if ok {
		return "held"
	}
	return "**not held**"
}

func (t *table) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n", t.title)
	if t.note != "" {
		fmt.Fprintf(b, "%s\n\n", t.note)
	}
	if t.columns == nil {
		return
	}
	for i, row := range append([][]string{t.columns}, t.rows...) {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(b, "|%s\n", strings.Repeat("---|", len(row)))
		}
	}
}

// tryAll runs the trials that are wanted.
func (l *lab) tryAll(ctx context.Context, b *strings.Builder) error {
	for _, t := range trials {
		if !l.wanted(t.name) || ctx.Err() != nil {
			continue
		}
		fmt.Fprintln(os.Stderr, t.name, t.what)
		found, err := t.run(l, ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		found.write(b)
	}
	return nil
}
