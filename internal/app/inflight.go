package app

// InFlight counts what has begun and not ended: requests of clients, and calls of
// deployments with their places in max_parallel_requests. Both are 0 when the gateway
// is idle.
func (r *Running) InFlight() (requests, calls int64) {
	return r.server.InFlight(), r.server.State().Models.Table.InFlight()
}
