//go:build linux

package http1

import (
	"net"
	"net/http"
	"testing"
	"time"
)

func TestARequestThatCameInTimeIsReadThoughItsDeadlineHasPassed(t *testing.T) {
	for _, phase := range []int32{phaseFresh, phaseIdle} {
		s, _ := newServer(func(http.ResponseWriter, *http.Request) {})
		s.HeaderTimeout, s.IdleTimeout = -time.Second, -time.Second // this process was busy for longer
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		client, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		nc, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c := newConn(s, nc)
		c.phase.Store(phase)
		if !c.arrives() {
			t.Errorf("phase %d: what has arrived is thrown away", phase)
		}
		c.drop()
		for _, end := range []interface{ Close() error }{client, nc, ln} {
			_ = end.Close()
		}
	}
}
