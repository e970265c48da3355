package sqlite

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/responses"
)

const answerSchema = `
CREATE TABLE IF NOT EXISTS answer (
	tenant BLOB NOT NULL, id TEXT NOT NULL, previous TEXT NOT NULL, size INTEGER NOT NULL, used INTEGER NOT NULL,
	input BLOB NOT NULL, body BLOB NOT NULL, UNIQUE (tenant, id));
CREATE INDEX IF NOT EXISTS answer_used ON answer(used);
CREATE INDEX IF NOT EXISTS answer_tenant_used ON answer(tenant, used);
CREATE TABLE IF NOT EXISTS answer_item (tenant BLOB NOT NULL, item TEXT NOT NULL, answer TEXT NOT NULL, PRIMARY KEY (tenant, item)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answer_item_answer ON answer_item(tenant, answer);
`

// AnswerLimits bound what the file holds. A field that is zero means the default.
type AnswerLimits struct {
	// Bytes of all tenants together (1 GiB), and of one (256 MiB).
	Bytes, TenantBytes int64
	// Age after which an answer that nobody asks for is deleted (30 days).
	Age time.Duration
}

// maxWaiting bounds the answers that wait for the disk, in bytes.
const maxWaiting = 64 << 20

// Answers keeps the answers of the Responses API beyond the life of the process. What
// was saved is found at once, what was deleted is gone at once; the disk follows. It is
// safe for concurrent use.
type Answers struct {
	db     *sql.DB
	path   string
	limits AnswerLimits
	queue  chan *answerWrite
	done   chan struct{}
	log    *slog.Logger
	now    func() time.Time

	mu      sync.Mutex
	waiting map[answerKey]*answerWrite // the last wish for each answer
	bytes   int64                      // of what waits
	closed  bool

	writing sync.Mutex // one transaction at a time; guards what the file holds, by tenant
	held    map[tenantKey]int64
	total   int64
}

type tenantKey [sha256.Size]byte

type answerKey struct {
	tenant tenantKey
	id     string
}

// answerWrite is a wish: an answer to keep, or to forget.
type answerWrite struct {
	key    answerKey
	record responses.Record
	used   time.Time
	forget bool
}

var _ responses.Archive = (*Answers)(nil)

// OpenAnswers opens or creates responses.db in dir. The error is a sentence that names
// the file.
func OpenAnswers(dir string, limits AnswerLimits, log *slog.Logger, now func() time.Time) (*Answers, error) {
	path, err := fileIn(dir, "responses.db")
	if err != nil {
		return nil, err
	}
	db, err := open(path, answerSchema)
	if err != nil {
		return nil, unopened(path, err)
	}
	limits.Bytes, limits.TenantBytes = cmp.Or(limits.Bytes, 1<<30), cmp.Or(limits.TenantBytes, 256<<20)
	limits.Age = cmp.Or(limits.Age, responses.DefaultLimits.Age)
	a := &Answers{
		db: db, path: filepath.Clean(path), limits: limits, queue: make(chan *answerWrite, queueLength), done: make(chan struct{}),
		log: log, now: now, waiting: map[answerKey]*answerWrite{}, held: map[tenantKey]int64{},
	}
	if err := a.measure(); err != nil {
		return nil, errors.Join(unopened(path, err), db.Close())
	}
	go a.run()
	return a, nil
}

// measure counts what the file holds.
func (a *Answers) measure() error {
	rows, err := a.db.Query(`SELECT tenant, sum(size) FROM answer GROUP BY tenant`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var tenant []byte
		var size int64
		if err := rows.Scan(&tenant, &size); err != nil {
			return err
		}
		var k tenantKey
		copy(k[:], tenant)
		a.held[k] = size
		a.total += size
	}
	return rows.Err()
}

func keyOf(tenant, id string) answerKey { return answerKey{sha256.Sum256([]byte(tenant)), id} }

// Save queues an answer for writing. It never blocks: when too much waits already, the
// answer stays in memory only and the log says so.
func (a *Answers) Save(tenant string, r responses.Record) {
	w := &answerWrite{key: keyOf(tenant, r.ID), record: r, used: a.now()}
	if !a.wish(w) {
		a.log.Warn("an answer is not written to disk: the disk is slower than the traffic", "file", a.path, "id", r.ID)
	}
}

