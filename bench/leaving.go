package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A client leaves in the middle of its request, and the fake provider, which for this
// runs in the harness's own process, notes when its side of the connection ends.

// phases in which a client leaves. The upstream has
const (
	phaseSending  = "sending"  // taken a part of a large request
	phaseHeader   = "header"   // the request, and says nothing
	phaseFirst    = "first"    // sent the header of a stream
	phaseMiddle   = "middle"   // sent some events
	phaseBuffered = "buffered" // sent half of an answer that is not streamed
	phaseHedge    = "hedge"    // said nothing, as another that is asked beside it
	phasePause    = "pause"    // failed, and is to be asked again after a pause
	phaseQueue    = "queue"    // no place for the request
)

// wholePhases and streamPhases are those of a call that is under way.
var (
	wholePhases  = []string{phaseSending, phaseHeader, phaseBuffered}
	streamPhases = []string{phaseSending, phaseHeader, phaseFirst, phaseMiddle}
)

// leaveGroups are the models of the gateway, one a kind of upstream.
var leaveGroups = []string{"chat", "chat-tls", "chat-h2", "anthropic", "gemini"}

// visit is a request as the upstream sees it.
type visit struct {
	phase   string
	reached chan struct{}  // the phase is reached, once a call
	left    chan struct{}  // closed when the client has left
	gone    chan time.Time // a call's connection has ended
	calls   atomic.Int64
}

// witness is the fake provider of this trial.
type witness struct {
	mu     sync.Mutex
	visits map[string]*visit
}

var marked = regexp.MustCompile(`mark-\d+-`)

func (s *witness) expect(mark, phase string) *visit {
	v := &visit{phase: phase, reached: make(chan struct{}, 8), left: make(chan struct{}), gone: make(chan time.Time, 8)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visits[mark] = v
	return v
}

// find reads as much of a request as it needs to know whose it is.
func (s *witness) find(r *http.Request) *visit {
	head := make([]byte, 16<<10)
	n := 0
	for n < len(head) {
		got, err := r.Body.Read(head[n:])
		n += got
		if err != nil || marked.Match(head[:n]) {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.visits[string(marked.Find(head[:n]))]
}

// ServeHTTP implements http.Handler.
func (s *witness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, f := s.find(r), formatOf(r.URL.Path)
	if v == nil || f == nil {
		http.NotFound(w, r)
		return
	}
	v.calls.Add(1)
	if v.phase == phaseSending {
		v.reached <- struct{}{}
		<-v.left
		_, _ = io.Copy(io.Discard, r.Body) // to what the gateway has sent, and the end
		v.gone <- time.Now()
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	if v.phase == phasePause {
		http.Error(w, `{"error":{"message":"try again"}}`, http.StatusInternalServerError)
		v.reached <- struct{}{}
		return
	}
	f.begun(w, v.phase)
	v.reached <- struct{}{}
	<-r.Context().Done()
	v.gone <- time.Now()
}

// begun sends what an upstream has sent in a phase.
func (f *format) begun(w http.ResponseWriter, phase string) {
	flush := w.(http.Flusher).Flush
	switch phase {
	case phaseBuffered:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(f.whole)))
		_, _ = w.Write(f.whole[:len(f.whole)/2])
		flush()
	case phaseFirst, phaseMiddle:
		w.Header().Set("Content-Type", "text/event-stream")
		flush()
		for range 3 {
			if phase == phaseFirst {
				return
			}
			_, _ = w.Write(append(f.begin, f.each...))
			flush()
		}
	}
}

// farewell is one case: who asks whom, and when the client leaves.
type farewell struct {
	dialect, model, phase string
	stream                bool
	reset                 bool // with a reset instead of an end
}

// farewells are all cases.
func farewells() (out []farewell) {
	for _, d := range []string{"chat", "messages", "responses", "gemini"} {
		for _, reset := range []bool{false, true} {
			for _, g := range leaveGroups {
				for _, p := range wholePhases {
					out = append(out, farewell{d, g, p, false, reset})
				}
				for _, p := range streamPhases {
					out = append(out, farewell{d, g, p, true, reset})
				}
			}
			for _, stream := range []bool{false, true} {
				for model, p := range map[string]string{"hedged": phaseHedge, "failing": phasePause, "narrow": phaseQueue} {
					out = append(out, farewell{d, model, p, stream, reset})
				}
			}
		}
	}
	return out
}

func (f *farewell) text(mark string) string {
	said := mark
	if f.phase == phaseSending {
		said += strings.Repeat(" and so on", 500<<10) // more than the sockets hold
	}
	path, body := "/v1/chat/completions", ""
	switch f.dialect {
	case "chat":
		body = fmt.Sprintf(`{"model":%q,"stream":%t,"messages":[{"role":"user","content":%q}]}`, f.model, f.stream, said)
	case "messages":
		path, body = "/v1/messages", fmt.Sprintf(`{"model":%q,"stream":%t,"max_tokens":9,"messages":[{"role":"user","content":%q}]}`, f.model, f.stream, said)
	case "responses":
		path, body = "/v1/responses", fmt.Sprintf(`{"model":%q,"stream":%t,"input":%q}`, f.model, f.stream, said)
	case "gemini":
		method := ":generateContent"
		if f.stream {
			method = ":streamGenerateContent?alt=sse"
		}
		path, body = "/v1beta/models/"+f.model+method, fmt.Sprintf(`{"contents":[{"role":"user","parts":[{"text":%q}]}]}`, said)
	}
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, masterKey, len(body), body)
}

// leaveLimit ends the wait for an upstream that is never closed.
const leaveLimit = 5 * time.Second

// take leaves once, and returns how long after it each call of the upstream ended.
func (f *farewell) take(s *witness, address string, n int) ([]time.Duration, error) {
	mark := fmt.Sprintf("mark-%d-", n)
	v := s.expect(mark, f.phase)
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, f.text(mark))
		sent <- err
	}()
	calls := 1
	if f.phase == phaseHedge {
		calls = 2
	}
	for range calls {
		select {
		case <-v.reached:
		case <-time.After(leaveLimit):
			return nil, fmt.Errorf("%+v never reached the upstream", *f)
		}
	}
	if f.phase == phaseMiddle {
		if err := begins(c); err != nil {
			return nil, fmt.Errorf("%+v: %w", *f, err)
		}
	}
	return f.leave(c, v, calls)
}

