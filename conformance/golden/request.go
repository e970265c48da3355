package golden

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// format is the wire format of an upstream call, told by its path.
type format int

const (
	otherFormat format = iota
	openaiFormat
	anthropicFormat
	geminiFormat
	responsesFormat
)

var geminiMethod = regexp.MustCompile(`:(generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents|predict)$`)

func formatOf(path string) format {
	p, _, _ := strings.Cut(path, "?")
	switch {
	case geminiMethod.MatchString(p):
		return geminiFormat
	case strings.HasSuffix(p, "/chat/completions"):
		return openaiFormat
	case strings.HasSuffix(p, "/messages"), strings.HasSuffix(p, "/messages/count_tokens"):
		return anthropicFormat
	case strings.HasSuffix(p, "/responses"):
		return responsesFormat
	}
	return otherFormat
}

// canonicalPath sorts the query; its escapes do not matter.
func canonicalPath(path string) string {
	p, q, _ := strings.Cut(path, "?")
	if q == "" {
		return p
	}
	var pairs []string
	values, err := url.ParseQuery(q)
	if err != nil {
		return path
	}
	for k, vs := range values {
		for _, v := range vs {
			pairs = append(pairs, k+"="+v)
		}
	}
	slices.Sort(pairs)
	return p + "?" + strings.Join(pairs, "&")
}

// canonicalCall is an upstream call in comparable form.
type canonicalCall struct {
	method, path string
	credentials  map[string]string // lower-case header → value
	betas        []string          // anthropic-beta
	headers      object            // other headers that count
	body         any
	sent         Call // as it came
}

var (
	credentialHeaders = []string{"authorization", "x-api-key", "x-goog-api-key", "api-key"}
	comparedHeaders   = []string{"x-extra", "x-my-header", "openai-organization"}
)

func canonicalRequest(c Call) canonicalCall {
	h := lowerKeys(c.Headers)
	out := canonicalCall{
		method: c.Method, path: canonicalPath(c.Path), sent: c,
		credentials: map[string]string{}, headers: object{}, body: canonicalBody(formatOf(c.Path), c.Path, c.Body),
	}
	for _, k := range credentialHeaders {
		if v, ok := h[k]; ok {
			out.credentials[k] = v
		}
	}
	for _, k := range comparedHeaders {
		if v, ok := h[k]; ok {
			out.headers[k] = v
		}
	}
	if v, ok := h["anthropic-version"]; ok && formatOf(c.Path) == anthropicFormat {
		out.headers["anthropic-version"] = v
	}
	out.betas = commaList(h["anthropic-beta"])
	return out
}

func lowerKeys(h map[string]string) map[string]string {
	out := make(map[string]string, len(h))
	for k, v := range h {
		out[strings.ToLower(k)] = v
	}
	return out
}

func commaList(s string) []string {
	var out []string
	for x := range strings.SplitSeq(s, ",") {
		if x = strings.TrimSpace(x); x != "" {
			out = append(out, x)
		}
	}
	slices.Sort(out)
	return out
}

func canonicalBody(f format, path string, raw []byte) any {
	b := tree(raw)
	if b == nil || b == "" {
		return nil
	}
	switch f {
	case geminiFormat:
		return canonicalGemini(b)
	case openaiFormat:
		return canonicalOpenAI(b, strings.Contains(path, "/beta/") || strings.Contains(path, "deepseek"))
	case anthropicFormat:
		return canonicalAnthropic(b)
	case responsesFormat:
		return canonicalResponses(b)
	}
	if s, ok := b.(string); ok {
		return formFields(s)
	}
	return prune(b)
}

var formField = regexp.MustCompile(`(?s)name="([^"]+)"(?:; filename="[^"]*")?[^\r]*(?:\r\nContent-Type: [^\r]*)?\r\n(?:[^\r]+\r\n)*\r\n(.*?)\r\n--`)

// formFields lists the fields of a multipart body, whatever its boundary; another text stays as it is.
func formFields(body string) any {
	var fields []string
	for _, m := range formField.FindAllStringSubmatch(body, -1) {
		fields = append(fields, m[1]+"="+m[2])
	}
	if fields == nil {
		return body
	}
	slices.Sort(fields)
	return strings.Join(fields, "\n")
}

// textBlocks makes a string and a list of text blocks the same, without empty ones.
func textBlocks(content any) any {
	switch c := content.(type) {
	case nil:
		return []any{}
	case string:
		if c == "" {
			return []any{}
		}
		return []any{object{"type": "text", "text": c}}
	case []any:
		return slices.DeleteFunc(slices.Clone(c), emptyTextBlock)
	}
	return content
}

func emptyTextBlock(block any) bool {
	switch get(block, "type") {
	case "text", "input_text", "output_text":
		return get(block, "text") == ""
	}
	return false
}

// diffRequests compares the upstream calls of a case.
func diffRequests(want, got []canonicalCall, unordered bool) []Difference {
	if unordered {
		want, got = sortedCalls(want), sortedCalls(got)
	}
	var out []Difference
	if len(want) != len(got) {
		out = append(out, Difference{"/upstream/length", callNames(want), callNames(got)})
	}
	for i := range min(len(want), len(got)) {
		out = append(out, diffCall(want[i], got[i], upstreamPointer(i))...)
	}
	return out
}

func sortedCalls(calls []canonicalCall) []canonicalCall {
	key := func(c canonicalCall) string { return c.path + " " + dump(c.body) }
	return slices.SortedFunc(slices.Values(calls), func(a, b canonicalCall) int { return strings.Compare(key(a), key(b)) })
}

func callNames(calls []canonicalCall) any {
	out := make([]any, len(calls))
	for i, c := range calls {
		out[i] = c.method + " " + c.path
	}
	return out
}

func diffCall(want, got canonicalCall, at string) []Difference {
	out := diffCredentials(want.credentials, got.credentials, at+"/auth")
	for _, beta := range want.betas {
		if !slices.Contains(got.betas, beta) {
			out = append(out, Difference{at + "/anthropic-beta", want.betas, got.betas})
			break
		}
	}
	out = append(out, diff(want.method, got.method, at+"/method")...)
	out = append(out, diff(want.path, got.path, at+"/path")...)
	out = append(out, diffObjects(want.headers, got.headers, at)...)
	return append(out, diff(want.body, got.body, at+"/body")...)
}

// diffCredentials wants the right key in one of the recorded headers and no other credential anywhere.
func diffCredentials(want, got map[string]string, at string) []Difference {
	var out []Difference
	if len(want) > 0 && !shareKey(want, got) {
		out = append(out, Difference{at, credentialObject(want), credentialObject(got)})
	}
	var keys []string
	for _, v := range want {
		keys = append(keys, withoutBearer(v))
	}
	for h, v := range got {
		if !slices.Contains(keys, withoutBearer(v)) && (len(keys) > 0 || v != "") {
			out = append(out, Difference{at + "/" + h, "(no other credential may go upstream)", v})
		}
	}
	return out
}

func shareKey(a, b map[string]string) bool {
	for k := range a {
		if _, ok := b[k]; ok {
			return true
		}
	}
	return false
}

func credentialObject(m map[string]string) any {
	o := object{}
	for k, v := range m {
		o[k] = v
	}
	return o
}

func withoutBearer(v string) string {
	if len(v) >= 7 && strings.EqualFold(v[:7], "bearer ") {
		return v[7:]
	}
	return v
}
