package golden

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Script plays the upstream of one vector: it gives the recorded answers, each once and in order per path, and keeps
// what it was asked. It is for one goroutine at a time.
type Script struct {
	vector *Vector
	rules  []Rule
	used   map[int]bool
	calls  []Call
}

// NewScript starts the script of v; rules are all rules of better.jsonl, some of which choose another answer.
func NewScript(v *Vector, rules []Rule) *Script {
	return &Script{vector: v, rules: rulesFor(v.Case, rules), used: map[int]bool{}}
}

// Calls returns what the upstream was asked, in order.
func (s *Script) Calls() []Call { return s.calls }

// Answer takes one upstream call and says what to reply.
func (s *Script) Answer(c Call) Reply {
	if c.Method == "GET" && strings.HasSuffix(c.Path, "/models") && !s.expectsGet() {
		return Reply{Status: 200, Body: json.RawMessage(`{"object":"list","data":[]}`)} // a probe of the gateway's own
	}
	s.calls = append(s.calls, c)
	for _, r := range s.rules {
		if reply := s.byRule(r, c); reply != nil {
			return *reply
		}
	}
	for path, reply := range s.vector.RepliesByPath {
		if canonicalPath(path) == canonicalPath(c.Path) {
			return *reply
		}
	}
	return s.recorded(c)
}

func (s *Script) expectsGet() bool {
	for _, u := range s.vector.Upstream {
		if u.Request.Method == "GET" {
			return true
		}
	}
	return false
}

func (s *Script) byRule(r Rule, c Call) *Reply {
	switch r.Name {
	case "alt":
		return s.vector.betterReply(r, c)
	case "via_chat":
		return s.vector.chatReply(c)
	case "count_tokens":
		return s.vector.countReply(c)
	}
	return nil
}

// recorded picks the next unused answer to the same call, else the last one to it, else, where all calls of the
// vector go to one path, simply the next.
func (s *Script) recorded(c Call) Reply {
	at := -1
	onePath := true
	for i, u := range s.vector.Upstream {
		onePath = onePath && canonicalPath(u.Request.Path) == canonicalPath(s.vector.Upstream[0].Request.Path)
		if u.Request.Method == c.Method && canonicalPath(u.Request.Path) == canonicalPath(c.Path) {
			at = i
			if !s.used[i] {
				break
			}
		}
	}
	if at < 0 && onePath && len(s.vector.Upstream) > 0 {
		at = s.nextUnused()
	}
	if at < 0 {
		return nothingRecorded(c)
	}
	s.used[at] = true
	return s.vector.Upstream[at].Response
}

func (s *Script) nextUnused() int {
	for i := range s.vector.Upstream {
		if !s.used[i] {
			return i
		}
	}
	return len(s.vector.Upstream) - 1
}

func nothingRecorded(c Call) Reply {
	body := object{"error": object{"message": fmt.Sprintf("replay: nothing recorded for %s %s in this case", c.Method, c.Path), "type": "replay", "param": nil, "code": nil}}
	return Reply{Status: 500, Body: json.RawMessage(dump(body))}
}

// betterReply answers a request that is better than LiteLLM's.
func (v *Vector) betterReply(r Rule, c Call) *Reply {
	if v.Better == nil || unmet(v, c, r.Args.Must) != "" {
		return nil
	}
	if len(v.Upstream) > 0 && r.Args.Legacy && !v.betterOnly {
		return nil
	}
	if formatOf(c.Path) == openaiFormat && !isChatReply(*v.Better) {
		reply := chatFrom(*v.Better)
		return &reply
	}
	return v.Better
}

func isChatReply(r Reply) bool {
	b := tree(r.Body)
	text, isText := b.(string)
	if !isText && obj(b) == nil {
		return true // nothing to translate
	}
	return obj(b)["choices"] != nil || strings.Contains(text, "chat.completion")
}

func (e *evaluation) playedBetter(rules []Rule) bool {
	if len(e.got) == 0 {
		return false
	}
	for _, r := range rules {
		if r.Name == "alt" && e.vector.betterReply(r, e.got[len(e.got)-1]) != nil {
			return true
		}
	}
	return false
}

// countReply counts tokens where LiteLLM asked a path that does not exist.
func (v *Vector) countReply(c Call) *Reply {
	p, _, _ := strings.Cut(c.Path, "?")
	if !strings.HasSuffix(p, ":countTokens") || strings.Contains(p, "/v1beta/v1") {
		return nil
	}
	for _, u := range v.Upstream {
		if u.Response.Status != 404 {
			return nil
		}
	}
	return &Reply{Status: 200, Body: json.RawMessage(`{"totalTokens":7,"promptTokensDetails":[{"modality":"TEXT","tokenCount":7}]}`)}
}
