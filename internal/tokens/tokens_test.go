package tokens

import (
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

func TestEstimateDoesNotDependOnThePieces(t *testing.T) {
	const s = "Let me think about it. Übermäßig 漢字 internationalization!"
	var whole, pieces Estimator
	whole.Add(s)
	for i := range len(s) {
		pieces.Add(s[i : i+1])
	}
	if whole.Tokens() != pieces.Tokens() || whole.Tokens() < 10 {
		t.Errorf("%d and %d", whole.Tokens(), pieces.Tokens())
	}
}

func TestEstimateIsNearWhatTokenizersCount(t *testing.T) {
	// The counts are those of OpenAI's o200k vocabulary, from its documentation and
	// published examples.
	for text, tokens := range map[string]int64{
		"tiktoken is great!":           6,
		"antidisestablishmentarianism": 6,
		"2 + 2 = 4":                    7,
		"お誕生日おめでとう":                    9,
	} {
		if got := Text(text); got < tokens*6/10 || got > tokens*15/10 {
			t.Errorf("%q: estimated %d, counted %d", text, got, tokens)
		}
	}
}

func TestRequestCountsMessagesToolsResultsAndMedia(t *testing.T) {
	req := &llm.Request{Messages: []llm.Message{
		{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartText, Text: "one two three four"}}},
	}}
	words := Request(req)
	req.Messages = append(req.Messages, llm.Message{Role: llm.Assistant, Parts: []llm.Part{
		{Kind: llm.PartToolCall, Call: &llm.ToolCall{Name: "look", Arguments: `{"at":"sky"}`}},
	}})
	call := Request(req)
	req.Messages = append(req.Messages, llm.Message{Role: llm.Tool, Parts: []llm.Part{
		{Kind: llm.PartToolResult, Result: &llm.ToolResult{Parts: []llm.Part{
			{Kind: llm.PartText, Text: "blue"}, {Kind: llm.PartImage, Media: &llm.Media{Data: "aGk="}},
		}}},
	}})
	result := Request(req)
	req.Tools = []llm.ToolDef{{Name: "look", Description: "Looks up.", Parameters: []byte(`{"type":"object"}`)}}
	if tools := Request(req); words < 4 || call <= words || result < call+perImage || tools <= result {
		t.Errorf("%d words, %d with a call, %d with its result, %d with tools", words, call, result, tools)
	}
	file := &llm.Request{Messages: []llm.Message{{Parts: []llm.Part{
		{Kind: llm.PartFile, Media: &llm.Media{Data: strings.Repeat("a", 4*mediaBytesPerPage)}},
	}}}}
	if n := Request(file); n < 4*perPage {
		t.Errorf("a long file counts %d", n)
	}
}

func TestRoughEstimateGrowsWithTheTexts(t *testing.T) {
	req := &llm.Request{
		Messages: []llm.Message{{Parts: []llm.Part{
			{Kind: llm.PartText, Text: strings.Repeat("word", 100)},
			{Kind: llm.PartToolResult, Result: &llm.ToolResult{Parts: []llm.Part{{Kind: llm.PartText, Text: strings.Repeat("word", 50)}}}},
			{Kind: llm.PartToolCall, Call: &llm.ToolCall{Arguments: strings.Repeat("word", 50)}},
		}}},
		Tools: []llm.ToolDef{{Description: strings.Repeat("word", 10)}},
	}
	if got := Rough(req); got != 211 {
		t.Errorf("Rough = %d", got)
	}
}
