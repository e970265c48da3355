package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// A row holds all records of one group: a row for each would cost ten times as much.
// ids are the hashes of their ids, records what appendRecord makes.
const requestSchema = `
CREATE TABLE IF NOT EXISTS requests (
	seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, count INTEGER NOT NULL, size INTEGER NOT NULL, ids BLOB NOT NULL, records BLOB NOT NULL);
`

// RequestLimits bound what the file holds. A field that is zero means the default.
type RequestLimits struct {
	// Records of requests (100,000), and their Bytes (128 MiB).
	Records, Bytes int64
	// Age after which a record is deleted (7 days).
	Age time.Duration
}

const (
	// requestQueue bounds the records that wait. With one group it is less than the
	// memory of the relay holds, so that what waits is found there.
	requestQueue = 1024
	// requestGroup is the most that is written each groupWait: beyond 7,680 records a
	// second the processor is for requests.
	requestGroup = 768
	// restAfterFailure is how long a file that refused a write is left alone.
	restAfterFailure = 5 * time.Second
	// tellEvery is how often the log says that records were passed over.
	tellEvery = time.Minute
)

// Requests keeps the records of requests beyond the life of the process, the oldest
// deleted for the newest. Whoever saves one never waits, and never hears of a failure:
// the log does, once for each trouble. It is safe for concurrent use.
type Requests struct {
	db     *sql.DB
	path   string
	limits RequestLimits
	queue  chan requestRecord
	stop   chan struct{}
	done   chan struct{}
	once   sync.Once
	log    *slog.Logger
	now    func() time.Time
	passed atomic.Int64 // not queued, since too many waited

	// Of the writer alone.
	held    holding
	failing bool // the last write was refused
	retry   time.Time
	lost    int64 // not written since
	told    time.Time
}

// holding is what the file holds, once it is measured.
type holding struct {
	records, bytes int64
	measured       bool
}

type requestRecord struct {
	id     string
	encode func() []byte
}

// OpenRequests opens or creates requests.db in dir. The error is a sentence that names
// the file.
func OpenRequests(dir string, limits RequestLimits, log *slog.Logger, now func() time.Time) (*Requests, error) {
	path, err := fileIn(dir, "requests.db")
	if err != nil {
		return nil, err
	}
	db, err := open(path, requestSchema)
	if err != nil {
		return nil, unopened(path, err)
	}
	db.SetMaxOpenConns(2) // one writes, one reads for who asks
	limits.Records, limits.Bytes = cmp.Or(limits.Records, 100_000), cmp.Or(limits.Bytes, 128<<20)
	limits.Age = cmp.Or(limits.Age, 7*24*time.Hour)
	r := &Requests{
		db: db, path: filepath.Clean(path), limits: limits, queue: make(chan requestRecord, requestQueue),
		stop: make(chan struct{}), done: make(chan struct{}), log: log, now: now,
	}
	go r.run()
	return r, nil
}

// Save queues the record of a request. encode is called once, later and elsewhere; what
// it returns is kept. It never blocks: when too many wait, the record is passed over and
// counted.
func (r *Requests) Save(id string, encode func() []byte) {
	select {
	case r.queue <- requestRecord{id, encode}:
	default:
		r.passed.Add(1)
	}
}

// Load reads the last record with an id. false means that the file has none, or cannot
// be read.
func (r *Requests) Load(id string) ([]byte, bool) {
	record, err := r.load(id)
	if err != nil {
		r.log.Warn("the records of requests cannot be read from disk", "file", r.path, "error", err)
	}
	return record, record != nil
}

func (r *Requests) load(id string) ([]byte, error) {
	for before := int64(math.MaxInt64); ; {
		seq, err := r.groupOf(id, before)
		if err != nil || seq == 0 {
			return nil, err
		}
		if record, err := r.loadFrom(seq, id); record != nil || err != nil {
			return record, err
		}
		before = seq // another id has the same hash
	}
}

// groupOf looks through the ids of all groups, the last first, for the hash of one; 0 is
// none. Who asks is an operator, now and then: an index would be paid for by every request.
func (r *Requests) groupOf(id string, before int64) (seq int64, err error) {
	rows, err := r.db.Query(`SELECT seq, ids FROM requests WHERE seq < ? AND at > ? ORDER BY seq DESC`, before, r.oldest())
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	key := hashOf(id)
	var ids sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&seq, &ids); err != nil {
			return 0, err
		}
		if hasHash(ids, key) {
			return seq, nil
		}
	}
	return 0, rows.Err()
}

func (r *Requests) loadFrom(seq int64, id string) ([]byte, error) {
	var records []byte
	err := r.db.QueryRow(`SELECT records FROM requests WHERE seq = ?`, seq).Scan(&records)
	if errors.Is(err, sql.ErrNoRows) { // deleted meanwhile
		return nil, nil
	}
	return lastRecord(records, id), err
}

func (r *Requests) oldest() int64 { return r.now().Add(-r.limits.Age).UnixMilli() }

// Close writes what waits and closes the file. What is saved after it is not kept.
func (r *Requests) Close() error {
	r.once.Do(func() { close(r.stop) })
	<-r.done
	return r.db.Close()
}

func (r *Requests) run() {
	defer close(r.done)
	purge := time.NewTicker(purgeEvery)
	defer purge.Stop()
	r.commit(nil) // what has grown old or too much since
	for {
		select {
		case <-purge.C:
			r.held.measured = false // another process may write to the file too
			r.commit(nil)
		case first := <-r.queue:
			r.commit(r.gather(first))
		case <-r.stop:
			r.drain()
			return
		}
	}
}

