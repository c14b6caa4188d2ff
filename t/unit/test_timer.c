/*
 * test_timer.c - timers on both clocks: order, precision, bounds, steps of the
 * clock, and silence when nothing is due.
 */
#include <config.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/macros.h"
#include "sys/loop.h"

struct fixture {
	struct loop *lp;
	unsigned calls, steps;
	int last; /* number of the last one called */
	bool in_order;
};

struct numbered {
	struct fixture *f;
	struct timer t;
	int number;
	int64_t at_us;
	unsigned calls;
	/* when called: set this one again so much later, unless 0 */
	int64_t again_us;
	struct numbered *clears;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->last = -1;
	f->in_order = true;
	clock_debug_offset_set(0);
	assert_int_equal(loop_new(&f->lp), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	loop_free(f->lp);
	clock_debug_offset_set(0);
	free(f);
	return 0;
}

static void
called(void *arg)
{
	struct numbered *n = arg;
	int64_t now =
	    n->t.clock == TIMER_REAL ? clock_real_us() : clock_boot_us();

	n->calls++;
	n->f->calls++;
	if (n->number < n->f->last)
		n->f->in_order = false;
	n->f->last = n->number;
	assert_true(now >= n->at_us); /* never early */
	assert_false(timer_is_set(&n->t));
	if (n->again_us > 0) {
		n->at_us = now + n->again_us;
		timer_set(n->f->lp, &n->t, n->at_us);
	}
	if (n->clears != NULL)
		timer_clear(n->f->lp, &n->clears->t);
}

static void
numbered_set(struct fixture *f, struct numbered *n, enum timer_clock clock,
    int number, int64_t at_us)
{
	*n = (struct numbered){.f = f, .number = number, .at_us = at_us};
	timer_init(&n->t, clock, called, n);
	timer_set(f->lp, &n->t, at_us);
}

static void
turn(struct fixture *f)
{
	assert_int_equal(loop_turn(f->lp), 0);
	loop_graveyard_empty(f->lp);
	loop_turn_end(f->lp);
}

static void
poke(struct fixture *f)
{
	loop_wake(f->lp);
	turn(f);
}

static void
both_clocks_wake_on_time(void **state)
{
	struct fixture *f = *state;
	struct numbered n;

	for (int clock = TIMER_REAL; clock <= TIMER_BOOT; clock++) {
		int64_t now =
		    clock == TIMER_REAL ? clock_real_us() : clock_boot_us();
		int64_t began = clock_boot_us();

		numbered_set(f, &n, (enum timer_clock)clock, 1,
		    now + 30 * USEC_PER_MSEC);
		assert_true(timer_is_set(&n.t));
		while (n.calls == 0)
			turn(f);
		assert_in_range(clock_boot_us() - began, 30 * USEC_PER_MSEC,
		    10 * USEC_PER_SEC);
		assert_int_equal(n.calls, 1);
	}
}

static void
the_past_and_the_far_future(void **state)
{
	struct fixture *f = *state;
	struct numbered n[8];
	static const int64_t at[] = {INT64_MIN, -1, 0, 1};

	for (int i = 0; i < 4; i++) {
		numbered_set(f, &n[i], TIMER_REAL, i, at[i]);
		numbered_set(f, &n[i + 4], TIMER_BOOT, i, at[i]);
	}
	for (int i = 0; i < 4; i++)
		poke(f);
	assert_int_equal(f->calls, 8);
	numbered_set(f, &n[0], TIMER_REAL, 0, TIME_NEVER);
	numbered_set(f, &n[1], TIMER_BOOT, 0, TIME_NEVER);
	numbered_set(f, &n[2], TIMER_REAL, 0, TIME_NEVER - 1);
	numbered_set(f, &n[3], TIMER_BOOT, 0, TIME_NEVER / 2);
	for (int i = 0; i < 4; i++)
		poke(f);
	assert_int_equal(f->calls, 8);
	for (int i = 0; i < 4; i++)
		timer_clear(f->lp, &n[i].t);
}

static void
set_again_clear_and_order(void **state)
{
	struct fixture *f = *state;
	int64_t now = clock_boot_us();
	struct numbered n[4];

	numbered_set(f, &n[3], TIMER_BOOT, 3, now + 3000);
	numbered_set(f, &n[1], TIMER_BOOT, 1, now + 1000);
	numbered_set(f, &n[2], TIMER_BOOT, 2, now + 1000);
	numbered_set(f, &n[0], TIMER_BOOT, 4, now + 500);
	/* moved to the end */
	n[0].at_us = now + 5000;
	timer_set(f->lp, &n[0].t, n[0].at_us);
	/* one takes another away before its call */
	n[2].clears = &n[3];
	while (n[0].calls == 0)
		turn(f);
	assert_true(f->in_order);
	assert_int_equal(f->calls, 3);
	assert_int_equal(n[3].calls, 0);
	assert_false(timer_is_set(&n[3].t));
	timer_clear(f->lp, &n[3].t);
	timer_clear(f->lp, &n[3].t);
}

static void
a_timer_that_sets_itself(void **state)
{
	struct fixture *f = *state;
	struct numbered n;
	int64_t began = clock_boot_us();

	numbered_set(f, &n, TIMER_BOOT, 1, began + 1000);
	n.again_us = 1000;
	while (n.calls < 10)
		turn(f);
	n.again_us = 0;
	assert_true(clock_boot_us() - began >= 10000);
	while (timer_is_set(&n.t))
		turn(f);
}

static void
a_crowd_is_called_in_parts(void **state)
{
	enum {
		N = 20000
	};
	struct fixture *f = *state;
	struct numbered *crowd = calloc(N, sizeof(*crowd));
	struct numbered other;
	int64_t now = clock_real_us();
	unsigned before = 0;
	int turns = 0;

	assert_non_null(crowd);
	/* set in a scrambled order, due in the order of their numbers */
	for (int i = 0; i < N; i++) {
		int k = (int)(((int64_t)i * 7919) % N);

		numbered_set(f, &crowd[k], TIMER_REAL, k, now - N + k);
	}
	numbered_set(f, &other, TIMER_BOOT, N, clock_boot_us());
	while (f->calls < N + 1) {
		turn(f);
		assert_true(f->calls - before <= LOOP_TIMERS_A_TURN);
		/* the other clock is not made to wait for the crowd */
		if (turns == 1)
			assert_int_equal(other.calls, 1);
		if (other.calls == 1 && f->last == N)
			f->last = -1;
		before = f->calls;
		assert_true(++turns < N);
	}
	for (int i = 0; i < N; i++)
		assert_int_equal(crowd[i].calls, 1);
	free(crowd);
}

static void
stepped(void *arg)
{
	struct fixture *f = arg;

	f->steps++;
}

static void
steps_of_the_clock_are_told(void **state)
{
	struct fixture *f = *state;
	struct numbered n;

	loop_on_clock_step(f->lp, stepped, f);
	poke(f);
	assert_int_equal(f->steps, 0);
	clock_debug_offset_set(3600 * USEC_PER_SEC);
	if (clock_debug_offset() == 0)
		skip(); /* not a debug build */
	/* before any waiting */
	turn(f);
	assert_int_equal(f->steps, 1);
	poke(f);
	assert_int_equal(f->steps, 1);
	/* what is due in the new time comes now, what is not does not */
	numbered_set(f, &n, TIMER_REAL, 1, clock_real_us() + 5000);
	while (n.calls == 0)
		turn(f);
	numbered_set(
	    f, &n, TIMER_REAL, 1, clock_real_us() + 600 * USEC_PER_SEC);
	poke(f);
	assert_int_equal(n.calls, 0);
	clock_debug_offset_set(7200 * USEC_PER_SEC);
	while (n.calls == 0)
		turn(f);
	assert_int_equal(f->steps, 2);
	clock_debug_offset_set(-7200 * USEC_PER_SEC);
	turn(f);
	assert_int_equal(f->steps, 3);
	assert_in_range(loop_real_us(f->lp) - clock_real_us() + USEC_PER_SEC, 0,
	    2 * USEC_PER_SEC);
	numbered_set(f, &n, TIMER_REAL, 1, clock_real_us() + 1000);
	while (n.calls == 0)
		turn(f);
}

static unsigned woken;

static void
alarmed(void *arg, int signo)
{
	(void)arg;
	(void)signo;
	woken++;
}

/* Nothing due: nothing wakes the loop but what we send it. */
static void
idle_is_silent(void **state)
{
	struct fixture *f = *state;
	struct numbered far[3];
	struct rusage a, b;
	int64_t began;

	numbered_set(
	    f, &far[0], TIMER_REAL, 1, clock_real_us() + 3600 * USEC_PER_SEC);
	numbered_set(
	    f, &far[1], TIMER_BOOT, 1, clock_boot_us() + 3600 * USEC_PER_SEC);
	numbered_set(f, &far[2], TIMER_BOOT, 1, clock_boot_us() + 1000);
	timer_clear(f->lp, &far[2].t);
	assert_int_equal(loop_signal(f->lp, SIGALRM, alarmed, f), 0);
	poke(f);
	assert_int_equal(getrusage(RUSAGE_SELF, &a), 0);
	began = clock_boot_us();
	(void)alarm(1);
	turn(f);
	assert_int_equal(getrusage(RUSAGE_SELF, &b), 0);
	/* one turn, as long as the silence */
	assert_int_equal(woken, 1);
	assert_true(clock_boot_us() - began > 900 * USEC_PER_MSEC);
	assert_true(b.ru_nvcsw - a.ru_nvcsw <= 3);
	timer_clear(f->lp, &far[0].t);
	timer_clear(f->lp, &far[1].t);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(both_clocks_wake_on_time),
	    T(the_past_and_the_far_future),
	    T(set_again_clear_and_order),
	    T(a_timer_that_sets_itself),
	    T(a_crowd_is_called_in_parts),
	    T(steps_of_the_clock_are_told),
	    T(idle_is_silent),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
