/*
 * ledger_read.c - reads of the ledger: its own read-only connection, used by
 * the loop's thread alone. It never waits for a lock, and what the API asks
 * ends after a budget of time.
 */
#include <config.h>

#include "sys/ledger_internal.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"

/* Steps of SQLite's machine between two looks at the clock: some 20 us. */
#define PROGRESS_STEPS 500

/* The order is that of get_history(). */
#define HISTORY_COLUMNS                                                \
	"id, job_name, status, started_at, completed_at, duration_ms," \
	" created_at, run_id, attempt, trigger, scheduled_at, reason," \
	" exit_code, signal, node, error, usage, result"

static const char *const read_sql[LEDGER_READ_STMTS] = {
    [LEDGER_READ_HAS] = "SELECT 1 FROM history WHERE job_name=?1 LIMIT 1",
    [LEDGER_READ_RUNS] =
	"SELECT run_id, job_name, trigger, scheduled_at, created_at, state,"
	" attempt, next_attempt_at, first_started_at, definition, params,"
	" forced FROM run ORDER BY run_id",
    [LEDGER_READ_ATTEMPTS] =
	"SELECT run_id, attempt, job_name, attempt_id, started_at, pid,"
	" start_ticks, session, boot_id, cgroup FROM attempt"
	" ORDER BY run_id, attempt",
    [LEDGER_READ_JOB_STATES] =
	"SELECT job_name, cursor, schedule, grid, paused_until,"
	" breaker_closed_at, boot FROM job_state ORDER BY job_name",
    [LEDGER_READ_USAGE] =
	"SELECT service, bucket, day, units FROM usage WHERE day >= ?1"
	" ORDER BY service, bucket, day",
    [LEDGER_READ_FAILURES] =
	"SELECT " HISTORY_COLUMNS " FROM history INDEXED BY history_failures"
	" WHERE job_name=?1 AND status='failure' AND completed_at>=?2"
	" ORDER BY completed_at, id",
};

static int
on_progress(void *arg)
{
	const struct ledger_reader *r = arg;

	return clock_thread_us() > r->deadline_thread_us;
}

int
ledger_reader_open(struct ledger_reader *r, const char *path)
{
	struct ledger_reader fresh = {
	    .path = path, .deadline_thread_us = TIME_NEVER};
	int rc;

	rc = ledger_db_open_reader(path, &fresh.db);
	if (rc != SQLITE_OK) {
		ledger_db_close(fresh.db);
		return rc;
	}
	/* The old one is closed last: see reopen() in ledger_writer.c. */
	ledger_db_close(r->db);
	*r = fresh;
	sqlite3_progress_handler(r->db, PROGRESS_STEPS, on_progress, r);
	return SQLITE_OK;
}

const char *
ledger_reader_sql(enum ledger_read_stmt which)
{
	return read_sql[which];
}

char *
ledger_reader_recent_sql(unsigned shape)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_addf(&b,
	    "SELECT " HISTORY_COLUMNS " FROM history INDEXED BY %s"
	    " WHERE job_name=?1 AND id<?2",
	    (shape & LEDGER_SHAPE_STATUS) ? "history_job_status"
					  : "history_job");
	if (shape & LEDGER_SHAPE_STATUS)
		buf_addstr(&b, " AND status=?4");
	if (shape & LEDGER_SHAPE_REASON)
		buf_addstr(&b, " AND reason=?5");
	if (shape & LEDGER_SHAPE_SINCE)
		buf_addstr(&b, " AND started_at>=?6");
	if (shape & LEDGER_SHAPE_UNTIL)
		buf_addstr(&b, " AND started_at<?7");
	buf_addstr(&b, " ORDER BY id DESC LIMIT ?3");
	return buf_steal(&b);
}

/* ---- statements ---- */

/* A connection that saw an error of the file is replaced before its next
 * use. Gives the cached statement. */
