package sqlite

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func openRequests(t *testing.T, dir string, l RequestLimits, w *watch) (*Requests, *journal) {
	t.Helper()
	log := &journal{}
	r, err := OpenRequests(dir, l, slog.New(slog.NewTextHandler(log, nil)), w.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, log
}

// written opens the file with a writer that the test drives itself, group by group.
func written(t *testing.T, l RequestLimits, w *watch) (*Requests, *journal) {
	t.Helper()
	r, log := openRequests(t, t.TempDir(), l, w)
	close(r.stop)
	<-r.done
	r.once.Do(func() {})
	r.db.SetMaxOpenConns(1) // what a test sets holds for all that follows
	return r, log
}

func record(id, text string) requestRecord {
	return requestRecord{id, func() []byte { return []byte(text) }}
}

// holds lists which of the ids the file has, with their records.
func (r *Requests) holds(ids ...string) string {
	var out []string
	for _, id := range ids {
		if b, ok := r.Load(id); ok {
			out = append(out, id+"="+string(b))
		}
	}
	return strings.Join(out, " ")
}

// counted is what the file really holds.
func (r *Requests) counted(t *testing.T) holding {
	t.Helper()
	h := holding{measured: true}
	err := r.db.QueryRow(`SELECT coalesce(sum(length(ids) / 8), 0), coalesce(sum(length(ids) + length(records)), 0) FROM requests`).Scan(&h.records, &h.bytes)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestRecordsOfRequestsOutliveARestart(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	r, _ := openRequests(t, dir, RequestLimits{}, w)
	for _, text := range []string{"first", "last"} {
		r.Save("again", func() []byte { return []byte(text) })
	}
	for i := range 300 {
		r.Save(fmt.Sprint(i), func() []byte { return fmt.Append(nil, "r", i) })
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r.Save("late", func() []byte { return nil }) // a request that ends after all the rest
	r, _ = openRequests(t, dir, RequestLimits{}, w)
	if got := r.holds("again", "0", "299", "nobody", "late"); got != "again=last 0=r0 299=r299" {
		t.Errorf("the file holds %q", got)
	}
	info, err := os.Stat(filepath.Join(dir, "requests.db"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v %v", info.Mode(), err)
	}
}

func TestTheOldestRecordsGiveWayToTheNewest(t *testing.T) {
	const size = 8 + 1 + 4 + 1 + 10 // of one record: hash, id and text with their lengths
	for name, l := range map[string]RequestLimits{"records": {Records: 700}, "bytes": {Bytes: 700*size + 1}} {
		t.Run(name, func(t *testing.T) {
			r, _ := written(t, l, newWatch())
			for n := 0; n < 2000; n += 100 {
				var group []requestRecord
				for i := range 100 {
					group = append(group, record(fmt.Sprintf("%04d", n+i), "0123456789"))
				}
				r.commit(group)
			}
			if want := (holding{700, 700 * size, true}); r.held != want || r.counted(t) != want {
				t.Errorf("the file holds %+v; the count says %+v", r.counted(t), r.held)
			}
			if got := r.holds("0000", "1299", "1300", "1999"); got != "1300=0123456789 1999=0123456789" {
				t.Errorf("the file holds %q", got)
			}
		})
	}
}

func TestOneRecordThatIsLargerThanTheLimitLeavesNothingOver(t *testing.T) {
	r, _ := written(t, RequestLimits{Bytes: 100}, newWatch())
	r.commit([]requestRecord{record("a", strings.Repeat("x", 1000))})
	r.commit([]requestRecord{record("b", "small")})
	if got := r.holds("a", "b"); got != "b=small" {
		t.Errorf("the file holds %q", got)
	}
}

func TestRecordsGrowOld(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	l := RequestLimits{Age: time.Hour}
	r, _ := openRequests(t, dir, l, w)
	r.Save("old", func() []byte { return []byte("x") })
	r.Close()
	w.wait(40 * time.Minute)
	r, _ = openRequests(t, dir, l, w)
	r.Save("young", func() []byte { return []byte("y") })
	r.Close()
	w.wait(40 * time.Minute)
	r, _ = openRequests(t, dir, l, w)
	if got := r.holds("old", "young"); got != "young=y" {
		t.Errorf("the file holds %q", got)
	}
	r.Close()
	w.wait(time.Hour)
	r, _ = openRequests(t, dir, l, w)
	r.Close()
	if want := (holding{measured: true}); r.held != want {
		t.Errorf("%+v is left", r.held)
	}
}

func TestADiskThatRefusesRecordsIsNamedOnceAndTriedAgain(t *testing.T) {
	for name, refuse := range map[string]struct{ fail, mend, want string }{
		"full":      {"PRAGMA max_page_count = 1", "PRAGMA max_page_count = 100000", "full"},
		"read-only": {"PRAGMA query_only = 1", "PRAGMA query_only = 0", "readonly"},
		"damaged":   {"ALTER TABLE requests RENAME TO lost", "ALTER TABLE lost RENAME TO requests", "no such table"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatch()
			r, log := written(t, RequestLimits{}, w)
			r.commit([]requestRecord{record("before", "x")})
			set := func(q string) {
				t.Helper()
				if _, err := r.db.Exec(q); err != nil {
					t.Fatal(err)
				}
			}
			set(refuse.fail)
			big := strings.Repeat("x", 64<<10)
			for range 3 { // refused, left alone, refused
				r.commit([]requestRecord{record("during", big), record("during", big)})
				w.wait(restAfterFailure * 3 / 5)
			}
			text := log.String()
			if strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "requests.db") || !strings.Contains(text, refuse.want) {
				t.Errorf("the log says %q", text)
			}
			set(refuse.mend)
			r.commit([]requestRecord{record("too soon", "x")})
			w.wait(restAfterFailure)
			r.commit([]requestRecord{record("after", "x")})
			if got := r.holds("before", "during", "too soon", "after"); got != "before=x after=x" {
				t.Errorf("the file holds %q", got)
			}
			if text := strings.TrimPrefix(log.String(), text); !strings.Contains(text, "written to disk again") || !strings.Contains(text, "lost=7") {
				t.Errorf("then the log says %q", text)
			}
			if h := r.counted(t); h != r.held {
				t.Errorf("the file holds %+v; the count says %+v", h, r.held)
			}
		})
	}
}

func TestRecordsThatComeTooFastArePassedOverAndCounted(t *testing.T) {
	w := newWatch()
	r, log := written(t, RequestLimits{}, w)
	for i := range requestQueue + 5 { // nobody writes
		r.Save(fmt.Sprint(i), func() []byte { return nil })
	}
	for range 3 {
		r.commit(nil)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "records=5") {
		t.Errorf("the log says %q", text)
	}
	r.Save("one more", func() []byte { return nil })
	r.commit(nil)
	w.wait(tellEvery)
	r.commit(nil)
	if text := log.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "records=1\n") {
		t.Errorf("a minute later the log says %q", text)
	}
	r.drain()
	if h := r.counted(t); h.records != requestQueue {
		t.Errorf("the file holds %+v, want all that waited", h)
	}
}

func TestAnotherProcessMayDeleteRecords(t *testing.T) {
	r, log := written(t, RequestLimits{Records: 2}, newWatch())
	r.commit([]requestRecord{record("a", "x"), record("b", "x")})
	if _, err := r.db.Exec(`DELETE FROM requests`); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"c", "d", "e"} { // the first finds the count wrong
		r.commit([]requestRecord{record(id, "x")})
	}
	if got := r.holds("d", "e"); got != "d=x e=x" || log.String() != "" {
		t.Errorf("the file holds %q; the log says %q", got, log)
	}
}

