package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// masterKey is the gateway's key in every run: the check of keys is part of the cost.
const masterKey = "sk-bench-5Nq8wTz2Lr7Xv4Kc"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := dispatch(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// dispatch runs the harness, or one of its parts in a process of its own.
func dispatch(ctx context.Context, args []string) error {
	part := ""
	if len(args) > 0 {
		part = args[0]
	}
	switch part {
	case "provider":
		a, err := new(provider).listen()
		if err != nil {
			return err
		}
		fmt.Printf("%s\n%s\n%s\n", a.plain, a.tls1, a.tls2)
		<-ctx.Done()
		return nil
	case "floor":
		for _, base := range args[1:] {
			address, err := listenFloor(base)
			if err != nil {
				return err
			}
			fmt.Println(address)
		}
		<-ctx.Done()
		return nil
	case "micro":
		return micro(ctx, args[1:])
	}
	return measure(ctx, args)
}

// settings of a run.
type settings struct {
	only    string
	rounds  int
	slice   time.Duration
	streams int
	binary  string
	out     string
	litellm string
	bifrost string
	peers   peers
}

// peers are gateways that run already: name=url,pid.
type peers map[string]string

func (p peers) String() string { return fmt.Sprint(map[string]string(p)) }

func (p peers) Set(s string) error {
	name, rest, ok := strings.Cut(s, "=")
	if !ok || !strings.Contains(rest, ",") {
		return fmt.Errorf("write name=host:port,pid, not %q", s)
	}
	p[name] = rest
	return nil
}

func measure(ctx context.Context, args []string) error {
	s := settings{peers: peers{}}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&s.only, "only", "", "scenarios, separated by commas; all when empty: "+strings.Join(names(), ","))
	f.IntVar(&s.rounds, "rounds", 7, "rounds in which the contestants take turns")
	f.DurationVar(&s.slice, "slice", 1500*time.Millisecond, "how long each contestant is loaded in a round")
	f.IntVar(&s.streams, "streams", 1000, "streams at once in S3")
	f.StringVar(&s.binary, "fairlead", "", "the gateway's binary; built from this tree when empty")
	f.StringVar(&s.out, "o", "", "file for the report; standard output when empty")
	f.StringVar(&s.litellm, "litellm", "", "LiteLLM's program, to compare with in the trial peers; the litellm on the PATH when empty, if there is one")
	f.StringVar(&s.bifrost, "bifrost", "", "Bifrost's program, likewise; the bifrost-http on the PATH when empty")
	f.Var(s.peers, "peer", "another gateway that runs already, with the same models: name=host:port,pid")
	if err := f.Parse(args); err != nil {
		return err
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return fmt.Errorf("CPU and memory are read from /proc, which this system does not have: run it on Linux, or in a container")
	}
	if err := pinSelf(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "fairlead-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if s.binary == "" {
		s.binary = filepath.Join(dir, "fairlead")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", s.binary, "./cmd/fairlead")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("the gateway does not build: %w\n%s", err, text)
		}
	}
	lab, err := setUp(ctx, &s, dir)
	if err != nil {
		return err
	}
	defer lab.close()
	report, err := lab.runAll(ctx)
	if err != nil {
		return err
	}
	if s.out == "" {
		_, err = io.WriteString(os.Stdout, report)
		return err
	}
	return os.WriteFile(s.out, []byte(report), 0o644)
}
