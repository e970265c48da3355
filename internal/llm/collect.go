package llm

import (
	"iter"
	"strings"
)

// Collect puts the events of a stream together into one answer. It is used when
// an upstream streams although the client does not want a stream.
func Collect(events iter.Seq2[Event, error]) (*Response, error) {
	c := collector{resp: &Response{}}
	for ev, err := range events {
		if err != nil {
			return nil, err
		}
		c.add(&ev)
	}
	for i := range c.choices {
		c.resp.Choices = append(c.resp.Choices, c.choices[i].finish())
	}
	return c.resp, nil
}

type collector struct {
	resp    *Response
	choices []*choiceCollector
}

type choiceCollector struct {
	choice         Choice
	text, thinking strings.Builder
	refusal        strings.Builder
	textState      *State
	thinkingParts  []Part
	media          []Part
	calls          []Part
	args           []*strings.Builder
}

func (c *collector) choice(index int) *choiceCollector {
	for _, ch := range c.choices {
		if ch.choice.Index == index {
			return ch
		}
	}
	ch := &choiceCollector{choice: Choice{Index: index}}
	c.choices = append(c.choices, ch)
	return ch
}

func (c *collector) add(ev *Event) {
	switch ev.Kind {
	case EventStart:
		choices := c.resp.Choices
		*c.resp = *ev.Response
		c.resp.Choices = choices
	case EventUsage:
		c.resp.Usage = ev.Usage
	default:
		c.choice(ev.Choice).add(ev)
	}
}

func (c *choiceCollector) add(ev *Event) {
	switch ev.Kind {
	case EventText:
		c.text.WriteString(ev.Delta)
		if ev.State != nil {
			c.textState = ev.State
		}
	case EventThinking:
		c.thinking.WriteString(ev.Delta)
		if ev.State != nil {
			c.closeThinking(ev.State)
		}
	case EventRefusal:
		c.refusal.WriteString(ev.Delta)
	case EventToolCall:
		call := *ev.Call
		b := &strings.Builder{}
		b.WriteString(ev.Delta)
		c.calls = append(c.calls, Part{Kind: PartToolCall, Call: &call, State: ev.State})
		c.args = append(c.args, b)
	case EventToolArgs:
		if ev.Index >= 0 && ev.Index < len(c.args) {
			c.args[ev.Index].WriteString(ev.Delta)
		}
	case EventState:
		c.state(ev)
	case EventImage:
		c.media = append(c.media, Part{Kind: PartImage, Media: ev.Media, State: ev.State})
	case EventAudio:
		c.media = append(c.media, Part{Kind: PartAudio, Media: ev.Media})
	case EventFields:
		c.choice.Fields = append(c.choice.Fields, ev.Fields...)
	case EventFinish:
		c.choice.Finish = ev.Finish
		c.choice.ChoiceFields = append(c.choice.ChoiceFields, ev.Fields...)
	}
}

func (c *choiceCollector) state(ev *Event) {
	switch {
	case ev.Index < 0:
		c.textState = ev.State
	case ev.Index < len(c.calls):
		c.calls[ev.Index].State = ev.State
	}
}

func (c *choiceCollector) closeThinking(st *State) {
	c.thinkingParts = append(c.thinkingParts, Part{Kind: PartThinking, Text: c.thinking.String(), State: st})
	c.thinking.Reset()
}

func (c *choiceCollector) finish() Choice {
	if c.thinking.Len() > 0 {
		c.closeThinking(nil)
	}
	parts := c.thinkingParts
	if c.text.Len() > 0 || c.textState != nil {
		parts = append(parts, Part{Kind: PartText, Text: c.text.String(), State: c.textState})
	}
	if c.refusal.Len() > 0 {
		parts = append(parts, Part{Kind: PartRefusal, Text: c.refusal.String()})
	}
	parts = append(parts, c.media...)
	for i := range c.calls {
		c.calls[i].Call.Arguments = c.args[i].String()
	}
	c.choice.Parts = append(parts, c.calls...)
	return c.choice
}

// Replay turns a whole answer into the events of a stream. It is used when an
// upstream answers whole although the client wants a stream.
func Replay(resp *Response) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if !yield(Event{Kind: EventStart, Response: resp}, nil) {
			return
		}
		for i := range resp.Choices {
			if !replayChoice(&resp.Choices[i], yield) {
				return
			}
		}
		if resp.Usage != nil {
			yield(Event{Kind: EventUsage, Usage: resp.Usage}, nil)
		}
	}
}

func replayChoice(ch *Choice, yield func(Event, error) bool) bool {
	calls := 0
	for i := range ch.Parts {
		ev := replayPart(&ch.Parts[i], &calls)
		if ev.Kind == 0 {
			continue
		}
		ev.Choice = ch.Index
		if !yield(ev, nil) {
			return false
		}
	}
	if len(ch.Fields) > 0 && !yield(Event{Kind: EventFields, Choice: ch.Index, Fields: ch.Fields}, nil) {
		return false
	}
	return yield(Event{Kind: EventFinish, Choice: ch.Index, Finish: ch.Finish, Fields: ch.ChoiceFields}, nil)
}

func replayPart(p *Part, calls *int) Event {
	switch p.Kind {
	case PartText:
		return Event{Kind: EventText, Delta: p.Text, State: p.State}
	case PartThinking:
		return Event{Kind: EventThinking, Delta: p.Text, State: p.State}
	case PartRefusal:
		return Event{Kind: EventRefusal, Delta: p.Text}
	case PartImage:
		return Event{Kind: EventImage, Media: p.Media, State: p.State}
	case PartAudio:
		return Event{Kind: EventAudio, Media: p.Media}
	case PartToolCall:
		ev := Event{Kind: EventToolCall, Index: *calls, Call: p.Call, Delta: p.Call.Arguments, State: p.State}
		*calls++
		return ev
	}
	return Event{}
}