func TestADamagedGroupHasNoRecords(t *testing.T) {
	whole := appendRecord(appendRecord(nil, "a", []byte("one")), "b", []byte("two"))
	if got := lastRecord(whole, "b"); string(got) != "two" {
		t.Fatalf("found %q", got)
	}
	for n := range len(whole) {
		if got := lastRecord(whole[:n], "b"); got != nil {
			t.Errorf("found %q in %d bytes", got, n)
		}
	}
	for _, bad := range []string{"\xff", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01b\x05x"} {
		if got := lastRecord([]byte(bad), "b"); got != nil {
			t.Errorf("found %q in %q", got, bad)
		}
	}
}

func TestAnotherIDOfTheSameHashIsPassedOver(t *testing.T) {
	r, _ := written(t, RequestLimits{}, newWatch())
	r.commit([]requestRecord{record("a", "x")})
	r.commit([]requestRecord{record("b", "y")})
	if _, err := r.db.Exec(`UPDATE requests SET ids = ?`, hashOf("a")); err != nil {
		t.Fatal(err)
	}
	if got := r.holds("a", "b"); got != "a=x" {
		t.Errorf("found %q", got)
	}
}

func TestABrokenRequestFileIsNamed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "requests.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRequests(dir, RequestLimits{}, slog.New(slog.DiscardHandler), time.Now); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names the file", err)
	}
}

// BenchmarkRecord is what one record of the usual size costs the writer.
func BenchmarkRecord(b *testing.B) {
	r, err := OpenRequests(b.TempDir(), RequestLimits{Records: 50_000}, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	close(r.stop)
	<-r.done
	defer r.db.Close()
	text := []byte(strings.Repeat(`{"k":"some value"},`, 40))
	n := 0
	for b.Loop() {
		group := make([]requestRecord, requestGroup)
		for i := range group {
			n++
			group[i] = requestRecord{fmt.Sprintf("%08x-aaaa-bbbb-cccc-%012x", uint32(n)*2654435761, n), func() []byte { return text }}
		}
		r.commit(group)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n), "µs/record")
}
