package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/route"
)

// A budget has one row. A finding has one for each look at a deployment in the background;
// record is what the relay makes of it.
const stateSchema = `
CREATE TABLE IF NOT EXISTS spending (budget TEXT PRIMARY KEY, spent INTEGER NOT NULL, since INTEGER NOT NULL, period INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS finding (
	seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, deployment TEXT NOT NULL, grp TEXT NOT NULL, healthy INTEGER NOT NULL, record BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS finding_deployment ON finding(deployment);
`

// StateLimits bound what the file holds. A field that is zero means the default.
type StateLimits struct {
	// Findings of looks at deployments (100,000).
	Findings int64
	// Age after which a finding is deleted (30 days).
	Age time.Duration
}

const (
	// findingQueue bounds the findings that wait.
	findingQueue = 1024
	// maxBudgets bounds the budgets that are remembered, those that ended first forgotten
	// first.
	maxBudgets = 10_000
)

// State keeps what is known of deployments beyond the life of the process: what of their
// budgets is spent, and what looks at them have found. Whoever tells it something never
// waits; a file that refuses writes is named in the log, and tried again. What was spent
// is written within a tenth of a second. It is safe for concurrent use.
type State struct {
	db       *sql.DB
	path     string
	limits   StateLimits
	queue    chan findingRow
	woken    chan struct{}
	stop     chan struct{}
	done     chan struct{}
	once     sync.Once
	log      *slog.Logger
	now      func() time.Time
	spending atomic.Pointer[func() []route.Spending]
	passed   atomic.Int64 // findings not queued

	mu    sync.Mutex
	saved map[string]route.Spending // what the file holds

	// Of the writer alone.
	failing bool
	lost    int64
}

type findingRow struct {
	at                int64
	deployment, group string
	healthy           bool
	record            []byte
}

// OpenState opens or creates state.db in dir. The error is a sentence that names the file.
func OpenState(dir string, limits StateLimits, log *slog.Logger, now func() time.Time) (*State, error) {
	path, err := fileIn(dir, "state.db")
	if err != nil {
		return nil, err
	}
	db, err := open(path, stateSchema)
	if err != nil {
		return nil, unopened(path, err)
	}
	db.SetMaxOpenConns(2) // one writes, one reads for who asks
	limits.Findings, limits.Age = cmp.Or(limits.Findings, 100_000), cmp.Or(limits.Age, 30*24*time.Hour)
	s := &State{
		db: db, path: filepath.Clean(path), limits: limits, queue: make(chan findingRow, findingQueue), woken: make(chan struct{}, 1),
		stop: make(chan struct{}), done: make(chan struct{}), log: log, now: now, saved: map[string]route.Spending{},
	}
	if err := s.load(); err != nil {
		_ = db.Close() // the first error tells more
		return nil, unopened(path, err)
	}
	go s.run()
	return s, nil
}

// Recalled is what the file says that budgets have spent.
func (s *State) Recalled() []route.Spending {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.saved))
}

func (s *State) load() error {
	rows, err := s.db.Query(`SELECT budget, spent, since, period FROM spending`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var b route.Spending
		var since, period int64
		if err := rows.Scan(&b.Of, &b.Spent, &since, &period); err != nil {
			return err
		}
		b.Since, b.Period = time.UnixMilli(since), time.Duration(period)
		s.saved[b.Of] = b
	}
	return rows.Err()
}

// Follow says where to read what is spent, instead of where it was read before.
func (s *State) Follow(spending func() []route.Spending) { s.spending.Store(&spending) }

// Spent says that something was spent. It never waits.
func (s *State) Spent() {
	select {
	case s.woken <- struct{}{}:
	default: // it is known already
	}
}

// KeepFinding queues what a look at a deployment has found. It never waits: when too many
// wait, the finding is passed over and counted.
func (s *State) KeepFinding(deployment, group string, healthy bool, at time.Time, record []byte) {
	select {
	case s.queue <- findingRow{at.UnixMilli(), deployment, group, healthy, record}:
	default:
		s.passed.Add(1)
	}
}

// Findings returns the records of what looks have found, the newest first, and how many
// there are in all. Name is a deployment or a group, "" for all; healthy nil is both.
func (s *State) Findings(name string, healthy *bool, limit, offset int) (records [][]byte, total int, err error) {
	const where = ` FROM finding WHERE at > ? AND (? = '' OR deployment = ? OR grp = ?) AND (? < 0 OR healthy = ?)`
	state := -1
	if healthy != nil {
		state = 0
		if *healthy {
			state = 1
		}
	}
	args := []any{s.oldest(), name, name, name, state, state}
	if err := s.db.QueryRow(`SELECT count(*)`+where, args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("the findings about deployments cannot be read from %s: %w", s.path, err)
	}
	records, err = s.records(`SELECT record`+where+` ORDER BY seq DESC LIMIT ? OFFSET ?`, append(args, limit, offset)...)
	return records, total, err
}

// LastFindings returns the record of the last look at each deployment.
func (s *State) LastFindings() ([][]byte, error) {
	return s.records(`SELECT record FROM finding WHERE seq IN (SELECT max(seq) FROM finding WHERE at > ? GROUP BY deployment)`, s.oldest())
}

