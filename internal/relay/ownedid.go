package relay

import (
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// Files, batches, fine-tuning jobs and vector stores live at one deployment. Their
// ids remember which: the kind of the upstream's id, then base64 of the mark, the
// deployment's id and the upstream's id.

// ownedMark begins what is encoded; its version allows for another form later.
const ownedMark = "fl1;"

// ownedKinds are the beginnings of OpenAI's ids of things that are owned.
var ownedKinds = regexp.MustCompile(`^(?:file|batch|ftjob|vs|vsfb)[-_]`)

// ownedID writes an id that remembers its deployment. One of another kind stays.
func ownedID(deployment, id string) string {
	kind := ownedKinds.FindString(id)
	if kind == "" || len(id) > maxOwnedID || strings.Contains(id, ";") {
		return id
	}
	if _, _, ok := readOwnedID(id); ok {
		return id
	}
	return kind + base64.RawURLEncoding.EncodeToString([]byte(ownedMark+deployment+";"+id))
}

// maxOwnedID bounds ids that are looked into.
const maxOwnedID = 1024

// readOwnedID finds the deployment and the upstream's id in an id of ours.
func readOwnedID(id string) (deployment, original string, ok bool) {
	kind := ownedKinds.FindString(id)
	if kind == "" || len(id) > maxOwnedID {
		return "", "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(id[len(kind):])
	if err != nil {
		return "", "", false
	}
	rest, ok := strings.CutPrefix(string(raw), ownedMark)
	if !ok {
		return "", "", false
	}
	i := strings.LastIndexByte(rest, ';') // an operator's id may hold one
	if i < 0 {
		return "", "", false
	}
	deployment, original = rest[:i], rest[i+1:]
	return deployment, original, ownedKinds.MatchString(original) && !strings.ContainsAny(original, "/?#\\.%")
}

// ownedKeys are the members of OpenAI's objects that hold such ids.
var ownedKeys = map[string]bool{
	"id": true, "file_id": true, "file_ids": true, "input_file_id": true, "output_file_id": true, "error_file_id": true,
	"training_file": true, "validation_file": true, "result_files": true, "vector_store_id": true, "batch_id": true,
	"first_id": true, "last_id": true,
}

// withOwnedIDs rewrites the ids in an answer.
func withOwnedIDs(dst []byte, v rawjson.Value, deployment string) []byte {
	return mapStrings(dst, v, "", func(key, s string) string {
		if !ownedKeys[key] {
			return s
		}
		return ownedID(deployment, s)
	})
}

// mapStrings appends v with every text passed through f, which is told the member
// that the text stands in.
func mapStrings(dst []byte, v rawjson.Value, key string, f func(key, s string) string) []byte {
	switch v.Kind() {
	case '{':
		dst = append(dst, '{')
		for k, m := range v.Members() {
			dst = mapStrings(rawjson.AppendKey(dst, k), m, k, f)
		}
		return append(dst, '}')
	case '[':
		dst = append(dst, '[')
		for _, e := range v.Elems() {
			dst = mapStrings(rawjson.AppendComma(dst), e, key, f)
		}
		return append(dst, ']')
	case '"':
		s := v.Text()
		if mapped := f(key, s); mapped != s {
			return rawjson.AppendString(dst, mapped)
		}
	}
	return append(dst, v...)
}
