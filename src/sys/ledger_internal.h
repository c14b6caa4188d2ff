/*
 * ledger_internal.h - what the ledger's own files share; nobody else
 * includes it (but the ledger's tests).
 *
 *   ledger.c         open, close, the loop's side
 *   ledger_schema.c  is it ours, is it intact, bring it up to date
 *   ledger_db.c      connections, statements, words for errors
 *   ledger_batch.c   records of a turn into bytes
 *   ledger_apply.c   bytes into rows, within one transaction
 *   ledger_queue.c   what the loop and the thread share, under one lock
 *   ledger_writer.c  the thread: commit, retry, checkpoint
 *   ledger_read.c    the read-only connection
 */
#ifndef REEVE_SYS_LEDGER_INTERNAL_H
#define REEVE_SYS_LEDGER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sqlite3.h>

#include "base/macros.h"
#include "sys/ledger.h"

/* "REEV": tells our file from another program's SQLite file. */
#define LEDGER_APPLICATION_ID 0x52454556
/* Keys of meta that belong to the ledger itself begin with this. */
#define LEDGER_META_OWN "ledger."

/* ---- records as bytes (ledger_batch.c) ---- */

enum ledger_op {
	LEDGER_OP_HISTORY,
	LEDGER_OP_PUT_RUN,
	LEDGER_OP_DEL_RUN,
	LEDGER_OP_PUT_ATTEMPT,
	LEDGER_OP_DEL_ATTEMPT,
	LEDGER_OP_PUT_JOB_STATE,
	LEDGER_OP_ADD_USAGE,
	LEDGER_OP_PUT_META,
	LEDGER_OPS
};

/* All records of one turn, one after another in one growing arena. */
struct ledger_batch {
	struct ledger_batch *next;
	uint64_t seq;
	int64_t submitted_boot_us;
	bool awaited; /* its number was asked for: must become durable */
	unsigned records;
	size_t len, cap;
	unsigned char *data;
};

struct ledger_batch *ledger_batch_new(void);
void ledger_batch_free(struct ledger_batch *b);
void ledger_batch_free_all(struct ledger_batch *list);
/* Empties it for another turn. */
void ledger_batch_reset(struct ledger_batch *b);

/* A walk over the fields of a batch, in the order they were added. */
struct ledger_cursor {
	const unsigned char *at, *end;
};
struct ledger_field {
	char type; /* 'N'ull, 'I'nteger, 'T'ext */
	int64_t num;
	const char *text; /* in the batch, not terminated */
	uint32_t len;
};
void ledger_cursor_init(struct ledger_cursor *c, const struct ledger_batch *b);
/* The next record's kind; false at the end. */
bool ledger_cursor_record(struct ledger_cursor *c, enum ledger_op *ret);
void ledger_cursor_field(struct ledger_cursor *c, struct ledger_field *ret);

/* ---- connections (ledger_db.c) ---- */

/* Words for `rc`: "cannot commit: disk I/O error (SQLite 778: File too
 * large)". `e` is the errno that was seen, or 0: what SQLite remembers. */
#define LEDGER_REASON_BYTES 256
void ledger_db_reason(sqlite3 *db, int rc, int e, const char *doing,
    char out[LEDGER_REASON_BYTES]);
/* The nearest -errno. */
int ledger_db_errno(sqlite3 *db, int rc);
/* Open and set up; on failure *ret may still be a handle to ask why. */
MUSTUSE int ledger_db_open_writer(const char *path, sqlite3 **ret);
MUSTUSE int ledger_db_open_reader(const char *path, sqlite3 **ret);
/* Journal and sync modes; separate, as it writes to the file. */
MUSTUSE int ledger_db_use_wal(sqlite3 *db);
/* Finalizes every statement of the connection and closes it. NULL is fine. */
void ledger_db_close(sqlite3 *db);
MUSTUSE int ledger_db_exec(sqlite3 *db, const char *sql);
/* First column of the first row; `otherwise` when there is none or NULL. */
MUSTUSE int ledger_db_int(
    sqlite3 *db, const char *sql, int64_t otherwise, int64_t *ret);
