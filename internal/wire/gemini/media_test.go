package gemini

import (
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

func media(kind llm.PartKind, m llm.Media) llm.Part { return llm.Part{Kind: kind, Media: &m} }

func TestMediaParts(t *testing.T) {
	for _, tc := range []struct {
		part llm.Part
		want string
	}{
		{media(llm.PartImage, llm.Media{MIME: "image/png", Data: "AA=="}), `{"inlineData":{"mimeType":"image/png","data":"AA=="}}`},
		{media(llm.PartImage, llm.Media{URL: "data:image/gif;base64,R0lGOD"}), `{"inlineData":{"mimeType":"image/gif","data":"R0lGOD"}}`},
		{media(llm.PartImage, llm.Media{Data: "iVBORw0KGgoAAA"}), `{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgoAAA"}}`},
		{media(llm.PartAudio, llm.Media{Data: "UklGRg=="}), `{"inlineData":{"mimeType":"audio/wav","data":"UklGRg=="}}`},
		{media(llm.PartImage, llm.Media{Data: "UklGRg=="}), `{"inlineData":{"mimeType":"image/webp","data":"UklGRg=="}}`},
		{media(llm.PartFile, llm.Media{Data: "QUJD", Name: "notes.TXT"}), `{"inlineData":{"mimeType":"text/plain","data":"QUJD"}}`},
		{media(llm.PartFile, llm.Media{URL: "gs://bucket/a.pdf"}), `{"fileData":{"fileUri":"gs://bucket/a.pdf","mimeType":"application/pdf"}}`},
		{media(llm.PartFile, llm.Media{FileID: "files/abc"}), `{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/abc"}}`},
		{
			media(llm.PartVideo, llm.Media{URL: "https://youtu.be/x", Raw: rawjson.Value(`{"type":"file","file":{"video_metadata":{"fps":2,"start_offset":"1s"}}}`)}),
			`{"fileData":{"fileUri":"https://youtu.be/x"},"videoMetadata":{"fps":2,"startOffset":"1s"}}`,
		},
		{media(llm.PartImage, llm.Media{MIME: "image/png", Data: "AA==", Detail: "high"}), `{"inlineData":{"mimeType":"image/png","data":"AA=="},"mediaResolution":{"level":"MEDIA_RESOLUTION_HIGH"}}`},
		{media(llm.PartImage, llm.Media{MIME: "image/png", Data: "AA==", Detail: "auto"}), `{"inlineData":{"mimeType":"image/png","data":"AA=="}}`},
	} {
		c := encode(t, request(message(llm.User, text("see"), tc.part)), target(g3))
		same(t, at(t, c, "contents", 0, "parts", 1), tc.want)
	}
}

func TestTurnOfMediaAloneGetsAText(t *testing.T) {
	c := encode(t, request(message(llm.User, media(llm.PartImage, llm.Media{MIME: "image/png", Data: "AA=="}))), target(g25))
	same(t, at(t, c, "contents", 0, "parts", 1), `{"text":" "}`)
}

func TestResolutionIsForTheWholeRequestBeforeGemini3(t *testing.T) {
	image := func(detail string) llm.Part {
		return media(llm.PartImage, llm.Media{MIME: "image/png", Data: "AA==", Detail: detail})
	}
	for _, tc := range []struct{ a, b, want string }{
		{"low", "high", "MEDIA_RESOLUTION_HIGH"}, {"high", "low", "MEDIA_RESOLUTION_HIGH"}, {"low", "auto", "MEDIA_RESOLUTION_LOW"}, {"medium", "low", "MEDIA_RESOLUTION_MEDIUM"},
	} {
		c := encode(t, request(message(llm.User, image(tc.a), image(tc.b))), target(g25))
		if got := at(t, c, "generationConfig", "mediaResolution"); got != tc.want {
			t.Errorf("%s, %s: %v", tc.a, tc.b, got)
		}
	}
}

func TestOnlyForeignAddressesMustBeFetched(t *testing.T) {
	for url, want := range map[string]bool{
		"http://x.example/a.png": true, "https://x.example/a.png": true, "gs://b/a": false, "https://www.youtube.com/watch?v=1": false,
		"https://generativelanguage.googleapis.com/v1beta/files/a": false, "data:image/png;base64,AA": false, "ftp://x": true, "file:///etc/passwd": true, "data:text/plain,x": true,
	} {
		if got := (Wire{}).NeedsData(&llm.Media{URL: url}, nil); got != want {
			t.Errorf("NeedsData(%s) = %v", url, got)
		}
	}
	if (Wire{}).NeedsData(&llm.Media{URL: "https://x", Data: "AA"}, nil) || (Wire{}).NeedsData(nil, nil) {
		t.Error("content that is there must not be fetched")
	}
}

func TestPartsThatGeminiCannotTakeAreReported(t *testing.T) {
	c := encode(t, request(message(llm.User, text("a"), llm.Part{Kind: llm.PartUnknown, Raw: rawjson.Value(`{"type":"x"}`)})), target(g25))
	if !dropped(c, "messages[0].content[1]") {
		t.Errorf("dropped = %v", c.Dropped)
	}
}