// begins waits for the first event of an answer.
func begins(c net.Conn) error {
	_ = c.SetReadDeadline(time.Now().Add(leaveLimit))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	_, err = io.ReadFull(resp.Body, make([]byte, 10))
	return err
}

func (f *farewell) leave(c net.Conn, v *visit, calls int) (after []time.Duration, err error) {
	if f.reset {
		_ = c.(*net.TCPConn).SetLinger(0)
	}
	at := time.Now()
	_ = c.Close()
	close(v.left)
	if f.phase == phasePause {
		time.Sleep(1500 * time.Millisecond) // longer than the pause
		if n := v.calls.Load(); n != 1 {
			return nil, fmt.Errorf("%+v: %d calls for a client that had left", *f, n)
		}
		return []time.Duration{0}, nil
	}
	for range calls {
		select {
		case gone := <-v.gone:
			after = append(after, gone.Sub(at))
		case <-time.After(leaveLimit):
			return after, fmt.Errorf("%+v: the upstream is not closed %v after", *f, leaveLimit)
		}
	}
	return after, nil
}

// inLine leaves a queue: another holds the only place until then, and a third who comes
// later must be served at once.
func (f *farewell) inLine(s *witness, address string, n int) ([]time.Duration, error) {
	holder := farewell{dialect: "chat", model: f.model, phase: phaseHeader}
	first, second := s.expect(fmt.Sprintf("mark-%d-", n), phaseHeader), s.expect(fmt.Sprintf("mark-%d-", n+1), phaseHeader)
	third := s.expect(fmt.Sprintf("mark-%d-", n+2), phaseHeader)
	holds, err := say(address, holder.text(fmt.Sprintf("mark-%d-", n)))
	if err != nil {
		return nil, err
	}
	defer holds.Close()
	<-first.reached
	waits, err := say(address, f.text(fmt.Sprintf("mark-%d-", n+1)))
	if err != nil {
		return nil, err
	}
	time.Sleep(30 * time.Millisecond) // it stands in line
	after, err := say(address, holder.text(fmt.Sprintf("mark-%d-", n+2)))
	if err != nil {
		return nil, err
	}
	defer after.Close()
	time.Sleep(30 * time.Millisecond)
	if f.reset {
		_ = waits.(*net.TCPConn).SetLinger(0)
	}
	_ = waits.Close()
	time.Sleep(50 * time.Millisecond)
	at := time.Now()
	_ = holds.Close()
	select {
	case <-third.reached:
	case <-time.After(leaveLimit):
		return nil, fmt.Errorf("%+v: who waits behind one that left is not served", *f)
	}
	if second.calls.Load() != 0 {
		return nil, fmt.Errorf("%+v: the upstream is asked for a client that had left the queue", *f)
	}
	return []time.Duration{time.Since(at)}, nil
}

func say(address, text string) (net.Conn, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(c, text)
	return c, err
}

