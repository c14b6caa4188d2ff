/*
 * ledger_apply.c - records into rows: what one transaction does. Runs on the
 * writer's thread only. A failure leaves nothing behind: the caller aborts
 * the transaction, keeps the batches and comes again.
 */
#include <config.h>

#include "sys/ledger_internal.h"

#include <errno.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/crash.h"

/* A slice of a prune: rows removed, and rows looked at. */
#define PRUNE_REMOVE_MAX 256
#define PRUNE_LOOK_MAX	 2048
/* What a slice does before it gives way to records that wait. */
#define PRUNE_REMOVE_MIN 16

/* Parameters are the record's fields in the order ledger_batch.c puts them. */
static const struct {
	const char *name;
	int fields;
	const char *sql;
} ops[LEDGER_OPS] = {
    [LEDGER_OP_HISTORY] = {"history", 19,
	"INSERT INTO history(id, job_name, status, started_at, completed_at,"
	" duration_ms, result, error, created_at, run_id, attempt, trigger,"
	" scheduled_at, reason, exit_code, signal, node, output, usage)"
	" VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,"
	"?18,?19) ON CONFLICT(run_id, attempt) DO NOTHING"},
    [LEDGER_OP_PUT_RUN] = {"run", 12,
	"INSERT INTO run(run_id, job_name, trigger, scheduled_at, created_at,"
	" state, attempt, next_attempt_at, first_started_at, definition,"
	" params, forced) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)"
	" ON CONFLICT(run_id) DO UPDATE SET job_name=excluded.job_name,"
	" trigger=excluded.trigger, scheduled_at=excluded.scheduled_at,"
	" created_at=excluded.created_at, state=excluded.state,"
	" attempt=excluded.attempt, next_attempt_at=excluded.next_attempt_at,"
	" first_started_at=excluded.first_started_at,"
	" definition=excluded.definition, params=excluded.params,"
	" forced=excluded.forced"},
    [LEDGER_OP_DEL_RUN] = {"del-run", 1, "DELETE FROM run WHERE run_id=?1"},
    [LEDGER_OP_PUT_ATTEMPT] = {"attempt", 10,
	"INSERT INTO attempt(run_id, attempt, job_name, attempt_id,"
	" started_at, pid, start_ticks, session, boot_id, cgroup)"
	" VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)"
	" ON CONFLICT(run_id, attempt) DO UPDATE SET"
	" job_name=excluded.job_name, attempt_id=excluded.attempt_id,"
	" started_at=excluded.started_at, pid=excluded.pid,"
	" start_ticks=excluded.start_ticks, session=excluded.session,"
	" boot_id=excluded.boot_id, cgroup=excluded.cgroup"},
    [LEDGER_OP_DEL_ATTEMPT] = {"del-attempt", 1,
	"DELETE FROM attempt WHERE run_id=?1"},
    [LEDGER_OP_PUT_JOB_STATE] = {"job_state", 7,
	"INSERT INTO job_state(job_name, cursor, schedule, grid,"
	" paused_until, breaker_closed_at, boot) VALUES(?1,?2,?3,?4,?5,?6,?7)"
	" ON CONFLICT(job_name) DO UPDATE SET cursor=excluded.cursor,"
	" schedule=excluded.schedule, grid=excluded.grid,"
	" paused_until=excluded.paused_until,"
	" breaker_closed_at=excluded.breaker_closed_at, boot=excluded.boot"},
    [LEDGER_OP_ADD_USAGE] = {"usage", 4,
	"INSERT INTO usage(service, bucket, day, units) VALUES(?1,?2,?3,?4)"
	" ON CONFLICT(service, bucket, day)"
	" DO UPDATE SET units=units+excluded.units"},
    [LEDGER_OP_PUT_META] = {"meta", 2,
	"INSERT INTO meta(key, value) VALUES(?1,?2)"
	" ON CONFLICT(key) DO UPDATE SET value=excluded.value"},
};

static const char reject_sql[] =
    "INSERT INTO rejected(rejected_at, seq, what, error)"
    " VALUES(?1,?2,?3,?4)";
/* Is it its job's newest? That one stays. */
static const char prune_find_sql[] =
    "SELECT id, created_at, id = (SELECT max(n.id) FROM history AS n"
    " WHERE n.job_name = h.job_name)"
    " FROM history AS h INDEXED BY history_created"
    " WHERE created_at < ?1 AND (created_at, id) > (?2, ?3)"
    " ORDER BY created_at, id LIMIT ?4";
static const char prune_row_sql[] = "DELETE FROM history WHERE id=?1";
static const char prune_output_sql[] =
    "UPDATE history SET output=NULL WHERE id IN (SELECT id FROM history"
    " INDEXED BY history_outputs WHERE output IS NOT NULL AND created_at < ?1"
    " ORDER BY created_at, id LIMIT ?2)";