// wish queues a write, unless too much waits.
func (a *Answers) wish(w *answerWrite) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := w.record.Size()
	if a.closed || a.bytes+size > maxWaiting {
		return false
	}
	select {
	case a.queue <- w:
		a.waiting[w.key] = w
		a.bytes += size
		return true
	default:
		return false
	}
}

// waits returns the last wish for an answer that is not on disk yet, or nil.
func (a *Answers) waits(k answerKey) *answerWrite {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.waiting[k]
}

// Load reads an answer.
func (a *Answers) Load(tenant, id string) (responses.Record, bool) {
	k := keyOf(tenant, id)
	if w := a.waits(k); w != nil {
		return w.record, !w.forget
	}
	var r responses.Record
	var used int64
	var input, body []byte
	err := a.db.QueryRow(`SELECT previous, used, input, body FROM answer WHERE tenant = ? AND id = ? AND used > ?`,
		k.tenant[:], id, a.oldest()).Scan(&r.PreviousID, &used, &input, &body)
	if err != nil {
		a.unread(err)
		return responses.Record{}, false
	}
	if a.now().UnixMilli()-used > responses.TouchAfter.Milliseconds() {
		a.Touch(tenant, id)
	}
	r.ID, r.Input, r.Body = id, input, body
	if !r.Whole() {
		a.log.Warn("an answer on disk is damaged; it is passed over", "file", a.path, "id", id)
		return responses.Record{}, false
	}
	return r, true
}

func (a *Answers) oldest() int64 { return a.now().Add(-a.limits.Age).UnixMilli() }

func (a *Answers) unread(err error) {
	if !errors.Is(err, sql.ErrNoRows) {
		a.log.Warn("answers cannot be read from disk", "file", a.path, "error", err)
	}
}

// Item reads one item of an answer by its own id.
func (a *Answers) Item(tenant, id string) (rawjson.Value, bool) {
	k := keyOf(tenant, id)
	var answer string
	if err := a.db.QueryRow(`SELECT answer FROM answer_item WHERE tenant = ? AND item = ?`, k.tenant[:], id).Scan(&answer); err != nil {
		a.unread(err)
		return nil, false
	}
	r, ok := a.Load(tenant, answer)
	if !ok {
		return nil, false
	}
	return r.Item(id)
}

// Touch says that an answer was asked for, which keeps it from growing old.
func (a *Answers) Touch(tenant, id string) {
	k := keyOf(tenant, id)
	a.writing.Lock()
	defer a.writing.Unlock()
	if _, err := a.db.Exec(`UPDATE answer SET used = ? WHERE tenant = ? AND id = ?`, a.now().UnixMilli(), k.tenant[:], id); err != nil {
		a.unread(err)
	}
}

// Delete forgets an answer, at once for every reader and before it returns on disk.
// What the disk refuses stays forgotten until the process ends, and the log says so.
func (a *Answers) Delete(tenant, id string) bool {
	_, known := a.Load(tenant, id)
	k := keyOf(tenant, id)
	w := &answerWrite{key: k, forget: true}
	a.mu.Lock()
	a.waiting[k] = w // what is queued for it is not written any more
	a.mu.Unlock()
	if err := a.forget(k); err != nil {
		a.log.Error("an answer cannot be deleted from disk", "file", a.path, "id", id, "error", err)
		return known
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting[k] == w {
		delete(a.waiting, k)
	}
	return known
}

func (a *Answers) forget(k answerKey) error {
	return a.transact(func(tx *sql.Tx) error { return a.drop(tx, k) })
}

// transact runs one transaction; what fails leaves file and count as they were.
func (a *Answers) transact(do func(*sql.Tx) error) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	held, total := maps.Clone(a.held), a.total
	tx, err := a.db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	if err = do(tx); err == nil {
		err = tx.Commit()
	}
	if err != nil {
		a.held, a.total = held, total
		_ = tx.Rollback() // the first error tells more
	}
	return err
}

// Close writes what waits and closes the file.
func (a *Answers) Close() error {
	a.mu.Lock()
	a.closed = true
	close(a.queue)
	a.mu.Unlock()
	<-a.done
	return a.db.Close()
}

func (a *Answers) run() {
	defer close(a.done)
	purge := time.NewTicker(purgeEvery)
	defer purge.Stop()
	a.commit(nil) // what has grown old or too much since
	for {
		select {
		case <-purge.C:
			a.commit(nil)
		case w, ok := <-a.queue:
			if !ok {
				return
			}
			a.commit(collect(w, a.queue))
		}
	}
}

