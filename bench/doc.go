// Command bench measures what the gateway costs, against the plainest proxy that Go
// has (net/http/httputil.ReverseProxy, "the floor") in the same run on the same
// machine, so that the ratio says something where the absolute figure cannot.
//
//	go run ./bench                  every scenario, a report on standard output
//	go run ./bench -only S1,S4      some, or trials of the gateway alone: -only S6,leaving
//	go run ./bench -o docs/benchmarks.md
//	go run ./bench micro            the Go benchmarks against bench/baseline.txt
//
// Scenarios load the contestants in turns. Trials (S6, S8, lifecycle, nodes, overload,
// leaving) measure the gateway alone, each against a bar of its own. The trial peers
// starts LiteLLM and Bifrost, where they are installed (on the PATH as litellm and
// bifrost-http, or at -litellm and -bifrost), and loads them in turns with the two. All
// together take a quarter of an hour of a machine that does nothing else.
//
// It starts itself as the fake provider and as the floor, and the gateway as it
// is built from this tree; CPU time and memory are read from /proc, so it wants
// Linux. Rounds of the contestants take turns, and medians are compared: what the
// machine does besides hits both. Another gateway that runs already takes part with
// -peer name=url,pid.
package main
