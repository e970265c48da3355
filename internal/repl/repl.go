// Package repl is a chat in the terminal: it streams answers, lets the model call a
// few read-only tools on this machine, and shows on request what reasoning came
// with an answer. It talks to the gateway through package client, as any other
// program would, and keeps whole messages between turns.
package repl

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/fairlead-gateway/fairlead/client"
)

// Options say what to chat with, and where.
type Options struct {
	Client *client.Client
	Model  string
	// System is the instruction for the model, "" for none.
	System string
	// Prompt is the one question to answer; "" means to read questions from In.
	Prompt string
	// Tools are what the model may call.
	Tools []client.Tool
	// Trace shows reasoning, and that signatures came.
	Trace bool
	// Effort is the reasoning_effort of every request, "" for the model's own.
	Effort string

	// In brings the questions: line by line when Interactive, else as one.
	In          io.Reader
	Interactive bool
	// Out gets the answers, Notes everything else.
	Out, Notes io.Writer
	// Terminal says that Out is a terminal, Color that both show colours.
	Terminal, Color bool
	// Signals brings interrupts: the first ends an answer, one at the prompt the chat.
	Signals <-chan os.Signal
}

// session is one chat.
type session struct {
	Options
	history []client.Message
	// stopped is set when a signal asked to end the program.
	stopped bool
}

// maxQuestion bounds one question, in bytes.
const maxQuestion = 4 << 20

// Run chats until the questions end, the user leaves, or a signal comes.
func Run(ctx context.Context, o Options) error {
	s := &session{Options: o}
	s.forget()
	if o.Interactive && o.Prompt == "" {
		return s.converse(ctx)
	}
	prompt := o.Prompt
	if prompt == "" {
		text, err := io.ReadAll(io.LimitReader(o.In, maxQuestion))
		if err != nil {
			return fmt.Errorf("the question cannot be read from standard input: %w", err)
		}
		prompt = strings.TrimSpace(string(text))
	}
	if prompt == "" {
		return errors.New("there is no question: give one with -p, or on standard input")
	}
	return s.ask(ctx, prompt)
}

// forget begins a new conversation.
func (s *session) forget() {
	s.history = nil
	if s.System != "" {
		s.history = []client.Message{client.System(s.System)}
	}
}

// converse reads questions from a terminal.
func (s *session) converse(ctx context.Context) error {
	if err := s.greet(ctx); err != nil {
		return err
	}
	lines, done := s.lines()
	defer close(done)
	for !s.stopped {
		s.note("\n%s ", s.paint(bold, "you ›"))
		question, ok := s.next(ctx, lines)
		if !ok {
			s.note("\n")
			return nil
		}
		if err := s.turn(ctx, question); err != nil {
			s.note("%s\n", s.paint(red, err.Error()))
		}
	}
	return nil
}

// greet finds out at once whether the gateway, the key and the model are right.
func (s *session) greet(ctx context.Context) error {
	models, err := s.Client.Models(ctx)
	if err != nil {
		return s.explain(ctx, err)
	}
	if err := unknownModel(models, s.Model); err != nil {
		return err
	}
	s.note("%s at %s. /help lists the commands, Ctrl-D ends.\n", s.paint(bold, s.Model), s.Client.BaseURL)
	if len(s.Tools) > 0 {
		s.note("The model may call %s.\n", toolNames(s.Tools))
	}
	return nil
}

// lines reads the terminal; the goroutine ends with the input, or with done at the
// next line.
func (s *session) lines() (<-chan string, chan struct{}) {
	lines, done := make(chan string), make(chan struct{})
	go func() {
		defer close(lines)
		in := bufio.NewScanner(s.In)
		in.Buffer(nil, maxQuestion)
		for in.Scan() {
			select {
			case lines <- in.Text():
			case <-done:
				return
			}
		}
	}()
	return lines, done
}

// next returns a question; a line that ends in \ goes on in the next one.
func (s *session) next(ctx context.Context, lines <-chan string) (string, bool) {
	var question strings.Builder
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return question.String(), question.Len() > 0
			}
			if begun, more := strings.CutSuffix(line, `\`); more {
				question.WriteString(begun + "\n")
				s.note("    … ")
				continue
			}
			question.WriteString(line)
			return strings.TrimSpace(question.String()), true
		case <-s.Signals:
			return "", false
		case <-ctx.Done():
			return "", false
		}
	}
}

// turn does what a line says: a command, or a question.
func (s *session) turn(ctx context.Context, line string) error {
	switch {
	case line == "":
		return nil
	case strings.HasPrefix(line, "/"):
		return s.command(ctx, line)
	}
	return s.ask(ctx, line)
}

const help = `  /model [NAME]  show or change the model; the conversation goes on with it
  /models        list what the gateway serves
  /new           forget the conversation
  /trace         show reasoning and signatures, or hide them
  /quit          leave (also Ctrl-D)
  A line that ends in \ goes on in the next. Ctrl-C ends an answer.
`

func (s *session) command(ctx context.Context, line string) error {
	name, arg, _ := strings.Cut(line, " ")
	switch name {
	case "/help":
		s.note(help)
	case "/model":
		return s.changeModel(ctx, strings.TrimSpace(arg))
	case "/models":
		return s.listModels(ctx)
	case "/new":
		s.forget()
		s.note("A new conversation.\n")
	case "/trace":
		s.Trace = !s.Trace
		s.note("Reasoning is %s.\n", map[bool]string{true: "shown", false: "hidden"}[s.Trace])
	case "/quit", "/exit":
		s.stopped = true
	default:
		return fmt.Errorf("there is no command %s; /help lists them", name)
	}
	return nil
}

func (s *session) changeModel(ctx context.Context, name string) error {
	if name == "" {
		s.note("The model is %s.\n", s.Model)
		return nil
	}
	models, err := s.Client.Models(ctx)
	if err != nil {
		return s.explain(ctx, err)
	}
	if err := unknownModel(models, name); err != nil {
		return err
	}
	s.Model = name
	s.note("The model is %s now.\n", name)
	return nil
}

func (s *session) listModels(ctx context.Context) error {
	models, err := s.Client.Models(ctx)
	if err != nil {
		return s.explain(ctx, err)
	}
	for _, m := range models {
		s.note("  %s\n", m.ID)
	}
	return nil
}

const (
	bold  = "\x1b[1m"
	dim   = "\x1b[2m"
	red   = "\x1b[31m"
	cyan  = "\x1b[36m"
	reset = "\x1b[0m"
)

func (s *session) paint(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return code + text + reset
}

// note writes what is no answer. A closed terminal is no reason to fail.
func (s *session) note(format string, args ...any) { _, _ = fmt.Fprintf(s.Notes, format, args...) }
