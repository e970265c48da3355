package golden

import (
	"regexp"
	"strings"
)

// event is one event of a stream: its name ("" when it has none) and its data lines, joined.
type event struct{ name, data string }

func (e event) done() bool { return strings.TrimSpace(e.data) == "[DONE]" }

var blankLine = regexp.MustCompile(`\r?\n\r?\n`)

// parseEvents reads a whole stream; odd holds the lines that are no field of an event. Comments are ignored.
func parseEvents(text string) (events []event, odd []string) {
	for _, block := range blankLine.Split(text, -1) {
		e, strange := parseEvent(block)
		odd = append(odd, strange...)
		if e != nil {
			events = append(events, *e)
		}
	}
	return events, odd
}

func parseEvent(block string) (e *event, odd []string) {
	var name string
	var data []string
	for line := range strings.SplitSeq(block, "\n") {
		line = strings.TrimRight(line, "\r")
		field, value, _ := strings.Cut(line, ":")
		switch {
		case line == "" || field == "":
		case field == "event" && line != "event":
			name = strings.TrimSpace(value)
		case field == "data" && line != "data":
			data = append(data, strings.TrimLeft(value, " "))
		case field != "id" && field != "retry":
			odd = append(odd, line)
		}
	}
	if data == nil {
		return nil, odd
	}
	return &event{name, strings.Join(data, "\n")}, odd
}

// kept says of each protocol rule whether a stream keeps it.
type kept map[string]bool

const (
	ruleContentType = "content-type is text/event-stream"
	ruleDoneLast    = "[DONE] is the last event"
	ruleNoDone      = "no [DONE]"
	ruleObjects     = "every data is a JSON object"
	ruleEventName   = "event name equals data.type"
)

// streamObjects decodes the data of every event except [DONE].
func streamObjects(events []event, rules kept) []namedObject {
	rules[ruleObjects] = true
	var out []namedObject
	for _, e := range events {
		if e.done() {
			continue
		}
		t, _ := decodeString(e.data)
		o, ok := t.(object)
		if !ok {
			rules[ruleObjects] = false
			continue
		}
		out = append(out, namedObject{e.name, o})
	}
	return out
}

type namedObject struct {
	event string
	object
}

// namesMatch reports whether every event line repeats the type in its data.
func namesMatch(events []namedObject) bool {
	for _, e := range events {
		if e.event != str(e.object["type"]) {
			return false
		}
	}
	return true
}

func hasDone(events []event) bool {
	for _, e := range events {
		if e.done() {
			return true
		}
	}
	return false
}
