package main

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func listening(t *testing.T) addresses {
	t.Helper()
	a, err := new(provider).listen()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestEveryAnswerOfTheProviderIsCheckedWhole(t *testing.T) {
	a := listening(t)
	for _, stream := range []bool{false, true} {
		model := modelText
		if stream {
			model = modelStream
		}
		o := run(&load{address: a.plain, request: request(a.plain, model, stream, ""), stream: stream, connections: 3, times: 9})
		if o.done != 9 || o.failed != 0 {
			t.Errorf("stream %t: %d done, %d failed: %v", stream, o.done, o.failed, o.err)
		}
	}
}

func TestAnAnswerThatIsCutShortIsAFailure(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + sentence[:20]))
		}
	}()
	o := run(&load{address: ln.Addr().String(), request: request("x", modelText, false, ""), connections: 1, times: 1})
	if o.failed != 1 || o.err != errShort {
		t.Errorf("%d failed: %v", o.failed, o.err)
	}
}

func TestTheFloorLeadsToEveryUpstream(t *testing.T) {
	a := listening(t)
	for _, base := range []string{"http://" + a.plain, "https://" + a.tls1, "https://" + a.tls2} {
		address, err := listenFloor(base)
		if err != nil {
			t.Fatal(err)
		}
		if o := run(&load{address: address, request: request(address, modelText, false, ""), connections: 2, times: 4}); o.done != 4 {
			t.Errorf("%s: %d done: %v", base, o.done, o.err)
		}
	}
}

func TestFlakyProviderFailsForAFifthOfTheCalls(t *testing.T) {
	a := listening(t)
	o := run(&load{address: a.plain, request: request(a.plain, modelFlaky, false, ""), connections: 4, times: 1000})
	if o.done+o.failed != 1000 || o.failed < 100 || o.failed > 300 { // eight sigma
		t.Errorf("%d done, %d failed", o.done, o.failed)
	}
}

func TestABenchmarkThatGotWorseThanTheRestIsNamed(t *testing.T) {
	old := parse([]byte("pkg: x/internal/a\nBenchmarkOne-2 10 100 ns/op 5 B/op 1 allocs/op\nBenchmarkTwo-2 10 100 ns/op 5 B/op 1 allocs/op\nBenchmarkThree-2 10 50 ns/op 5 B/op 1 allocs/op\n"))
	if again := parse(old.text()); len(again) != 3 || again["a.One"] != old["a.One"] {
		t.Fatalf("%v is read back as %v", old, again)
	}
	// The machine is twice as slow; Two alone is three times as slow, Three allocates.
	now := parse([]byte("pkg: x/internal/a\nBenchmarkOne-8 10 200 ns/op 5 B/op 1 allocs/op\nBenchmarkTwo-8 10 300 ns/op 5 B/op 1 allocs/op\nBenchmarkThree-8 10 100 ns/op 5 B/op 3 allocs/op\n"))
	text := compare(old, now)
	for _, want := range []string{"a.Two: time 300, was 200", "a.Three: allocations 3, was 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "a.One") {
		t.Errorf("One is no worse:\n%s", text)
	}
}

func TestQuantilesOfNothingAndOfFew(t *testing.T) {
	if quantile(nil, 0.99) != 0 || quantile([]time.Duration{1, 2, 3}, 0.99) != 3 || quantile([]time.Duration{1, 2, 3}, 0.5) != 2 {
		t.Error("a quantile is wrong")
	}
}
