package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// nodesRPM is the limit of the model that is asked too often.
	nodesRPM = 100
	// backLimit is how soon limits must be exact again after the server is back.
	backLimit = 5 * time.Second
	// minuteNeeds is what the trial needs of one minute, in which a limit holds.
	minuteNeeds = 20 * time.Second
)

// nodes runs two gateways with one Redis or Valkey server, which dies under load and
// comes back, and which hangs and goes on.
func (l *lab) nodes(ctx context.Context) (*table, error) {
	t := &table{
		title: "Two nodes, and their Redis server fails and comes back",
		note: fmt.Sprintf("Load on a model with limits that it does not reach, 300 requests a second; beside it a model with rpm %d, of which more is asked of both nodes at once, "+
			"before, while the server is away, and as soon as both nodes say that it is back.", nodesRPM),
		columns: []string{"the server", "failed, of all requests", "longest request", "back at both nodes after", "answered of the limit: before, without, after", "bar: 0; ≤ 5 s; the limit exactly"},
	}
	program := redisProgram()
	if program == "" {
		t.note += " Not measured: there is no redis-server or valkey-server here."
		return t, nil
	}
	for _, hangs := range []bool{false, true} {
		if err := l.outage(ctx, t, program, hangs); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// redis is the server of a trial.
type redis struct {
	*process
	program, port string
	hangs         bool
}

// fail takes the server away: it is killed, or stops to answer.
func (r *redis) fail() error {
	if r.hangs {
		return send(r.pid, sigFreeze)
	}
	r.stop()
	return nil
}

func (r *redis) resume(ctx context.Context) (err error) {
	if r.hangs {
		return send(r.pid, sigThaw)
	}
	r.process, err = startRedis(ctx, r.program, r.port)
	return err
}

// outage is one failure of the server.
func (l *lab) outage(ctx context.Context, t *table, program string, hangs bool) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	host, port, _ := net.SplitHostPort(address)
	server := &redis{program: program, port: port, hangs: hangs}
	if server.process, err = startRedis(ctx, program, port); err != nil {
		return err
	}
	defer func() { server.stop() }()
	var nodes [2]*contestant
	for i := range nodes {
		if nodes[i], err = l.gatewayWith(ctx, nodesConfig(l.provider.lines[0], host, port)); err != nil {
			return err
		}
		defer nodes[i].process.stop()
		if _, err := nodes[i].tells("limits, cooldowns and conversations are shared", 1); err != nil {
			return err
		}
	}
	if left := time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)); left < minuteNeeds {
		time.Sleep(left + time.Second)
	}
	var stop atomic.Bool
	done := make(chan *outcome, 2)
	for _, n := range nodes {
		load := &load{address: n.plain, request: request(n.plain, "many", false, ""), connections: 8, rate: 150, duration: time.Hour, stop: &stop}
		go func() { done <- run(load) }()
	}
	time.Sleep(time.Second)
	before := few(nodes, 20)
	if err := server.fail(); err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	without := few(nodes, 5)
	if err := server.resume(ctx); err != nil {
		return err
	}
	began := time.Now()
	for _, n := range nodes {
		if _, err := n.tells("the Redis server is back", 1); err != nil {
			return err
		}
	}
	back := time.Since(began)
	after := few(nodes, nodesRPM)
	stop.Store(true)
	o := <-done
	o.merge(<-done)
	slices.Sort(o.latency)
	label := "is killed"
	if hangs {
		label = "hangs"
	}
	t.add(label, fmt.Sprintf("%s of %d", reasons(o), o.done+o.failed), milliseconds(quantile(o.latency, 1)), milliseconds(back), fmt.Sprintf("%d + %d + %d of %d", before, without, after, nodesRPM),
		held(o.failed == 0 && back <= backLimit && before+without+after == nodesRPM))
	return nil
}

func redisProgram() string {
	for _, name := range []string{"valkey-server", "redis-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// startRedis returns when the server answers.
func startRedis(ctx context.Context, program, port string) (*process, error) {
	cmd := pinned(ctx, otherCPUs(), program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "warning")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, pid: cmd.Process.Pid}
	for range 5000 {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			return p, nil
		}
		time.Sleep(time.Millisecond)
	}
	p.stop()
	return nil, errors.New("the Redis server did not start within 5 s")
}

// few asks n times of each node at once for the model with the low limit, and returns how
// often it answered.
func few(nodes [2]*contestant, n int) (answered int) {
	done := make(chan *outcome, len(nodes))
	for _, node := range nodes {
		load := &load{address: node.plain, request: request(node.plain, "few", false, ""), connections: n, times: n}
		go func() { done <- run(load) }()
	}
	for range nodes {
		answered += (<-done).done
	}
	return answered
}

func nodesConfig(up, host, port string) string {
	var b strings.Builder
	b.WriteString("model_list:\n")
	for name, limits := range map[string]string{
		"many": "rpm: 100000000, tpm: 100000000000, max_parallel_requests: 1000", "few": "rpm: " + strconv.Itoa(nodesRPM),
	} {
		fmt.Fprintf(&b, "  - model_name: %s\n    litellm_params: {model: openai/%s, api_base: %q, api_key: sk-%s, %s}\n", name, modelText, "http://"+up+"/v1", name, limits)
	}
	fmt.Fprintf(&b, "router_settings: {num_retries: 0, enable_pre_call_checks: true, redis_host: %s, redis_port: %q}\ngeneral_settings: {master_key: %s}\n", host, port, masterKey)
	return b.String()
}