/* The same as text to free; NULL when there is none. */
MUSTUSE int ledger_db_text(sqlite3 *db, const char *sql, char **ret);
/* A value of meta by a key, to free; NULL when there is none. */
MUSTUSE int ledger_db_meta_get(sqlite3 *db, const char *key, char **ret);
MUSTUSE int ledger_db_meta_put(sqlite3 *db, const char *key, const char *value);

/* ---- the schema (ledger_schema.c) ---- */

/*
 * See that `db` is a ledger, intact and not newer than we are, and bring it
 * up to date. Returns 0 or -errno with a reason; *ret_note is a remark for
 * the log or NULL (both to free).
 */
MUSTUSE int ledger_schema_ready(
    sqlite3 *db, char **ret_note, char **ret_reason);
int ledger_schema_version(void);
/* Files larger than this are checked in part only. Changed by tests. */
#define LEDGER_CHECK_MAX_BYTES ((int64_t)256 << 20)
/* Returns 0, or -EUCLEAN with a reason. `max_bytes` as above. */
MUSTUSE int ledger_schema_check(
    sqlite3 *db, int64_t max_bytes, char **ret_note, char **ret_reason);

/* ---- one transaction (ledger_apply.c) ---- */

struct ledger_prune_state {
	int64_t before_us, output_before_us;
	int64_t rows_left, outputs_left;
	/* Where the sweep over old rows has got to; reset at its end. */
	int64_t at_us, at_id;
};

/* Statements of the writer's connection and what the transaction counted. */
struct ledger_tx {
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *rollback;
	sqlite3_stmt *op[LEDGER_OPS];
	sqlite3_stmt *reject;
	sqlite3_stmt *prune_find, *prune_row, *prune_output;
	uint64_t conflicts, rejected; /* of this transaction */
	/* errno after the last statement that failed, or 0. SQLite itself
	 * does not remember it when a COMMIT fails. */
	int sys_errno;
};

/* Prepare on tx->db. Returns an SQLite code. */
MUSTUSE int ledger_tx_prepare(struct ledger_tx *tx);
/* BEGIN IMMEDIATE … COMMIT around the records of all `list`. */
MUSTUSE int ledger_tx_batches(
    struct ledger_tx *tx, const struct ledger_batch *list);
/*
 * One slice of a prune in a transaction of its own, shorter when `give_way`;
 * *ret_removed rows. Nothing is left to do when both of p->*_left are 0.
 */
MUSTUSE int ledger_tx_prune(struct ledger_tx *tx, struct ledger_prune_state *p,
    const atomic_bool *give_way, uint64_t *ret_removed);
/* After a failure: back to no transaction, statements reset. */
void ledger_tx_abort(struct ledger_tx *tx);

/* ---- the writer (ledger_writer.c) ---- */

struct ledger_writer {
	char *path;
	int wake_fd; /* to the thread: there is work, or stop */
	int event_fd; /* to the loop: something became known */
	int done_fd; /* to ledger_close: the thread has ended */
	pthread_t thread;
	bool started;

	/* The thread's own (the opener's until it starts). */
	struct ledger_tx tx;
	sqlite3 *reader; /* given at the end, to be closed last */
	int wal_frames, wal_frames_tried;
	bool in_trouble; /* what `failing` was last set to */

	pthread_mutex_t lock; /* guards the rest, held for moments only */
	struct ledger_batch *first, **last; /* submitted */
	struct ledger_batch *spare; /* for reuse */
	unsigned spares;
	int64_t oldest_boot_us; /* submission of what waits longest */
	bool idle; /* the thread sleeps until woken */
	bool stop, abandon;
	struct ledger_prune_state prune;
	bool pruning;
	uint64_t pruned;
	bool failing;
	int64_t failing_since_boot_us;
	char reason[LEDGER_REASON_BYTES];
	char reason_seen[LEDGER_REASON_BYTES]; /* the loop's copy */

	atomic_uint_fast64_t durable_seq;
	atomic_uint_fast64_t backlog;
	atomic_uint_fast64_t conflicts, rejected;
	atomic_bool work; /* something waits: slices end early */
};

