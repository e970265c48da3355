package http1

import "time"

// Opening tells how a call came by its connection.
type Opening struct {
	How How
	// Connect is how long it took to connect, the resolution of the name included, or
	// to wait for the connection of another call; TLS is the handshake after it. What
	// failed has its time, too; for a kept connection both are 0, since no clock is read.
	Connect, TLS time.Duration
}

// How is the way by which a call came by its connection; "" is not known.
type How string

// The ways.
const (
	Kept    How = "kept"    // of an earlier call
	Opened  How = "new"     // for this call
	Awaited How = "awaited" // for another call at the same time, of HTTP/2
)

// Note fills an Opening; nil is not filled.
func (o *Opening) Note(how How, connect, handshake time.Duration) {
	if o != nil {
		*o = Opening{how, connect, handshake}
	}
}
