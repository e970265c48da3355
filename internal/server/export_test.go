package server

// UnderDeadlines is underDeadlines, for tests.
var UnderDeadlines = underDeadlines
