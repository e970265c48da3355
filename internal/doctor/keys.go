package doctor

import (
	"fmt"
	"strings"
)

// The client's own rules for keys: what is shorter, or begins so, it takes for none.
const (
	minKey         = 8
	maxHarmless    = 10
	clientHint     = "your_"
	defaultModel   = "gpt-4o-mini"
	aihubmixBase   = "https://aihubmix.com/v1"
	openaiBase     = "https://api.openai.com/v1"
	priorityOfSDKs = "Gemini > Anthropic > OpenAI-compatible"
)

// examineClient checks what the client was told.
func (x *examination) examineClient() {
	x.readClient()
	switch {
	case x.hasClient():
	case x.envPath == "":
		x.tell(Note, "client", "", "There is no .env here, and no OPENAI_BASE_URL in the environment, so no client was looked at.", "Give the client's file: fairlead doctor --env path/to/.env")
		return
	default:
		x.tell(Note, "client", x.envPath, "The file holds no OPENAI_BASE_URL, OPENAI_API_KEY or OPENAI_MODEL, so it is not taken for a client's.", "")
		return
	}
	x.tellHidden()
	x.aihubmix()
	x.nativeKey(varGemini, "Gemini")
	x.nativeKey(varAnthropic, "Anthropic")
	x.openAIKey()
	x.baseURL()
	x.model()
}

// aihubmix: with a base URL the key replaces the one that is sent; without, the
// client goes elsewhere.
func (x *examination) aihubmix() {
	v := x.client[varAIHubMix]
	if v.text == "" {
		return
	}
	remedy := x.clear(varAIHubMix)
	if x.client[varBase].text == "" {
		x.about(Error, varAIHubMix, "There is no OPENAI_BASE_URL, so this key sends every request to "+aihubmixBase+", past the gateway.",
			remedy+" And set OPENAI_BASE_URL="+x.ownBase()+".")
		return
	}
	if x.hasMasterKey() && !x.Config.General.MasterKey.Equal(v.text) {
		x.about(Error, varAIHubMix, "It is sent instead of OPENAI_API_KEY, and it is not the master key: the gateway answers 401.", remedy)
		return
	}
	x.about(Warning, varAIHubMix, "It is sent to the gateway instead of OPENAI_API_KEY.", remedy)
}

// clear says how a variable is taken away where it stands.
func (x *examination) clear(name string) string {
	if x.client[name].inFile {
		return "Put a # before the line."
	}
	return "Start the client without it: env -u " + name + " …"
}

// nativeKey warns of a key for which the client prefers a provider's own SDK.
func (x *examination) nativeKey(name, vendor string) {
	v := x.client[name]
	switch {
	case v.text == "":
	case len(v.text) <= maxHarmless || strings.HasPrefix(v.text, clientHint):
		x.about(Note, name, "A placeholder: the client takes no key of up to 10 characters or that begins with your_, so it does no harm.", "")
	case v.inFile:
		x.about(Error, name, fmt.Sprintf("The client talks to %s directly through its SDK, past the gateway (its order is %s).", vendor, priorityOfSDKs), x.clear(name)+x.gatewaysOwn(name))
	default:
		x.about(Warning, name, fmt.Sprintf("A client that is started from this shell talks to %s directly, past the gateway (its order is %s). The gateway may keep it.", vendor, priorityOfSDKs), x.clear(name))
	}
}

// gatewaysOwn says where a key belongs that only the gateway needs.
func (x *examination) gatewaysOwn(name string) string {
	return " The gateway's own " + name + " belongs into the gateway's environment."
}

func (x *examination) hasMasterKey() bool {
	return x.Config != nil && x.Config.General.MasterKey.IsSet()
}

// openAIKey checks the key that the client sends.
func (x *examination) openAIKey() {
	v := x.client[varKey]
	severity, effect, remedy := x.judgeKey(v.text)
	if severity == Error && v.hiddenPlace != "" {
		if s, _, _ := x.judgeKey(v.hidden); s != Error {
			severity = Warning // the .env is right; the variable may be meant for the gateway
		}
	}
	x.about(severity, varKey, effect, remedy)
}

// judgeKey says what a key is worth.
func (x *examination) judgeKey(key string) (s Severity, effect, remedy string) {
	use := "Set it to the gateway's master key."
	if !x.hasMasterKey() {
		use = "Without a master key any text of 8 characters will do: OPENAI_API_KEY=sk-fairlead-local"
	}
	switch {
	case key == "" && x.client[varAIHubMix].text != "":
		return Warning, "It is missing; " + varAIHubMix + " is sent in its place.", use
	case key == "":
		return Error, "It is missing, so the client has no OpenAI-compatible provider to use.", use
	case len(key) < minKey:
		return Error, fmt.Sprintf("It has %d characters; the client takes only keys of 8 and more.", len(key)), use
	case strings.HasPrefix(key, clientHint):
		return Error, "It is a placeholder that begins with your_; the client takes it for no key.", use
	case x.hasMasterKey() && !x.Config.General.MasterKey.Equal(key):
		return Error, "It is not the gateway's master key: every request is answered 401.", use
	case x.hasMasterKey():
		return Good, "It is the gateway's master key.", ""
	case placeholder(key):
		return Warning, "It looks like a placeholder. The gateway has no master key, so it is accepted all the same.", ""
	case x.Config == nil:
		return Note, "It cannot be compared with the master key: the configuration cannot be read.", ""
	}
	return Good, "Any key is accepted: the gateway has no master key.", ""
}

// placeholder recognises what people leave in a template.
func placeholder(key string) bool {
	k := strings.ToLower(key)
	for _, mark := range []string{"your-", "your_", "xxxx", "****", "<", "changeme", "change-me", "placeholder", "sk-..."} {
		if strings.Contains(k, mark) {
			return true
		}
	}
	return false
}
