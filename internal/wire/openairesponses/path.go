package openairesponses

import (
	"fmt"
	"strconv"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

func badType(at, want string) *llm.Error {
	return llm.BadRequest(at, fmt.Sprintf("Invalid type for '%s': it must be %s.", at, want))
}

// place is an item of a list as errors and reports name it: "input[3]".
func place(list string, index int) string { return list + "[" + strconv.Itoa(index) + "]" }

// clipped is a client's word for a report: short.
func clipped(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// present is v, nil when it is null.
func present(v rawjson.Value) rawjson.Value {
	if v.Present() {
		return v
	}
	return nil
}
