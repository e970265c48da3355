package e2e_test

import (
	"regexp"
	"syscall"
)

var reloaded = regexp.MustCompile(`(configuration reloaded|configuration was not reloaded)`)

// reload asks for the configuration to be read again, as an operator does, and
// returns what the log says when that is done.
func (g *gateway) reload() string {
	g.t.Helper()
	from := g.log.size()
	g.signals <- syscall.SIGHUP
	return g.log.find(from, reloaded, g.done)
}
