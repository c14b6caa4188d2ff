/*
 * test_ledger.c - sys/ledger: what goes in comes out, which index answers,
 * what a prune leaves, what a damaged or foreign file is told, and that what
 * was acknowledged survives a kill at any moment.
 */
#include <config.h>

#include "sys/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "ledger_fixture.h"

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	fixture_dir(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	if (f->l != NULL)
		fixture_close(f);
	fixture_remove(f);
	free(f);
	return 0;
}

/* ---- rows go in and come out ---- */

/* What a read gave, as text: easy to compare. */
struct seen {
	char text[4096];
	int rows;
	int64_t last_id;
};

static void see(struct seen *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
see(struct seen *s, const char *fmt, ...)
{
	size_t len = strlen(s->text);
	va_list ap;

	s->rows++;
	va_start(ap, fmt);
	(void)vsnprintf(s->text + len, sizeof(s->text) - len, fmt, ap);
	va_end(ap);
}

static const char *
or_nil(const char *text)
{
	return text != NULL ? text : "nil";
}

static void
see_history(void *arg, const struct ledger_history *r)
{
	struct seen *s = arg;

	s->last_id = r->id;
	see(s,
	    "%" PRId64 " %s %s %" PRId64 " %" PRId64 " %" PRId64
	    " %s %s %" PRId64 " %s %" PRId64 " %s %d %s %d %d %s %s %s\n",
	    r->id, r->job_name, r->status, r->started_at_us, r->completed_at_us,
	    r->duration_ms, or_nil(r->result), or_nil(r->error),
	    r->created_at_us, or_nil(r->run_id), r->attempt, or_nil(r->trigger),
	    r->scheduled_at_us == LEDGER_NULL, or_nil(r->reason),
	    r->exit_code == LEDGER_NULL, r->signal == LEDGER_NULL,
	    or_nil(r->node), or_nil(r->output), or_nil(r->usage));
}

static void
test_history_comes_back(void **state)
{
	struct fixture *f = *state;
	struct seen s = {0};
	const struct ledger_query q = {.job_name = "disk",
	    .since_us = LEDGER_NULL,
	    .until_us = LEDGER_NULL,
	    .limit = 10};
	struct ledger_history row = {
	    .job_name = "disk",
	    .status = "failure",
	    .started_at_us = 1,
	    .completed_at_us = 2,
	    .duration_ms = (int64_t)INT32_MAX + 5,
	    .result = "{\"a\":1}",
	    .error = "exit \xc3\xa9",
	    .created_at_us = 3,
	    .run_id = "r1",
	    .attempt = 2,
	    .trigger = "manual",
	    .scheduled_at_us = LEDGER_NULL,
	    .reason = "exit",
	    .exit_code = 3,
	    .signal = LEDGER_NULL,
	    .node = "here",
	    .output = "never read",
	    .usage = "[]",
	};

	fixture_open(f);
	row.id = ledger_next_id(f->l);
	ledger_add_history(f->l, &row);
	fixture_commit(f);
	assert_int_equal(ledger_find_recent(f->l, &q, see_history, &s), 0);
	assert_string_equal(s.text,
	    "1 disk failure 1 2 2147483647 {\"a\":1} exit \xc3\xa9 3 r1 2"
	    " manual 1 exit 0 1 here nil []\n");
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM history"
					" WHERE output='never read'"),
	    1);
	assert_int_equal(ledger_has_history(f->l, "disk"), 1);
	assert_int_equal(ledger_has_history(f->l, "dis"), 0);
}

static void
see_run(void *arg, const struct ledger_run *r)
{
	see(arg,
	    "%s %s %s %d %" PRId64 " %s %" PRId64 " %" PRId64 " %d %s %s %d\n",
	    r->run_id, r->job_name, r->trigger,
	    r->scheduled_at_us == LEDGER_NULL, r->created_at_us, r->state,
	    r->attempt, r->next_attempt_at_us,
	    r->first_started_at_us == LEDGER_NULL, or_nil(r->definition),
	    or_nil(r->params), r->forced);
}

static void
test_runs_come_back(void **state)
{
	struct fixture *f = *state;
	struct seen s = {0};
	struct ledger_run a = {.run_id = "a",
	    .job_name = "j",
	    .trigger = "schedule",
	    .scheduled_at_us = 7,
	    .created_at_us = 8,
	    .state = "STARTING",
	    .attempt = 1,
	    .next_attempt_at_us = LEDGER_NULL,
	    .first_started_at_us = LEDGER_NULL,
	    .definition = "d"};
	struct ledger_run b = a;

	fixture_open(f);
	b.run_id = "b";
	b.trigger = "manual";
	b.scheduled_at_us = LEDGER_NULL;
	b.params = "{}";
	b.forced = true;
	ledger_put_run(f->l, &a);
	ledger_put_run(f->l, &b);
	a.state = "BACKOFF"; /* the second put replaces the first */
	a.next_attempt_at_us = 99;
	ledger_put_run(f->l, &a);
	b.run_id = "gone";
	ledger_put_run(f->l, &b);
	ledger_del_run(f->l, "gone");
	fixture_commit(f);
	fixture_reopen(f);
	assert_int_equal(ledger_load_runs(f->l, see_run, &s), 0);
	assert_string_equal(s.text,
	    "a j schedule 0 8 BACKOFF 1 99 1 d nil 0\n"
	    "b j manual 1 8 STARTING 1 -9223372036854775808 1 d {} 1\n");
}

