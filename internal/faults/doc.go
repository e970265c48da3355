// Package faults takes the catalogue of faults through the whole running gateway:
// 28 of upstreams (U01–U28), 16 of clients (C01–C16) and the 13 local ones that
// need no PostgreSQL (L01–L04, L08–L16). A fault is survived when the client gets a
// right answer or an error in its own dialect's shape, in time, when the process
// serves the next request, and when no goroutine, descriptor or count of a request in
// flight is left. catalogue_test.go is the picture of what is covered.
//
// Faults of upstreams run over every wire, streamed and not, with the client's dialect
// varied, once where nothing can save the answer and once with a spare deployment;
// where chance matters (where an answer breaks, where it is split), with twenty seeds.
// The package has tests only; `make soak` mixes the faults at random for half an hour.
package faults
