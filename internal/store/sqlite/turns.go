// Package sqlite keeps records in SQLite files in the data directory. It is
// the only package that imports a SQLite driver.
//
// Writes go through one writer that groups them into transactions, because a
// commit costs a disk flush and a group of 256 costs hardly more than one.
package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the database driver, pure Go

	"github.com/fairlead-gateway/fairlead/internal/reasoning"
)

const (
	// queueLength bounds the writes that wait; past it the oldest wish to persist
	// is dropped and counted, because a request must never wait for the disk.
	queueLength = 4096
	groupSize   = 256
	groupWait   = 100 * time.Millisecond
	// purgeEvery is how often expired rows are deleted.
	purgeEvery = time.Hour
)

// version is the layout of the files; a file without one is of the first.
const (
	version    = 1
	setVersion = "PRAGMA user_version = 1;"
)

const schema = `
CREATE TABLE IF NOT EXISTS turn (id INTEGER PRIMARY KEY, expires INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS turn_expires ON turn(expires);
CREATE TABLE IF NOT EXISTS turn_key (key BLOB PRIMARY KEY, turn INTEGER NOT NULL) WITHOUT ROWID;
`

// Turns is the store of the reasoning-state keeper. It is safe for concurrent use.
type Turns struct {
	db    *sql.DB
	load  *sql.Stmt
	queue chan write
	done  chan struct{}
	log   *slog.Logger
	now   func() time.Time
}

type write struct {
	keys    []reasoning.Key
	turn    *reasoning.Turn
	expires time.Time
}

// OpenTurns opens or creates reasoning.db in dir. The error is a sentence that
// names the file.
func OpenTurns(dir string, log *slog.Logger, now func() time.Time) (*Turns, error) {
	path, err := fileIn(dir, "reasoning.db")
	if err != nil {
		return nil, err
	}
	db, err := open(path, schema)
	if err != nil {
		return nil, unopened(path, err)
	}
	load, err := db.Prepare(`SELECT t.data FROM turn_key k JOIN turn t ON t.id = k.turn WHERE k.key = ? AND t.expires > ?`)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	t := &Turns{db: db, load: load, queue: make(chan write, queueLength), done: make(chan struct{}), log: log, now: now}
	go t.run()
	return t, nil
}

// fileIn is the path of a file in the data directory, which is created.
func fileIn(dir, name string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("the data directory %s cannot be created: %w", dir, err)
	}
	return filepath.Join(dir, name), nil
}

// inURI escapes what ends the path of a URI; SQLite reads it back.
var inURI = strings.NewReplacer("%", "%25", "#", "%23", "?", "%3f")

func open(path, schema string) (*sql.DB, error) {
	// The file holds signatures of conversations: nobody else may read it.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+inURI.Replace(path)+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	if err := prepare(db, schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// prepare makes the tables, unless a newer program has made others.
func prepare(db *sql.DB, schema string) error {
	var found int
	if err := db.QueryRow(`PRAGMA user_version`).Scan(&found); err != nil {
		return err
	}
	if found > version {
		return fmt.Errorf("it has the layout %d of a newer Fairlead, and this one knows up to %d; start the newer one", found, version)
	}
	if found < version { // it is not written in vain: another process may hold the file
		schema = setVersion + schema
	}
	_, err := db.Exec(schema)
	return err
}

// Save queues a turn for writing. It never blocks; when the queue is full the
// turn stays in memory only and the log says so.
func (t *Turns) Save(keys []reasoning.Key, turn *reasoning.Turn, expires time.Time) {
	select {
	case t.queue <- write{keys, turn, expires}:
	default:
		t.log.Warn("reasoning state is not written to disk: the disk is slower than the traffic")
	}
}

// Load reads the turn of a key.
func (t *Turns) Load(k reasoning.Key) (*reasoning.Turn, bool) {
	var data []byte
	if err := t.load.QueryRow(k[:], t.now().Unix()).Scan(&data); err != nil {
		if !errors.Is(err, sql.ErrNoRows) {
			t.log.Warn("reasoning state cannot be read from disk", "error", err)
		}
		return nil, false
	}
	turn := &reasoning.Turn{}
	if err := json.Unmarshal(data, turn); err != nil {
		t.log.Warn("reasoning state on disk is damaged; the row is passed over", "error", err)
		return nil, false
	}
	return turn, true
}

// Close writes what is queued and closes the file. Save must not be called after it.
func (t *Turns) Close() error {
	close(t.queue)
	<-t.done
	return errors.Join(t.load.Close(), t.db.Close())
}

func (t *Turns) run() {
	defer close(t.done)
	purge := time.NewTicker(purgeEvery)
	defer purge.Stop()
	for {
		select {
		case <-purge.C:
			t.purge()
		case w, ok := <-t.queue:
			if !ok {
				return
			}
			t.commit(collect(w, t.queue))
		}
	}
}

// collect takes what arrives within a short while after the first write.
func collect[W any](first W, queue <-chan W) []W {
	group := append(make([]W, 0, 16), first)
	timer := time.NewTimer(groupWait)
	defer timer.Stop()
	for len(group) < groupSize {
		select {
		case w, ok := <-queue:
			if !ok {
				return group
			}
			group = append(group, w)
		case <-timer.C:
			return group
		}
	}
	return group
}

func (t *Turns) commit(group []write) {
	if err := t.write(group); err != nil {
		t.log.Error("reasoning state cannot be written to disk; it stays in memory", "turns", len(group), "error", err)
	}
}

func (t *Turns) write(group []write) error {
	tx, err := t.db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	for _, w := range group {
		if err := writeTurn(tx, w); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

func writeTurn(tx *sql.Tx, w write) error {
	data, err := json.Marshal(w.turn)
	if err != nil {
		return err
	}
	res, err := tx.Exec(`INSERT INTO turn (expires, data) VALUES (?, ?)`, w.expires.Unix(), data)
	if err != nil {
		return err
	}
	id, err := res.LastInsertId()
	if err != nil {
		return err
	}
	for _, k := range w.keys {
		if _, err := tx.Exec(`INSERT INTO turn_key (key, turn) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET turn = excluded.turn`, k[:], id); err != nil {
			return err
		}
	}
	return nil
}

// purge deletes expired turns, and the keys that no longer lead to one.
func (t *Turns) purge() {
	for _, q := range []string{
		`DELETE FROM turn WHERE expires <= unixepoch()`,
		`DELETE FROM turn_key WHERE turn NOT IN (SELECT id FROM turn)`,
	} {
		if _, err := t.db.Exec(q); err != nil {
			t.log.Warn("expired reasoning state cannot be deleted", "error", err)
			return
		}
	}
}