static void
see_attempt(void *arg, const struct ledger_attempt *r)
{
	see(arg,
	    "%s %" PRId64 " %s %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
	    " %s %s\n",
	    r->run_id, r->attempt, r->job_name, r->attempt_id, r->started_at_us,
	    r->pid, r->start_ticks, r->session, or_nil(r->boot_id),
	    or_nil(r->cgroup));
}

static void
test_attempts_come_back(void **state)
{
	struct fixture *f = *state;
	struct seen s = {0};
	struct ledger_attempt a = {.run_id = "a",
	    .attempt = 1,
	    .job_name = "j",
	    .attempt_id = "x",
	    .started_at_us = 5,
	    .pid = LEDGER_NULL,
	    .start_ticks = 2,
	    .session = 3,
	    .boot_id = "boot"};

	fixture_open(f);
	ledger_put_attempt(f->l, &a);
	a.pid = 4711;
	a.cgroup = "/c";
	ledger_put_attempt(f->l, &a);
	a.run_id = "b";
	ledger_put_attempt(f->l, &a);
	ledger_del_attempt(f->l, "b");
	fixture_commit(f);
	assert_int_equal(ledger_load_attempts(f->l, see_attempt, &s), 0);
	assert_string_equal(s.text, "a 1 j x 5 4711 2 3 boot /c\n");
}

static void
see_job_state(void *arg, const struct ledger_job_state *r)
{
	see(arg, "%s %" PRId64 " %s %d %d %d %s\n", r->job_name, r->cursor_us,
	    or_nil(r->schedule), r->grid_us == LEDGER_NULL,
	    r->paused_until_us == INT64_MAX,
	    r->breaker_closed_at_us == LEDGER_NULL, or_nil(r->boot));
}

static void
see_usage(void *arg, const struct ledger_usage *r)
{
	see(arg, "%s.%s %s %" PRId64 "\n", r->service, r->bucket, r->day,
	    r->units);
}

static void
test_the_rest_comes_back(void **state)
{
	struct fixture *f = *state;
	struct seen s = {0};
	struct ledger_job_state j = {.job_name = "j",
	    .cursor_us = 1,
	    .schedule = "* * * * *",
	    .grid_us = LEDGER_NULL,
	    .paused_until_us = INT64_MAX,
	    .breaker_closed_at_us = LEDGER_NULL};
	struct ledger_usage u = {"youtube", "default", "2026-11-22", 100};
	char *value = NULL;

	fixture_open(f);
	ledger_put_job_state(f->l, &j);
	j.cursor_us = 2;
	ledger_put_job_state(f->l, &j);
	ledger_add_usage(f->l, &u);
	u.day = "2026-11-23";
	ledger_add_usage(f->l, &u);
	u.units = 5;
	ledger_add_usage(f->l, &u);
	ledger_put_meta(f->l, "paused", "1");
	ledger_put_meta(f->l, "paused", "2");
	fixture_commit(f);
	assert_int_equal(ledger_load_job_states(f->l, see_job_state, &s), 0);
	assert_int_equal(
	    ledger_load_usage(f->l, "2026-11-23", see_usage, &s), 0);
	assert_string_equal(s.text,
	    "j 2 * * * * * 1 1 1 nil\nyoutube.default 2026-11-23 105\n");
	assert_int_equal(ledger_load_meta(f->l, "paused", &value), 0);
	assert_string_equal(value, "2");
	free(value);
	assert_int_equal(ledger_load_meta(f->l, "none", &value), 0);
	assert_null(value);
}

static void
test_long_texts(void **state)
{
	struct fixture *f = *state;
	size_t len = 600000;
	char *text = xmalloc(len + 1);
	char rid[64];
	struct ledger_history row;
	int i;

	memset(text, 'x', len);
	text[len] = '\0';
	fixture_open(f);
	for (i = 0; i < 20; i++) { /* more than one transaction takes */
		row = fixture_row(f->l, "big", rid, i);
		row.output = text;
		ledger_add_history(f->l, &row);
		ledger_submit(f->l);
	}
	fixture_commit(f);
	free(text);
	assert_int_equal(
	    fixture_sql(f, "SELECT sum(length(output)) FROM history"),
	    20 * 600000);
}

/* ---- numbers ---- */

