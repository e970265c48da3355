// Package testkit holds fake model providers for tests: OpenAI (Chat Completions and
// Responses), DeepSeek (Chat Completions and Messages), Anthropic and Gemini, each on
// a loopback address and each as strict as the real one is known to be. They refuse
// lost or foreign reasoning state, unpaired tool results, unknown fields and schemas
// outside the documented subset with the real error texts, so that most tests need no
// assertion of their own about what went upstream: a wrong request is simply refused.
//
// What a fake says is scripted, either by directives within the user's text (see
// [Directives]) or by a Go function. What goes wrong is scripted with faults (see
// [Fault]). Every request is recorded as bytes.
//
// The rules come from the wire-format specification: §1 and §7 (OpenAI), §2.3–2.8
// (Gemini), §3.2–3.7 (Anthropic), §4 (DeepSeek), §5.3 (Responses).
package testkit