func (s *State) records(query string, args ...any) (out [][]byte, err error) {
	rows, err := s.db.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("the findings about deployments cannot be read from %s: %w", s.path, err)
	}
	defer rows.Close()
	for rows.Next() {
		var record []byte
		if err := rows.Scan(&record); err != nil {
			return nil, err
		}
		out = append(out, record)
	}
	return out, rows.Err()
}

func (s *State) oldest() int64 { return s.now().Add(-s.limits.Age).UnixMilli() }

// Close writes what waits and closes the file. What is told after it is not kept.
func (s *State) Close() error {
	s.once.Do(func() { close(s.stop) })
	<-s.done
	return s.db.Close()
}

func (s *State) run() {
	defer close(s.done)
	purge, again := time.NewTicker(purgeEvery), time.NewTicker(restAfterFailure)
	defer purge.Stop()
	defer again.Stop()
	s.commit(nil, true)
	for {
		select {
		case <-s.stop:
			s.failing = false
			s.commit(s.waiting(nil), false)
			return
		case first := <-s.queue:
			s.commit(s.gather(first), false)
		case <-s.woken:
			s.commit(s.gather(), false)
		case <-purge.C:
			s.commit(nil, true)
		case <-again.C:
			if s.failing {
				s.failing = false
				s.commit(nil, false)
			}
		}
	}
}

// gather waits for what else comes within groupWait.
func (s *State) gather(first ...findingRow) []findingRow {
	timer := time.NewTimer(groupWait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.stop:
	}
	return s.waiting(first)
}

// waiting takes what waits besides.
func (s *State) waiting(group []findingRow) []findingRow {
	for n := len(s.queue); n > 0; n-- {
		group = append(group, <-s.queue)
	}
	return group
}

// commit writes what was found, and what was spent since the last time.
func (s *State) commit(found []findingRow, purge bool) {
	s.tellPassed()
	if s.failing { // until it is tried again
		s.lost += int64(len(found))
		return
	}
	changed := s.changed()
	if len(found)+len(changed) == 0 && !purge {
		return
	}
	if err := s.write(found, changed, purge); err != nil {
		if s.lost == 0 {
			s.log.Error("what budgets have spent and what checks have found cannot be written to disk; it is tried again", "file", s.path, "error", err)
		}
		s.failing = true
		s.lost += int64(len(found)) + 1
		return
	}
	s.remember(changed)
	if s.lost > 0 {
		s.log.Info("what budgets have spent and what checks have found is written to disk again", "file", s.path)
		s.lost = 0
	}
}

func (s *State) remember(changed []route.Spending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range changed {
		s.saved[b.Of] = b
	}
}

func (s *State) tellPassed() {
	if n := s.passed.Swap(0); n > 0 {
		s.log.Warn("findings about deployments were not written to disk: they came faster than it takes them", "file", s.path, "findings", n)
	}
}

// changed are the budgets that were spent of since they were written.
func (s *State) changed() (out []route.Spending) {
	read := s.spending.Load()
	if read == nil {
		return nil
	}
	now := (*read)()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range now {
		if before := s.saved[b.Of]; !b.Since.IsZero() && (before.Spent != b.Spent || before.Since.UnixMilli() != b.Since.UnixMilli()) {
			out = append(out, b)
		}
	}
	return out
}

func (s *State) write(found []findingRow, changed []route.Spending, purge bool) error {
	tx, err := s.db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	if err = s.change(tx, found, changed); err == nil && purge {
		err = s.purge(tx)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		_ = tx.Rollback() // the first error tells more
	}
	return err
}

func (s *State) change(tx *sql.Tx, found []findingRow, changed []route.Spending) error {
	for _, b := range changed {
		_, err := tx.Exec(`INSERT INTO spending (budget, spent, since, period) VALUES (?, ?, ?, ?)
			ON CONFLICT (budget) DO UPDATE SET spent = excluded.spent, since = excluded.since, period = excluded.period`,
			b.Of, b.Spent, b.Since.UnixMilli(), int64(b.Period))
		if err != nil {
			return err
		}
	}
	for i := range found {
		f := &found[i]
		if _, err := tx.Exec(`INSERT INTO finding (at, deployment, grp, healthy, record) VALUES (?, ?, ?, ?, ?)`, f.at, f.deployment, f.group, f.healthy, f.record); err != nil {
			return err
		}
	}
	return nil
}

// purge deletes what is too old or too much.
func (s *State) purge(tx *sql.Tx) error {
	for _, step := range []struct {
		query string
		arg   int64
	}{
		{`DELETE FROM finding WHERE at <= ?`, s.oldest()},
		{`DELETE FROM finding WHERE seq <= (SELECT max(seq) FROM finding) - ?`, s.limits.Findings},
		{`DELETE FROM spending WHERE since + period / 1000000 <= ?`, s.now().UnixMilli()},
		{`DELETE FROM spending WHERE budget NOT IN (SELECT budget FROM spending ORDER BY since DESC LIMIT ?)`, maxBudgets},
	} {
		if _, err := tx.Exec(step.query, step.arg); err != nil {
			return err
		}
	}
	return nil
}