static void
test_ids_are_never_given_twice(void **state)
{
	struct fixture *f = *state;
	char uuid[40];

	fixture_open(f);
	fixture_add(f, "j", 1);
	fixture_add(f, "j", 2);
	fixture_commit(f);
	(void)snprintf(uuid, sizeof(uuid), "%s", ledger_uuid(f->l));
	assert_int_equal(strlen(uuid), 36);
	fixture_close(f);
	assert_int_equal(fixture_sql(f, "DELETE FROM history"), -1);
	fixture_open(f);
	assert_int_equal(ledger_next_id(f->l), 3);
	assert_string_equal(ledger_uuid(f->l), uuid);
}

static void
test_sequence_numbers(void **state)
{
	struct fixture *f = *state;
	uint64_t seq;

	fixture_open(f);
	ledger_submit(f->l); /* nothing: no number is used */
	assert_int_equal(ledger_backlog(f->l), 0);
	assert_int_equal(ledger_durable_seq(f->l), 0);
	seq = ledger_turn_seq(f->l);
	assert_int_equal(seq, 1);
	fixture_add(f, "j", 1);
	assert_int_equal(ledger_turn_seq(f->l), seq);
	ledger_submit(f->l);
	/* A turn without records whose number somebody waits for. */
	seq = ledger_turn_seq(f->l);
	assert_int_equal(seq, 2);
	ledger_submit(f->l);
	fixture_wait(f, seq);
	fixture_turn(f);
	assert_true(f->events >= 1);
	assert_int_equal(ledger_backlog(f->l), 0);
	assert_true(ledger_waits_since_boot_us(f->l) == TIME_NEVER);
}

static void
test_what_was_submitted_before_start(void **state)
{
	struct fixture *f = *state;
	char *reason = NULL;

	assert_int_equal(ledger_open(f->path, &f->l, &reason), 0);
	fixture_add(f, "j", 1);
	ledger_submit(f->l);
	fixture_add(f, "j", 2); /* close submits the turn */
	assert_int_equal(ledger_close(f->l, CLOSE_US), 0);
	f->l = NULL;
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM history"), 2);
}

/* ---- rows that are refused ---- */

static void
test_conflicts_are_counted(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	fixture_add(f, "j", 1);
	fixture_add(f, "j", 1);
	fixture_add(f, "j", 2);
	fixture_commit(f);
	assert_int_equal(ledger_conflicts(f->l), 1);
	assert_int_equal(ledger_rejected(f->l), 0);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM history"), 2);
}

static void
test_what_cannot_be_stored_is_put_aside(void **state)
{
	struct fixture *f = *state;
	struct ledger_run run = {.run_id = "r1",
	    .job_name = "j",
	    .trigger = "schedule",
	    .scheduled_at_us = 60,
	    .created_at_us = 1,
	    .state = "WAITING",
	    .attempt = 0,
	    .next_attempt_at_us = LEDGER_NULL,
	    .first_started_at_us = LEDGER_NULL};
	struct ledger_history row;
	char rid[64];

	fixture_open(f);
	fixture_add(f, "j", 1);
	row = fixture_row(f->l, NULL, rid, 2); /* no job */
	ledger_add_history(f->l, &row);
	row = fixture_row(f->l, "j", rid, 3);
	row.id = 1; /* somebody else's */
	ledger_add_history(f->l, &row);
	ledger_put_run(f->l, &run);
	run.run_id = "r2"; /* the same fire, a second run */
	run.trigger = "catch-up";
	ledger_put_run(f->l, &run);
	run.run_id = "r3"; /* a manual one has no fire */
	run.trigger = "manual";
	ledger_put_run(f->l, &run);
	fixture_add(f, "j", 4);
	fixture_commit(f);
	assert_int_equal(ledger_rejected(f->l), 3);
	assert_int_equal(ledger_conflicts(f->l), 0);
	assert_false(ledger_failing(f->l, NULL, NULL));
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM history"), 2);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM run"), 2);
	assert_int_equal(
	    fixture_sql(f, "SELECT count(*) FROM rejected WHERE seq=1"
			   " AND what LIKE 'INSERT INTO %run-000000000003%'"
			   " AND error LIKE '%history.id%'"),
	    1);
}

/* ---- reads ---- */