static int
get_stmt(struct ledger_reader *r, sqlite3_stmt **slot, const char *sql)
{
	int rc;

	if (r->suspect) {
		rc = ledger_reader_open(r, r->path);
		if (rc != SQLITE_OK)
			return rc;
	}
	if (*slot != NULL)
		return SQLITE_OK;
	return sqlite3_prepare_v3(
	    r->db, sql, -1, SQLITE_PREPARE_PERSISTENT, slot, NULL);
}

static int
get_plain(struct ledger *l, enum ledger_read_stmt which, sqlite3_stmt **ret)
{
	int rc = get_stmt(&l->r, &l->r.stmt[which], read_sql[which]);

	*ret = l->r.stmt[which];
	return rc;
}

static int
get_recent(struct ledger *l, unsigned shape, sqlite3_stmt **ret)
{
	char *sql = NULL;
	int rc;

	if (l->r.recent[shape] == NULL || l->r.suspect)
		sql = ledger_reader_recent_sql(shape);
	rc = get_stmt(&l->r, &l->r.recent[shape], sql);
	free(sql);
	*ret = l->r.recent[shape];
	return rc;
}

static void
bind_text(sqlite3_stmt *s, int at, const char *text)
{
	(void)sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

/* ---- rows ---- */

static const char *
text_at(sqlite3_stmt *s, int at)
{
	return (const char *)sqlite3_column_text(s, at);
}

static int64_t
int_at(sqlite3_stmt *s, int at)
{
	if (sqlite3_column_type(s, at) == SQLITE_NULL)
		return LEDGER_NULL;
	return sqlite3_column_int64(s, at);
}

static void
get_history(sqlite3_stmt *s, struct ledger_history *row)
{
	*row = (struct ledger_history){
	    .id = int_at(s, 0),
	    .job_name = text_at(s, 1),
	    .status = text_at(s, 2),
	    .started_at_us = int_at(s, 3),
	    .completed_at_us = int_at(s, 4),
	    .duration_ms = int_at(s, 5),
	    .created_at_us = int_at(s, 6),
	    .run_id = text_at(s, 7),
	    .attempt = int_at(s, 8),
	    .trigger = text_at(s, 9),
	    .scheduled_at_us = int_at(s, 10),
	    .reason = text_at(s, 11),
	    .exit_code = int_at(s, 12),
	    .signal = int_at(s, 13),
	    .node = text_at(s, 14),
	    .error = text_at(s, 15),
	    .usage = text_at(s, 16),
	    .result = text_at(s, 17),
	};
}

/* Whom a row is for. */
struct sink {
	void (*give)(const struct sink *k, sqlite3_stmt *s);
	void (*fn)(void); /* of the type that `give` knows */
	void *arg;
};

static void
give_history(const struct sink *k, sqlite3_stmt *s)
{
	struct ledger_history row;

	get_history(s, &row);
	((ledger_history_fn *)k->fn)(k->arg, &row);
}

static void
give_run(const struct sink *k, sqlite3_stmt *s)
{
	const struct ledger_run row = {
	    .run_id = text_at(s, 0),
	    .job_name = text_at(s, 1),
	    .trigger = text_at(s, 2),
	    .scheduled_at_us = int_at(s, 3),
	    .created_at_us = int_at(s, 4),
	    .state = text_at(s, 5),
	    .attempt = int_at(s, 6),
	    .next_attempt_at_us = int_at(s, 7),
	    .first_started_at_us = int_at(s, 8),
	    .definition = text_at(s, 9),
	    .params = text_at(s, 10),
	    .forced = int_at(s, 11) == 1,
	};

	((ledger_run_fn *)k->fn)(k->arg, &row);
}

static void
give_attempt(const struct sink *k, sqlite3_stmt *s)
{
	const struct ledger_attempt row = {
	    .run_id = text_at(s, 0),
	    .attempt = int_at(s, 1),
	    .job_name = text_at(s, 2),
	    .attempt_id = text_at(s, 3),
	    .started_at_us = int_at(s, 4),
	    .pid = int_at(s, 5),
	    .start_ticks = int_at(s, 6),
	    .session = int_at(s, 7),
	    .boot_id = text_at(s, 8),
	    .cgroup = text_at(s, 9),
	};

	((ledger_attempt_fn *)k->fn)(k->arg, &row);
}

static void
give_job_state(const struct sink *k, sqlite3_stmt *s)
{
	const struct ledger_job_state row = {
	    .job_name = text_at(s, 0),
	    .cursor_us = int_at(s, 1),
	    .schedule = text_at(s, 2),
	    .grid_us = int_at(s, 3),
	    .paused_until_us = int_at(s, 4),
	    .breaker_closed_at_us = int_at(s, 5),
	    .boot = text_at(s, 6),
	};

	((ledger_job_state_fn *)k->fn)(k->arg, &row);
}

static void
give_usage(const struct sink *k, sqlite3_stmt *s)
{
	const struct ledger_usage row = {
	    .service = text_at(s, 0),
	    .bucket = text_at(s, 1),
	    .day = text_at(s, 2),
	    .units = int_at(s, 3),
	};

	((ledger_usage_fn *)k->fn)(k->arg, &row);
}

/* ---- running them ---- */

/* Does this code make the connection itself doubtful? */
static bool
is_file_error(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_IOERR:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CANTOPEN:
	case SQLITE_PROTOCOL:
		return true;
	default:
		return false;
	}
}

