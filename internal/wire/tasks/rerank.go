package tasks

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/tokens"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// escapeModel writes a model's name as part of a path; its slashes stay.
func escapeModel(name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// inputTokens estimates the texts of input, where the vendor does not count.
func inputTokens(req *llm.Request) int64 {
	in := req.Param("input")
	if in.Kind() != '[' {
		return tokens.Text(in.Text())
	}
	var n int64
	for _, v := range in.Elems() {
		n += tokens.Text(v.Text())
	}
	return n
}

// rerankParams are Cohere's parameters, which clients of the gateway use.
var rerankParams = []string{"top_n", "return_documents", "rank_fields", "max_chunks_per_doc", "max_tokens_per_doc", "user"}

// documents reads the documents as texts: a document may be an object with a text.
func documents(f *fields) ([]rawjson.Value, error) {
	list := f.take("documents")
	if list.Kind() != '[' || list.Len() == 0 {
		return nil, llm.BadRequest("documents", "'documents' must be a list of texts that is not empty.")
	}
	var out []rawjson.Value
	for i, v := range list.Elems() {
		text := v
		if v.Kind() == '{' {
			if text = v.Get("text"); text == nil {
				text = rawjson.String(string(v))
			}
		}
		if text.Kind() != '"' {
			return nil, llm.BadRequest("documents", fmt.Sprintf("documents[%d] is neither a text nor an object with a text.", i))
		}
		out = append(out, text)
	}
	return out, nil
}

// rerankRequest writes the members that every vendor has, the limit under its name.
func rerankRequest(f *fields, topN string) ([]byte, error) {
	query := f.take("query")
	if query.Kind() != '"' {
		return nil, llm.BadRequest("query", "'query' must be a text.")
	}
	docs, err := documents(f)
	if err != nil {
		return nil, err
	}
	body := rawjson.AppendStringMember([]byte{'{'}, "model", f.t.Model)
	body = rawjson.AppendMember(body, "query", query)
	body = rawjson.AppendMember(body, "documents", list(docs))
	body = rawjson.AppendMember(body, topN, f.take("top_n"))
	f.take("return_documents") // the gateway has them and puts them in itself
	return body, nil
}

// rerankAnswer writes Cohere's answer from a list of results.
func rerankAnswer(c *wire.Call, id string, results rawjson.Value, u *llm.Usage, searches int64) []byte {
	docs := c.Request.Param("documents")
	var given []rawjson.Value
	if c.Request.Param("return_documents").True() {
		for _, d := range docs.Elems() {
			given = append(given, d)
		}
	}
	out := rawjson.AppendStringMember([]byte{'{'}, "id", id)
	out = append(rawjson.AppendKey(out, "results"), '[')
	for _, r := range results.Elems() {
		out = append(rawjson.AppendComma(out), '{')
		out = rawjson.AppendMember(out, "index", r.Get("index"))
		out = rawjson.AppendMember(out, "relevance_score", r.Get("relevance_score"))
		if i, ok := r.Get("index").Int(); ok && i >= 0 && i < int64(len(given)) {
			out = rawjson.AppendMember(out, "document", asDocument(given[i]))
		}
		out = append(out, '}')
	}
	out = append(rawjson.AppendKey(append(out, ']'), "meta"), `{"billed_units":{`...)
	if searches > 0 {
		out = rawjson.AppendIntMember(out, "search_units", searches)
	} else if u != nil {
		out = rawjson.AppendIntMember(out, "total_tokens", u.Input)
	}
	out = append(out, '}')
	if u != nil {
		out = append(rawjson.AppendKey(out, "tokens"), '{')
		out = append(rawjson.AppendIntMember(out, "input_tokens", u.Input), '}')
	}
	return append(out, "}}"...)
}

func asDocument(d rawjson.Value) rawjson.Value {
	if d.Kind() == '{' {
		return d
	}
	return append(rawjson.AppendMember([]byte{'{'}, "text", d), '}')
}

func cohereRerankRequest(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	f := read(req, t)
	body, err := rerankRequest(f, "top_n")
	if err != nil {
		return nil, err
	}
	body = rawjson.AppendMember(body, "max_tokens_per_doc", f.take("max_tokens_per_doc"))
	if err := f.rest(rerankParams, nil); err != nil {
		return nil, err
	}
	c := f.call(below(t.Base, "/v2/rerank"), append(body, '}'))
	c.Absolute = true
	return c, nil
}

func cohereRerankAnswer(c *wire.Call, body rawjson.Value, a wire.Answer) ([]byte, *llm.Usage, error) {
	if body.Get("results").Kind() != '[' {
		return nil, nil, badAnswer(c, "results")
	}
	searches, _ := body.Path("meta", "billed_units", "search_units").Int()
	return rerankAnswer(c, idOf(body, a), body.Get("results"), nil, searches), nil, nil
}

func idOf(body rawjson.Value, a wire.Answer) string {
	if id := body.Get("id").Text(); id != "" {
		return id
	}
	return "rerank-" + a.CallID
}

func voyageRerankRequest(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	return ownRerank(req, t, "top_k")
}

func jinaRerankRequest(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	return ownRerank(req, t, "top_n")
}

func ownRerank(req *llm.Request, t *wire.Target, topN string) (*wire.Call, error) {
	f := read(req, t)
	body, err := rerankRequest(f, topN)
	if err != nil {
		return nil, err
	}
	err = f.rest(rerankParams, func(name string, v rawjson.Value) { body = rawjson.AppendMember(body, name, v) })
	if err != nil {
		return nil, err
	}
	return f.call("/rerank", append(body, '}')), nil
}

func voyageRerankAnswer(c *wire.Call, body rawjson.Value, a wire.Answer) ([]byte, *llm.Usage, error) {
	return countedRerank(c, body, body.Get("data"), a)
}

func jinaRerankAnswer(c *wire.Call, body rawjson.Value, a wire.Answer) ([]byte, *llm.Usage, error) {
	return countedRerank(c, body, body.Get("results"), a)
}

func countedRerank(c *wire.Call, body, results rawjson.Value, a wire.Answer) ([]byte, *llm.Usage, error) {
	if results.Kind() != '[' {
		return nil, nil, badAnswer(c, "results")
	}
	u := &llm.Usage{}
	u.Input, _ = body.Path("usage", "total_tokens").Int()
	return rerankAnswer(c, idOf(body, a), results, u, 0), u, nil
}