static int
prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
	return sqlite3_prepare_v3(
	    db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
}

int
ledger_tx_prepare(struct ledger_tx *tx)
{
	const struct {
		const char *sql;
		sqlite3_stmt **to;
	} plain[] = {
	    {"BEGIN IMMEDIATE", &tx->begin},
	    {"COMMIT", &tx->commit},
	    {"ROLLBACK", &tx->rollback},
	    {reject_sql, &tx->reject},
	    {prune_find_sql, &tx->prune_find},
	    {prune_row_sql, &tx->prune_row},
	    {prune_output_sql, &tx->prune_output},
	};
	size_t i;
	int rc = SQLITE_OK;

	for (i = 0; i < ARRAY_SIZE(plain) && rc == SQLITE_OK; i++)
		rc = prepare(tx->db, plain[i].sql, plain[i].to);
	for (i = 0; i < LEDGER_OPS && rc == SQLITE_OK; i++)
		rc = prepare(tx->db, ops[i].sql, &tx->op[i]);
	return rc;
}

/* One step; what the system said is kept when it fails. */
static int
step(struct ledger_tx *tx, sqlite3_stmt *s)
{
	int primary, rc;

	errno = 0;
	rc = sqlite3_step(s);
	if (rc == SQLITE_DONE || rc == SQLITE_ROW)
		return rc;
	primary = rc & 0xff;
	tx->sys_errno = primary == SQLITE_IOERR || primary == SQLITE_FULL ||
				primary == SQLITE_CANTOPEN ||
				primary == SQLITE_READONLY
			    ? errno
			    : 0;
	return rc;
}

