// Package tokens estimates how many tokens a text or a request has, where no
// provider counts them. It is a rule by script and word length, not a tokenizer:
// the vocabularies of real ones would add megabytes to the binary and to idle
// memory, and each fits one family of models only. On English, code and Chinese the
// estimate stays within about a fifth of what providers count.
package tokens

import (
	"unicode/utf8"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// What has no text to count. Sources: the providers' documentation of images
// (Anthropic: at most about 1,600, OpenAI: 765 for a high-detail tile grid of
// 1,024 pixels) and of the turns of a conversation.
const (
	perMessage = 4
	perImage   = 1200
	perPage    = 2000
	// mediaBytesPerPage is a rough size of a page in base64.
	mediaBytesPerPage = 64 << 10
)

// Text estimates the tokens of a text.
func Text(s string) int64 {
	var e Estimator
	e.Add(s)
	return e.Tokens()
}

// lettersPerToken is how many letters of a word go into a token after its first.
const lettersPerToken = 6

// Estimator counts a text that arrives in pieces. The zero value is ready.
type Estimator struct {
	n    int64
	run  int // letters of the word so far
	wide int // bytes of characters outside ASCII so far
}

// Add counts one more piece: a word is a token, every sixth letter more in it
// another, as is a mark of punctuation, and three bytes of a script outside ASCII.
func (e *Estimator) Add(text string) {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= utf8.RuneSelf:
			e.run = 0
			if e.wide%3 == 0 {
				e.n++
			}
			e.wide++
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
			if e.run%lettersPerToken == 0 {
				e.n++
			}
			e.run, e.wide = e.run+1, 0
		default:
			e.run, e.wide = 0, 0
			if c > ' ' {
				e.n++
			}
		}
	}
}

// Tokens is the estimate so far.
func (e *Estimator) Tokens() int64 { return e.n }

// Request estimates the input tokens of an expanded request: its messages, its
// tools and what frames them.
func Request(req *llm.Request) int64 {
	var e Estimator
	total := int64(0)
	for i := range req.Messages {
		total += perMessage + parts(&e, req.Messages[i].Parts)
		e.Add(" ")
	}
	for i := range req.Tools {
		t := &req.Tools[i]
		e.Add(t.Name)
		e.Add(" ")
		e.Add(t.Description)
		e.Add(string(t.Parameters))
		e.Add(" ")
		total += perMessage
	}
	return total + e.Tokens()
}

// parts adds the texts to e and returns the tokens of what is no text.
func parts(e *Estimator, list []llm.Part) (other int64) {
	for i := range list {
		p := &list[i]
		e.Add(p.Text)
		if p.Call != nil {
			e.Add(" ")
			e.Add(p.Call.Name)
			e.Add(p.Call.Arguments)
		}
		if p.Result != nil {
			other += parts(e, p.Result.Parts)
		}
		if p.Media != nil {
			other += media(p)
		}
	}
	return other
}

func media(p *llm.Part) int64 {
	if p.Kind == llm.PartImage {
		return perImage
	}
	return perPage * int64(1+len(p.Media.Data)/mediaBytesPerPage)
}

// bytesPerToken is the mean over English prose and code.
const bytesPerToken = 4

// Rough estimates the input tokens by the length of the texts alone. It costs
// nothing, and is for numbers that a better one replaces soon.
func Rough(req *llm.Request) int64 {
	n := 0
	for i := range req.Messages {
		n += length(req.Messages[i].Parts)
	}
	for i := range req.Tools {
		n += len(req.Tools[i].Description) + len(req.Tools[i].Parameters)
	}
	return int64(n/bytesPerToken + 1)
}

func length(list []llm.Part) (n int) {
	for i := range list {
		p := &list[i]
		n += len(p.Text)
		if p.Call != nil {
			n += len(p.Call.Arguments)
		}
		if p.Result != nil {
			n += length(p.Result.Parts)
		}
	}
	return n
}