/* 0 or the number of rows when SQLite is content, else -ETIME or -EIO. */
static int
result(struct ledger *l, int rc, int rows)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE)
		return rows;
	if (rc == SQLITE_INTERRUPT)
		return -ETIME;
	if (is_file_error(rc))
		l->r.suspect = true;
	return -EIO;
}

/* Step through all rows of a bound statement; gives how many. */
static int
each_row(
    struct ledger *l, sqlite3_stmt *s, int64_t budget_us, const struct sink *k)
{
	int rc, rows = 0;

	l->r.deadline_thread_us =
	    budget_us == 0 ? TIME_NEVER : clock_thread_us() + budget_us;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		rows++;
		if (k != NULL)
			k->give(k, s);
	}
	(void)sqlite3_reset(s);
	(void)sqlite3_clear_bindings(s);
	return result(l, rc, rows);
}

static int
zero_or_error(int r)
{
	return r < 0 ? r : 0;
}

/* ---- the API's questions ---- */

static unsigned
shape_of(const struct ledger_query *q)
{
	unsigned shape = 0;

	if (q->status != NULL)
		shape |= LEDGER_SHAPE_STATUS;
	if (q->reason != NULL)
		shape |= LEDGER_SHAPE_REASON;
	if (q->since_us != LEDGER_NULL)
		shape |= LEDGER_SHAPE_SINCE;
	if (q->until_us != LEDGER_NULL)
		shape |= LEDGER_SHAPE_UNTIL;
	return shape;
}

static int
find(struct ledger *l, const struct ledger_query *q, int64_t budget_us,
    ledger_history_fn *fn, void *arg)
{
	const struct sink k = {give_history, (void (*)(void))fn, arg};
	unsigned shape = shape_of(q);
	sqlite3_stmt *s;
	int rc;

	if (q->limit <= 0)
		return 0;
	rc = get_recent(l, shape, &s);
	if (rc != SQLITE_OK)
		return result(l, rc, 0);
	bind_text(s, 1, q->job_name);
	(void)sqlite3_bind_int64(
	    s, 2, q->before_id > 0 ? q->before_id : INT64_MAX);
	(void)sqlite3_bind_int(s, 3, q->limit);
	if (shape & LEDGER_SHAPE_STATUS)
		bind_text(s, 4, q->status);
	if (shape & LEDGER_SHAPE_REASON)
		bind_text(s, 5, q->reason);
	if (shape & LEDGER_SHAPE_SINCE)
		(void)sqlite3_bind_int64(s, 6, q->since_us);
	if (shape & LEDGER_SHAPE_UNTIL)
		(void)sqlite3_bind_int64(s, 7, q->until_us);
	return zero_or_error(each_row(l, s, budget_us, &k));
}

