package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// The variables that the client reads.
const (
	varAIHubMix  = "AIHUBMIX_KEY"
	varGemini    = "GEMINI_API_KEY"
	varAnthropic = "ANTHROPIC_API_KEY"
	varKey       = "OPENAI_API_KEY"
	varBase      = "OPENAI_BASE_URL"
	varModel     = "OPENAI_MODEL"
)

var clientVariables = []string{varAIHubMix, varGemini, varAnthropic, varKey, varBase, varModel}

// value is a variable as the client sees it.
type value struct {
	text  string
	place string
	// inFile says that the text comes from the .env, not from the environment.
	inFile bool
	// hidden is the text of a line in the .env that the environment overrides.
	hidden string
	// hiddenPlace is where that line stands, "" when there is none.
	hiddenPlace string
}

// placeEnvironment is the place of what the process environment says.
const placeEnvironment = "environment"

// readClient fills d.client: the environment wins over the .env, as load_dotenv has
// it, even with an empty value.
func (x *examination) readClient() {
	x.client = map[string]value{}
	lines := x.readEnvFile()
	file := x.fileValues(lines)
	for _, name := range clientVariables {
		inFile, hasLine := file[name]
		text, set := x.Env(name)
		switch {
		case set && hasLine && inFile.text != text:
			x.client[name] = value{text: strings.TrimSpace(text), place: placeEnvironment, hidden: inFile.text, hiddenPlace: inFile.place}
		case set && !hasLine:
			x.client[name] = value{text: strings.TrimSpace(text), place: placeEnvironment}
		case hasLine:
			x.client[name] = inFile
		}
	}
}

// fileValues resolves the lines of the .env; the last line of a name counts.
func (x *examination) fileValues(lines []envLine) map[string]value {
	raw, file := map[string]string{}, map[string]value{}
	lookup := func(name string) (string, bool) {
		if v, ok := x.Env(name); ok {
			return v, true
		}
		v, ok := raw[name]
		return v, ok
	}
	for _, l := range lines {
		if !l.set {
			continue
		}
		raw[l.name] = interpolate(l.value, lookup)
		place := fmt.Sprintf("%s:%d", x.envPath, l.line)
		if before, again := file[l.name]; again && slices.Contains(clientVariables, l.name) && before.text != raw[l.name] {
			x.tell(Warning, l.name, before.place, "It is set again in "+place+"; the last line counts.", "Keep one of the two lines.")
		}
		file[l.name] = value{text: strings.TrimSpace(raw[l.name]), place: place, inFile: true}
	}
	return file
}

// readEnvFile finds and parses the .env; a missing one that was named is an error.
func (x *examination) readEnvFile() []envLine {
	named, _ := x.Env("ENV_FILE")
	x.envPath = cmp.Or(x.EnvPath, named, ".env")
	data, err := x.ReadFile(x.envPath)
	switch {
	case errors.Is(err, fs.ErrNotExist) && x.EnvPath == "" && named == "":
		x.envPath = ""
		return nil
	case errors.Is(err, fs.ErrNotExist):
		x.tell(Error, "--env", x.envPath, "The file does not exist.", "Give the path of the client's .env.")
		return nil
	case err != nil:
		x.tell(Error, "--env", x.envPath, "The file cannot be read.", "Give the path of a readable file.")
		return nil
	case len(data) > maxEnvFile:
		x.tell(Error, "--env", x.envPath, "The file is larger than 1 MiB and is not read.", "Give the path of the client's .env.")
		return nil
	}
	lines, bad := parseEnv(data)
	for _, line := range bad {
		x.tell(Warning, "line", fmt.Sprintf("%s:%d", x.envPath, line), "The line is not NAME=value; the client skips it.", "Write NAME=value, or # before a comment.")
	}
	return lines
}

// tell adds a finding about the client.
func (x *examination) tell(s Severity, subject, place, effect, remedy string) {
	x.add(Finding{s, GroupClient, subject, place, effect, remedy})
}

// about adds a finding about one of the client's variables.
func (x *examination) about(s Severity, name, effect, remedy string) {
	x.tell(s, name, x.client[name].place, effect, remedy)
}

// hasClient reports whether anything here is meant for an OpenAI client. A key alone
// is none: it may be the gateway's own.
func (x *examination) hasClient() bool {
	for _, name := range []string{varBase, varModel, varAIHubMix} {
		if x.client[name].text != "" {
			return true
		}
	}
	return x.client[varKey].inFile || x.EnvPath != "" && x.envPath != ""
}

// tellHidden names the lines of the .env that the environment overrides.
func (x *examination) tellHidden() {
	for _, name := range []string{varBase, varModel, varKey} {
		v := x.client[name]
		switch {
		case v.hiddenPlace == "":
		case v.text == "":
			x.tell(Warning, name, v.hiddenPlace, "The environment holds an empty "+name+", which wins over this line.", "Unset it: unset "+name)
		default:
			x.tell(Warning, name, v.hiddenPlace, "A client that is started from this shell takes the value of the environment, not this line.", "Unset it for the client: env -u "+name+" …")
		}
	}
}
