package app

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"fairlead": func() { os.Exit(Main(context.Background(), Options{Args: os.Args[1:]})) },
	})
}

// TestScripts runs the program as people do. The scripts' own commands are gateway
// (starts one, sets PORT and URL), occupy (takes a port, sets BUSY), free (finds a
// free port, sets PORT, and writes it into files), request and narrow.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"gateway": startGateway, "occupy": occupy, "free": free, "request": request, "narrow": narrow,
		},
	})
}

// startGateway starts a gateway in this process on a free port: it listens when the
// next line of the script runs.
func startGateway(ts *testscript.TestScript, _ bool, args []string) {
	env := func(name string) (string, bool) {
		v := ts.Getenv(name)
		return v, v != ""
	}
	port := freePort(ts)
	r, err := Start(context.Background(), onPort(port, Options{Args: args, Env: env}))
	ts.Check(err)
	ts.Defer(r.Close)
	ts.Setenv("PORT", port)
	ts.Setenv("URL", "http://localhost:"+port)
}

// onPort makes options that start a silent gateway on a port of this machine.
func onPort(port string, o Options) Options {
	o.Args = append([]string{"serve", "--host", "127.0.0.1", "--port", port}, o.Args...)
	o.Stdout, o.Stderr = io.Discard, io.Discard
	return o
}

func startOnFreePort(t *testing.T, o Options) *Running {
	t.Helper()
	port, err := unusedPort()
	if err != nil {
		t.Fatal(err)
	}
	r, err := Start(t.Context(), onPort(port, o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// free sets PORT to a free port and puts it in the place of PORT in files.
func free(ts *testscript.TestScript, _ bool, files []string) {
	port := freePort(ts)
	ts.Setenv("PORT", port)
	for _, name := range files {
		text := strings.ReplaceAll(ts.ReadFile(name), "PORT", port)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

func freePort(ts *testscript.TestScript) string {
	port, err := unusedPort()
	ts.Check(err)
	return port
}

func unusedPort() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return "", err
	}
	return port, ln.Close()
}

// occupy takes a port, as another program would.
func occupy(ts *testscript.TestScript, _ bool, _ []string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	ts.Check(err)
	ts.Setenv("BUSY", port)
}

// request is curl: request STATUS METHOD URL [BODY [KEY [HEADER=VALUE]]]; the answer
// goes to the file answer.
func request(ts *testscript.TestScript, _ bool, args []string) {
	for len(args) < 6 {
		args = append(args, "")
	}
	req, err := http.NewRequest(args[1], args[2], strings.NewReader(args[3]))
	ts.Check(err)
	if args[4] != "" {
		req.Header.Set("Authorization", "Bearer "+args[4])
	}
	if name, value, ok := strings.Cut(args[5], "="); ok {
		req.Header.Set(name, value)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), body, 0o600))
	if strconv.Itoa(resp.StatusCode) != args[0] {
		ts.Fatalf("%s %s: %s, want %s\n%s", args[1], args[2], resp.Status, args[0], body)
	}
}

// narrow checks that no line of a file is wider than a terminal of 100 columns.
func narrow(ts *testscript.TestScript, _ bool, args []string) {
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if w := runewidth.StringWidth(strings.TrimRight(line, "\n")); w > 100 {
			ts.Fatalf("%d columns: %s", w, line)
		}
	}
}