int
ledger_find_recent(struct ledger *l, const struct ledger_query *q,
    ledger_history_fn *fn, void *arg)
{
	return find(l, q, LEDGER_READ_BUDGET_US, fn, arg);
}

int
ledger_has_history(struct ledger *l, const char *job_name)
{
	sqlite3_stmt *s;
	int rc;

	rc = get_plain(l, LEDGER_READ_HAS, &s);
	if (rc != SQLITE_OK)
		return result(l, rc, 0);
	bind_text(s, 1, job_name);
	return each_row(l, s, LEDGER_READ_BUDGET_US, NULL);
}

/* ---- at start ---- */

static int
load_all(struct ledger *l, enum ledger_read_stmt which, const struct sink *k)
{
	sqlite3_stmt *s;
	int rc;

	rc = get_plain(l, which, &s);
	if (rc != SQLITE_OK)
		return result(l, rc, 0);
	return zero_or_error(each_row(l, s, 0, k));
}

int
ledger_load_runs(struct ledger *l, ledger_run_fn *fn, void *arg)
{
	const struct sink k = {give_run, (void (*)(void))fn, arg};

	return load_all(l, LEDGER_READ_RUNS, &k);
}

int
ledger_load_attempts(struct ledger *l, ledger_attempt_fn *fn, void *arg)
{
	const struct sink k = {give_attempt, (void (*)(void))fn, arg};

	return load_all(l, LEDGER_READ_ATTEMPTS, &k);
}

int
ledger_load_job_states(struct ledger *l, ledger_job_state_fn *fn, void *arg)
{
	const struct sink k = {give_job_state, (void (*)(void))fn, arg};

	return load_all(l, LEDGER_READ_JOB_STATES, &k);
}

int
ledger_load_usage(
    struct ledger *l, const char *since_day, ledger_usage_fn *fn, void *arg)
{
	const struct sink k = {give_usage, (void (*)(void))fn, arg};
	sqlite3_stmt *s;
	int rc;

	rc = get_plain(l, LEDGER_READ_USAGE, &s);
	if (rc != SQLITE_OK)
		return result(l, rc, 0);
	bind_text(s, 1, since_day);
	return zero_or_error(each_row(l, s, 0, &k));
}

int
ledger_load_recent(struct ledger *l, const char *job_name, int each,
    ledger_history_fn *fn, void *arg)
{
	const struct ledger_query q = {
	    .job_name = job_name,
	    .since_us = LEDGER_NULL,
	    .until_us = LEDGER_NULL,
	    .limit = each,
	};

	return find(l, &q, 0, fn, arg);
}

int
ledger_load_failures(struct ledger *l, const char *job_name, int64_t since_us,
    ledger_history_fn *fn, void *arg)
{
	const struct sink k = {give_history, (void (*)(void))fn, arg};
	sqlite3_stmt *s;
	int rc;

	rc = get_plain(l, LEDGER_READ_FAILURES, &s);
	if (rc != SQLITE_OK)
		return result(l, rc, 0);
	bind_text(s, 1, job_name);
	(void)sqlite3_bind_int64(s, 2, since_us);
	return zero_or_error(each_row(l, s, 0, &k));
}

int
ledger_load_meta(struct ledger *l, const char *key, char **ret_value)
{
	*ret_value = NULL;
	if (l->r.suspect && ledger_reader_open(&l->r, l->r.path) != SQLITE_OK)
		return -EIO;
	l->r.deadline_thread_us = TIME_NEVER;
	return result(l, ledger_db_meta_get(l->r.db, key, ret_value), 0);
}
