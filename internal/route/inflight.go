package route

// InFlight counts the calls that have started and not ended, the probes of
// half-open deployments among them.
func (t *Table) InFlight() int64 {
	var n int64
	for _, g := range t.groups {
		for _, m := range g.members {
			n += m.health.inflight.Load()
			if m.health.probe.Load() {
				n++
			}
		}
	}
	return n
}
