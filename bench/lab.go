package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// contestant is a gateway, or the floor, with the address for each kind of upstream.
type contestant struct {
	name    string
	process *process
	file    string // its configuration; the log is beside it
	log     log
	// plain, tls1 and tls2 lead to the upstream over plain HTTP, TLS with HTTP/1.1,
	// and TLS with HTTP/2; a gateway has one address and tells them by the model.
	plain, tls1, tls2 string
	prefixed          bool
	// model is how it calls a model of an upstream, when not by a prefix.
	model func(via, model string) string
}

// log is what is known of a gateway's log.
type log struct {
	read  int64          // bytes
	heard map[string]int // how often it said something
}

// lab is everything that runs.
type lab struct {
	settings *settings
	dir      string
	provider *process
	floor    *contestant
	ours     *contestant
	all      []*contestant
	idle     int64
}

func setUp(ctx context.Context, s *settings, dir string) (*lab, error) {
	l := &lab{settings: s, dir: dir}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if l.provider, err = start(ctx, otherCPUs(), 3, self, "provider"); err != nil {
		return nil, err
	}
	up := addresses{l.provider.lines[0], l.provider.lines[1], l.provider.lines[2]}
	p, err := start(ctx, measuredCPU, 3, self, "floor", "http://"+up.plain, "https://"+up.tls1, "https://"+up.tls2)
	if err != nil {
		return nil, err
	}
	l.floor = &contestant{name: "ReverseProxy", process: p, plain: p.lines[0], tls1: p.lines[1], tls2: p.lines[2]}
	if l.ours, err = l.gateway(ctx, up); err != nil {
		return nil, err
	}
	l.all = []*contestant{l.floor, l.ours}
	for name, where := range s.peers {
		address, pid, _ := strings.Cut(where, ",")
		n, err := strconv.Atoi(pid)
		if err != nil {
			return nil, fmt.Errorf("peer %s: %q is no process id", name, pid)
		}
		l.all = append(l.all, &contestant{name: name, process: &process{pid: n}, plain: address, tls1: address, tls2: address, prefixed: true})
	}
	return l, nil
}

// gateway writes the configuration and starts Fairlead with it.
func (l *lab) gateway(ctx context.Context, up addresses) (*contestant, error) {
	c, err := l.gatewayWith(ctx, configuration(up))
	if err != nil {
		return nil, err
	}
	time.Sleep(time.Second)
	l.idle, err = c.process.memory()
	return c, err
}

// gatewayWith starts Fairlead with a configuration, and with these variables in its
// environment besides.
func (l *lab) gatewayWith(ctx context.Context, config string, env ...string) (*contestant, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(address)
	file := filepath.Join(l.dir, "config-"+port+".yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	p, err := startGateway(ctx, l.settings.binary, file, port, env...)
	if err != nil {
		return nil, err
	}
	return &contestant{name: "Fairlead", process: p, file: file, plain: address, tls1: address, tls2: address, prefixed: true}, nil
}

func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

// Prefixes of models tell a gateway which upstream is meant.
const (
	viaTLS1      = "tls1-"
	viaTLS2      = "tls2-"
	viaGemini    = "gemini-"
	viaAnthropic = "anthropic-"
)

// configuration lists every model for every upstream.
func configuration(up addresses) string {
	var b strings.Builder
	b.WriteString("model_list:\n")
	add := func(name, model, base, more string) {
		fmt.Fprintf(&b, "  - model_name: %s\n    litellm_params: {model: %s, api_base: %s, api_key: sk-bench-upstream%s}\n", name, model, base, more)
	}
	for _, m := range []string{modelText, modelStream, modelSlow, modelDrip} {
		add(m, "openai/"+m, "http://"+up.plain+"/v1", "")
		add(viaTLS1+m, "openai/"+m, "https://"+up.tls1+"/v1", ", ssl_verify: false")
		add(viaTLS2+m, "openai/"+m, "https://"+up.tls2+"/v1", ", ssl_verify: false")
		add(viaGemini+m, "gemini/"+m, "http://"+up.plain+"/v1beta", "")
		add(viaAnthropic+m, "anthropic/"+m, "http://"+up.plain, "")
	}
	fmt.Fprintf(&b, "general_settings: {master_key: %s}\n", masterKey)
	return b.String()
}

func (l *lab) close() {
	for _, p := range []*process{l.provider, l.floor.process, l.ours.process} {
		p.stop()
	}
}

// tells waits until the log says something for the nth time.
func (c *contestant) tells(sentence string, n int) (time.Duration, error) {
	began := time.Now()
	for time.Since(began) < 10*time.Second {
		if c.said(sentence) >= n {
			return time.Since(began), nil
		}
		time.Sleep(time.Millisecond)
	}
	return 0, fmt.Errorf("the gateway did not say %q within 10 s", sentence)
}

// said counts a sentence in the log, reading on where it last ended. One gateway's log is
// read for one sentence after the other.
func (c *contestant) said(sentence string) int {
	f, err := os.Open(c.file + ".log")
	if err != nil {
		return 0
	}
	defer f.Close()
	more := make([]byte, 1<<20)
	n, _ := f.ReadAt(more, c.log.read)
	whole := bytes.LastIndexByte(more[:n], '\n') + 1
	c.log.read += int64(whole)
	if c.log.heard == nil {
		c.log.heard = map[string]int{}
	}
	c.log.heard[sentence] += bytes.Count(more[:whole], []byte(sentence))
	return c.log.heard[sentence]
}
