package reasoning

import (
	"crypto/sha256"
	"hash"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// Key names a turn. It is a hash over the tenant and what identifies the turn,
// so it tells nothing and never matches across tenants.
type Key [sha256.Size]byte

func key(fields ...string) Key {
	h := sha256.New()
	for _, f := range fields {
		addField(h, f)
	}
	return Key(h.Sum(nil))
}

// addField writes a field with its length, so that no two lists of fields hash alike.
func addField(h hash.Hash, f string) {
	var n [20]byte
	h.Write(append(strconv.AppendInt(n[:0], int64(len(f)), 10), ':'))
	h.Write([]byte(f))
}

func idKey(tenant, id string) Key { return key(tenant, "id", id) }

func callKey(tenant, name, args string) Key { return key(tenant, "call", name, args) }

func callAfterKey(tenant, name, args, after string) Key {
	return key(tenant, "call-after", name, args, after)
}

func textKey(tenant, text string) Key { return key(tenant, "text", text) }

// canonical writes arguments in the canonical form of JSON (RFC 8785), so that
// a client which decodes and encodes them again still finds its turn.
func canonical(args string) string {
	if args == "" {
		return "{}"
	}
	v := jsontext.Value(args)
	if v.Canonicalize() != nil {
		return args
	}
	return string(v)
}

// fingerprint identifies the message before an answer by its role and text.
func fingerprint(messages []llm.Message) string {
	if len(messages) == 0 {
		return ""
	}
	m := &messages[len(messages)-1]
	h := sha256.New()
	addField(h, string(m.Role))
	for i := range m.Parts {
		p := &m.Parts[i]
		switch {
		case p.Result != nil:
			addField(h, p.Result.Text())
		case p.Kind == llm.PartText:
			addField(h, p.Text)
		}
	}
	return string(h.Sum(nil))
}
