package repl

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/client"
)

// Tools returns the built-in tools by their names, or all of them for "all". They
// only read: the clock, arithmetic, and files below root.
func Tools(names []string, root *os.Root, now func() time.Time) ([]client.Tool, error) {
	all := []client.Tool{clock(now), calculator(), listFiles(root), readFile(root)}
	if slices.Contains(names, "all") {
		return all, nil
	}
	var chosen []client.Tool
	for _, name := range names {
		i := slices.IndexFunc(all, func(t client.Tool) bool { return t.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no tool %q; there are %s, or all", name, toolNames(all))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func toolNames(tools []client.Tool) string {
	names := make([]string, len(tools))
	for i, t := range tools {
		names[i] = t.Name
	}
	return strings.Join(names, ", ")
}

// tool makes a tool whose arguments are decoded into T.
func tool[T any](name, description, parameters string, run func(T) (string, error)) client.Tool {
	return client.Tool{
		Name: name, Description: description, Parameters: json.RawMessage(parameters),
		Run: func(_ context.Context, args json.RawMessage) (string, error) {
			var in T
			if err := json.Unmarshal(args, &in); err != nil {
				return "", fmt.Errorf("the arguments do not fit the schema of %s: %w", name, err)
			}
			return run(in)
		},
	}
}

func clock(now func() time.Time) client.Tool {
	type args struct{ Zone string }
	return tool("clock", "Returns the current date and time.",
		`{"type":"object","properties":{"zone":{"type":"string","description":"IANA time zone such as Asia/Shanghai; default: that of this machine"}}}`,
		func(in args) (string, error) {
			if in.Zone == "" {
				return now().Format(time.RFC1123Z), nil
			}
			zone, err := time.LoadLocation(in.Zone)
			if err != nil {
				return "", fmt.Errorf("there is no time zone %q", in.Zone)
			}
			return now().In(zone).Format(time.RFC1123Z), nil
		})
}

func calculator() client.Tool {
	type args struct{ Expression string }
	return tool("calculator", "Computes an arithmetic expression exactly: numbers, + - * / % ^ and parentheses.",
		`{"type":"object","properties":{"expression":{"type":"string","description":"such as (1.5 + 2) * 3 ^ 2"}},"required":["expression"]}`,
		func(in args) (string, error) { return Calculate(in.Expression) })
}
