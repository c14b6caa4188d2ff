/*
 * test_slots.c - attempts against limits: of the daemon, of pools; who waits
 * and in which order, also while the configuration changes under them.
 */
#include <config.h>

#include "flow/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/clock.h"

#define T0	  (INT64_C(1795046400) * USEC_PER_SEC)

#define MOST_RUNS 64
#define MOST_JOBS 8

/* A road with nothing on it but slots, jobs and runs. */
struct world {
	struct road rd;
	struct config config;
	struct pool pools[3];
	struct live_job live[MOST_JOBS];
	struct job def[MOST_JOBS];
	unsigned njobs;
	struct open_run *runs[MOST_RUNS];
	unsigned nruns;
};

static char heavy[] = "heavy", light[] = "light", gone[] = "gone";

/* heavy: 2, light: no limit of its own; the daemon: 3. */
static int
begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->rd.config = &w->config;
	w->rd.open = map_new();
	w->config.pools = w->pools;
	w->config.npools = 2;
	w->pools[0] = (struct pool){.name = heavy, .max_concurrent = 2};
	w->pools[1] = (struct pool){.name = light, .max_concurrent = 0};
	w->config.max_concurrent = 3;
	slots_configure(&w->rd);
	*state = w;
	return 0;
}

static int
end(void **state)
{
	struct world *w = *state;

	slots_free(&w->rd);
	map_free(w->rd.open);
	for (unsigned i = 0; i < w->nruns; i++)
		free(w->runs[i]);
	free(w);
	return 0;
}

static struct live_job *
job(struct world *w, char *pool, int priority)
{
	struct live_job *live = &w->live[w->njobs];
	struct job *def = &w->def[w->njobs++];

	assert_true(w->njobs <= MOST_JOBS);
	*def = (struct job){.refs = 1, .pool = pool, .priority = priority};
	live->road = &w->rd;
	live->def = def;
	list_init(&live->runs);
	return live;
}

static struct open_run *
run_at(struct world *w, struct live_job *live, int64_t scheduled_at_us)
{
	struct open_run *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_true(w->nruns < MOST_RUNS);
	r->live = live;
	r->run.scheduled_at_us = scheduled_at_us;
	(void)snprintf(r->run.id, sizeof(r->run.id), "run-%u", w->nruns);
	list_append(&live->runs, &r->in_job);
	assert_null(map_set(w->rd.open, r->run.id, r));
	w->runs[w->nruns++] = r;
	return r;
}

static struct open_run *
run(struct world *w, struct live_job *live)
{
	return run_at(w, live, T0);
}

static struct open_run *
holder(struct world *w, struct live_job *live)
{
	struct open_run *r = run(w, live);

	slots_take(r);
	assert_true(r->has_slot);
	return r;
}

static struct open_run *
waiter(struct world *w, struct live_job *live, int64_t scheduled_at_us)
{
	struct open_run *r = run_at(w, live, scheduled_at_us);

	slots_enter(r);
	return r;
}

/* As claim.c does: who is next leaves the queue and takes a slot. */
static struct open_run *
next(struct world *w)
{
	struct open_run *r = slots_first(&w->rd);

	if (r != NULL) {
		assert_true(slots_free_for(r, true));
		slots_leave(r);
		slots_take(r);
	}
	return r;
}

static void
test_limit_of_all(void **state)
{
	struct world *w = *state;
	struct live_job *a = job(w, NULL, 0), *b = job(w, light, 0);
	struct open_run *first, *second;

	assert_int_equal(w->rd.slots_limit, 3);
	assert_true(slots_free_for(run(w, a), false));
	first = holder(w, a);
	second = holder(w, b);
	assert_true(slots_free_for(run(w, a), false));
	holder(w, b);
	assert_int_equal(w->rd.slots_used, 3);
	assert_int_equal(a->nrunning, 1);
	assert_int_equal(b->nrunning, 2);
	assert_false(slots_free_for(run(w, a), false));
	assert_false(slots_free_for(run(w, b), true));
	slots_give_back(second);
	assert_int_equal(w->rd.slots_used, 2);
	assert_int_equal(b->nrunning, 1);
	assert_true(slots_free_for(run(w, a), false));
	/* Twice is once. */
	slots_give_back(second);
	assert_int_equal(w->rd.slots_used, 2);
	assert_int_equal(b->nrunning, 1);
	slots_give_back(first);
	slots_give_back(run(w, a));
	assert_int_equal(w->rd.slots_used, 1);
}

