/*
 * test_run.c - the state table of a run against an independent copy of what
 * the road needs, cell by cell, and as the text that people read.
 */
#include <config.h>

#include "model/run.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/xalloc.h"

static const char *const run_id = "0198c0de-0000-7000-8000-000000000001";

/* What may happen in each state; all else may not. */
static const struct step {
	enum run_state from;
	enum run_event event;
	enum run_state to;
	enum run_action action;
} steps[] = {
    {RUN_NEW, RUN_EV_ADMIT, RUN_CLAIMING, RUN_ACT_CLAIM},
    {RUN_NEW, RUN_EV_WAIT, RUN_WAITING, RUN_ACT_ENQUEUE},
    {RUN_NEW, RUN_EV_SKIP, RUN_DONE, RUN_ACT_SKIP},
    {RUN_NEW, RUN_EV_RESUME_WAITING, RUN_WAITING, RUN_ACT_ENQUEUE},
    {RUN_NEW, RUN_EV_RESUME_BACKOFF, RUN_BACKOFF, RUN_ACT_BACKOFF},
    {RUN_NEW, RUN_EV_RESUME_LIVE, RUN_DRAINING, RUN_ACT_TRACE},
    {RUN_WAITING, RUN_EV_ADMIT, RUN_CLAIMING, RUN_ACT_CLAIM},
    {RUN_WAITING, RUN_EV_SKIP, RUN_DONE, RUN_ACT_SKIP},
    {RUN_WAITING, RUN_EV_FINISH, RUN_DONE, RUN_ACT_FINISH},
    {RUN_CLAIMING, RUN_EV_CLAIMED, RUN_STARTING, RUN_ACT_SPAWN},
    {RUN_CLAIMING, RUN_EV_WAIT, RUN_WAITING, RUN_ACT_ENQUEUE},
    {RUN_CLAIMING, RUN_EV_SKIP, RUN_DONE, RUN_ACT_SKIP},
    {RUN_CLAIMING, RUN_EV_FINISH, RUN_DONE, RUN_ACT_FINISH},
    {RUN_STARTING, RUN_EV_SPAWNED, RUN_RUNNING, RUN_ACT_WATCH},
    {RUN_STARTING, RUN_EV_SPAWN_FAILED, RUN_DRAINING, RUN_ACT_SETTLE},
    {RUN_RUNNING, RUN_EV_STOP, RUN_STOPPING, RUN_ACT_TERM},
    {RUN_RUNNING, RUN_EV_KILL, RUN_STOPPING, RUN_ACT_KILL},
    {RUN_RUNNING, RUN_EV_EXITED, RUN_DRAINING, RUN_ACT_DRAIN},
    {RUN_STOPPING, RUN_EV_STOP, RUN_STOPPING, RUN_ACT_NONE},
    {RUN_STOPPING, RUN_EV_KILL, RUN_STOPPING, RUN_ACT_KILL},
    {RUN_STOPPING, RUN_EV_EXITED, RUN_DRAINING, RUN_ACT_DRAIN},
    {RUN_DRAINING, RUN_EV_STOP, RUN_DRAINING, RUN_ACT_KILL},
    {RUN_DRAINING, RUN_EV_KILL, RUN_DRAINING, RUN_ACT_KILL},
    {RUN_DRAINING, RUN_EV_DRAIN_DUE, RUN_DRAINING, RUN_ACT_KILL},
    {RUN_DRAINING, RUN_EV_OVER, RUN_DRAINING, RUN_ACT_SETTLE},
    {RUN_DRAINING, RUN_EV_RETRY, RUN_BACKOFF, RUN_ACT_BACKOFF},
    {RUN_DRAINING, RUN_EV_FINISH, RUN_DONE, RUN_ACT_FINISH},
    {RUN_BACKOFF, RUN_EV_ADMIT, RUN_CLAIMING, RUN_ACT_CLAIM},
    {RUN_BACKOFF, RUN_EV_WAIT, RUN_WAITING, RUN_ACT_ENQUEUE},
    {RUN_BACKOFF, RUN_EV_FINISH, RUN_DONE, RUN_ACT_FINISH},
};