/* The plan of `sql` is one line, and it says `wanted`: an index and no sort. */
static void
check_plan(sqlite3 *db, const char *sql, const char *wanted)
{
	char *ask = xasprintf("EXPLAIN QUERY PLAN %s", sql);
	sqlite3_stmt *s = NULL;
	const char *detail;

	assert_int_equal(sqlite3_prepare_v2(db, ask, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	detail = (const char *)sqlite3_column_text(s, 3);
	if (detail == NULL || strstr(detail, wanted) == NULL)
		fail_msg("%s: %s, not %s", sql, or_nil(detail), wanted);
	assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	(void)sqlite3_finalize(s);
	free(ask);
}

static void
test_every_question_has_its_index(void **state)
{
	struct fixture *f = *state;
	const char *wanted;
	unsigned shape;
	char *sql;
	sqlite3 *db;

	fixture_open(f);
	db = f->l->r.db;
	for (shape = 0; shape < LEDGER_SHAPES; shape++) {
		sql = ledger_reader_recent_sql(shape);
		wanted = (shape & LEDGER_SHAPE_STATUS)
			     ? "SEARCH history USING INDEX history_job_status"
			       " (job_name=? AND status=? AND rowid<?)"
			     : "SEARCH history USING INDEX history_job"
			       " (job_name=? AND rowid<?)";
		check_plan(db, sql, wanted);
		free(sql);
	}
	sql = xstrdup(ledger_reader_sql(LEDGER_READ_FAILURES));
	check_plan(
	    db, sql, "INDEX history_failures (job_name=? AND completed_at>?)");
	free(sql);
	check_plan(db, ledger_reader_sql(LEDGER_READ_HAS),
	    "SEARCH history USING COVERING INDEX");
}

static const char *const statuses[] = {"success", "failure", "skipped"};
static const char *const reasons[] = {NULL, "exit", "overlap", "timeout"};

/* Rows whose fields depend on their number in ways a test can compute. */
static void
add_varied(struct fixture *f, const char *job, int64_t n)
{
	char rid[64];
	struct ledger_history row = fixture_row(f->l, job, rid, n);

	row.status = statuses[n % 3];
	row.reason = reasons[n % 4];
	row.started_at_us = (n * 7919) % 1000;
	ledger_add_history(f->l, &row);
}

static bool
fits(int64_t n, const struct ledger_query *q)
{
	const char *reason = reasons[n % 4];
	int64_t started = (n * 7919) % 1000;

	return (q->status == NULL || strcmp(q->status, statuses[n % 3]) == 0) &&
	       (q->reason == NULL ||
		   (reason != NULL && strcmp(q->reason, reason) == 0)) &&
	       (q->since_us == LEDGER_NULL || started >= q->since_us) &&
	       (q->until_us == LEDGER_NULL || started < q->until_us) &&
	       (q->before_id == 0 || n < q->before_id);
}

/* Page through everything that fits, against a plain loop. */
static void
check_pages(struct fixture *f, struct ledger_query *q, int64_t rows)
{
	int64_t n, expected[8];
	struct seen s;
	int want;

	q->before_id = 0;
	do {
		want = 0;
		for (n = q->before_id != 0 ? q->before_id - 1 : rows;
		     n > 0 && want < q->limit; n--)
			if (n % 2 == 1 && fits(n, q))
				expected[want++] = n;
		memset(&s, 0, sizeof(s));
		assert_int_equal(
		    ledger_find_recent(f->l, q, see_history, &s), 0);
		assert_int_equal(s.rows, want);
		if (want > 0)
			assert_int_equal(s.last_id, expected[want - 1]);
		q->before_id = s.last_id;
	} while (want > 0);
}

static void
test_filters_and_pages(void **state)
{
	struct fixture *f = *state;
	struct ledger_query q = {.job_name = "odd", .limit = 7};
	unsigned shape;
	int64_t n;

	fixture_open(f);
	for (n = 1; n <= 400; n++) /* ids are 1, 2, 3, … too */
		add_varied(f, n % 2 == 1 ? "odd" : "even", n);
	fixture_commit(f);
	for (shape = 0; shape < LEDGER_SHAPES; shape++) {
		q.status = (shape & LEDGER_SHAPE_STATUS) ? "failure" : NULL;
		q.reason = (shape & LEDGER_SHAPE_REASON) ? "exit" : NULL;
		q.since_us = (shape & LEDGER_SHAPE_SINCE) ? 250 : LEDGER_NULL;
		q.until_us = (shape & LEDGER_SHAPE_UNTIL) ? 750 : LEDGER_NULL;
		check_pages(f, &q, 400);
	}
	q.limit = 0;
	q.before_id = 0;
	assert_int_equal(ledger_find_recent(f->l, &q, see_history, NULL), 0);
}

static void
test_failures_oldest_first(void **state)
{
	struct fixture *f = *state;
	struct seen s = {0};
	int64_t n;

	fixture_open(f);
	for (n = 1; n <= 9; n++)
		add_varied(f, "j", n);
	fixture_commit(f);
	/* 1, 4 and 7 failed; completed at n * 1000 + 10. */
	assert_int_equal(
	    ledger_load_failures(f->l, "j", 4010, see_history, &s), 0);
	assert_int_equal(s.rows, 2);
	assert_int_equal(strncmp(s.text, "4 j failure", 11), 0);
	assert_int_equal(s.last_id, 7);
	memset(&s, 0, sizeof(s));
	assert_int_equal(ledger_load_recent(f->l, "j", 4, see_history, &s), 0);
	assert_int_equal(s.rows, 4);
	assert_int_equal(s.last_id, 6);
}

static void
ignore_history(void *arg, const struct ledger_history *r)
{
	(void)arg;
	(void)r;
}

static void
test_a_read_ends_in_its_budget(void **state)
{
	struct fixture *f = *state;
	const struct ledger_query q = {.job_name = "j",
	    .reason = "never",
	    .since_us = LEDGER_NULL,
	    .until_us = LEDGER_NULL,
	    .limit = 1};
	int64_t n, begun, took;

	fixture_open(f);
	for (n = 1; n <= 100000; n++) {
		fixture_add(f, "j", n);
		if (n % 1000 == 0)
			ledger_submit(f->l);
	}
	fixture_commit(f);
	begun = clock_boot_us();
	assert_int_equal(
	    ledger_find_recent(f->l, &q, ignore_history, NULL), -ETIME);
	took = clock_boot_us() - begun;
	print_message("# a read was stopped after %" PRId64 " us\n", took);
	assert_true(took >= LEDGER_READ_BUDGET_US);
	/* Far more than it takes, far less than the whole: a busy machine. */
	assert_true(took < 100 * LEDGER_READ_BUDGET_US);
	/* The budget was of that call only. */
	assert_int_equal(ledger_has_history(f->l, "j"), 1);
	assert_int_equal(
	    ledger_load_recent(f->l, "j", 100000, ignore_history, NULL), 0);
}

/* ---- pruning ---- */

static void
wait_for_prune(struct fixture *f)
{
	int64_t end = clock_boot_us() + DEADLINE_US;

	while (ledger_pruning(f->l)) {
		fixture_turn(f);
		assert_true(clock_boot_us() < end);
	}
}

static void
test_prune_leaves_the_newest(void **state)
{
	struct fixture *f = *state;
	char job[16];
	int64_t n;

	fixture_open(f);
	for (n = 1; n <= 3000; n++) {
		(void)snprintf(job, sizeof(job), "job-%d", (int)(n % 10));
		fixture_add(f, job, n);
	}
	for (n = 3001; n <= 3005; n++) {
		(void)snprintf(job, sizeof(job), "lone-%d", (int)n);
		fixture_add(f, job, n);
	}
	fixture_commit(f);
	/* Rows are created at n * 1000 + 20: the first 2,000 are old. */
	ledger_prune(f->l, 2001 * 1000, INT64_MIN, 1500);
	wait_for_prune(f);
	assert_int_equal(ledger_take_pruned(f->l), 1500);
	assert_int_equal(ledger_take_pruned(f->l), 0);
	assert_int_equal(fixture_sql(f, "SELECT min(id) FROM history"), 1501);
	ledger_prune(f->l, 2001 * 1000, INT64_MIN, 1500);
	wait_for_prune(f);
	assert_int_equal(ledger_take_pruned(f->l), 500);
	/* Everything is old now: one row a job stays. */
	ledger_prune(f->l, INT64_MAX, INT64_MAX, 1000000);
	wait_for_prune(f);
	assert_int_equal(ledger_take_pruned(f->l), 990);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM history"), 15);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM history"
					" WHERE id <= 2990"),
	    0);
}

