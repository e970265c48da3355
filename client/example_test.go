package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/fairlead-gateway/fairlead/client"
)

// gateway stands for a running Fairlead.
func gateway() *httptest.Server {
	turn := 0
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turn++
		message := `{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"add","arguments":"{\"a\":2,\"b\":3}"},"provider_specific_fields":{"thought_signature":"c2ln"}}]}`
		if turn > 1 {
			message = `{"role":"assistant","content":"2 and 3 are 5."}`
		}
		_, _ = io.WriteString(w, `{"id":"c","model":"m","choices":[{"index":0,"message":`+message+`}]}`)
	}))
}

// A loop in which the model calls a function. Whatever state the model returned
// with its call goes back with the result.
func ExampleClient_ToolLoop() {
	server := gateway()
	defer server.Close()

	add := client.Tool{
		Name: "add", Description: "Adds two numbers.",
		Parameters: json.RawMessage(`{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a","b"]}`),
		Run: func(_ context.Context, args json.RawMessage) (string, error) {
			var in struct{ A, B float64 }
			if err := json.Unmarshal(args, &in); err != nil {
				return "", err
			}
			return fmt.Sprint(in.A + in.B), nil
		},
	}
	c := client.New(server.URL, "sk-any-key")
	conversation, err := c.ToolLoop(context.Background(), client.Request{
		Model: "gemini/gemini-3.1-pro-preview", Messages: []client.Message{client.User("What are 2 and 3?")}, Tools: []client.Tool{add},
	}, client.Loop{OnCall: func(call client.ToolCall) { fmt.Println("calls", call.Name, call.Arguments) }})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(conversation.Last().Message.Content)
	// Output:
	// calls add {"a":2,"b":3}
	// 2 and 3 are 5.
}
