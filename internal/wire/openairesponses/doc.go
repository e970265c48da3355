// Package openairesponses speaks OpenAI's Responses API: [Dialect] with a client
// (Codex, the Agents SDK), [Wire] with an upstream that has it.
//
// When both sides speak it, bytes pass: only the model, the gateway's own keys and
// what another provider's state left in the history are edited.
//
// Source: wire-format specification §5.1 (Codex) and §5.3.
package openairesponses

// Name of the format.
const Name = "responses"