/* How a run comes to each state, with no event that is tested there. */
static const enum run_event ways[RUN_NSTATES][7] = {
    [RUN_NEW] = {RUN_NEVENTS},
    [RUN_WAITING] = {RUN_EV_WAIT, RUN_NEVENTS},
    [RUN_CLAIMING] = {RUN_EV_ADMIT, RUN_NEVENTS},
    [RUN_STARTING] = {RUN_EV_ADMIT, RUN_EV_CLAIMED, RUN_NEVENTS},
    [RUN_RUNNING] = {RUN_EV_ADMIT, RUN_EV_CLAIMED, RUN_EV_SPAWNED, RUN_NEVENTS},
    [RUN_STOPPING] = {RUN_EV_ADMIT, RUN_EV_CLAIMED, RUN_EV_SPAWNED, RUN_EV_STOP,
	RUN_NEVENTS},
    [RUN_DRAINING] = {RUN_EV_ADMIT, RUN_EV_CLAIMED, RUN_EV_SPAWNED,
	RUN_EV_EXITED, RUN_NEVENTS},
    [RUN_BACKOFF] = {RUN_EV_ADMIT, RUN_EV_CLAIMED, RUN_EV_SPAWNED,
	RUN_EV_EXITED, RUN_EV_OVER, RUN_EV_RETRY, RUN_NEVENTS},
    [RUN_DONE] = {RUN_EV_SKIP, RUN_NEVENTS},
};

static struct job *
job_of(const char *name)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->refs = 1;
	j->name = (char *)(uintptr_t)name;
	return j;
}

static struct run *
run_of(struct job *j, char *params)
{
	struct run *r = xmalloc(sizeof(*r));

	memset((void *)r, 0x5a, sizeof(*r));
	run_init(r, j, run_id, TRIGGER_MANUAL, TIME_NEVER, 7, params, true);
	return r;
}

static void
forget(struct run *r)
{
	run_clear(r);
	free(r);
}

static struct run *
run_in(struct job *j, enum run_state state)
{
	struct run *r = run_of(j, NULL);

	for (const enum run_event *e = ways[state]; *e != RUN_NEVENTS; e++)
		assert_int_not_equal(run_apply(r, *e), RUN_ACT_INVALID);
	assert_int_equal(r->state, state);
	return r;
}

static const struct step *
step_of(enum run_state from, enum run_event event)
{
	const struct step *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i].from == from && steps[i].event == event) {
			assert_null(found);
			found = &steps[i];
		}
	return found;
}

/* Every filled cell does what it should, every other one does nothing. */
static void
test_every_cell(void **state)
{
	struct job *j = job_of("disk");

	(void)state;
	for (int s = 0; s < RUN_NSTATES; s++)
		for (int e = 0; e < RUN_NEVENTS; e++) {
			struct run *r = run_in(j, (enum run_state)s);
			const struct step *x =
			    step_of((enum run_state)s, (enum run_event)e);
			enum run_action act = run_apply(r, (enum run_event)e);

			assert_int_equal(
			    act, x == NULL ? RUN_ACT_INVALID : x->action);
			assert_int_equal(
			    r->state, x == NULL ? (enum run_state)s : x->to);
			forget(r);
		}
	assert_int_equal(j->refs, 1);
	job_unref(j);
}

/* Only `state` changes, whatever happens. */
static void
test_nothing_else_changes(void **state)
{
	struct job *j = job_of("disk");
	struct run *r = run_of(j, NULL);
	unsigned char before[sizeof(*r)];

	(void)state;
	memcpy(before, r, sizeof(before));
	assert_int_equal(run_apply(r, RUN_EV_ADMIT), RUN_ACT_CLAIM);
	assert_int_equal(run_apply(r, RUN_EV_CLAIMED), RUN_ACT_SPAWN);
	assert_int_equal(
	    memcmp((const char *)r + sizeof(r->state),
		before + sizeof(r->state), sizeof(before) - sizeof(r->state)),
	    0);
	forget(r);
	job_unref(j);
}

