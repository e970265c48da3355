package main

import (
	"encoding/json"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// eager calls a lone tool although nothing forces it to: the newest Claude models
// take no forced choice of a tool, so that a gateway can only offer it.
func eager(t *testkit.Turn) testkit.Reply {
	lone := len(t.Tools) == 1 && len(t.Results) == 0 && t.Forced == "" && !strings.Contains(t.User, "<<")
	if lone {
		t.Forced = t.Tools[0].Name
	}
	return testkit.Directives(t)
}

// obedient follows a JSON schema that the prompt states: DeepSeek has JSON mode
// but takes no schema, so that a gateway can only tell it.
func obedient(t *testkit.Turn) testkit.Reply {
	if t.JSON && t.Schema == nil {
		t.Schema = schemaIn(t.System)
	}
	return testkit.Directives(t)
}

// schemaIn finds the first JSON object in a text, nil when there is none.
func schemaIn(text string) map[string]any {
	_, rest, found := strings.Cut(text, "{")
	if !found {
		return nil
	}
	var schema map[string]any
	if err := json.NewDecoder(strings.NewReader("{" + rest)).Decode(&schema); err != nil {
		return nil
	}
	return schema
}