/* Takes `db`, also on error. Returns an SQLite code. */
MUSTUSE int ledger_writer_new(
    const char *path, sqlite3 *db, struct ledger_writer **ret);
/* Closes and frees everything; no thread runs. */
void ledger_writer_drop(struct ledger_writer *w);
MUSTUSE int ledger_writer_start(struct ledger_writer *w);
/*
 * Takes `reader`. Commit what waits, mark the file clean, close. 0, or
 * -ETIMEDOUT when something was not written; frees `w` unless the thread
 * hangs in the kernel: then it is left to the end of the process.
 */
MUSTUSE int ledger_writer_end(
    struct ledger_writer *w, sqlite3 *reader, int64_t wait_us);

/* ---- what both sides share (ledger_queue.c) ---- */

/* The loop's side. */

/* Takes `b`; gives an empty one for the next turn. */
struct ledger_batch *ledger_writer_submit(
    struct ledger_writer *w, struct ledger_batch *b);
void ledger_writer_prune(struct ledger_writer *w, int64_t before_us,
    int64_t output_before_us, int64_t max_rows);

/* The thread's side. */

void ledger_queue_tell(int fd);
/* Sleep until there is something to do; false when it is time to end. */
bool ledger_queue_wait(struct ledger_writer *w);
/* Gives as many batches as one transaction should hold, or NULL. */
struct ledger_batch *ledger_queue_take(struct ledger_writer *w);
/* Takes them: they are on the disk. */
void ledger_queue_done(struct ledger_writer *w, struct ledger_batch *list);
void ledger_queue_failing(struct ledger_writer *w, const char *reason);
void ledger_queue_healed(struct ledger_writer *w);
/*
 * Sleep before the next try, longer each time (*pause_ms, 0 at first); only
 * ledger_close() ends it early. False when told to give up.
 */
bool ledger_queue_pause(struct ledger_writer *w, int *pause_ms);
/* Is there a prune to do? Gives how far it is. */
bool ledger_queue_prune(
    struct ledger_writer *w, struct ledger_prune_state *ret);
/* A slice went from `was` to `now`. */
void ledger_queue_pruned(struct ledger_writer *w,
    const struct ledger_prune_state *was, const struct ledger_prune_state *now,
    uint64_t removed);

/* ---- reading (ledger_read.c) ---- */

enum {
	LEDGER_SHAPE_STATUS = 1,
	LEDGER_SHAPE_REASON = 2,
	LEDGER_SHAPE_SINCE = 4,
	LEDGER_SHAPE_UNTIL = 8,
	LEDGER_SHAPES = 16
};

enum ledger_read_stmt {
	LEDGER_READ_HAS,
	LEDGER_READ_RUNS,
	LEDGER_READ_ATTEMPTS,
	LEDGER_READ_JOB_STATES,
	LEDGER_READ_USAGE,
	LEDGER_READ_FAILURES,
	LEDGER_READ_STMTS
};

struct ledger_reader {
	const char *path; /* the writer's */
	sqlite3 *db;
	int64_t deadline_thread_us; /* TIME_NEVER: no budget */
	bool suspect; /* an error was seen: a new connection next time */
	sqlite3_stmt *recent[LEDGER_SHAPES];
	sqlite3_stmt *stmt[LEDGER_READ_STMTS];
};

MUSTUSE int ledger_reader_open(struct ledger_reader *r, const char *path);
/* SQL of one shape of ledger_find_recent(), to free. */
char *ledger_reader_recent_sql(unsigned shape);
/* SQL of the other reads. */
const char *ledger_reader_sql(enum ledger_read_stmt which);

struct ledger {
	struct ledger_writer *w;
	struct ledger_reader r;
	struct ledger_batch *turn;
	uint64_t last_seq; /* of the last batch submitted */
	int64_t last_id;
	char *uuid, *note;
	struct loop *lp;
	struct loop_io *io;
	ledger_event_fn *durable;
	void *durable_arg;
};

#endif
