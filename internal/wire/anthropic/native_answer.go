package anthropic

import (
	"errors"
	"io"
	"iter"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// nativeResponse reads only what the gateway itself needs of an answer that passes
// through.
func nativeResponse(c *wire.Call, m *message) *llm.Response {
	tellState(c, m.content)
	stop := m.stop.reason.Text()
	resp := &llm.Response{
		ID: m.id.Text(), Model: m.model.Text(), Body: m.whole,
		Choices: []llm.Choice{{Finish: finishOf(stop, 0, false)}},
	}
	if m.usage.Kind() == '{' {
		usage := readUsage(m.usage)
		usage.finish(0)
		resp.Usage, resp.ServiceTier = &usage.Usage, usage.ServiceTier
	}
	return resp
}

// nativeStream hands events on as they came.
func nativeStream(c *wire.Call, r *sse.Reader) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		s := passer{call: c, yield: yield, state: follower{call: c}}
		for !s.done {
			ev, err := r.Next()
			switch {
			case err == nil:
				err = s.event(ev.Name, ev.Data)
			case errors.Is(err, io.EOF) || s.stop: // all has come but the end marker
				err = s.endOfInput()
			}
			if err != nil && !s.done {
				yield(llm.Event{}, err)
				return
			}
		}
	}
}

// passer follows a stream that passes through.
type passer struct {
	call  *wire.Call
	yield func(llm.Event, error) bool
	// done says that the stream has ended well or nobody reads on.
	done  bool
	stop  bool // a stop reason has come
	usage *usage
	state follower
}

func (s *passer) emit(ev llm.Event) {
	if !s.done && !s.yield(ev, nil) {
		s.done = true
	}
}

func (s *passer) event(name string, data []byte) error {
	switch {
	case string(data) == sse.Done:
		return s.endOfInput()
	case name == eventError:
		return failedWith(data)
	}
	v, err := rawjson.Check(data)
	if err != nil {
		return unreadable(s.call, "The upstream's stream holds an event that is not JSON: "+err.Error()+".", err)
	}
	ev := llm.Event{Kind: llm.EventRaw, Raw: v}
	switch string(eventType(v)) {
	case "content_block_delta":
		ev.Content = true
		s.state.delta(v)
	case "content_block_start":
		block := v.Get("content_block")
		ev.Content = opensContent(block)
		index, _ := v.Get("index").Int()
		s.state.opens(index, block)
	case "message_start":
		ev.Usage = s.count(v.Path("message", "usage"))
	case "message_delta":
		s.messageDelta(v, &ev)
	case "message_stop":
		s.emit(ev)
		s.done = true
		return nil
	default:
		if err := stray(v); err != nil {
			return err
		}
		if v.Get("type").Kind() != '"' {
			return unreadable(s.call, "The upstream's stream holds an event without a type.", nil)
		}
	}
	s.emit(ev)
	return nil
}

// opensContent reports whether the start of a block already says something.
func opensContent(b rawjson.Value) bool {
	switch b.Get("type").Text() {
	case "text":
		return b.Get("text").Text() != ""
	case "thinking":
		return b.Get("thinking").Text() != ""
	}
	return true
}

func (s *passer) messageDelta(v rawjson.Value, ev *llm.Event) {
	if reason := v.Path("delta", "stop_reason"); reason.Present() {
		s.stop = true
		ev.Finish, ev.Content = finishOf(reason.Text(), 0, false), true
	}
	ev.Usage = s.count(v.Get("usage"))
}

// count adds counts to those so far; nil adds nothing.
func (s *passer) count(v rawjson.Value) *llm.Usage {
	if v.Kind() != '{' {
		return nil
	}
	if s.usage == nil {
		s.usage = &usage{}
	}
	s.usage.update(v.Clone())
	s.usage.finish(0)
	u := s.usage.Usage
	return &u
}

// endOfInput ends a stream whose upstream leaves message_stop out; without a stop
// reason it broke off.
func (s *passer) endOfInput() error {
	if !s.stop {
		return io.ErrUnexpectedEOF
	}
	s.done = true
	return nil
}
