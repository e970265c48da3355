package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// piped returns a client whose only upstream is serve, over a pipe, so that a
// test's clock can be a false one.
func piped(t *testing.T, o Options, serve func(c net.Conn, r *bufio.Reader)) *Client {
	t.Helper()
	c, err := newClient(Profile{}, o.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() { c.pooled.CloseIdleConnections(); c.direct.CloseIdle(); c.multi.CloseIdle(); serving.Wait() })
	dial := func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		serving.Go(func() {
			defer far.Close()
			r := bufio.NewReader(far)
			if readRequest(r) {
				serve(far, r)
			}
		})
		return near, nil
	}
	c.direct.Dial, c.pooled.DialContext = dial, dial
	return c
}

const (
	okHeader = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	chunk    = "1\r\nx\r\n"
	lastOne  = "0\r\n\r\n"
)

// silent answers nothing and waits until the connection is closed.
func silent(c net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) }

func TestU05UpstreamThatNeverAnswers(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			_, e := post(t, piped(t, over(Options{}), silent), "http://up", TimeoutsFor(false, 2*time.Second))
			wantError(t, e, llm.KindTimeout, 408)
			if took := time.Since(began); took != 2*time.Second || e.Message != "The upstream did not begin to answer within 2s." {
				t.Errorf("after %v: %s", took, e.Message)
			}
		})
	})
}

func TestU05DefaultsAreSixHundredSecondsAndThreeHundredSilent(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			_, e := post(t, piped(t, over(Options{}), silent), "http://up", Timeouts{})
			wantError(t, e, llm.KindTimeout, 408)
			if took := time.Since(began); took != 600*time.Second {
				t.Errorf("no header: after %v", took)
			}
			began = time.Now()
			_, e = whole(t, piped(t, over(Options{}), func(c net.Conn, r *bufio.Reader) {
				_, _ = io.WriteString(c, okHeader)
				silent(c, r)
			}), "http://up", Timeouts{})
			wantError(t, e, llm.KindTimeout, 408)
			if took := time.Since(began); took != 300*time.Second {
				t.Errorf("silent body: after %v", took)
			}
		})
	})
}

func TestU06HeaderByTheByteHasOneDeadline(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		synctest.Test(t, func(t *testing.T) {
			_, e := post(t, piped(t, over(Options{}), func(c net.Conn, _ *bufio.Reader) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: ")
				for {
					if _, err := io.WriteString(c, "x"); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			}), "http://up", Timeouts{Header: 10 * time.Second})
			wantError(t, e, llm.KindTimeout, 408)
		})
	})
}

// drip sends n chunks, each after a pause.
func drip(n int, pause time.Duration) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, _ *bufio.Reader) {
		_, _ = io.WriteString(c, okHeader)
		for range n {
			time.Sleep(pause)
			if _, err := io.WriteString(c, chunk); err != nil {
				return
			}
		}
		_, _ = io.WriteString(c, lastOne)
	}
}

func TestU07IdleLimitHoldsForEachReadAlone(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		for _, c := range []struct {
			pause time.Duration
			ok    bool
		}{{9 * time.Second, true}, {11 * time.Second, false}} {
			synctest.Test(t, func(t *testing.T) {
				body, e := whole(t, piped(t, over(Options{IdleTimeout: 10 * time.Second}), drip(8, c.pause)), "http://up", Timeouts{})
				if c.ok && (e != nil || len(body) != 8) {
					t.Errorf("pause %v: %q %v", c.pause, body, e)
				}
				if !c.ok {
					wantError(t, e, llm.KindTimeout, 408)
				}
			})
		}
	})
}

func TestTimeNobodyReadsIsNotTheUpstreamsSilence(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		synctest.Test(t, func(t *testing.T) {
			resp, e := post(t, piped(t, over(Options{IdleTimeout: 10 * time.Second}), drip(1, 0)), "http://up", Timeouts{})
			if e != nil {
				t.Fatal(e)
			}
			time.Sleep(time.Minute) // a slow client
			body, e := resp.ReadAll(0)
			if e != nil || string(body) != "x" {
				t.Errorf("%q %v", body, e)
			}
		})
	})
}

func TestU12TotalTimeEndsAStreamThatGoesOn(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			_, e := whole(t, piped(t, over(Options{TotalTimeout: time.Minute}), drip(1000, time.Second)), "http://up", Timeouts{})
			wantError(t, e, llm.KindTimeout, 408)
			if took := time.Since(began); took != time.Minute || e.Message != "The upstream did not finish its answer within 1m0s." {
				t.Errorf("after %v: %s", took, e.Message)
			}
		})
	})
}