/* Step a statement that gives no rows, and make it ready for the next. */
static int
run(struct ledger_tx *tx, sqlite3_stmt *s)
{
	int rc = step(tx, s);

	(void)sqlite3_reset(s);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

void
ledger_tx_abort(struct ledger_tx *tx)
{
	sqlite3_stmt *s = NULL;

	while ((s = sqlite3_next_stmt(tx->db, s)) != NULL)
		(void)sqlite3_reset(s);
	if (!sqlite3_get_autocommit(tx->db))
		(void)run(tx, tx->rollback);
}

static int
begin(struct ledger_tx *tx)
{
	tx->conflicts = 0;
	tx->rejected = 0;
	return run(tx, tx->begin);
}

static int
commit(struct ledger_tx *tx)
{
	int rc;

	CRASH_POINT("ledger-before-commit");
	rc = run(tx, tx->commit);
	if (rc == SQLITE_OK)
		CRASH_POINT("ledger-after-commit");
	return rc;
}

/* ---- batches ---- */

static int
bind_fields(sqlite3_stmt *s, struct ledger_cursor *c, int fields)
{
	struct ledger_field f;
	int i, rc = SQLITE_OK;

	/* All are taken from the cursor, also when one does not fit. */
	for (i = 1; i <= fields; i++) {
		ledger_cursor_field(c, &f);
		if (rc != SQLITE_OK)
			continue;
		if (f.type == 'I')
			rc = sqlite3_bind_int64(s, i, f.num);
		else if (f.type == 'T')
			rc = sqlite3_bind_text(
			    s, i, f.text, (int)f.len, SQLITE_STATIC);
		else
			rc = sqlite3_bind_null(s, i);
	}
	return rc;
}

/* Refused for what it is, not for the state of the world? */
static bool
never_succeeds(struct ledger_tx *tx, int rc)
{
	int primary = rc & 0xff;

	if (sqlite3_get_autocommit(tx->db))
		return false; /* it took the whole transaction with it */
	return primary == SQLITE_CONSTRAINT || primary == SQLITE_MISMATCH ||
	       primary == SQLITE_TOOBIG;
}

/* Keep the whole record as text, so that a person can still act on it. */
static int
reject(struct ledger_tx *tx, sqlite3_stmt *s, enum ledger_op op, uint64_t seq)
{
	char *what;
	int rc;

	(void)sqlite3_bind_text(
	    tx->reject, 4, sqlite3_errmsg(tx->db), -1, SQLITE_TRANSIENT);
	(void)sqlite3_bind_int64(tx->reject, 1, clock_real_us());
	(void)sqlite3_bind_int64(tx->reject, 2, (int64_t)seq);
	what = sqlite3_expanded_sql(s);
	(void)sqlite3_bind_text(tx->reject, 3,
	    what != NULL ? what : ops[op].name, -1, SQLITE_STATIC);
	rc = run(tx, tx->reject);
	(void)sqlite3_clear_bindings(tx->reject);
	sqlite3_free(what);
	if (rc == SQLITE_OK)
		tx->rejected++;
	return rc;
}

static int
apply(struct ledger_tx *tx, enum ledger_op op, struct ledger_cursor *c,
    uint64_t seq)
{
	sqlite3_stmt *s = tx->op[op];
	int rc;

	rc = bind_fields(s, c, ops[op].fields);
	if (rc == SQLITE_OK)
		rc = step(tx, s);
	if (rc == SQLITE_DONE) {
		rc = SQLITE_OK;
		if (op == LEDGER_OP_HISTORY && sqlite3_changes(tx->db) == 0)
			tx->conflicts++;
	} else if (never_succeeds(tx, rc)) {
		rc = reject(tx, s, op, seq);
	}
	(void)sqlite3_reset(s);
	return rc;
}

static int
apply_batch(struct ledger_tx *tx, const struct ledger_batch *b)
{
	struct ledger_cursor c;
	enum ledger_op op;
	int rc = SQLITE_OK;

	ledger_cursor_init(&c, b);
	while (rc == SQLITE_OK && ledger_cursor_record(&c, &op))
		rc = apply(tx, op, &c, b->seq);
	return rc;
}

int
ledger_tx_batches(struct ledger_tx *tx, const struct ledger_batch *list)
{
	const struct ledger_batch *b;
	int rc;

	rc = begin(tx);
	for (b = list; b != NULL && rc == SQLITE_OK; b = b->next)
		rc = apply_batch(tx, b);
	return rc == SQLITE_OK ? commit(tx) : rc;
}

/* ---- pruning ---- */

static int
remove_row(struct ledger_tx *tx, int64_t id)
{
	int rc = sqlite3_bind_int64(tx->prune_row, 1, id);

	return rc == SQLITE_OK ? run(tx, tx->prune_row) : rc;
}

/* Look at some old rows, remove those that may go. */
static int
prune_rows(struct ledger_tx *tx, struct ledger_prune_state *p,
    const atomic_bool *give_way, uint64_t *ret_removed)
{
	sqlite3_stmt *s = tx->prune_find;
	uint64_t removed = 0;
	int looked = 0, rc;

	(void)sqlite3_bind_int64(s, 1, p->before_us);
	(void)sqlite3_bind_int64(s, 2, p->at_us);
	(void)sqlite3_bind_int64(s, 3, p->at_id);
	(void)sqlite3_bind_int64(s, 4, PRUNE_LOOK_MAX);
	while ((rc = step(tx, s)) == SQLITE_ROW) {
		looked++;
		p->at_id = sqlite3_column_int64(s, 0);
		p->at_us = sqlite3_column_int64(s, 1);
		if (sqlite3_column_int(s, 2) != 0)
			continue;
		rc = remove_row(tx, p->at_id);
		if (rc != SQLITE_OK)
			break;
		removed++;
		if (--p->rows_left == 0 || removed == PRUNE_REMOVE_MAX ||
		    (removed >= PRUNE_REMOVE_MIN && atomic_load(give_way)))
			break;
	}
	(void)sqlite3_reset(s);
	if (rc == SQLITE_DONE && looked < PRUNE_LOOK_MAX) {
		p->rows_left = 0; /* the sweep is at its end */
		p->at_us = p->at_id = INT64_MIN;
	}
	*ret_removed = removed;
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int
prune_outputs(struct ledger_tx *tx, struct ledger_prune_state *p)
{
	int64_t max = p->outputs_left;
	int rc;

	if (max > PRUNE_REMOVE_MAX)
		max = PRUNE_REMOVE_MAX;
	(void)sqlite3_bind_int64(tx->prune_output, 1, p->output_before_us);
	(void)sqlite3_bind_int64(tx->prune_output, 2, max);
	rc = run(tx, tx->prune_output);
	if (rc != SQLITE_OK)
		return rc;
	if (sqlite3_changes(tx->db) < max)
		p->outputs_left = 0;
	else
		p->outputs_left -= max;
	return SQLITE_OK;
}

int
ledger_tx_prune(struct ledger_tx *tx, struct ledger_prune_state *p,
    const atomic_bool *give_way, uint64_t *ret_removed)
{
	struct ledger_prune_state next = *p;
	int rc;

	*ret_removed = 0;
	rc = begin(tx);
	if (rc == SQLITE_OK) {
		if (next.rows_left > 0)
			rc = prune_rows(tx, &next, give_way, ret_removed);
		else
			rc = prune_outputs(tx, &next);
	}
	if (rc == SQLITE_OK)
		rc = commit(tx);
	if (rc == SQLITE_OK)
		*p = next;
	return rc;
}
