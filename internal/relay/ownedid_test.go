package relay

import (
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

func TestIDsRememberTheirDeploymentAndOnlyOnce(t *testing.T) {
	for _, id := range []string{"file-abc", "batch_12", "ftjob-x", "vs_1", "file_new"} {
		ours := ownedID("dep;1", id)
		if ours == id || ownedID("other", ours) != ours {
			t.Errorf("%s became %s", id, ours)
		}
	}
	for _, id := range []string{"", "asst_1", "call_1", "ft:gpt-4o:x", "fileabc"} {
		if got := ownedID("dep", id); got != id {
			t.Errorf("%s became %s", id, got)
		}
	}
	deployment, original, ok := readOwnedID(ownedID("dep-1", "file-abc"))
	if !ok || deployment != "dep-1" || original != "file-abc" {
		t.Errorf("%s %s %v", deployment, original, ok)
	}
}

func TestOnlyIDsChangeInAnAnswer(t *testing.T) {
	in := rawjson.Value(`{"id":"file-a","filename":"file-a","n":12345678901234567890,"result_files":["file-b"],"metadata":{"id2":"file-a"},"data":[{"file_id":null}]}`)
	want := `{"id":"` + ownedID("d", "file-a") + `","filename":"file-a","n":12345678901234567890,"result_files":["` + ownedID("d", "file-b") + `"],"metadata":{"id2":"file-a"},"data":[{"file_id":null}]}`
	if got := string(withOwnedIDs(nil, in, "d")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func FuzzOwnedIDsLeadNowhereElse(f *testing.F) {
	f.Add("file-ZmwxO2RlcDtmaWxlLWFiYw")
	f.Add(ownedID("d", "file-../../x"))
	f.Fuzz(func(t *testing.T, id string) {
		_, original, ok := readOwnedID(id)
		if !ok {
			return
		}
		for i := range original {
			switch original[i] {
			case '/', '?', '#', '\\', '.', '%':
				t.Fatalf("%q reads as %q", id, original)
			}
		}
	})
}

func TestVersionOfABaseIsCutOff(t *testing.T) {
	for base, want := range map[string][2]string{
		"https://api.openai.com/v1":                 {"https://api.openai.com", "/v1"},
		"https://api.cohere.com/compatibility/v1":   {"https://api.cohere.com", ""},
		"https://api.deepseek.com/beta":             {"https://api.deepseek.com", ""},
		"https://generativelanguage.example/v1beta": {"https://generativelanguage.example", "/v1beta"},
		"http://127.0.0.1:9":                        {"http://127.0.0.1:9", ""},
		"https://proxy.example/openai":              {"https://proxy.example/openai", ""},
	} {
		if root, version := cutVersion(base); root != want[0] || version != want[1] {
			t.Errorf("%s: %q %q", base, root, version)
		}
	}
}

func TestTapReadsUsageHoweverAStreamIsCut(t *testing.T) {
	const stream = "event: message_start\r\ndata: {\"message\":{\"model\":\"claude\",\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":7,\"output_tokens\":1}}}\r\n\r\ndata: {\"usage\":{\"output_tokens\":9}}\n\n"
	for at := range len(stream) {
		tp := &tap{events: true}
		tp.write([]byte(stream[:at]))
		tp.write([]byte(stream[at:]))
		tp.end()
		if tp.usage == nil || tp.usage.Input != 12 || tp.usage.CacheRead != 7 || tp.usage.Output != 9 || tp.model != "claude" {
			t.Fatalf("cut at %d: %+v %q", at, tp.usage, tp.model)
		}
	}
}