static void
test_limit_of_a_pool(void **state)
{
	struct world *w = *state;
	struct live_job *h = job(w, heavy, 0), *plain = job(w, NULL, 0);
	struct live_job *nowhere = job(w, gone, 0);
	struct open_run *r = holder(w, h);

	holder(w, h);
	assert_false(slots_free_for(run(w, h), false));
	assert_true(slots_free_for(run(w, plain), false));
	/* A pool that the configuration does not know limits nothing. */
	assert_true(slots_free_for(run(w, nowhere), false));
	holder(w, nowhere);
	assert_false(slots_free_for(run(w, plain), false));
	slots_give_back(r);
	assert_true(slots_free_for(run(w, h), false));
	assert_true(slots_free_for(run(w, plain), false));
}

/* Of one pool and of several: priority, then instant, then who came first. */
static void
test_order(void **state)
{
	struct world *w = *state;
	struct live_job *low = job(w, NULL, -1), *zero = job(w, light, 0);
	struct live_job *high = job(w, NULL, 1);
	struct live_job *most = job(w, light, 1000),
			*least = job(w, NULL, -1000);
	struct open_run *r[9];

	w->config.max_concurrent = 100;
	slots_configure(&w->rd);
	r[8] = waiter(w, least, 0);
	r[7] = waiter(w, low, T0 - 100 * INT64_C(31557600000000));
	r[5] = waiter(w, zero, T0 + 1);
	r[6] = waiter(w, zero, T0 + 1);
	r[4] = waiter(w, zero, T0);
	r[2] = waiter(w, high, T0 + 1);
	r[1] = waiter(w, high, T0);
	r[0] = waiter(w, most, T0 + 50 * INT64_C(31557600000000));
	/* A manual one: by when it was asked for. */
	r[3] = run_at(w, high, TIME_NEVER);
	r[3]->run.created_at_us = T0 + 2;
	slots_enter(r[3]);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		assert_ptr_equal(next(w), r[i]);
	assert_null(next(w));
}

/* Who is new does not pass who waits and could start: in its own pool nor in
 * another one, for both want the slot that just became free. */
static void
test_nobody_is_passed_by(void **state)
{
	struct world *w = *state;
	struct live_job *h = job(w, heavy, 0), *l = job(w, light, 0);
	struct open_run *held = holder(w, l), *waits, *late;

	holder(w, l);
	holder(w, l);
	waits = waiter(w, h, T0);
	slots_give_back(held);
	late = run_at(w, l, T0 + 1);
	assert_false(slots_free_for(run_at(w, h, T0 + 1), false));
	assert_false(slots_free_for(late, false));
	assert_ptr_equal(next(w), waits);
	assert_false(slots_free_for(late, false));
	slots_give_back(waits);
	assert_true(slots_free_for(late, false));
}

/* Who waits for a full pool holds up nobody else. */
static void
test_full_pool_holds_up_nobody(void **state)
{
	struct world *w = *state;
	struct live_job *h = job(w, heavy, 1000), *plain = job(w, NULL, -1000);
	struct open_run *held = holder(w, h), *first, *second;

	holder(w, h);
	first = waiter(w, h, T0);
	assert_null(slots_first(&w->rd));
	assert_true(slots_free_for(run(w, plain), false));
	second = waiter(w, plain, T0 + 5);
	assert_ptr_equal(next(w), second);
	assert_null(slots_first(&w->rd));
	slots_give_back(held);
	assert_ptr_equal(next(w), first);
}

static void
test_leave(void **state)
{
	struct world *w = *state;
	struct live_job *h = job(w, heavy, 0);
	struct open_run *a = waiter(w, h, T0), *b = waiter(w, h, T0 + 1);
	struct open_run *never = run(w, h), *held = holder(w, h);

	slots_leave(a);
	slots_leave(a);
	slots_leave(never);
	/* Leaving no queue is no giving back. */
	slots_leave(held);
	assert_int_equal(w->rd.slots_used, 1);
	slots_give_back(held);
	assert_int_equal(w->rd.pools[1].used, 0);
	assert_ptr_equal(next(w), b);
	assert_null(next(w));
	/* It may come again. */
	slots_enter(a);
	assert_ptr_equal(next(w), a);
}

/* ---- another configuration ---- */

/* Lower limits end nothing that runs: nothing starts until enough ended. */
static void
test_limits_lowered(void **state)
{
	struct world *w = *state;
	struct live_job *h = job(w, heavy, 0), *plain = job(w, NULL, 0);
	struct open_run *held[3] = {
	    holder(w, h), holder(w, h), holder(w, plain)};
	struct open_run *waits = waiter(w, h, T0);

	w->config.max_concurrent = 2;
	w->pools[0].max_concurrent = 1;
	slots_configure(&w->rd);
	assert_int_equal(w->rd.slots_used, 3);
	assert_null(slots_first(&w->rd));
	slots_give_back(held[0]);
	assert_null(slots_first(&w->rd));
	assert_false(slots_free_for(run(w, plain), false));
	slots_give_back(held[2]);
	/* One of two is used, but the one that heavy has. */
	assert_null(slots_first(&w->rd));
	assert_true(slots_free_for(run(w, plain), false));
	slots_give_back(held[1]);
	assert_ptr_equal(next(w), waits);
	assert_int_equal(w->rd.slots_used, 1);
	assert_int_equal(w->rd.pools[1].used, 1);
}

