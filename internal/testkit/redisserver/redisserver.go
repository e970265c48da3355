// Package redisserver starts a real Valkey or Redis server for tests.
package redisserver

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Server is a server of its own for one test, with empty memory and no files.
type Server struct {
	// Addr is where it listens, host:port. It stays the same over restarts.
	Addr string

	t    testing.TB
	path string
	args []string
	cmd  *exec.Cmd
}

// patience ends what would otherwise hang; nothing is measured by it.
const patience = 2 * time.Minute

// Start starts a server with these arguments besides ("--requirepass", "x"). Without
// one on this machine the test fails, unless FAIRLEAD_NO_REDIS is set.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, "--port", append([]string{"--save", "", "--appendonly", "no", "--dir", t.TempDir()}, args...)...)
}

// StartTLS starts a server that speaks TLS only, with these files in PEM form.
func StartTLS(t testing.TB, cert, key string) *Server {
	t.Helper()
	return start(t, "--tls-port", "--port", "0", "--save", "", "--tls-auth-clients", "no",
		"--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert)
}

// StartSentinel starts a Sentinel with a configuration file, which it writes to.
func StartSentinel(t testing.TB, file string) *Server {
	t.Helper()
	return start(t, "--port", file, "--sentinel")
}

// start runs the program with a free port behind one of its options.
func start(t testing.TB, option string, args ...string) *Server {
	t.Helper()
	port := strconv.Itoa(freePort(t))
	s := &Server{t: t, path: find(t), Addr: net.JoinHostPort("127.0.0.1", port), args: append(args, option, port, "--bind", "127.0.0.1")}
	s.Resume()
	t.Cleanup(s.Kill)
	return s
}

// find looks for a server program.
func find(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"valkey-server", "redis-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("FAIRLEAD_NO_REDIS") != "" {
		t.Skip("NOT TESTED: there is no valkey-server or redis-server here, and FAIRLEAD_NO_REDIS is set")
	}
	t.Fatal("This test needs a real server: install valkey-server or redis-server (apt-get install redis-server), or set FAIRLEAD_NO_REDIS=1 to leave it out.")
	return ""
}

func freePort(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// Kill ends the server as a power cut does; what it knew is lost.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended by itself
	_ = s.cmd.Wait()         // and says that it was killed
	s.cmd = nil
}

// Resume starts the server again, and returns when it listens.
func (s *Server) Resume() {
	s.t.Helper()
	s.cmd = exec.Command(s.path, s.args...)
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd.Stderr = s.cmd.Stdout
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		var said strings.Builder
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			fmt.Fprintln(&said, lines.Text())
			if strings.Contains(lines.Text(), "eady to accept connections") || strings.Contains(lines.Text(), "Sentinel ID is") {
				ready <- ""
				said.Reset()
			}
		}
		select {
		case ready <- "it ended: " + said.String():
		default:
		}
	}()
	select {
	case problem := <-ready:
		if problem != "" {
			s.t.Fatal("the server did not start: ", problem)
		}
	case <-time.After(patience):
		s.t.Fatal("the server did not start in time")
	}
}

// Do sends one command and returns the first line of its answer.
func (s *Server) Do(args ...string) string {
	s.t.Helper()
	conn, err := net.DialTimeout("tcp", s.Addr, patience)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience)) // of a fresh connection
	fmt.Fprintf(conn, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(conn, "$%d\r\n%s\r\n", len(a), a)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}
