package anthropic

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// block appends the part or parts of a block of a user message or tool result.
func (x *expander) block(parts []llm.Part, b rawjson.Value) []llm.Part {
	cache := b.Get("cache_control")
	switch kind := b.Get("type").Text(); kind {
	case "text":
		return appendText(parts, b.Get("text").Text(), cache)
	case "image":
		if m := sourceMedia(b.Get("source")); m != nil {
			return append(parts, llm.Part{Kind: llm.PartImage, Media: m, CacheControl: cacheControl(cache)})
		}
	case "document":
		return x.document(parts, b)
	case "search_result":
		return appendText(parts, searchResult(b), cache)
	case "tool_reference":
		return appendText(parts, "Tool found: "+b.Get("tool_name").Text(), cache)
	case "thinking", "redacted_thinking":
		x.drop("thinking of a user message", "it belongs to the assistant")
		return parts
	}
	// What no other provider knows may still be readable.
	if s := b.Get("text").Text(); s != "" {
		return appendText(parts, s, cache)
	}
	x.drop("content block of type "+b.Get("type").Text(), "other providers do not know it")
	return parts
}

// sourceMedia reads the source of an image or document, nil when it has none.
func sourceMedia(src rawjson.Value) *llm.Media {
	switch src.Get("type").Text() {
	case "base64":
		return &llm.Media{MIME: src.Get("media_type").Text(), Data: src.Get("data").Text()}
	case "url":
		return &llm.Media{URL: src.Get("url").Text()}
	case "file":
		return &llm.Media{FileID: src.Get("file_id").Text()}
	}
	return nil
}

// document reads a document: text goes in as text, everything else as a file.
func (x *expander) document(parts []llm.Part, b rawjson.Value) []llm.Part {
	src, cache, title := b.Get("source"), b.Get("cache_control"), b.Get("title").Text()
	if note := b.Get("context").Text(); note != "" {
		parts = appendText(parts, note, nil)
	}
	switch src.Get("type").Text() {
	case "text":
		return appendText(parts, titled(title, src.Get("data").Text()), cache)
	case "content":
		content := src.Get("content")
		if s, ok := content.Str(); ok {
			return appendText(parts, titled(title, s), cache)
		}
		for _, inner := range content.Elems() {
			parts = x.block(parts, inner)
		}
		return parts
	}
	m := sourceMedia(src)
	if m == nil {
		x.drop("document", "it has no source that other providers can read")
		return parts
	}
	if m.MIME == "" && m.FileID == "" {
		m.MIME = "application/pdf" // the only kind of document that Anthropic reads from an address
	}
	if m.Name = title; m.Name == "" {
		m.Name = "document.pdf"
	}
	return append(parts, llm.Part{Kind: llm.PartFile, Media: m, CacheControl: cacheControl(cache)})
}

func titled(title, text string) string {
	if title == "" {
		return text
	}
	return title + "\n\n" + text
}

// searchResult writes a search result as text.
func searchResult(b rawjson.Value) string {
	var out strings.Builder
	out.WriteString(b.Get("title").Text())
	if src := b.Get("source").Text(); src != "" {
		out.WriteString(" (" + src + ")")
	}
	for _, c := range b.Get("content").Elems() {
		out.WriteString("\n" + c.Get("text").Text())
	}
	return strings.TrimSpace(out.String())
}
