//go:build race

package faults

// raceDetector says that memory says nothing: the detector takes a multiple of it.
const raceDetector = true
