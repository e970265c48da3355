package relay

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// The parts of a frame of application/vnd.amazon.eventstream: the length of the frame
// and of its headers, four bytes each, and their checksum; headers; payload; a checksum.
const (
	framePrelude = 12
	frameTail    = 4
)

// writeFrames reads the frames of a stream of Amazon's as they pass. A length that
// cannot be ends the reading, and nothing else: the frames pass untouched.
func (t *tap) writeFrames(b []byte) {
	for len(b) > 0 && !t.full {
		n := min(t.missing(), len(b))
		t.held, b = append(t.held, b[:n]...), b[n:]
		switch size := t.frameSize(); {
		case size < 0:
		case size < framePrelude+frameTail || size > maxTapped:
			t.full = true
		case len(t.held) == size:
			t.frame()
			t.held = t.held[:0]
		}
	}
}

// missing is how many bytes the frame, or its prelude, lacks.
func (t *tap) missing() int {
	if size := t.frameSize(); size >= 0 {
		return size - len(t.held)
	}
	return framePrelude - len(t.held)
}

// frameSize is the size of the frame that is held in part, -1 while it is not known.
func (t *tap) frameSize() int {
	if len(t.held) < framePrelude {
		return -1
	}
	return int(binary.BigEndian.Uint32(t.held))
}

// frame looks into a whole frame that may speak of usage: one of ConverseStream is
// JSON, one of InvokeModelWithResponseStream holds the vendor's own event.
func (t *tap) frame() {
	headers := int64(binary.BigEndian.Uint32(t.held[4:]))
	if headers > int64(len(t.held)-framePrelude-frameTail) {
		return
	}
	payload := t.held[framePrelude+headers : len(t.held)-frameTail]
	switch {
	case bytes.Contains(payload, []byte(`"bytes"`)):
		t.chunk(payload)
	case bytes.Contains(payload, []byte(`"usage"`)):
		t.json(payload)
	}
}

func (t *tap) chunk(payload []byte) {
	v, err := rawjson.Check(payload)
	if err != nil {
		return
	}
	event, err := base64.StdEncoding.DecodeString(v.Get("bytes").Text())
	if err != nil {
		return
	}
	if bytes.Contains(event, []byte(`"usage"`)) {
		t.json(event)
	}
	if t.usage == nil && bytes.Contains(event, []byte("invocationMetrics")) {
		t.addMetrics(event)
	}
}

// addMetrics takes the counts that Amazon adds to the last event of every vendor.
func (t *tap) addMetrics(event []byte) {
	v, err := rawjson.Check(event)
	if err != nil {
		return
	}
	m := v.Get("amazon-bedrock-invocationMetrics")
	if in, ok := m.Get("inputTokenCount").Int(); ok {
		out, _ := m.Get("outputTokenCount").Int()
		t.usage = &llm.Usage{Input: in, Output: out}
	}
}

// addConverse takes the usage of Converse; as with Anthropic, what is cached is counted
// beside the input tokens.
func (t *tap) addConverse(v rawjson.Value) {
	in, ok := v.Get("inputTokens").Int()
	if !ok {
		return
	}
	u := &llm.Usage{Input: in}
	u.Output, _ = v.Get("outputTokens").Int()
	u.CacheRead, _ = v.Get("cacheReadInputTokens").Int()
	u.CacheWrite5m, _ = v.Get("cacheWriteInputTokens").Int()
	u.Input += u.CacheRead + u.CacheWrite5m
	t.usage = u
}
