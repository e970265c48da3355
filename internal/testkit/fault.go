package testkit

import "net/http"

type faultKind uint8

const (
	noFault faultKind = iota
	failNative
	failBody
	hang
	drop
	cutEvents
	cutBytes
	endEvents
	errorEvent
	pauseEvents
	splitBytes
	comments
	hugeLine
)

// Fault is one way in which an answer goes wrong. The zero value is none.
type Fault struct {
	kind   faultKind
	n      int
	status int
	body   string
	header map[string]string
	wait   <-chan struct{}
	pause  <-chan struct{}
}

// Fail answers with this status and the family's own error body. The optional
// header pairs (name, value, …) are added.
func Fail(status int, header ...string) Fault {
	return Fault{kind: failNative, status: status, header: pairs(header)}
}

// FailWith answers with this status and body as they are.
func FailWith(status int, body string, header ...string) Fault {
	return Fault{kind: failBody, status: status, body: body, header: pairs(header)}
}

// HTML answers 200 with a page, as captive portals and broken proxies do.
func HTML() Fault {
	return FailWith(http.StatusOK, "<!doctype html><title>Welcome</title>", "content-type", "text/html")
}

// Wait holds the answer back until ch is closed.
func Wait(ch <-chan struct{}) Fault { return Fault{wait: ch} }

// Hang never answers; it ends when the client leaves.
func Hang() Fault { return Fault{kind: hang} }

// Drop closes the connection without a byte of an answer.
func Drop() Fault { return Fault{kind: drop} }

// CutAfterEvents breaks the connection after n events of a stream, or -n events
// before its end when n is negative; of a whole answer after its head.
func CutAfterEvents(n int) Fault { return Fault{kind: cutEvents, n: n} }

// CutAfterBytes breaks the connection after n bytes of the body.
func CutAfterBytes(n int) Fault { return Fault{kind: cutBytes, n: n} }

// EndAfterEvents ends a stream in good order after n events (-n before its end when
// negative), without the rest.
func EndAfterEvents(n int) Fault { return Fault{kind: endEvents, n: n} }

// ErrorAfterEvents sends the family's error event with this status after n events
// of a stream (-n before its end when negative), and ends it.
func ErrorAfterEvents(n, status int) Fault { return Fault{kind: errorEvent, n: n, status: status} }

// PauseAfterEvents stops after n events of a stream until ch is closed or the
// client leaves; of a whole answer after its head.
func PauseAfterEvents(n int, ch <-chan struct{}) Fault {
	return Fault{kind: pauseEvents, n: n, pause: ch}
}

// SplitBytes writes every byte of the body on its own.
func SplitBytes() Fault { return Fault{kind: splitBytes} }

// Comments puts a keepalive before every event, and empty lines before a whole
// answer, as DeepSeek does.
func Comments() Fault { return Fault{kind: comments} }

// HugeLine puts a comment line of n bytes at the beginning of a stream.
func HugeLine(n int) Fault { return Fault{kind: hugeLine, n: n} }

// After holds the fault's answer back until ch is closed.
func (f Fault) After(ch <-chan struct{}) Fault {
	f.wait = ch
	return f
}

func pairs(s []string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(s); i += 2 {
		m[s[i]] = s[i+1]
	}
	return m
}
