// Package conformance runs the golden vectors, traffic recorded from LiteLLM Proxy, as Go tests through a live
// gateway: TestGolden compares requests and answers, TestCost the price of each answer.
//
// Wanted differences stand in deviations.txt, one line "case-glob: reason"; a line that covers no failing case fails
// the test. One case: go test ./conformance -run 'TestGolden/chat_gem3_tools'.
package conformance
