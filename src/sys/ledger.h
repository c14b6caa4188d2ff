/*
 * ledger.h - the local SQLite file: plain row structs, append, a handful of
 * named queries. Sole owner of SQLite together with ledger_*.c. Knows no
 * state machine: statuses and states are texts to it.
 *
 * One thread exists in the supervisor: the ledger's writer. It takes batches
 * (one a turn), commits all that wait in one transaction (WAL,
 * synchronous=FULL) and tells by an event which sequence number is durable.
 * A commit that fails keeps its batches and is tried again, for ever.
 *
 * Times are real microseconds; LEDGER_NULL is SQL NULL.
 */
#ifndef REEVE_SYS_LEDGER_H
#define REEVE_SYS_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "sys/loop.h"

#define LEDGER_NULL INT64_MIN

/* ---- rows; every char * is borrowed by the call that takes the struct ---- */

struct ledger_history {
	int64_t id; /* given by ledger_next_id() */
	const char *job_name;
	const char *status;
	int64_t started_at_us, completed_at_us;
	int64_t duration_ms; /* saturates at INT32_MAX */
	const char *result; /* JSON text or NULL */
	const char *error;
	int64_t created_at_us;
	const char *run_id;
	int64_t attempt; /* 0: skipped */
	const char *trigger;
	int64_t scheduled_at_us; /* or LEDGER_NULL */
	const char *reason; /* or NULL */
	int64_t exit_code, signal; /* or LEDGER_NULL */
	const char *node;
	const char *output; /* or NULL */
	const char *usage; /* JSON text or NULL */
};

struct ledger_run { /* an open run */
	const char *run_id;
	const char *job_name;
	const char *trigger;
	int64_t scheduled_at_us; /* or LEDGER_NULL */
	int64_t created_at_us;
	const char *state; /* WAITING, STARTING, RUNNING, BACKOFF */
	int64_t attempt; /* the running one, or the last */
	int64_t next_attempt_at_us; /* in BACKOFF, else LEDGER_NULL */
	int64_t first_started_at_us; /* of attempt 1, or LEDGER_NULL */
	const char *definition; /* hash of the job's definition, hex */
	const char *params; /* JSON text of a manual trigger, or NULL */
	bool forced;
};

struct ledger_attempt { /* a live attempt: the claim, then what it is */
	const char *run_id;
	int64_t attempt;
	const char *job_name;
	const char *attempt_id; /* REEVE_ATTEMPT_ID */
	int64_t started_at_us;
	int64_t pid; /* or LEDGER_NULL until it is known */
	int64_t start_ticks;
	int64_t session;
	const char *boot_id;
	const char *cgroup; /* or NULL */
};

struct ledger_job_state {
	const char *job_name;
	int64_t cursor_us; /* last instant dealt with, or LEDGER_NULL */
	const char *schedule; /* normalised text the cursor belongs to */
	int64_t grid_us; /* first sight of an @every, or LEDGER_NULL */
	int64_t paused_until_us; /* INT64_MAX: for ever; LEDGER_NULL: not */
	int64_t breaker_closed_at_us;
	const char *boot; /* boot id + PID 1 start of the last @reboot fire */
};

struct ledger_usage {
	const char *service, *bucket;
	const char *day; /* "2026-11-23" in the service's zone */
	int64_t units;
};

/* ---- the file ---- */

struct ledger;

/*
 * Open or create `path` (mode 0600; its directory, if missing, 0700), check it
 * when it was not closed cleanly, bring its schema up to date. Blocks: at start
 * only. The check walks the whole file up to 256 MiB (under a second); of a
 * larger one it walks all small tables and reads the newest 1,000 rows of
 * the history, so that a start never takes minutes.
 *
 * -EUCLEAN for a file that is no intact ledger, -EPROTO for one of a newer
 * Reeve, else -errno; *ret_reason (to free) names the file and says more.
 *
 * Nobody in this process may open and close the file by other means: that
 * drops SQLite's locks on it (fcntl(2), POSIX record locks).
 */
MUSTUSE int ledger_open(
    const char *path, struct ledger **ret, char **ret_reason);
/*
 * Submits the turn, waits at most `wait_us` for the writer to commit all
 * that waits, marks the file clean, closes. Returns 0, or -ETIMEDOUT when
 * something was not written. When the thread hangs in the disk then, its
 * part of the memory is left to the end of the process. NULL is fine.
 */
int ledger_close(struct ledger *l, int64_t wait_us);

/* uuid of the file. Borrowed. */
const char *ledger_uuid(const struct ledger *l);
/* What ledger_open() noticed and a person may want to know (that the file
 * was not closed cleanly, what was checked), or NULL. Borrowed. */
const char *ledger_open_note(const struct ledger *l);
/* The id for the next history row; never given twice. */
int64_t ledger_next_id(struct ledger *l);

/*
 * Start the writer thread. `durable` is called from the loop, at
 * LOOP_PRIO_NORMAL, when ledger_durable_seq() has grown, the answer of
 * ledger_failing() has changed, or a prune has come to its end. What was
 * submitted before is written then.
 */
typedef void ledger_event_fn(void *arg);
MUSTUSE int ledger_start(
    struct ledger *l, struct loop *lp, ledger_event_fn *durable, void *arg);

/* ---- writing: records of one turn ---- */