static void
test_prune_of_outputs(void **state)
{
	struct fixture *f = *state;
	struct ledger_history row;
	char rid[64];
	int64_t n;

	fixture_open(f);
	for (n = 1; n <= 1000; n++) {
		row = fixture_row(f->l, "j", rid, n);
		row.output = "said";
		ledger_add_history(f->l, &row);
	}
	fixture_commit(f);
	ledger_prune(f->l, INT64_MIN, 501 * 1000, 300);
	wait_for_prune(f);
	assert_int_equal(fixture_sql(f, "SELECT min(id) FROM history"
					" WHERE output IS NOT NULL"),
	    301);
	ledger_prune(f->l, INT64_MIN, 501 * 1000, 300);
	wait_for_prune(f);
	assert_int_equal(fixture_sql(f, "SELECT min(id) FROM history"
					" WHERE output IS NOT NULL"),
	    501);
	assert_int_equal(ledger_take_pruned(f->l), 0);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM history"), 1000);
}

static void
test_prune_gives_way(void **state)
{
	struct fixture *f = *state;
	int64_t n;
	int during = 0;

	fixture_open(f);
	for (n = 1; n <= 20000; n++)
		fixture_add(f, "j", n);
	fixture_commit(f);
	ledger_prune(f->l, INT64_MAX, INT64_MIN, 1000000);
	for (; ledger_pruning(f->l); n++, during++) {
		fixture_add(f, "k", n);
		fixture_commit(f);
	}
	print_message("# %d commits during a prune of 20,000 rows\n", during);
	assert_true(during > 5);
	assert_int_equal(ledger_take_pruned(f->l),
	    20000 + during - fixture_sql(f, "SELECT count(*) FROM history"));
}

