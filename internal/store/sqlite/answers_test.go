package sqlite

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/responses"
)

// journal is a log that the writer and the test may use at once.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// watch is a clock that a test sets.
type watch struct {
	mu sync.Mutex
	t  time.Time
}

func (w *watch) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.t
}

func (w *watch) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t = w.t.Add(d)
}

func newWatch() *watch { return &watch{t: time.Unix(1_800_000_000, 0)} }

func openAnswers(t *testing.T, dir string, l AnswerLimits, w *watch) (*Answers, *journal) {
	t.Helper()
	log := &journal{}
	a, err := OpenAnswers(dir, l, slog.New(slog.NewTextHandler(log, nil)), w.now)
	if err != nil {
		t.Fatal(err)
	}
	return a, log
}

// reopened closes the file, which writes what waits, and opens it again.
func reopened(t *testing.T, a *Answers, dir string, l AnswerLimits, w *watch) *Answers {
	t.Helper()
	shut(t, a)
	a, _ = openAnswers(t, dir, l, w)
	return a
}

func shut(t *testing.T, a *Answers) {
	t.Helper()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

func answered(id, previous, text string) responses.Record {
	body := fmt.Sprintf(`{"id":%q,"output":[{"id":"msg_%s","type":"message","text":%q}]}`, id, id, text)
	return responses.NewRecord(rawjson.Value(`"ask `+id+`"`), previous, rawjson.Value(body))
}

// found lists which of the ids the tenant has.
func found(a *Answers, tenant string, ids ...string) string {
	var out []string
	for _, id := range ids {
		if r, ok := a.Load(tenant, id); ok && r.ID == id {
			out = append(out, id)
		}
	}
	return strings.Join(out, " ")
}

func TestAnswersOutliveARestartWhole(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	a, _ := openAnswers(t, dir, AnswerLimits{}, w)
	first, second := answered("r1", "", "one"), answered("r2", "r1", "two")
	a.Save("t", first)
	a.Save("t", second)
	a = reopened(t, a, dir, AnswerLimits{}, w)
	defer a.Close()
	got, ok := a.Load("t", "r2")
	if !ok || got.PreviousID != "r1" || !bytes.Equal(got.Body, second.Body) || !bytes.Equal(got.Input, second.Input) || !bytes.Equal(got.Output, second.Output) {
		t.Errorf("loaded %+v %v, want %+v", got, ok, second)
	}
	if item, ok := a.Item("t", "msg_r1"); !ok || !item.Get("text").Is("one") {
		t.Errorf("item %s %v", item, ok)
	}
}

func TestWhatWasSavedOrDeletedIsSeenBeforeTheDiskHasIt(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	a, _ := openAnswers(t, dir, AnswerLimits{}, w)
	a.Save("t", answered("r1", "", "one"))
	if got := found(a, "t", "r1"); got != "r1" {
		t.Errorf("found %q at once, want r1", got)
	}
	if !a.Delete("t", "r1") || a.Delete("t", "r1") {
		t.Error("the first Delete must find it, the second not")
	}
	if got := found(a, "t", "r1"); got != "" {
		t.Errorf("found %q after Delete", got)
	}
	a.Save("t", answered("r2", "", "two"))
	a.Save("t", answered("r2", "", "two anew"))
	a = reopened(t, a, dir, AnswerLimits{}, w)
	defer a.Close()
	if got := found(a, "t", "r1", "r2"); got != "r2" {
		t.Errorf("found %q after a restart, want r2", got)
	}
	if r, _ := a.Load("t", "r2"); !strings.Contains(string(r.Body), "two anew") {
		t.Errorf("an older answer came back: %s", r.Body)
	}
	if _, ok := a.Item("t", "msg_r1"); ok {
		t.Error("an item of a deleted answer was found")
	}
}

func TestAnswersOfAnotherTenantDoNotExist(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	a, _ := openAnswers(t, dir, AnswerLimits{}, w)
	a.Save("t", answered("r1", "", "one"))
	a = reopened(t, a, dir, AnswerLimits{}, w)
	defer a.Close()
	if _, ok := a.Item("u", "msg_r1"); ok || found(a, "u", "r1") != "" || a.Delete("u", "r1") {
		t.Error("another tenant found, or deleted, the answer")
	}
	if found(a, "t", "r1") != "r1" {
		t.Error("the answer is gone")
	}
}

func TestTheFileIsBoundedPerTenantAndInAll(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	size := func() int64 { r := answered("a1", "", "x"); return r.Size() }()
	l := AnswerLimits{TenantBytes: 3 * size, Bytes: 4 * size}
	a, _ := openAnswers(t, dir, l, w)
	save := func(tenant string, ids ...string) {
		for _, id := range ids {
			a.Save(tenant, answered(id, "", "x"))
			w.wait(time.Second)
		}
	}
	save("a", "a1", "a2", "a3", "a4")
	a = reopened(t, a, dir, l, w)
	if got := found(a, "a", "a1", "a2", "a3", "a4"); got != "a2 a3 a4" {
		t.Errorf("tenant a has %q, want the newest three", got)
	}
	save("b", "b1", "b2")
	a = reopened(t, a, dir, l, w)
	defer a.Close()
	if got := found(a, "a", "a2", "a3", "a4") + ", " + found(a, "b", "b1", "b2"); got != "a3 a4, b1 b2" {
		t.Errorf("kept %q, want the oldest of the larger tenant gone", got)
	}
	var rows, items int64
	if err := a.db.QueryRow(`SELECT (SELECT count(*) FROM answer), (SELECT count(*) FROM answer_item)`).Scan(&rows, &items); err != nil || rows != 4 || items != 4 {
		t.Errorf("%d answers and %d items on disk (%v), want 4 and 4", rows, items, err)
	}
}

func TestAnswersGrowOldUnlessTheyAreAskedFor(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	l := AnswerLimits{Age: 10 * 24 * time.Hour}
	a, _ := openAnswers(t, dir, l, w)
	a.Save("t", answered("asked", "", "x"))
	a.Save("t", answered("old", "", "x"))
	a = reopened(t, a, dir, l, w)
	w.wait(6 * 24 * time.Hour)
	if got := found(a, "t", "asked"); got != "asked" {
		t.Errorf("found %q", got)
	}
	w.wait(6 * 24 * time.Hour)
	if got := found(a, "t", "asked", "old"); got != "asked" {
		t.Errorf("found %q after its time, want the one that was asked for", got)
	}
	a = reopened(t, a, dir, l, w)
	shut(t, a)
	a, _ = openAnswers(t, dir, l, w)
	defer a.Close()
	var rows int
	if err := a.db.QueryRow(`SELECT count(*) FROM answer`).Scan(&rows); err != nil || rows != 1 {
		t.Errorf("%d rows (%v), want the old one deleted", rows, err)
	}
}

func TestAFullDiskIsNamedAndWhatWasWrittenStays(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	a, log := openAnswers(t, dir, AnswerLimits{}, w)
	a.Save("t", answered("r1", "", "one"))
	a = reopened(t, a, dir, AnswerLimits{}, w)
	a.log = slog.New(slog.NewTextHandler(log, nil))
	a.db.SetMaxOpenConns(1)
	if _, err := a.db.Exec(`PRAGMA max_page_count = 1`); err != nil { // as many as there are
		t.Fatal(err)
	}
	a.Save("t", answered("r2", "", strings.Repeat("x", 1<<20)))
	shut(t, a)
	if text := log.String(); !strings.Contains(text, "answers cannot be written to disk; they stay in memory") || !strings.Contains(text, "responses.db") || !strings.Contains(text, "full") {
		t.Errorf("the log says %q", text)
	}
	a, _ = openAnswers(t, dir, AnswerLimits{}, w)
	defer a.Close()
	if got := found(a, "t", "r1", "r2"); got != "r1" || a.total != a.held[keyOf("t", "").tenant] {
		t.Errorf("found %q, want what fitted; count %d", got, a.total)
	}
}

func TestADamagedRowIsPassedOver(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	a, _ := openAnswers(t, dir, AnswerLimits{}, w)
	a.Save("t", answered("r1", "", "one"))
	a = reopened(t, a, dir, AnswerLimits{}, w)
	defer a.Close()
	if _, err := a.db.Exec(`UPDATE answer SET body = x'7b22'`); err != nil {
		t.Fatal(err)
	}
	if got := found(a, "t", "r1"); got != "" {
		t.Errorf("found %q", got)
	}
}

func TestABrokenAnswerFileIsNamed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "responses.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := OpenAnswers(dir, AnswerLimits{}, slog.New(slog.DiscardHandler), time.Now)
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names the file", err)
	}
}

func TestWhatWaitsForTheDiskIsBounded(t *testing.T) {
	w := newWatch()
	log := &journal{}
	// Nobody writes.
	a := &Answers{
		queue: make(chan *answerWrite, queueLength), waiting: map[answerKey]*answerWrite{}, now: w.now,
		log: slog.New(slog.NewTextHandler(log, nil)), path: "responses.db",
	}
	big := answered("r", "", strings.Repeat("x", maxWaiting/3))
	for i := range 5 {
		big.ID = fmt.Sprint("r", i)
		a.Save("t", big)
	}
	if len(a.queue) != 2 || !strings.Contains(log.String(), "the disk is slower than the traffic") {
		t.Errorf("%d answers wait; the log says %q", len(a.queue), log)
	}
}