// commit writes a group, deletes what is over the limits, and lets go of what waited.
func (a *Answers) commit(group []*answerWrite) {
	if err := a.transact(func(tx *sql.Tx) error { return a.write(tx, group) }); err != nil {
		a.log.Error("answers cannot be written to disk; they stay in memory", "file", a.path, "answers", len(group), "error", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range group {
		a.bytes -= w.record.Size()
		if a.waiting[w.key] == w {
			delete(a.waiting, w.key)
		}
	}
}

func (a *Answers) write(tx *sql.Tx, group []*answerWrite) error {
	for _, w := range group {
		if a.waits(w.key) != w {
			continue // a later wish came
		}
		if err := a.put(tx, w); err != nil {
			return err
		}
	}
	return a.shrink(tx)
}

// put writes one answer in place of what has its id.
func (a *Answers) put(tx *sql.Tx, w *answerWrite) error {
	if err := a.drop(tx, w.key); err != nil {
		return err
	}
	r, tenant, size := &w.record, w.key.tenant[:], w.record.Size()
	_, err := tx.Exec(`INSERT INTO answer (tenant, id, previous, size, used, input, body) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		tenant, r.ID, r.PreviousID, size, w.used.UnixMilli(), []byte(r.Input), []byte(r.Body))
	if err != nil {
		return err
	}
	for id := range r.ItemIDs() {
		if _, err := tx.Exec(`INSERT OR IGNORE INTO answer_item (tenant, item, answer) VALUES (?, ?, ?)`, tenant, id, r.ID); err != nil {
			return err
		}
	}
	a.held[w.key.tenant] += size
	a.total += size
	return nil
}

// drop deletes an answer and counts it off.
func (a *Answers) drop(tx *sql.Tx, k answerKey) error {
	var size int64
	err := tx.QueryRow(`DELETE FROM answer WHERE tenant = ? AND id = ? RETURNING size`, k.tenant[:], k.id).Scan(&size)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	a.total -= size
	if a.held[k.tenant] -= size; a.held[k.tenant] <= 0 {
		delete(a.held, k.tenant)
	}
	_, err = tx.Exec(`DELETE FROM answer_item WHERE tenant = ? AND answer = ?`, k.tenant[:], k.id)
	return err
}

// shrink deletes what is too old, then the oldest of each tenant that has too much,
// then the oldest of the tenant with the most until everything fits.
func (a *Answers) shrink(tx *sql.Tx) error {
	if err := a.dropWhile(tx, `used <= ?`, a.oldest(), func() bool { return true }); err != nil {
		return err
	}
	for tenant := range a.held {
		over := func() bool { return a.held[tenant] > a.limits.TenantBytes }
		if err := a.dropWhile(tx, `tenant = ?`, tenant[:], over); err != nil {
			return err
		}
	}
	for a.total > a.limits.Bytes && len(a.held) > 0 {
		most := a.largest()
		before := a.total
		if err := a.dropWhile(tx, `tenant = ?`, most[:], func() bool { return a.total > a.limits.Bytes && a.largest() == most }); err != nil {
			return err
		}
		if a.total == before { // deleted behind the count's back
			a.total -= a.held[most]
			delete(a.held, most)
		}
	}
	return nil
}

func (a *Answers) largest() (most tenantKey) {
	var n int64 = -1
	for tenant, size := range a.held {
		if size > n {
			most, n = tenant, size
		}
	}
	return most
}

// dropWhile deletes the oldest answer of those that where names, one after the other.
func (a *Answers) dropWhile(tx *sql.Tx, where string, value any, more func() bool) error {
	for more() {
		var tenant []byte
		k := answerKey{}
		err := tx.QueryRow(`SELECT tenant, id FROM answer WHERE `+where+` ORDER BY used LIMIT 1`, value).Scan(&tenant, &k.id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		copy(k.tenant[:], tenant)
		if err := a.drop(tx, k); err != nil {
			return err
		}
	}
	return nil
}

// unopened is the error of a file that is no database, or cannot be one.
func unopened(path string, err error) error {
	return fmt.Errorf("the file %s cannot be opened as a database: %w; move it away to begin a new one", path, err)
}