// leaving runs every case, a few at once; large requests one by one, since each takes
// time of the processors that the others are measured with.
func (l *lab) leaving(ctx context.Context) (*table, error) {
	s := &witness{visits: map[string]*visit{}}
	up, err := serveAll(s)
	if err != nil {
		return nil, err
	}
	g, err := l.gatewayWith(ctx, leavingConfig(up))
	if err != nil {
		return nil, err
	}
	defer g.process.stop()
	d := &departures{witness: s, address: g.plain, took: map[string][]time.Duration{}, missed: map[string]int{}}
	var large, pauses, rest []farewell
	for _, f := range farewells() {
		switch f.phase {
		case phaseSending:
			large = append(large, f)
		case phasePause:
			pauses = append(pauses, f)
		default:
			rest = append(rest, f)
		}
	}
	d.all(ctx, rest, 4, 3)
	d.all(ctx, pauses, len(pauses), 2)
	d.all(ctx, large, 1, 1)
	return d.table(), nil
}

// departures are what was found.
type departures struct {
	witness *witness
	address string
	serial  atomic.Int64
	line    sync.Mutex // of the one queue

	mu     sync.Mutex
	took   map[string][]time.Duration
	missed map[string]int
	first  error
}

// all runs cases so many times, by so many at once.
func (d *departures) all(ctx context.Context, cases []farewell, workers, times int) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)); i <= len(cases)*times && ctx.Err() == nil; i = int(next.Add(1)) {
				d.one(&cases[i%len(cases)])
			}
		})
	}
	wg.Wait()
}

func (d *departures) one(f *farewell) {
	var after []time.Duration
	var err error
	n := int(10 * d.serial.Add(1)) // a case may need a few numbers
	if f.phase == phaseQueue {
		d.line.Lock()
		after, err = f.inLine(d.witness, d.address, n)
		d.line.Unlock()
	} else {
		after, err = f.take(d.witness, d.address, n)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.took[f.phase] = append(d.took[f.phase], after...)
	if err == nil {
		return
	}
	if d.missed[f.phase]++; d.first == nil {
		d.first = err
	}
}

var phaseNames = [][2]string{
	{phaseSending, "while a large request is sent on"},
	{phaseHeader, "while the upstream says nothing"},
	{phaseFirst, "between its header and the first event"},
	{phaseMiddle, "in the middle of a stream"},
	{phaseBuffered, "while an answer is buffered"},
	{phaseHedge, "while two deployments are asked (both are closed)"},
	{phaseQueue, "in the queue (its place goes to the next, it is never sent)"},
	{phasePause, "in the pause before a retry (it is never sent again)"},
}

func (s *departures) table() *table {
	t := &table{
		title: "Clients leave (C01–C03): until the upstream's connection ends",
		note: "Chat, Messages, Responses and generateContent to Chat (plain, TLS, HTTP/2), Messages and generateContent; streamed and not; with an end and with a reset of the connection. " +
			"Measured at the upstream.",
		columns: []string{"the client leaves", "times", "closed", "p50", "p99", "longest", "bar: 100 %, p99 ≤ 100 ms"},
	}
	for _, p := range phaseNames {
		d := s.took[p[0]]
		slices.Sort(d)
		bad := s.missed[p[0]]
		n := len(d) + bad
		last := quantile(d, 1)
		t.add(p[1], strconv.Itoa(n), fmt.Sprintf("%.1f %%", 100*float64(len(d))/float64(max(n, 1))), milliseconds(quantile(d, 0.5)), milliseconds(quantile(d, 0.99)), milliseconds(last),
			held(n > 0 && bad == 0 && quantile(d, 0.99) <= 100*time.Millisecond))
	}
	if s.first != nil {
		t.note += " The first that was missed: " + s.first.Error()
	}
	return t
}

// leavingConfig are the models of this trial.
func leavingConfig(up addresses) string {
	var b strings.Builder
	b.WriteString("model_list:\n")
	for _, m := range [][3]string{
		{"chat", "openai/fake", "http://" + up.plain + "/v1"},
		{"chat-tls", "openai/fake", "https://" + up.tls1 + "/v1"},
		{"chat-h2", "openai/fake", "https://" + up.tls2 + "/v1"},
		{"anthropic", "anthropic/fake", "http://" + up.plain},
		{"gemini", "gemini/fake", "http://" + up.plain + "/v1beta"},
		{"hedged", "openai/one", "http://" + up.plain + "/v1"},
		{"hedged", "openai/two", "http://" + up.plain + "/v1"},
		{"failing", "openai/fake", "http://" + up.plain + "/v1"},
		{"narrow", "openai/fake", "http://" + up.plain + "/v1"},
	} {
		more := ""
		if m[0] == "narrow" {
			more = ", max_parallel_requests: 1"
		}
		fmt.Fprintf(&b, "  - model_name: %s\n    litellm_params: {model: %s, api_base: %q, api_key: sk-up, ssl_verify: false%s}\n", m[0], m[1], m[2], more)
	}
	fmt.Fprintf(&b, "litellm_settings: {num_retries: 1}\nfairlead_settings: {hedge_after: {hedged: 0.01}}\ngeneral_settings: {master_key: %s}\n", masterKey)
	return b.String()
}
