package gemini

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/signature"
)

// modelBuilder collects the parts of one message of the model. SDKs replay a stream
// as it came, a content for every chunk and a part for every piece: texts and
// thoughts are put together again, up to the part that has the signature.
type modelBuilder struct {
	turn  int // of the message among the model's
	parts []llm.Part
	calls []*llm.ToolCall
	// piece is the text that is open, of the kind open; 0 when none is.
	piece strings.Builder
	open  llm.PartKind
}

// part adds one part; known is false for what no other format can have.
func (b *modelBuilder) part(at spot, p *clientPart) (known bool, err error) {
	switch {
	case p.call != nil:
		return true, b.call(at, p)
	case p.code != nil:
		b.say(llm.PartText, "```"+strings.ToLower(member(p.code, "language").Text())+"\n"+member(p.code, "code").Text()+"\n```\n", nil)
		return true, nil
	case p.output != nil:
		b.say(llm.PartText, "```\n"+member(p.output, "output").Text()+"\n```\n", nil)
		return true, nil
	}
	st := readCarrier(p.sig.Text())
	if p.inline != nil || p.file != nil {
		b.close(nil)
		part, _ := p.plain()
		part.State = st
		b.parts = append(b.parts, part)
		return true, nil
	}
	text := p.text.Text()
	switch {
	case p.thought:
		b.say(llm.PartThinking, text, st)
	case p.text == nil:
		return false, nil
	case text == "" && st != nil:
		b.lateSignature(st)
	case text != "":
		b.say(llm.PartText, text, st)
	}
	return true, nil
}

// say adds a piece. A signature closes a thought; a signed text stays alone (§2.8
// G7).
func (b *modelBuilder) say(kind llm.PartKind, text string, st *llm.State) {
	if b.open != kind || (kind == llm.PartText && st != nil) {
		b.close(nil)
	}
	b.open = kind
	b.piece.WriteString(text)
	if st != nil {
		b.close(st)
	}
}

// close ends the piece that is open.
func (b *modelBuilder) close(st *llm.State) {
	if b.open != 0 && (b.piece.Len() > 0 || st != nil) {
		b.parts = append(b.parts, llm.Part{Kind: b.open, Text: b.piece.String(), State: st})
	}
	b.open = 0
	b.piece.Reset()
}

// lateSignature files a signature that came in an empty text part (§2.8 G9).
func (b *modelBuilder) lateSignature(st *llm.State) {
	for i := range b.parts {
		if p := &b.parts[i]; p.Kind == llm.PartToolCall {
			if p.State == nil {
				p.State = st
			}
			return
		}
	}
	if b.open != llm.PartText {
		b.close(nil)
		b.open = llm.PartText
	}
	b.close(st)
}

func (b *modelBuilder) call(at spot, p *clientPart) error {
	if p.call.Kind() != '{' {
		return isKind(at.String()+".functionCall", p.call, "{")
	}
	call := &llm.ToolCall{Arguments: "{}"}
	inID := ""
	for name, m := range members(p.call) {
		switch name {
		case "id":
			call.ID, inID = signature.Split(m.Text())
		case "name":
			call.Name = m.Text()
		case "args":
			if m.Kind() != '{' {
				return isKind(at.String()+".functionCall.args", m, "{")
			}
			call.Arguments = string(m)
		}
	}
	if call.Name == "" {
		place := at.String() + ".functionCall"
		return badRequest(place+".name", "Invalid value at '"+place+".name': a function call needs the name of its function.")
	}
	if call.ID == "" {
		call.ID = mintID("contents", call.Name, b.turn, len(b.calls))
	}
	st := readCarrier(p.sig.Text())
	if st == nil {
		st = readCarrier(inID)
	}
	b.close(nil)
	b.calls = append(b.calls, call)
	b.parts = append(b.parts, llm.Part{Kind: llm.PartToolCall, Call: call, State: st})
	return nil
}
