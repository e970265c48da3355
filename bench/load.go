package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load is what is sent to one contestant.
type load struct {
	address string
	request []byte // a whole HTTP/1.1 request
	stream  bool
	// connections send one request after the other; with rate > 0 all together that
	// many a second, else as fast as answers come.
	connections int
	rate        int
	duration    time.Duration
	ramp        time.Duration // over which the connections begin
	// times > 0 ends after that many requests instead.
	times int
	// stop, when not nil, ends it as the end of duration does.
	stop *atomic.Bool
	// to, when not nil, says where each request goes, instead of address.
	to func() string
}

// over reports whether a connection that has sent so many sends no more.
func (l *load) over(sent int, end time.Time) bool {
	switch {
	case l.times > 0:
		return sent == (l.times+l.connections-1)/l.connections
	case l.stop != nil && l.stop.Load():
		return true
	}
	return !time.Now().Before(end)
}

// at is where a request goes.
func (l *load) at() string {
	if l.to != nil {
		return l.to()
	}
	return l.address
}

// outcome of a load. Latencies are sorted.
type outcome struct {
	done, failed int
	shed         int   // of the failed: refused for want of room
	err          error // the first failure that is not shed
	latency      []time.Duration
	first        []time.Duration // until the first byte of the body
	gaps         []time.Duration // between the chunks of streams
	refusals     []time.Duration // how long what was shed took
}

func (o *outcome) merge(other *outcome) {
	o.done += other.done
	o.failed += other.failed
	o.shed += other.shed
	o.latency = append(o.latency, other.latency...)
	o.first = append(o.first, other.first...)
	o.gaps = append(o.gaps, other.gaps...)
	o.refusals = append(o.refusals, other.refusals...)
	if o.err == nil {
		o.err = other.err
	}
}

// quantile of a sorted list, 0 when it is empty.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func run(l *load) *outcome {
	var (
		total outcome
		mu    sync.Mutex
		wg    sync.WaitGroup
	)
	end := time.Now().Add(l.duration)
	for i := range l.connections {
		wg.Go(func() {
			o := l.connection(i, end)
			mu.Lock()
			defer mu.Unlock()
			total.merge(o)
		})
	}
	wg.Wait()
	for _, list := range [][]time.Duration{total.latency, total.first, total.gaps} {
		slices.Sort(list)
	}
	return &total
}

// connection sends until the end, over one kept connection that it opens again when
// the other side closes it.
func (l *load) connection(n int, end time.Time) *outcome {
	o := &outcome{}
	var c *client
	defer func() { c.close() }()
	if l.ramp > 0 {
		time.Sleep(l.ramp * time.Duration(n) / time.Duration(l.connections))
	}
	next := time.Now()
	if l.rate > 0 {
		next = next.Add(time.Duration(n) * time.Second / time.Duration(l.rate))
	}
	for sent := 0; ; sent++ {
		if l.over(sent, end) {
			return o
		}
		began := time.Now()
		if l.rate > 0 {
			time.Sleep(time.Until(next))
			// What is late counts as late: the time is taken from when it was due.
			began, next = next, next.Add(time.Duration(l.connections)*time.Second/time.Duration(l.rate))
		}
		if at := l.at(); c == nil || c.address != at || c.ended {
			c.close()
			var err error
			if c, err = dial(at); err != nil {
				o.failed, o.err = o.failed+1, err
				return o
			}
		}
		if err := c.exchange(l, o, began); err != nil {
			o.failed++
			if errors.Is(err, errShed) {
				o.shed++
				o.refusals = append(o.refusals, time.Since(began))
				continue
			}
			c.close()
			c = nil
			if o.err == nil {
				o.err = err
			}
			continue
		}
		o.done++
		o.latency = append(o.latency, time.Since(began))
	}
}

type client struct {
	address string
	nc      net.Conn
	ended   bool // the other side closes it after its last answer
	r       *bufio.Reader
}

func dial(address string) (*client, error) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &client{address: address, nc: nc, r: bufio.NewReaderSize(nc, 16<<10)}, nil
}

func (c *client) close() {
	if c != nil {
		c.nc.Close()
	}
}

// exchange sends one request and checks that the answer says all that it should.
func (c *client) exchange(l *load, o *outcome, began time.Time) error {
	if _, err := c.nc.Write(l.request); err != nil {
		return err
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	c.ended = resp.Close
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "" {
			return errShed
		}
		return fmt.Errorf("status %d: %s", resp.StatusCode, text)
	}
	return c.body(l, o, began, resp)
}

// errShed is that of a 503 that says when to come again.
var errShed = errors.New("status 503: shed")

var errShort = errors.New("the answer does not say all that the upstream said")

func (c *client) body(l *load, o *outcome, began time.Time, resp *http.Response) error {
	said := 0
	last := began
	var rest []byte
	buf := make([]byte, 16<<10)
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 {
			now := time.Now()
			if last == began {
				o.first = append(o.first, now.Sub(began))
			} else if l.stream {
				o.gaps = append(o.gaps, now.Sub(last))
			}
			last = now
			rest = append(rest, buf[:n]...)
			said += bytes.Count(rest, []byte(strings.TrimSpace(sentence)))
			if at := bytes.LastIndex(rest, []byte(strings.TrimSpace(sentence))); at >= 0 {
				rest = rest[at+len(sentence)-1:]
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if said != chunks {
		return errShort
	}
	return nil
}

// megabyte is a member of a request that makes it as large.
var megabyte = `"metadata":{"note":"` + strings.Repeat("A line of a long file. ", 1<<20/23) + `"},`

// request writes a whole POST.
func request(address, model string, stream bool, extra string) []byte {
	body := fmt.Sprintf(`{"model":%q,"stream":%t,"max_tokens":1024,"temperature":0.7,%s"messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"Say hello."}]}`, model, stream, extra)
	return fmt.Appendf(nil, "POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		address, masterKey, len(body), body)
}

// longRequest is a prompt of about 200 KB with 50 tools.
func longRequest(address, model string) []byte {
	var b strings.Builder
	b.WriteString(`"tools":[`)
	for i := range 50 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"function","function":{"name":"tool_%d","description":%q,"parameters":{"type":"object","properties":{`, i, strings.Repeat("Finds a thing in a list and says where it is. ", 6))
		for k := range 8 {
			if k > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"field_%d":{"type":"string","description":"What field %d holds, in at most 64 characters.","enum":["a","b","c"]}`, k, k)
		}
		b.WriteString(`},"required":["field_0","field_1"]}}}`)
	}
	b.WriteString(`],`)
	tools := b.String()
	b.Reset()
	b.WriteString(`[{"role":"system","content":"You are a helpful assistant."}`)
	for len(tools)+b.Len() < 196_000 {
		b.WriteString(`,{"role":"user","content":"` + strings.Repeat(`A line of a long file, with \"quotes\" now and then,\nand an end.\n`, 50) + `"},{"role":"assistant","content":"Understood."}`)
	}
	b.WriteString(`,{"role":"user","content":"Say hello."}]`)
	body := fmt.Sprintf(`{"model":%q,"max_tokens":1024,%s"messages":%s}`, model, tools, b.String())
	return fmt.Appendf(nil, "POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		address, masterKey, len(body), body)
}
