package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a contestant, or the fake provider, in a process of its own.
type process struct {
	cmd *exec.Cmd
	// pid is that of cmd, or of a peer that somebody else started.
	pid int
	// forks says that it works in processes that it starts, which then count with it.
	forks bool
	// lines are what it said on its standard output when it was ready.
	lines []string
	ready time.Duration
}

// The contestants share one processor and everything else has the others, so that
// none gets more than another. Without taskset, or with one processor, the system
// decides.
const measuredCPU = "0"

func otherCPUs() string { return fmt.Sprintf("1-%d", cpus()-1) }

// pinned is a command that runs on certain processors only.
func pinned(ctx context.Context, on, program string, args ...string) *exec.Cmd {
	taskset, err := exec.LookPath("taskset")
	if err != nil || cpus() < 2 {
		return exec.CommandContext(ctx, program, args...)
	}
	return exec.CommandContext(ctx, taskset, append([]string{"-c", on, program}, args...)...)
}

// pinSelf moves the harness itself away from the contestants, once.
func pinSelf() error {
	const done = "FAIRLEAD_BENCH_PINNED"
	taskset, err := exec.LookPath("taskset")
	if err != nil || cpus() < 2 || os.Getenv(done) != "" {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(taskset, append([]string{"taskset", "-c", otherCPUs(), self}, os.Args[1:]...), append(os.Environ(), done+"=1"))
}

// start runs a program that says n lines when it is ready.
func start(ctx context.Context, cpus string, n int, program string, args ...string) (*process, error) {
	cmd := pinned(ctx, cpus, program, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, pid: cmd.Process.Pid}
	for s := bufio.NewScanner(out); len(p.lines) < n; {
		if !s.Scan() {
			return nil, fmt.Errorf("%s %v ended before it was ready", program, args)
		}
		p.lines = append(p.lines, s.Text())
	}
	return p, nil
}

// startGateway runs the gateway and waits until it is ready.
func startGateway(ctx context.Context, binary, config, port string, env ...string) (*process, error) {
	log, err := os.Create(config + ".log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := pinned(ctx, measuredCPU, binary, "--config", config, "--host", "127.0.0.1", "--port", port)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), env...)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, pid: cmd.Process.Pid}
	if !answers("http://127.0.0.1:"+port+"/health/readiness", 5*time.Second, func(int) bool { return true }) {
		return nil, fmt.Errorf("%s was not ready within 5 s; see %s", binary, log.Name())
	}
	p.ready = time.Since(began)
	return p, nil
}

// answers waits until a GET gets a status that will do.
func answers(url string, within time.Duration, will func(status int) bool) bool {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(time.Millisecond) {
		resp, err := http.Get(url)
		if err != nil {
			continue
		}
		resp.Body.Close()
		if will(resp.StatusCode) {
			return true
		}
	}
	return false
}

func (p *process) stop() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	for _, pid := range p.all()[1:] {
		if child, err := os.FindProcess(pid); err == nil {
			_ = child.Kill()
		}
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// all are the processes that count as this one, itself first.
func (p *process) all() []int {
	if !p.forks {
		return []int{p.pid}
	}
	return family(p.pid)
}

// family is a process with those that it has started, and theirs.
func family(pid int) []int {
	out := []int{pid}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(child); err == nil {
				out = append(out, family(n)...)
			}
		}
	}
	return out
}

// clockTick is the unit of /proc's times; Linux has 100 a second on every platform
// that Go runs on.
const clockTick = 10 * time.Millisecond

// cpu is the time that the process has used, in the system and outside.
func (p *process) cpu() (time.Duration, error) { return sum(p.all(), cpuOf) }

// memory is the resident memory in KiB.
func (p *process) memory() (int64, error) { return sum(p.all(), memoryOf) }

// sum is that of a process and those that it has started; one that has just ended is
// passed over, unless it is the first.
func sum[T time.Duration | int64](pids []int, of func(int) (T, error)) (T, error) {
	total, err := of(pids[0])
	for _, pid := range pids[1:] {
		if n, gone := of(pid); gone == nil {
			total += n
		}
	}
	return total, err
}

func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name in parentheses may hold spaces; utime and stime are the 12th and 13th after it.
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.ParseInt(f[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * clockTick, err
}

func memoryOf(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		}
	}
	return 0, fmt.Errorf("process %d tells no VmRSS", pid)
}