/* ---- the file ---- */

static void
refused(struct fixture *f, int wanted, const char *word)
{
	char *reason = NULL;
	struct ledger *l = NULL;

	assert_int_equal(ledger_open(f->path, &l, &reason), wanted);
	assert_null(l);
	assert_non_null(reason);
	if (strstr(reason, word) == NULL || strstr(reason, f->path) == NULL)
		fail_msg("%s: no word of %s", reason, word);
	free(reason);
}

static void
put_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, len), 0);
	fd_close(&fd);
}

static void
test_files_that_are_refused(void **state)
{
	struct fixture *f = *state;
	char garbage[5000];

	memset(garbage, 'g', sizeof(garbage));
	put_file(f->path, garbage, sizeof(garbage));
	refused(f, -EUCLEAN, "not a database");
	put_file(f->path, "", 0);
	assert_int_equal(fixture_sql(f, "CREATE TABLE other(a)"), -1);
	refused(f, -EUCLEAN, "another program");
	assert_int_equal(fixture_sql(f, "PRAGMA application_id=77"), -1);
	refused(f, -EUCLEAN, "another program");
	assert_int_equal(unlink(f->path), 0);
	fixture_open(f);
	fixture_close(f);
	assert_int_equal(fixture_sql(f, "PRAGMA user_version=99"), -1);
	refused(f, -EPROTO, "newer Reeve");
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	refused(f, -EISDIR, "cannot be opened");
	assert_int_equal(rmdir(f->path), 0);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	refused(f, -EUCLEAN, "no regular file");
}

/* As a user who may not write there; root may, everywhere. */
static void
test_no_permission(void **state)
{
	struct fixture *f = *state;
	char *reason = NULL;
	struct ledger *l;
	int status;
	pid_t pid;

	fixture_open(f);
	fixture_close(f);
	assert_int_equal(chmod(f->path, 0400), 0);
	assert_int_equal(chmod(f->dir, 0555), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (geteuid() == 0 && seteuid(65534) < 0)
			_exit(2);
		_exit(ledger_open(f->path, &l, &reason) == -EACCES &&
			      strstr(reason, "Permission denied") != NULL
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(f->dir, 0700), 0);
	assert_int_equal(status, 0);
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
test_directories_and_modes(void **state)
{
	struct fixture *f = *state;
	char path[128];
	mode_t old = umask(0);

	(void)snprintf(f->path, sizeof(f->path), "%s/a/b/l.db", f->dir);
	fixture_open(f);
	fixture_add(f, "j", 1);
	fixture_commit(f);
	assert_int_equal(mode_of(f->path), 0600);
	(void)snprintf(path, sizeof(path), "%s-wal", f->path);
	assert_int_equal(mode_of(path), 0600);
	(void)snprintf(path, sizeof(path), "%s-shm", f->path);
	assert_int_equal(mode_of(path), 0600);
	(void)snprintf(path, sizeof(path), "%s/a/b", f->dir);
	assert_int_equal(mode_of(path), 0700);
	fixture_close(f);
	(void)umask(old);
	/* A closed ledger is one file; a file open to others is closed. */
	(void)snprintf(path, sizeof(path), "%s-wal", f->path);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(chmod(f->path, 0644), 0);
	fixture_open(f);
	assert_int_equal(mode_of(f->path), 0600);
	fixture_close(f);
	assert_int_equal(unlink(f->path), 0);
	(void)snprintf(path, sizeof(path), "%s/a/b", f->dir);
	assert_int_equal(rmdir(path), 0);
}

/* Copy the open file and its log, as a crash would leave them. */
static void
copy_as_crashed(const char *from, const char *to)
{
	static const char *const tails[] = {"", "-wal"};
	char a[200], b[200];
	struct buf data;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tails); i++) {
		(void)snprintf(a, sizeof(a), "%s%s", from, tails[i]);
		(void)snprintf(b, sizeof(b), "%s%s", to, tails[i]);
		buf_init(&data, 64 << 20);
		if (access(a, F_OK) == 0) {
			/* Through another process: closing the file here
			 * would drop SQLite's locks. */
			pid_t pid = fork();
			int status;

			assert_true(pid >= 0);
			if (pid == 0) {
				if (fd_read_file(a, 64 << 20, false, &data) < 0)
					_exit(1);
				put_file(b, buf_str(&data), data.len);
				_exit(0);
			}
			assert_int_equal(waitpid(pid, &status, 0), pid);
			assert_int_equal(status, 0);
		}
		buf_clear(&data);
	}
}

