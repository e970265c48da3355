// Package app puts the program together: command line, configuration, listener,
// reload and shutdown. The main package only calls it, so that tests start the
// very thing that users start.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"
)

// Options are what the process gives to the program.
type Options struct {
	// Args without the program's name.
	Args []string
	// Env looks up the environment; nil means that of the process.
	Env func(name string) (string, bool)
	// Stdin, Stdout and Stderr; nil means those of the process.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Signals brings SIGHUP (reload) and SIGTERM (drain, then exit); nil brings none.
	Signals <-chan os.Signal
	// Stall shortens how long a client may stall, for tests; 0 means the usual.
	Stall time.Duration
}

// program is one run.
type program struct {
	Options
	color bool
	now   func() time.Time
}

// errReported ends the program with exit code 1 after it has already said why.
var errReported = errors.New("reported")

// Main runs the program and returns its exit code.
func Main(ctx context.Context, o Options) int {
	p := newProgram(o)
	err := p.run(ctx)
	if err == nil {
		return 0
	}
	if !errors.Is(err, errReported) {
		fmt.Fprintf(p.Stderr, "fairlead: %v\n", err)
	}
	return 1
}

func newProgram(o Options) *program {
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	if o.Stdout == nil {
		o.Stdout = os.Stdout
	}
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
	p := &program{Options: o, now: time.Now}
	p.color = p.terminal(o.Stderr)
	return p
}

// terminal reports whether w is a terminal that wants color.
func (p *program) terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if _, plain := p.Env("NO_COLOR"); plain || !ok {
		return false
	}
	return isatty.IsTerminal(f.Fd())
}

func (p *program) run(ctx context.Context) error {
	parsed, cli, err := p.parse()
	if err != nil || parsed == nil {
		return err
	}
	for _, sentence := range withoutMeaning(parsed) {
		fmt.Fprintln(p.Stderr, "note:", sentence)
	}
	switch parsed.Command() {
	case "chat":
		return p.chat(ctx, &cli.Chat)
	case "check":
		return p.check(&cli.Check)
	case "doctor":
		return p.doctor(ctx, &cli.Doctor)
	case "models":
		return p.models(&cli.Models)
	case "version":
		return printVersion(p.Stdout)
	case "why <request-id>":
		return p.why(ctx, &cli.Why)
	}
	return p.serve(ctx, &cli.Serve)
}

// parse reads the command line; a nil context means that help was printed.
func (p *program) parse() (*kong.Context, *commands, error) {
	cli := &commands{}
	helped := false
	k, err := kong.New(cli, kong.Name("fairlead"),
		kong.Description("One OpenAI-compatible endpoint in front of every model provider. It takes LiteLLM's configuration files and flags."),
		kong.Writers(p.Stdout, p.Stderr), kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return nil, nil, err
	}
	parsed, err := k.Parse(p.Args)
	if helped {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w; fairlead --help lists the flags", err)
	}
	return parsed, cli, nil
}
