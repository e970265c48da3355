package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/fairlead-gateway/fairlead/client"
	"github.com/fairlead-gateway/fairlead/internal/catalog"
)

// ask answers one question. The conversation grows only when that succeeds, so that
// a failed or interrupted turn can be asked again.
func (s *session) ask(ctx context.Context, question string) error {
	answering, watch := s.interruptible(ctx)
	request := client.Request{
		Model: s.Model, Tools: s.Tools, Messages: append(slices.Clone(s.history), client.User(question)), Extra: map[string]any{},
	}
	if s.Effort != "" {
		request.Extra["reasoning_effort"] = s.Effort
	}
	v := &view{session: s}
	conversation, err := s.Client.ToolLoop(answering, request, client.Loop{OnDelta: v.delta, OnCall: v.call, OnResult: v.result})
	interrupted := watch()
	v.end()
	switch {
	case interrupted:
		s.note("%s\n", s.paint(dim, "(interrupted; the question is forgotten)"))
		return nil
	case err != nil && !errors.Is(err, client.ErrTurns):
		return s.explain(ctx, err)
	case v.failed != nil:
		return fmt.Errorf("the answer cannot be written: %w", v.failed)
	}
	s.history = conversation.Messages
	s.summary(conversation)
	return err
}

// interruptible returns a context that a signal ends. The function that it returns
// stops the watch and tells whether there was one.
func (s *session) interruptible(ctx context.Context) (context.Context, func() bool) {
	ctx, cancel := context.WithCancel(ctx)
	var interrupted atomic.Bool
	finished, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case signal := <-s.Signals:
			interrupted.Store(true)
			s.stopped = signal != os.Interrupt || s.Prompt != "" || !s.Interactive
			cancel()
		case <-finished:
		}
	}()
	return ctx, func() bool {
		close(finished)
		<-watched
		cancel()
		return interrupted.Load()
	}
}

// view shows one turn as it comes.
type view struct {
	*session
	// thinking and speaking say what was written last on the current line.
	thinking, speaking bool
	failed             error
}

func (v *view) delta(d client.Delta) {
	if d.Reasoning != "" && v.Trace {
		if !v.thinking {
			v.endLine()
			v.thinking = true
		}
		v.note("%s", v.paint(dim, clean(d.Reasoning)))
	}
	if d.Content != "" {
		v.endThinking()
		v.speaking = true
		if _, err := io.WriteString(v.Out, v.shown(d.Content)); err != nil && v.failed == nil {
			v.failed = err
		}
	}
	if d.Answer != nil && v.Trace {
		v.states(d.Answer.Message)
	}
}

// endLine ends the line of an answer, so that something else can be said.
func (v *view) endLine() {
	if v.speaking {
		_, _ = io.WriteString(v.Out, "\n") // a failure has been noted with the text
		v.speaking = false
	}
}

func (v *view) endThinking() {
	if v.thinking {
		v.note("\n")
		v.thinking = false
	}
}

func (v *view) end() {
	v.endThinking()
	v.endLine()
}

// states says which opaque state came, and how much of it.
func (v *view) states(m client.Message) {
	v.end()
	for _, state := range m.State() {
		v.note("%s\n", v.paint(dim, fmt.Sprintf("· %s, %d characters, goes back with the next turn", state.Field, len(state.Value))))
	}
}

// maxShown is how much of a call or of a result is shown, in bytes.
const maxShown = 200

func (v *view) call(c client.ToolCall) {
	v.end()
	v.note("%s %s\n", v.paint(cyan, "→ "+clean(c.Name)), v.paint(dim, clean(shorten(c.Arguments))))
}

func (v *view) result(_ client.ToolCall, result string) {
	v.note("%s\n", v.paint(dim, "← "+clean(shorten(result))))
}

func shorten(text string) string {
	line := strings.Join(strings.Fields(text), " ")
	if len(line) <= maxShown {
		return line
	}
	return strings.ToValidUTF8(line[:maxShown], "") + fmt.Sprintf("… (%d bytes)", len(text))
}

// shown is the text of an answer: what is piped stays as it is.
func (s *session) shown(text string) string {
	if !s.Terminal {
		return text
	}
	return clean(text)
}

// clean takes control characters away before text of a model reaches a terminal,
// where they could do anything.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= ' ' && (r < 0x7f || r > 0x9f) {
			return r
		}
		return -1
	}, text)
}

// summary ends a traced answer with its tokens.
func (s *session) summary(c *client.Conversation) {
	if !s.Trace {
		return
	}
	u := c.Usage
	text := fmt.Sprintf("· %d tokens in, %d out", u.Prompt, u.Completion)
	if u.Reasoning > 0 {
		text += fmt.Sprintf(" (%d of them thinking)", u.Reasoning)
	}
	if cost := c.Last().Header.Get("X-Litellm-Response-Cost"); cost != "" && len(c.Answers) == 1 {
		text += ", " + cost + " USD"
	}
	s.note("%s\n", s.paint(dim, text))
}

// explain makes an error a sentence that says what to do.
func (s *session) explain(ctx context.Context, err error) error {
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Status != http.StatusNotFound && refused.Status != http.StatusBadRequest {
		return Explain(err)
	}
	if models, listErr := s.Client.Models(ctx); listErr == nil {
		if unknown := unknownModel(models, s.Model); unknown != nil {
			return unknown
		}
	}
	return Explain(err)
}

// Explain makes an error of the client a sentence that says what to do.
func Explain(err error) error {
	var unreachable *client.UnreachableError
	var refused *client.Error
	switch {
	case errors.As(err, &unreachable):
		return fmt.Errorf("no gateway answers at %s. Start one in another terminal with: fairlead. Or give the address of another with --url", unreachable.BaseURL)
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		return fmt.Errorf("the gateway refused the key (%s). Give the master key with --key, or set LITELLM_MASTER_KEY", strings.TrimSuffix(refused.Message, "."))
	}
	return err
}

// maxListed is how many models an error names.
const maxListed = 10

// unknownModel returns an error for a name that the gateway does not list. What a
// wildcard may serve is left to the gateway.
func unknownModel(models []client.Model, name string) error {
	names := make([]string, 0, len(models))
	for _, m := range models {
		if prefix, _, wildcard := strings.Cut(m.ID, "*"); m.ID == name || wildcard && strings.HasPrefix(name, prefix) {
			return nil
		}
		names = append(names, m.ID)
	}
	near := catalog.Nearest(name, names)
	switch {
	case len(names) == 0:
		return errors.New("the gateway serves no model")
	case near != "":
		return fmt.Errorf("the gateway has no model %q. Did you mean %s?", name, near)
	}
	more := ""
	if n := len(names) - maxListed; n > 0 {
		names, more = names[:maxListed], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Errorf("the gateway has no model %q. It has %s%s", name, strings.Join(names, ", "), more)
}
