package relay

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// eventsOf lists the events of a stream.
func eventsOf(t *testing.T, stream string) (out []string) {
	t.Helper()
	rd := sse.NewReader(strings.NewReader(stream), 0)
	for {
		ev, err := rd.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, ev.Name+"|"+string(ev.Data))
	}
}

// mixed has every way to end a line.
const mixed = "data: a\n\nevent: x\r\ndata: b\r\n\r\n: comment\n\ndata: c\rdata: d\r\rdata: e\n\r\nid: 7\r\ndata: f\r\r\ndata:\x00\ndata: \x00\x00\n\n"

func TestAPingBetweenEventsThatPassChangesNone(t *testing.T) {
	want := eventsOf(t, mixed)
	for _, d := range pings {
		if d.array {
			continue
		}
		places := 0
		for at := range len(mixed) + 1 {
			for first := range at + 1 { // however the bytes came
				var s seam
				s.write([]byte(mixed[:first]))
				s.write([]byte(mixed[first:at]))
				if !s.between() {
					continue
				}
				got := eventsOf(t, mixed[:at]+d.ping+mixed[at:])
				got = slices.DeleteFunc(got, func(ev string) bool { return strings.HasPrefix(ev, "ping|") })
				if !slices.Equal(got, want) {
					t.Fatalf("%s: a ping after %q gives %q, want %q", d.name, mixed[:at], got, want)
				}
				if first == at {
					places++
				}
			}
		}
		if places < 1+len(want)+1 { // the beginning, every event, the comment
			t.Errorf("%s: only %d places", d.name, places)
		}
	}
}

// passing begins an answer whose bytes pass.
func passing(d wire.Dialect, contentType, encoding string) (*exchange, *client) {
	x, c := streaming(d, false)
	h := http.Header{"Content-Type": {contentType}}
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	keepPassing(x, &upstream.Response{Header: h}, &x.rq.Models.Config.Fairlead, d)
	begin(x, http.StatusCreated)
	x.watchPassing()
	return x, c
}

func TestEventsThatPassArePingedBetweenThem(t *testing.T) {
	for _, d := range pings {
		if d.array {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, c := passing(d.dialect, "text/event-stream; charset=utf-8", "")
				for _, piece := range []struct {
					silence time.Duration
					text    string
				}{{7 * time.Second, "data: a\n"}, {30 * time.Second, "data: A\n\n"}, {4 * time.Second, "data: b\r\n\r"}, {7 * time.Second, "\nda"}, {20 * time.Second, "ta: c\n\n"}, {6 * time.Second, ""}} {
					time.Sleep(piece.silence)
					if err := x.pass([]byte(piece.text)); err != nil {
						t.Fatal(err)
					}
				}
				x.alive.stop()
				if got := c.pinged(d.ping); !slices.Equal(got, []int{5, 46, 73}) {
					t.Errorf("pings at %v of %v", got, c.writes)
				}
				n := len(c.writes)
				time.Sleep(time.Hour)
				if len(c.writes) != n || c.status != http.StatusCreated {
					t.Errorf("status %d; after the end came %v", c.status, c.writes[n:])
				}
			})
		})
	}
}

func TestWhatIsNoPlainStreamOfEventsIsNeverPinged(t *testing.T) {
	for _, form := range [][2]string{
		{"audio/mpeg", ""}, {"application/json", ""}, {"application/vnd.amazon.eventstream", ""}, {"", ""}, {"application/x-ndjson", ""}, {"text/event-stream", "br"},
	} {
		synctest.Test(t, func(t *testing.T) {
			x, c := passing(pings[0].dialect, form[0], form[1])
			if err := x.pass([]byte("[\n\n")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			x.alive.stop()
			if len(c.writes) != 1 {
				t.Errorf("%v: %v", form, c.writes)
			}
		})
	}
}

func TestPingsOfEventsThatPassCanBeTurnedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, c := streaming(pings[0].dialect, false)
		x.rq.Models.Config.Fairlead.PingInterval = 0
		keepPassing(x, &upstream.Response{Header: http.Header{"Content-Type": {"text/event-stream"}}}, &x.rq.Models.Config.Fairlead, pings[0].dialect)
		begin(x, http.StatusOK)
		x.watchPassing()
		time.Sleep(time.Hour)
		x.alive.stop()
		if len(c.writes) != 0 {
			t.Errorf("%v", c.writes)
		}
	})
}

// paused are pieces of a stream, each after a silence, and then its end.
type paused struct {
	pieces []piece
	end    error
}

type piece struct {
	silence time.Duration
	text    string
}

func (p *paused) Read(b []byte) (int, error) {
	if len(p.pieces) == 0 {
		return 0, p.end
	}
	time.Sleep(p.pieces[0].silence)
	n := copy(b, p.pieces[0].text)
	p.pieces = p.pieces[1:]
	return n, nil
}

// tasked is a request for a task.
func tasked(task *Task, stream bool) (*forward, *client) {
	x, c := streaming(pings[0].dialect, false)
	x.rq.LLM = &llm.Request{Model: "m", Stream: stream}
	return &forward{exchange: x, task: task}, c
}