// gather takes what comes within groupWait after the first, and waits to its end however
// much came.
func (r *Requests) gather(first requestRecord) []requestRecord {
	group := append(make([]requestRecord, 0, 16), first)
	timer := time.NewTimer(groupWait)
	defer timer.Stop()
	queue := r.queue
	for {
		if len(group) == requestGroup {
			queue = nil
		}
		select {
		case next := <-queue:
			group = append(group, next)
		case <-timer.C:
			return group
		case <-r.stop:
			return group
		}
	}
}

// drain writes what waits at the end.
func (r *Requests) drain() {
	group := make([]requestRecord, 0, len(r.queue))
	for len(r.queue) > 0 {
		group = append(group, <-r.queue)
	}
	r.retry = time.Time{}
	r.commit(group)
}

// commit writes a group and deletes what is over the limits.
func (r *Requests) commit(group []requestRecord) {
	r.tellPassed()
	if r.failing && r.now().Before(r.retry) {
		r.lost += int64(len(group))
		return
	}
	held := r.held
	err := r.write(group)
	if err == nil {
		r.recovered()
		return
	}
	r.held = held
	r.lost += int64(len(group))
	if !r.failing {
		r.log.Error("the records of requests cannot be written to disk; fairlead why knows the last ones from memory", "file", r.path, "error", err)
	}
	r.failing, r.retry = true, r.now().Add(restAfterFailure)
}

// recovered tells that a file which refused writes takes them again.
func (r *Requests) recovered() {
	if r.failing {
		r.log.Info("the records of requests are written to disk again", "file", r.path, "lost", r.lost)
	}
	r.failing, r.lost = false, 0
}

// tellPassed says now and then how many records found too many before them.
func (r *Requests) tellPassed() {
	now := r.now()
	if r.passed.Load() == 0 || !r.told.IsZero() && now.Sub(r.told) < tellEvery {
		return
	}
	r.told = now
	r.log.Warn("records of requests are not written to disk: requests come faster than it takes them", "file", r.path, "records", r.passed.Swap(0))
}

func (r *Requests) write(group []requestRecord) error {
	tx, err := r.db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	if err = r.change(tx, group); err == nil {
		err = tx.Commit()
	}
	if err != nil {
		_ = tx.Rollback() // the first error tells more
	}
	return err
}

// change is what one transaction does.
func (r *Requests) change(tx *sql.Tx, group []requestRecord) error {
	if !r.held.measured {
		if err := r.purge(tx); err != nil {
			return err
		}
	}
	if len(group) > 0 {
		if err := r.put(tx, group); err != nil {
			return err
		}
	}
	return r.shrink(tx)
}

// put writes a group as one row.
func (r *Requests) put(tx *sql.Tx, group []requestRecord) error {
	ids := make([]byte, 0, len(group)*hashSize)
	records := make([]byte, 0, len(group)<<10)
	for i := range group {
		ids = append(ids, hashOf(group[i].id)...)
		records = appendRecord(records, group[i].id, group[i].encode())
	}
	size := int64(len(ids) + len(records))
	_, err := tx.Exec(`INSERT INTO requests (at, count, size, ids, records) VALUES (?, ?, ?, ?, ?)`,
		r.now().UnixMilli(), len(group), size, ids, records)
	if err != nil {
		return err
	}
	r.held.records += int64(len(group))
	r.held.bytes += size
	return nil
}

// purge deletes what is too old and counts what is left.
func (r *Requests) purge(tx *sql.Tx) error {
	if _, err := tx.Exec(`DELETE FROM requests WHERE at <= ?`, r.oldest()); err != nil {
		return err
	}
	r.held.measured = true
	return tx.QueryRow(`SELECT coalesce(sum(count), 0), coalesce(sum(size), 0) FROM requests`).Scan(&r.held.records, &r.held.bytes)
}

// shrink deletes the oldest groups until the rest fits.
func (r *Requests) shrink(tx *sql.Tx) error {
	for r.held.records > r.limits.Records || r.held.bytes > r.limits.Bytes {
		var count, size, left int64
		err := tx.QueryRow(`DELETE FROM requests WHERE seq = (SELECT min(seq) FROM requests) RETURNING count, size`).Scan(&count, &size)
		if err == nil {
			err = tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM requests)`).Scan(&left)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		r.held.records -= count
		r.held.bytes -= size
		if left == 0 { // another process may have deleted what was counted here
			r.held = holding{}
		}
	}
	return nil
}

// hashSize is what an id costs where ids are looked through.
const hashSize = 8

func hashOf(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:hashSize]
}

func hasHash(ids, key []byte) bool {
	for len(ids) >= hashSize {
		if bytes.Equal(ids[:hashSize], key) {
			return true
		}
		ids = ids[hashSize:]
	}
	return false
}

// appendRecord writes the id and the record, each with its length before it.
func appendRecord(dst []byte, id string, record []byte) []byte {
	dst = append(binary.AppendUvarint(dst, uint64(len(id))), id...)
	return append(binary.AppendUvarint(dst, uint64(len(record))), record...)
}

// lastRecord finds the last record with an id, nil for none or in a damaged group.
func lastRecord(records []byte, id string) (found []byte) {
	for len(records) > 0 {
		name, rest, ok := cutField(records)
		if !ok {
			return nil
		}
		record, rest, ok := cutField(rest)
		if !ok {
			return nil
		}
		if string(name) == id {
			found = record
		}
		records = rest
	}
	return found
}

func cutField(b []byte) (field, rest []byte, ok bool) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return nil, nil, false
	}
	b = b[used:]
	return b[:n:n], b[n:], true
}