/* Pools come, go and change places; counts go with their names. */
static void
test_pools_change(void **state)
{
	struct world *w = *state;
	struct live_job *h = job(w, heavy, 0), *l = job(w, light, 0);
	struct open_run *first = holder(w, h), *second = holder(w, h);
	struct open_run *third = holder(w, l);
	struct open_run *waits = waiter(w, h, T0);

	w->config.max_concurrent = 10;
	w->config.npools = 3;
	w->pools[0] = (struct pool){.name = gone, .max_concurrent = 1};
	w->pools[1] = (struct pool){.name = light, .max_concurrent = 1};
	w->pools[2] = (struct pool){.name = heavy, .max_concurrent = 2};
	slots_configure(&w->rd);
	assert_null(slots_first(&w->rd));
	assert_false(slots_free_for(run(w, l), false));
	slots_give_back(first);
	assert_ptr_equal(next(w), waits);
	assert_false(slots_free_for(run(w, h), false));

	/* heavy is no more: its runs count, and who waits may start. */
	waits = waiter(w, h, T0);
	w->config.npools = 2;
	slots_configure(&w->rd);
	assert_int_equal(w->rd.slots_used, 3);
	assert_ptr_equal(next(w), waits);
	slots_give_back(waits);
	slots_give_back(second);
	slots_give_back(third);
	assert_int_equal(w->rd.slots_used, 1);
	assert_int_equal(w->rd.pools[0].used, 1);
	assert_int_equal(w->rd.pools[2].used, 0);
}

/* Forty that were due in the same second keep their order, through any
 * number of reloads. */
static void
test_reload_keeps_the_order(void **state)
{
	struct world *w = *state;
	struct live_job *h = job(w, heavy, 0);
	struct open_run *r[40];

	holder(w, h);
	holder(w, h);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		r[i] = waiter(w, h, T0);
	for (int i = 0; i < 3; i++)
		slots_configure(&w->rd);
	w->config.max_concurrent = 100;
	w->pools[0].max_concurrent = 0;
	slots_configure(&w->rd);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		assert_ptr_equal(next(w), r[i]);
}

/* A job gets another pool or priority: who waits of it goes by the new one,
 * who runs gives back what it took. */
static void
test_job_redefined(void **state)
{
	struct world *w = *state;
	struct live_job *h = job(w, heavy, 0), *other = job(w, light, 0);
	struct open_run *held = holder(w, h), *a, *b, *c;

	holder(w, h);
	a = waiter(w, h, T0);
	b = waiter(w, h, T0);
	assert_null(slots_first(&w->rd));
	h->def->pool = light;
	slots_redefine(h);
	c = waiter(w, other, T0 - 1);
	assert_ptr_equal(slots_first(&w->rd), c);
	h->def->priority = 5;
	slots_redefine(h);
	assert_ptr_equal(next(w), a);
	assert_null(slots_first(&w->rd));
	slots_give_back(held);
	assert_int_equal(w->rd.pools[1].used, 1);
	assert_int_equal(w->rd.pools[2].used, 1);
	/* Nothing changed for it: it keeps its place. */
	h->def->priority = 0;
	slots_redefine(h);
	slots_leave(c);
	waiter(w, other, T0);
	slots_redefine(h);
	assert_ptr_equal(next(w), b);
}

/* None configured: as many as descriptors allow, at most a thousand. */
static void
test_default_limit(void **state)
{
	struct world *w = *state;
	struct rlimit before, rl;

	w->config.max_concurrent = 0;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	rl = before;
	rl.rlim_cur = 300;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	slots_configure(&w->rd);
	assert_in_range(w->rd.slots_limit, 1, 44);
	rl.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	slots_configure(&w->rd);
	assert_int_equal(w->rd.slots_limit, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	slots_configure(&w->rd);
	assert_in_range(w->rd.slots_limit, 1, 1000);
	w->config.max_concurrent = 5000;
	slots_configure(&w->rd);
	assert_int_equal(w->rd.slots_limit, 5000);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_limit_of_all),
	    TEST(test_limit_of_a_pool),
	    TEST(test_order),
	    TEST(test_nobody_is_passed_by),
	    TEST(test_full_pool_holds_up_nobody),
	    TEST(test_leave),
	    TEST(test_limits_lowered),
	    TEST(test_pools_change),
	    TEST(test_reload_keeps_the_order),
	    TEST(test_job_redefined),
	    TEST(test_default_limit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