/* Each copies what it is given into the turn's batch. Order is kept. */
void ledger_add_history(struct ledger *l, const struct ledger_history *row);
void ledger_put_run(struct ledger *l, const struct ledger_run *row);
void ledger_del_run(struct ledger *l, const char *run_id);
void ledger_put_attempt(struct ledger *l, const struct ledger_attempt *row);
void ledger_del_attempt(struct ledger *l, const char *run_id);
void ledger_put_job_state(struct ledger *l, const struct ledger_job_state *row);
void ledger_add_usage(struct ledger *l, const struct ledger_usage *row);
/* No key may begin with "ledger.": those are the ledger's own. */
void ledger_put_meta(struct ledger *l, const char *key, const char *value);
/*
 * A record that can never be stored (a constraint of the tables refuses it:
 * a bug) is put as text into the table `rejected`, counted, and passed over.
 */
uint64_t ledger_rejected(const struct ledger *l);
/* History rows whose (run_id, attempt) was there already; left out. */
uint64_t ledger_conflicts(const struct ledger *l);

/*
 * Remove at most `max_rows` history rows created before `before_us`, oldest
 * first, never a job's newest; and the outputs of at most as many rows
 * created before `output_before_us`. No record of the turn: the writer does
 * it beside the batches, in small transactions that give way to them, and
 * calls `durable` when ledger_pruning() has become false. A second call
 * meanwhile adds to the first.
 */
void ledger_prune(struct ledger *l, int64_t before_us, int64_t output_before_us,
    int64_t max_rows);

/*
 * Sequence number that the records of this turn will have. Once asked for,
 * it becomes durable also when the turn has no records, in its order.
 */
uint64_t ledger_turn_seq(const struct ledger *l);
/* Hand the turn's records to the writer; nothing when there are none and
 * nobody asked for the number. */
void ledger_submit(struct ledger *l);
/* All records up to this number are on disk. */
uint64_t ledger_durable_seq(const struct ledger *l);
/* Did the last commit fail? Then *ret_reason (borrowed until the next turn)
 * says why, *ret_since_boot_us since when. */
bool ledger_failing(const struct ledger *l, const char **ret_reason,
    int64_t *ret_since_boot_us);
/* Batches that wait or are being written. */
uint64_t ledger_backlog(const struct ledger *l);
/* When the oldest of them was submitted; TIME_NEVER when there is none. A
 * disk that hangs fails nothing: it shows here. */
int64_t ledger_waits_since_boot_us(const struct ledger *l);
/* History rows removed by prunes since this was last asked. */
uint64_t ledger_take_pruned(struct ledger *l);
bool ledger_pruning(const struct ledger *l);

/* ---- reading, from the loop's thread, on its own read-only connection ---- */

struct ledger_query {
	const char *job_name;
	const char *status, *reason; /* NULL: any */
	int64_t since_us, until_us; /* of started_at; LEDGER_NULL: open */
	int64_t before_id; /* rows with smaller ids; 0: from the newest */
	int limit;
};

/* One row; its texts are valid during the call only. */
typedef void ledger_history_fn(void *arg, const struct ledger_history *row);
typedef void ledger_run_fn(void *arg, const struct ledger_run *row);
typedef void ledger_attempt_fn(void *arg, const struct ledger_attempt *row);
typedef void ledger_job_state_fn(void *arg, const struct ledger_job_state *row);
typedef void ledger_usage_fn(void *arg, const struct ledger_usage *row);

/* A call of the API takes at most so much of the processor (progress handler),
 * then -ETIME. */
#define LEDGER_READ_BUDGET_US 5000

/*
 * Newest first, without output. Returns 0, -ETIME or -EIO; rows given before
 * an error are good. Filters walk the job's rows (with `status` those of that
 * status): a filter that fits few of very many may run out of its budget; go
 * on with before_id. `fn` must not ask the ledger.
 */
MUSTUSE int ledger_find_recent(struct ledger *l, const struct ledger_query *q,
    ledger_history_fn *fn, void *arg);
/* 1 when the job has any row, 0, or an error as above. */
MUSTUSE int ledger_has_history(struct ledger *l, const char *job_name);

/* At start only, without a budget. Each returns 0 or -EIO. */
MUSTUSE int ledger_load_runs(struct ledger *l, ledger_run_fn *fn, void *arg);
MUSTUSE int ledger_load_attempts(
    struct ledger *l, ledger_attempt_fn *fn, void *arg);
MUSTUSE int ledger_load_job_states(
    struct ledger *l, ledger_job_state_fn *fn, void *arg);
MUSTUSE int ledger_load_usage(
    struct ledger *l, const char *since_day, ledger_usage_fn *fn, void *arg);
/* The newest `each` rows of one job, newest first, without output. */
MUSTUSE int ledger_load_recent(struct ledger *l, const char *job_name, int each,
    ledger_history_fn *fn, void *arg);
/* Failures of one job completed since `since_us`, oldest first. */
MUSTUSE int ledger_load_failures(struct ledger *l, const char *job_name,
    int64_t since_us, ledger_history_fn *fn, void *arg);
/* What ledger_put_meta() stored, to free; NULL when nothing. */
MUSTUSE int ledger_load_meta(
    struct ledger *l, const char *key, char **ret_value);

#endif