static void
test_unclean_files_are_checked(void **state)
{
	struct fixture *f = *state;
	struct fixture copy;
	char *note = NULL, *reason = NULL;
	sqlite3 *db;
	int64_t n;

	fixture_dir(&copy);
	fixture_open(f);
	assert_null(ledger_open_note(f->l));
	for (n = 1; n <= 2000; n++)
		fixture_add(f, "j", n);
	fixture_commit(f);
	copy_as_crashed(f->path, copy.path);
	fixture_reopen(f);
	assert_null(ledger_open_note(f->l));
	fixture_open(&copy);
	assert_non_null(ledger_open_note(copy.l));
	assert_non_null(strstr(ledger_open_note(copy.l), "not closed cleanly"));
	fixture_close(&copy);
	assert_int_equal(
	    fixture_sql(&copy, "SELECT count(*) FROM history"), 2000);
	/* The check in part, as for a file too large to be walked. */
	assert_int_equal(ledger_db_open_writer(copy.path, &db), SQLITE_OK);
	assert_int_equal(ledger_schema_check(db, 0, &note, &reason), 0);
	assert_non_null(strstr(note, "newest rows"));
	ledger_db_close(db);
	free(note);
	fixture_remove(&copy);
}

static void
scribble(const char *path, off_t from, off_t to)
{
	char junk[4096];
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	memset(junk, 0x5a, sizeof(junk));
	for (; from < to; from += (off_t)sizeof(junk))
		assert_int_equal(
		    pwrite(fd, junk, sizeof(junk), from), sizeof(junk));
	fd_close(&fd);
}

static void
test_damage_is_seen(void **state)
{
	struct fixture *f = *state;
	int64_t n;

	fixture_open(f);
	for (n = 1; n <= 2000; n++)
		fixture_add(f, "j", n);
	fixture_commit(f);
	fixture_close(f);
	assert_int_equal(
	    fixture_sql(
		f, "UPDATE meta SET value='0' WHERE key='ledger.clean'"),
	    -1);
	scribble(f->path, 20 * 4096, 24 * 4096);
	refused(f, -EUCLEAN, "damaged");
	scribble(f->path, 0, 4096);
	refused(f, -EUCLEAN, "not a database");
}

/* ---- the thread ---- */

#define ALL_SIGNALS UINT64_C(0xfffffffe7ffbfeff)

static void
test_the_thread_is_named_and_deaf(void **state)
{
	struct fixture *f = *state;
	struct dirent *e;
	struct buf text;
	char path[300];
	const char *at;
	uint64_t mask;
	int found = 0;
	DIR *d;

	fixture_open(f);
	d = opendir("/proc/self/task");
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		(void)snprintf(
		    path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
		buf_init(&text, 8192);
		if (fd_read_file(path, 8192, false, &text) == 0 &&
		    strstr(buf_str(&text), "Name:\treeve-ledger\n") != NULL) {
			found++;
			/* All but KILL, STOP and the C library's two. */
			at = strstr(buf_str(&text), "SigBlk:");
			assert_non_null(at);
			mask = strtoull(at + strlen("SigBlk:"), NULL, 16);
			assert_true((mask & ALL_SIGNALS) == ALL_SIGNALS);
		}
		buf_clear(&text);
	}
	(void)closedir(d);
	assert_int_equal(found, 1);
}

/* ---- a kill at any moment ---- */

/*
 * The child: each turn has three records that belong together. What is
 * durable it writes to the pipe, as an acknowledgement.
 */
static void
child_main(struct fixture *f, int fd)
{
	struct ledger_usage u = {"s", "b", "d", 1};
	char value[32];
	uint64_t acked = 0, now;
	int64_t n;

	fixture_open(f);
	for (n = 1;; n++) {
		fixture_add(f, "j", n);
		ledger_add_usage(f->l, &u);
		(void)snprintf(value, sizeof(value), "%" PRId64, n);
		ledger_put_meta(f->l, "last", value);
		ledger_submit(f->l);
		while (ledger_backlog(f->l) > 3)
			fixture_turn(f);
		now = ledger_durable_seq(f->l);
		if (now != acked && write(fd, &now, sizeof(now)) < 0)
			_exit(3);
		acked = now;
	}
}

/* After the kill: rows 1..k without a gap, k not below what was acked. */
static int64_t
check_after_kill(struct fixture *f, uint64_t acked)
{
	int64_t count, meta, usage;

	fixture_open(f);
	fixture_add(f, "after", 1000000000); /* it takes new ones at once */
	fixture_commit(f);
	fixture_close(f);
	count =
	    fixture_sql(f, "SELECT count(*) FROM history WHERE job_name='j'");
	assert_int_equal(
	    fixture_sql(f,
		"SELECT coalesce(max(id) - min(id) + 1, 0) FROM history"
		" WHERE job_name='j'"),
	    count);
	meta = fixture_sql(f,
	    "SELECT coalesce((SELECT cast(value AS INTEGER) FROM meta"
	    " WHERE key='last'), 0)");
	usage = fixture_sql(f, "SELECT coalesce(sum(units), 0) FROM usage");
	assert_int_equal(meta, count);
	assert_int_equal(usage, count);
	assert_true(count >= (int64_t)acked);
	assert_int_equal(
	    fixture_sql(f, "SELECT count(*) FROM history"), count + 1);
	return count;
}