func TestConfiguredTimeoutOfAStreamIsForItsBeginAndGaps(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		synctest.Test(t, func(t *testing.T) {
			body, e := whole(t, piped(t, over(Options{}), drip(20, time.Second)), "http://up", TimeoutsFor(true, 2*time.Second))
			if e != nil || len(body) != 20 {
				t.Errorf("stream: %q %v", body, e)
			}
			_, e = whole(t, piped(t, over(Options{}), drip(20, time.Second)), "http://up", TimeoutsFor(false, 2*time.Second))
			wantError(t, e, llm.KindTimeout, 408)
		})
		if got := TimeoutsFor(true, 0); got != (Timeouts{}) {
			t.Errorf("not configured: %v", got)
		}
		o := Options{}.withDefaults()
		if got := o.fill(TimeoutsFor(true, time.Hour)); got.Header != time.Hour || got.Idle != time.Hour || got.Total != time.Hour {
			t.Errorf("longer than the total: %v", got)
		}
	})
}

func TestDeadlineOfTheCallerIsATimeout(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			c := piped(t, over(Options{}), silent)
			_, e := c.Do(ctx, &Request{URL: parse(t, "http://up"), Body: []byte("x"), Provider: "openai", Model: "gpt"})
			wantError(t, e, llm.KindTimeout, 408)
		})
	})
}

func TestU10ResetInTheMiddleIsABrokenAnswer(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		synctest.Test(t, func(t *testing.T) {
			resp, e := post(t, piped(t, over(Options{}), func(c net.Conn, _ *bufio.Reader) { _, _ = io.WriteString(c, okHeader+chunk) }), "http://up", Timeouts{})
			if e != nil {
				t.Fatal(e)
			}
			got, err := io.ReadAll(resp.Body)
			if string(got) != "x" || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q %v", got, err)
			}
			wantError(t, llm.AsError(err), llm.KindConnection, 500)
		})
	})
}

func TestSilenceCountsAlsoAfterAHeaderThatCameLate(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			_, e := whole(t, piped(t, over(Options{IdleTimeout: 10 * time.Second}), func(c net.Conn, r *bufio.Reader) {
				time.Sleep(25 * time.Second)
				_, _ = io.WriteString(c, okHeader)
				silent(c, r)
			}), "http://up", Timeouts{})
			wantError(t, e, llm.KindTimeout, 408)
			if took := time.Since(began); took != 35*time.Second || e.Message != "The upstream did not go on with its answer within 10s." {
				t.Errorf("after %v: %s", took, e.Message)
			}
		})
	})
}

func TestTheTLSHandshakeHasItsOwnLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := piped(t, Options{ConnectTimeout: 20 * time.Second, TLSTimeout: 3 * time.Second}, silent)
		c.direct.Dial = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				defer far.Close()
				_, _ = io.Copy(io.Discard, far)
			}()
			return near, nil
		}
		_, e := post(t, c, "https://up", Timeouts{})
		wantError(t, e, llm.KindTimeout, 408)
		if took := time.Since(began); took != 3*time.Second || e.Message != "The upstream did not finish the TLS handshake within 3s." {
			t.Errorf("after %v: %s", took, e.Message)
		}
	})
}

func TestTheHeaderHasALimitWhateverACallAllows(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			_, e := post(t, piped(t, over(Options{HeaderTimeout: 4 * time.Second}), silent), "http://up", TimeoutsFor(true, time.Minute))
			wantError(t, e, llm.KindTimeout, 408)
			if took := time.Since(began); took != 4*time.Second || e.Message != "The upstream did not begin to answer within 4s." {
				t.Errorf("after %v: %s", took, e.Message)
			}
		})
	})
}

func TestALimitThatTheCallerKeepsIsATimeoutAndNotAClientThatLeft(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			time.AfterFunc(5*time.Second, func() { cancel(LateFirstToken(5 * time.Second)) })
			c := piped(t, over(Options{}), silent)
			_, e := c.Do(ctx, &Request{URL: parse(t, "http://up"), Body: []byte("{}"), Provider: "openai", Model: "gpt"})
			wantError(t, e, llm.KindTimeout, 408)
			if e.Message != "The upstream did not send its first token within 5s." {
				t.Error(e.Message)
			}
		})
	})
}
