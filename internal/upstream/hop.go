package upstream

import (
	"net/http"
	"strings"
)

// HopHeader names the gateways that a request has passed, so that one that comes
// back to its own sender is noticed.
const HopHeader = "X-Fairlead-Hop"

// maxHops bounds what is passed on of the header of a client.
const maxHops = 512

// Looped reports whether a request has passed the gateway with this instance id
// before; the server answers it with 508.
func Looped(h http.Header, instance string) bool {
	if instance == "" {
		return false
	}
	for _, line := range h[HopHeader] {
		for hop := range strings.SplitSeq(line, ",") {
			if strings.TrimSpace(hop) == instance {
				return true
			}
		}
	}
	return false
}

// appendHop adds the own id to the hops so far; the oldest give way when there
// are too many.
func appendHop(hops, instance string) string {
	if hops == "" {
		return instance
	}
	if len(hops) > maxHops {
		hops = hops[len(hops)-maxHops:]
	}
	return strings.Map(printable, hops) + ", " + instance
}

func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return -1
	}
	return r
}