static uint64_t
run_child(struct fixture *f, const char *crash_point, useconds_t kill_after)
{
	uint64_t acked = 0, one;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(fds[0]);
		if (crash_point != NULL)
			(void)setenv("REEVE_CRASH_POINT", crash_point, 1);
		child_main(f, fds[1]);
	}
	(void)close(fds[1]);
	if (crash_point == NULL) {
		/* Not before it writes; then at any moment of a commit. */
		assert_int_equal(read(fds[0], &acked, sizeof(acked)), 8);
		(void)usleep(kill_after);
		assert_int_equal(kill(pid, SIGKILL), 0);
	}
	while (read(fds[0], &one, sizeof(one)) == (ssize_t)sizeof(one))
		acked = one;
	(void)close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return acked;
}

static void
test_kill_at_any_moment(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	for (i = 0; i < 25; i++) {
		(void)check_after_kill(f, run_child(f, NULL, i * 997));
		fixture_remove(f);
		fixture_dir(f);
	}
}

static void
test_kill_around_each_commit(void **state)
{
#ifdef REEVE_DEBUG
	struct fixture *f = *state;
	static const char *const points[] = {
	    "ledger-before-commit", "ledger-after-commit"};
	char point[64];
	uint64_t acked;
	size_t i;
	int k;

	for (i = 0; i < ARRAY_SIZE(points); i++) {
		for (k = 1; k <= 8; k++) {
			(void)snprintf(
			    point, sizeof(point), "%s:%d", points[i], k);
			acked = run_child(f, point, 0);
			/* Before the first commit nothing is there; after
			 * it, at least its own turn. */
			assert_true(
			    check_after_kill(f, acked) >= (i == 0 ? k - 1 : k));
			fixture_remove(f);
			fixture_dir(f);
		}
	}
#else
	(void)state;
	skip();
#endif
}

/* Kill, open, go on, kill again: recovering a recovered file. */
static void
test_kill_again_and_again(void **state)
{
	struct fixture *f = *state;
	int64_t before = 0, now;
	unsigned i;

	for (i = 0; i < 6; i++) {
		(void)run_child(f, NULL, 2000 + i * 500);
		fixture_open(f);
		fixture_close(f);
		now = fixture_sql(f, "SELECT sum(units) FROM usage");
		assert_true(now > before);
		before = now;
	}
	assert_int_equal(fixture_sql(f, "PRAGMA integrity_check"), 0);
}

/* ---- speed, told and loosely bounded ---- */

static void
test_many_jobs_load_fast(void **state)
{
	struct fixture *f = *state;
	char job[32];
	int64_t begun, took;
	int i, n = 20000;

	fixture_open(f);
	begun = clock_boot_us();
	for (i = 0; i < n; i++) {
		(void)snprintf(job, sizeof(job), "job-%d", i);
		fixture_add(f, job, i);
		if (i % 50 == 0)
			ledger_submit(f->l);
	}
	fixture_commit(f);
	took = clock_boot_us() - begun;
	print_message("# %d rows in %" PRId64 " ms\n", n, took / 1000);
	begun = clock_boot_us();
	for (i = 0; i < n; i++) {
		(void)snprintf(job, sizeof(job), "job-%d", i);
		assert_int_equal(
		    ledger_load_recent(f->l, job, 5, ignore_history, NULL), 0);
	}
	took = clock_boot_us() - begun;
	print_message(
	    "# recent rows of %d jobs in %" PRId64 " ms\n", n, took / 1000);
	assert_true(took < 10 * USEC_PER_SEC);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_history_comes_back),
	    TEST(test_runs_come_back),
	    TEST(test_attempts_come_back),
	    TEST(test_the_rest_comes_back),
	    TEST(test_long_texts),
	    TEST(test_ids_are_never_given_twice),
	    TEST(test_sequence_numbers),
	    TEST(test_what_was_submitted_before_start),
	    TEST(test_conflicts_are_counted),
	    TEST(test_what_cannot_be_stored_is_put_aside),
	    TEST(test_every_question_has_its_index),
	    TEST(test_filters_and_pages),
	    TEST(test_failures_oldest_first),
	    TEST(test_a_read_ends_in_its_budget),
	    TEST(test_prune_leaves_the_newest),
	    TEST(test_prune_of_outputs),
	    TEST(test_prune_gives_way),
	    TEST(test_files_that_are_refused),
	    TEST(test_no_permission),
	    TEST(test_directories_and_modes),
	    TEST(test_unclean_files_are_checked),
	    TEST(test_damage_is_seen),
	    TEST(test_the_thread_is_named_and_deaf),
	    TEST(test_kill_at_any_moment),
	    TEST(test_kill_around_each_commit),
	    TEST(test_kill_again_and_again),
	    TEST(test_many_jobs_load_fast),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
