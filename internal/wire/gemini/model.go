package gemini

import (
	"strconv"
	"strings"
)

// model is what the name of a Gemini model tells about the rules it follows.
type model struct {
	name string
	// g3 is generation 3 or newer: ids and signatures of calls, thinking levels.
	g3 bool
	// jsonSchema is generation 2 or newer: JSON Schema instead of OpenAPI's subset.
	jsonSchema bool
	// flash and lite tell the class for thinking budgets; neither is a pro model.
	flash, lite bool
	// prefill says that a request may end with a turn of the model.
	prefill bool
	// gemini is false for the open models (Gemma), which know no signatures.
	gemini bool
	// speech marks a text-to-speech model.
	speech bool
}

func modelOf(name string) model {
	name = bareName(name)
	major, minor := generation(name)
	m := model{
		name: name, g3: IsGemini3OrNewer(name),
		flash: strings.Contains(name, "flash"), lite: strings.Contains(name, "flash-lite"),
		gemini: strings.HasPrefix(name, "gemini-") && !strings.Contains(name, "gemma"),
		speech: strings.Contains(name, "-tts") || strings.Contains(name, "native-audio"),
	}
	m.jsonSchema = m.g3 || (m.gemini && major >= 2)
	m.prefill = !m.g3 || (major == 3 && (minor <= 1 || (minor == 5 && m.flash && !m.lite)))
	return m
}

// bareName cuts what configurations and Google put before a model's name.
func bareName(name string) string {
	name = strings.TrimPrefix(name, "gemini/")
	return strings.TrimPrefix(name, "models/")
}

// IsGemini3OrNewer reports whether a model name means Gemini 3 or a later
// generation. Names that do not tell their generation count as newer, except for
// the aliases that stood for generations 1 and 2, open models and numeric
// endpoints. Source: wire-format specification §2.8 G17.
func IsGemini3OrNewer(name string) bool {
	name = bareName(name)
	if name == "" || strings.Contains(name, "gemma") || strings.HasPrefix(name, "tunedModels/") || digits(name) == len(name) {
		return false
	}
	rest, ok := strings.CutPrefix(name, "gemini-")
	return !ok || !olderGeneration(rest)
}

// olderGeneration reports whether what follows "gemini-" names a model before
// generation 3.
func olderGeneration(rest string) bool {
	head, tail, _ := strings.Cut(rest, "-")
	switch head {
	case "exp":
		return true
	case "pro", "flash":
		return tail != "latest" && tail != "lite-latest"
	}
	major, minor, dotted := strings.Cut(head, ".")
	return (major == "1" || major == "2") && (!dotted || (minor != "" && digits(minor) == len(minor)))
}

// generation reads the numbers of "gemini-3.1-pro"; an alias is generation 0.
func generation(name string) (major, minor int) {
	rest, ok := strings.CutPrefix(name, "gemini-")
	if !ok {
		return 0, 0
	}
	head, _, _ := strings.Cut(rest, "-")
	first, second, _ := strings.Cut(head, ".")
	major, _ = strconv.Atoi(first)
	minor, _ = strconv.Atoi(second)
	return major, minor
}

// digits counts the leading decimal digits of s.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
