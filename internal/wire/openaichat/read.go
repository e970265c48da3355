package openaichat

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// readChunk turns a chunk into canonical events: reasoning, text, refusal, media,
// calls, finish, in that order.
func (s *stream) readChunk(t *top) error {
	for _, v := range t.choices.Elems() {
		n, _ := v.Get("index").Int()
		c := s.choice(int(n))
		f := readFields(choiceDelta(v))
		s.readText(c, f)
		s.readMedia(c, f)
		s.readCalls(c, f)
		s.readFinish(c, v.Get("finish_reason"))
	}
	return nil
}

// choiceDelta is what a choice of a chunk brings: its delta, or what some servers send in
// its place, the message or the text of an answer that is not streamed.
func choiceDelta(choice rawjson.Value) rawjson.Value {
	for _, key := range [...]string{"delta", "message"} {
		if v := choice.Get(key); v.Kind() == '{' {
			return v
		}
	}
	if text := choice.Get("text"); text.Kind() == '"' {
		return append(append(rawjson.Value(`{"content":`), text...), '}')
	}
	return nil
}

func (s *stream) readText(c *streamChoice, f fields) {
	text, thought := splitContent(f.content)
	if thought == "" {
		thought = reasoningText(f)
	}
	if thought != "" {
		s.send(llm.Event{Kind: llm.EventThinking, Choice: c.index, Delta: thought})
	}
	if text != "" {
		s.send(llm.Event{Kind: llm.EventText, Choice: c.index, Delta: text})
	}
	if refusal := f.refusal.Text(); refusal != "" {
		s.send(llm.Event{Kind: llm.EventRefusal, Choice: c.index, Delta: refusal})
	}
}

// send emits an event with content.
func (s *stream) send(ev llm.Event) {
	s.content = true
	s.emit(ev)
}

func (s *stream) readMedia(c *streamChoice, f fields) {
	for i, v := range f.images.Elems() {
		if m := imageMedia(v); m != nil {
			s.send(llm.Event{Kind: llm.EventImage, Choice: c.index, Index: i, Media: m})
		}
	}
	if a := f.audio; a.Get("data").Present() || a.Get("transcript").Present() {
		s.send(llm.Event{Kind: llm.EventAudio, Choice: c.index, Delta: a.Get("transcript").Text(), Media: &llm.Media{
			FileID: a.Get("id").Text(), Data: a.Get("data").Text(),
		}})
	}
}

func (s *stream) readCalls(c *streamChoice, f fields) {
	for _, v := range f.toolCalls.Elems() {
		d := readDelta(v)
		s.readCall(c, &d)
	}
	if fc := f.functionCall; fc.Kind() == '{' {
		s.readCall(c, &delta{name: fc.Get("name"), args: fc.Get("arguments"), index: rawjson.Value("0")})
	}
}

func (s *stream) readCall(c *streamChoice, d *delta) {
	if d.empty() {
		return
	}
	at, _ := s.table.find(c.index, d)
	call := &s.table.calls[at]
	args := d.arguments().Text()
	if strings.TrimSpace(args) != "" {
		call.args = true
	}
	begins, ok := s.name(call, d)
	if !ok {
		return
	}
	if begins {
		args, call.held = call.held+args, ""
		s.send(llm.Event{Kind: llm.EventToolCall, Choice: c.index, Index: call.out, Delta: args, Call: &llm.ToolCall{
			ID: call.id, Name: s.call.ToolName(d.name.Text()), Custom: call.custom,
		}})
		return
	}
	if args != "" {
		s.send(llm.Event{Kind: llm.EventToolArgs, Choice: c.index, Index: call.out, Delta: args})
	}
}

func (s *stream) readFinish(c *streamChoice, reason rawjson.Value) {
	word := reason.Text()
	if word == "" {
		c.mayEnd = c.mayEnd || reason.Kind() == '"'
		return
	}
	if c.finished {
		return
	}
	c.finished = true
	if !s.allNamed(c.index) {
		return
	}
	s.closeCalls(c.index)
	finish := legalFinish(word, s.table.any(c.index))
	if finish == llm.FinishFunctionCall {
		finish = llm.FinishToolCalls
	}
	s.send(llm.Event{Kind: llm.EventFinish, Choice: c.index, Finish: finish})
}