/* No state is a trap: from each the run can end. */
static void
test_all_ways_end(void **state)
{
	bool ends[RUN_NSTATES] = {[RUN_DONE] = true};
	bool used[RUN_NACTIONS] = {false};

	(void)state;
	for (int round = 0; round < RUN_NSTATES; round++)
		for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
			if (ends[steps[i].to])
				ends[steps[i].from] = true;
	for (int s = 0; s < RUN_NSTATES; s++)
		assert_true(ends[s]);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		assert_int_not_equal(steps[i].to, RUN_NEW);
		assert_int_not_equal(steps[i].from, RUN_DONE);
		used[steps[i].action] = true;
	}
	for (int a = RUN_ACT_INVALID + 1; a < RUN_NACTIONS; a++)
		assert_true(used[a]);
}

static void
test_init(void **state)
{
	struct job *j = job_of("disk"), *next = job_of("disk");
	struct run *r = run_of(j, xstrdup("{\"a\":1}"));

	(void)state;
	assert_int_equal(r->state, RUN_NEW);
	assert_string_equal(r->id, run_id);
	assert_int_equal(r->trigger, TRIGGER_MANUAL);
	assert_true(r->scheduled_at_us == TIME_NEVER);
	assert_int_equal(r->created_at_us, 7);
	assert_int_equal(r->attempt, 0);
	assert_true(r->first_started_at_us == TIME_NEVER);
	assert_true(r->next_attempt_at_us == TIME_NEVER);
	assert_string_equal(r->params, "{\"a\":1}");
	assert_true(r->forced);
	assert_false(r->probe);
	assert_int_equal(j->refs, 2);

	run_redefine(r, next);
	assert_ptr_equal(r->job, next);
	assert_int_equal(j->refs, 1);
	assert_int_equal(next->refs, 2);
	/* By the last reference of its own: must not be freed in between. */
	job_unref(next);
	run_redefine(r, next);
	assert_int_equal(next->refs, 1);
	forget(r);
	job_unref(j);
}

static void
test_attempt_id(void **state)
{
	char id[RUN_ATTEMPT_ID_BYTES];

	(void)state;
	assert_string_equal(run_attempt_id(run_id, 1, id),
	    "0198c0de-0000-7000-8000-000000000001.1");
	assert_ptr_equal(run_attempt_id(run_id, INT_MAX, id), id);
	assert_string_equal(
	    id, "0198c0de-0000-7000-8000-000000000001.2147483647");
}

/* The text that the manual shows. After a change of the table that is
 * meant: reeved --dump-fsm > t/fsm.golden */
static void
test_golden(void **state)
{
	const char *dir = getenv("REEVE_SRCDIR");
	char *path = xasprintf("%s/t/fsm.golden", dir == NULL ? "." : dir);
	struct buf golden, table;
	size_t lines = 0;

	(void)state;
	buf_init(&golden, 65536);
	buf_init(&table, 0);
	assert_int_equal(fd_read_file(path, 65536, false, &golden), 0);
	run_dump_table(&table);
	assert_string_equal(buf_str(&table), buf_str(&golden));
	for (const char *c = buf_str(&table); *c != '\0'; c++)
		lines += *c == '\n';
	assert_int_equal(lines, ARRAY_SIZE(steps));
	buf_clear(&golden);
	buf_clear(&table);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_cell),
	    cmocka_unit_test(test_nothing_else_changes),
	    cmocka_unit_test(test_all_ways_end),
	    cmocka_unit_test(test_init),
	    cmocka_unit_test(test_attempt_id),
	    cmocka_unit_test(test_golden),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
