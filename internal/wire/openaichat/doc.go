// Package openaichat speaks Chat Completions: [Dialect] with a client, [Wire]
// with OpenAI, DeepSeek and every provider that is compatible with them.
//
// When both sides speak it, bytes pass: the body is edited at the few members
// that must change and copied everywhere else, and a stream's chunks go through
// as they came unless they break a rule that clients depend on.
//
// Source: wire-format specification §1 (fields and stream protocol), §4
// (DeepSeek), §6 (compatible providers), §7 (errors).
package openaichat

// Name of the format.
const Name = "chat"