func TestAStreamOfATaskIsPingedBetweenItsEvents(t *testing.T) {
	for _, task := range []*Task{TaskImages, TaskImageEdits, TaskSpeech, TaskTranscriptions, TaskTranslations} {
		for name, stream := range map[string]bool{"asked for": true, "not asked for": false} {
			t.Run(task.Name+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, c := tasked(task, stream)
					f.keepAlive()
					time.Sleep(2 * time.Second)
					err := f.passEvents(t.Context(), &paused{[]piece{{6 * time.Second, "event: a\ndata: 1\n\ndata:"}, {12 * time.Second, " 2\n\n"}, {3 * time.Second, ": x\n\n"}, {4 * time.Second, "data: 3\n\n"}}, io.EOF})
					if err := f.endEvents(err); err != nil {
						t.Fatal(err)
					}
					if got := c.pinged(": ping\n\n"); !slices.Equal(got, []int{13, 18, 25}) {
						t.Errorf("pings at %v of %v", got, c.writes)
					}
					if got := c.text(); strings.ReplaceAll(got, ": ping\n\n", "") != "event: a\ndata: 1\n\ndata: 2\n\ndata: 3\n\n" {
						t.Errorf("the client got %q", got)
					}
					n := len(c.writes)
					time.Sleep(time.Hour)
					if len(c.writes) != n {
						t.Errorf("after the end came %v", c.writes[n:])
					}
				})
			})
		}
	}
}

func (c *client) text() string {
	var b strings.Builder
	for _, w := range c.writes {
		b.WriteString(w.text)
	}
	return b.String()
}

func TestBeforeItsFirstEventATaskIsPingedAfterHalfAMinuteAndMayStillFail(t *testing.T) {
	for name, stream := range map[string]bool{"asked for": true, "not asked for": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, c := tasked(TaskImages, stream)
				f.keepAlive()
				time.Sleep(25 * time.Second)
				// The first upstream promises events and breaks off, the second sends none.
				err := f.passEvents(t.Context(), &paused{[]piece{{7 * time.Second, ": x\n\n"}, {time.Second, "da"}}, io.ErrUnexpectedEOF})
				f.alive.mu.Lock() // what the timer has written
				if err == nil || f.begun || c.status != http.StatusOK || c.header.Get("Content-Type") != "text/event-stream; charset=utf-8" || c.header.Get("X-Litellm-Model-Id") != "d" {
					t.Errorf("%v, begun %v, status %d %v", err, f.begun, c.status, c.header)
				}
				f.alive.mu.Unlock()
				time.Sleep(4 * time.Second)
				err = f.passEvents(t.Context(), &paused{nil, io.EOF})
				err = f.endEvents(err)
				if b, ok := err.(*BegunError); !ok || !b.Told {
					t.Errorf("%v", err)
				}
				if got := c.pinged(": ping\n\n"); !slices.Equal(got, []int{30, 35}) {
					t.Errorf("pings at %v of %v", got, c.writes)
				}
				if got := c.writes[len(c.writes)-1].text; !strings.HasPrefix(got, `data: {"error":{"message":"litellm.InternalServerError`) {
					t.Errorf("the error is %q", got)
				}
			})
		})
	}
}

func TestATaskThatNobodySaidToBeEventsIsNeverPinged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c := tasked(TaskImages, false)
		f.keepAlive()
		time.Sleep(time.Hour)
		// One that promised events and sent none: what comes next need not be one.
		err := f.passEvents(t.Context(), &paused{[]piece{{0, ": x\n\n"}}, io.ErrUnexpectedEOF})
		n := len(c.writes)
		time.Sleep(time.Hour)
		if err == nil || n > 0 || len(c.writes) != n || !f.whole() {
			t.Errorf("%v %v", err, c.writes)
		}
		f.alive.stop()
	})
}

func TestAWholeAnswerOfATaskEndsThePings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c := tasked(TaskTranscriptions, true)
		f.keepAlive()
		time.Sleep(20 * time.Second)
		if !f.whole() {
			t.Error("a stream was opened")
		}
		time.Sleep(time.Hour)
		f.alive.let() // another attempt
		synctest.Wait()
		f.alive.stop()
		if len(c.writes) != 1 || c.writes[0].at != 3620 {
			t.Errorf("%v", c.writes)
		}
	})
}

func TestEventsAfterAWholeAnswerThatFailedArePinged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c := tasked(TaskImages, false)
		f.keepAlive()
		if !f.whole() { // the first upstream's answer cannot be read, the second sends events
			t.Error("a stream was opened")
		}
		err := f.passEvents(t.Context(), &paused{[]piece{{31 * time.Second, "data: 1\n\n"}}, io.EOF})
		if err := f.endEvents(err); err != nil {
			t.Fatal(err)
		}
		if got := c.pinged(": ping\n\n"); !slices.Equal(got, []int{30}) {
			t.Errorf("pings at %v of %v", got, c.writes)
		}
	})
}

func TestAFormThatIsOnItsWayIsNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c := tasked(TaskTranscriptions, true)
		f.once = true
		f.keepAlive()
		time.Sleep(time.Hour)
		f.alive.stop()
		if len(c.writes) != 0 {
			t.Errorf("%v", c.writes)
		}
	})
}
