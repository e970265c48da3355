// Package e2e proves promises that only the whole program can keep: a client on
// one side, the strict fake providers of package testkit on the other, and the
// gateway between them, started by the same function that the binary calls.
// Tests that belong to a row of the wire-format specification's §8 or of the
// reliability catalogue carry its number. There is no code here but tests.
package e2e
