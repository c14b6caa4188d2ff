/*
 * test_misfire.c - fires that nobody was there for: how many are kept, which
 * of them run, what is only counted, and that none is lost on the way.
 */
#include <config.h>

#include "model/misfire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/macros.h"

#define SEC USEC_PER_SEC
#define MIN (60 * SEC)
#define DAY (86400 * SEC)
#define T0  (1795046400 * SEC) /* 2026-11-19T00:00:00Z */

/* As a job has it that says nothing. */
static const struct misfire_policy plain = {
    .policy = MISFIRE_LAST,
    .after_us = 10 * SEC,
    .max_age_us = DAY,
    .max_count = 100,
};

/* A job with one schedule. */
struct fixture {
	struct job job;
	struct schedule *schedule;
};

static void
setup(struct fixture *f, const char *text)
{
	struct cron_error err;

	*f = (struct fixture){.job = {.zone = zone_utc(), .dst = DST_ONCE}};
	f->schedule =
	    calloc(1, sizeof(*f->schedule) + sizeof(f->schedule->items[0]));
	assert_non_null(f->schedule);
	f->schedule->count = 1;
	assert_int_equal(
	    schedule_parse_item(text, &f->schedule->items[0], &err), 0);
	f->job.schedule = f->schedule;
}

static void
scan(struct misfire_scan *s, const char *text, const struct misfire_policy *p,
    int64_t after_us, int64_t until_us)
{
	struct fixture f;

	setup(&f, text);
	misfire_scan_init(s, p, after_us, until_us);
	while (misfire_scan_step(s, &f.job, T0, 7))
		continue;
	free(f.schedule);
}

static int
runs(const struct misfire_scan *s, const struct misfire_policy *p,
    int64_t now_us)
{
	int n = 0;

	for (int i = 0; i < s->count; i++)
		n += misfire_runs(s, p, i, now_us);
	return n;
}

/* After `after_us`, at `until_us` itself too, nothing twice. */
static void
test_bounds(void **state)
{
	struct misfire_scan s;

	(void)state;
	scan(&s, "* * * * *", &plain, T0, T0 + 3 * MIN);
	assert_int_equal(s.count, 3);
	assert_int_equal(misfire_scan_at(&s, 0), T0 + MIN);
	assert_int_equal(misfire_scan_at(&s, 2), T0 + 3 * MIN);
	assert_int_equal(s.at_us, T0 + 3 * MIN);
	assert_int_equal(s.dropped, 0);
	misfire_scan_clear(&s);

	scan(&s, "* * * * *", &plain, T0 - 1, T0 + 3 * MIN - 1);
	assert_int_equal(s.count, 3);
	assert_int_equal(misfire_scan_at(&s, 0), T0);
	misfire_scan_clear(&s);

	/* None: the cursor stays where it was. */
	scan(&s, "* * * * *", &plain, T0, T0 + MIN - 1);
	assert_int_equal(s.count, 0);
	assert_int_equal(s.at_us, T0);
	misfire_scan_clear(&s);
	scan(&s, "* * * * *", &plain, T0, T0 - DAY);
	assert_int_equal(s.count, 0);
	assert_int_equal(s.at_us, T0);
	misfire_scan_clear(&s);
}

/* Slices of any size see the same. */
static void
test_slices(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, "* * * * *");
	for (unsigned slice = 1; slice <= 12; slice++) {
		struct misfire_scan s;
		unsigned calls = 1;

		misfire_scan_init(&s, &plain, T0, T0 + 10 * MIN);
		while (misfire_scan_step(&s, &f.job, T0, slice))
			calls++;
		assert_int_equal(s.count, 10);
		assert_int_equal(s.at_us, T0 + 10 * MIN);
		assert_int_equal(calls, 10 / slice + 1);
		/* Once over, it is over. */
		assert_false(misfire_scan_step(&s, &f.job, T0, slice));
		assert_int_equal(s.count, 10);
		misfire_scan_clear(&s);
	}
	free(f.schedule);
}

/* No further instant at all, ever. */
static void
test_end_of_schedule(void **state)
{
	struct misfire_scan s;

	(void)state;
	scan(&s, "@reboot", &plain, T0, INT64_MAX - 1);
	assert_int_equal(s.count, 0);
	assert_int_equal(s.at_us, T0);
	misfire_scan_clear(&s);
}

static void
test_max_count(void **state)
{
	static const int counts[] = {1, 2, 99, 100, 101};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct misfire_policy p = plain;
		struct misfire_scan s;
		int n = counts[i] < 100 ? counts[i] : 100;

		/* A hundred fires, the last one 30 s ago. */
		p.max_count = counts[i];
		scan(&s, "* * * * *", &p, T0, T0 + 100 * MIN + 30 * SEC);
		assert_int_equal(s.count, n);
		for (int k = 0; k < n; k++)
			assert_int_equal(misfire_scan_at(&s, k),
			    T0 + (100 - n + k + 1) * MIN);
		assert_int_equal(s.dropped, 100 - n);
		if (s.dropped > 0) {
			assert_int_equal(s.dropped_from_us, T0 + MIN);
			assert_int_equal(s.dropped_to_us, T0 + (100 - n) * MIN);
		}
		assert_int_equal(s.at_us, T0 + 100 * MIN);
		misfire_scan_clear(&s);
	}
}

/* All are only counted. */
static void
test_max_count_0(void **state)
{
	struct misfire_policy p = plain;
	struct misfire_scan s;

	(void)state;
	p.max_count = 0;
	scan(&s, "* * * * *", &p, T0, T0 + 100 * MIN + 30 * SEC);
	assert_int_equal(s.count, 0);
	assert_int_equal(s.dropped, 100);
	assert_int_equal(s.dropped_from_us, T0 + MIN);
	assert_int_equal(s.dropped_to_us, T0 + 100 * MIN);
	assert_int_equal(s.at_us, T0 + 100 * MIN);
	misfire_scan_clear(&s);
}

static void
test_policy(void **state)
{
	const int64_t now_us = T0 + 10 * MIN + 30 * SEC;
	struct misfire_policy p = plain;
	struct misfire_scan s;

	(void)state;
	scan(&s, "* * * * *", &p, T0, now_us);
	assert_int_equal(s.count, 10);
	assert_int_equal(runs(&s, &p, now_us), 1);
	assert_true(misfire_runs(&s, &p, 9, now_us));
	p.policy = MISFIRE_ALL;
	assert_int_equal(runs(&s, &p, now_us), 10);
	p.policy = MISFIRE_NONE;
	assert_int_equal(runs(&s, &p, now_us), 0);
	misfire_scan_clear(&s);
	/* The newest of those that wrapped around. */
	p.policy = MISFIRE_LAST;
	p.max_count = 3;
	scan(&s, "* * * * *", &p, T0, now_us);
	assert_int_equal(s.count, 3);
	assert_int_equal(runs(&s, &p, now_us), 1);
	assert_true(misfire_runs(&s, &p, 2, now_us));
	assert_int_equal(misfire_scan_at(&s, 2), T0 + 10 * MIN);
	misfire_scan_clear(&s);
}

/* Exactly maxAge old is not too old. */
static void
test_max_age(void **state)
{
	const int64_t now_us = T0 + 10 * MIN + 30 * SEC;
	struct misfire_policy p = plain;
	struct misfire_scan s;

	(void)state;
	p.policy = MISFIRE_ALL;
	p.max_age_us = 3 * MIN + 30 * SEC;
	scan(&s, "* * * * *", &p, T0, now_us);
	assert_int_equal(s.count, 10);
	assert_int_equal(runs(&s, &p, now_us), 4);
	assert_int_equal(runs(&s, &p, now_us + 1), 3);
	p.policy = MISFIRE_LAST;
	p.max_age_us = 30 * SEC;
	assert_int_equal(runs(&s, &p, now_us), 1);
	assert_int_equal(runs(&s, &p, now_us + 1), 0);
	/* An age below `after` does not make a fire late. */
	p.max_age_us = SEC;
	p.after_us = 30 * SEC;
	assert_int_equal(runs(&s, &p, now_us), 1);
	misfire_scan_clear(&s);
}

/* What is not late is no miss: it runs under every policy; and no fire that
 * was missed runs beside it under `last`. */
static void
test_newest_on_time(void **state)
{
	const int64_t now_us = T0 + 10 * MIN + 10 * SEC;
	struct misfire_policy p = plain;
	struct misfire_scan s;

	(void)state;
	scan(&s, "* * * * *", &p, T0, now_us);
	assert_int_equal(s.count, 10);
	for (int policy = MISFIRE_NONE; policy <= MISFIRE_LAST; policy++) {
		p.policy = (enum misfire)policy;
		assert_int_equal(runs(&s, &p, now_us), 1);
		assert_true(misfire_runs(&s, &p, 9, now_us));
	}
	p.policy = MISFIRE_ALL;
	assert_int_equal(runs(&s, &p, now_us), 10);
	misfire_scan_clear(&s);
	/* A microsecond more: late, and the policy speaks. */
	p.policy = MISFIRE_NONE;
	scan(&s, "* * * * *", &p, T0, now_us + 1);
	assert_int_equal(runs(&s, &p, now_us + 1), 0);
	misfire_scan_clear(&s);
}

/* maxCount is for what was missed, not for fires that are on time: a turn
 * that took some seconds may find several of them. */
static void
test_on_time_beside_max_count(void **state)
{
	static const int counts[] = {0, 1, 5, 100};
	const int64_t now_us = T0 + 100 * SEC + 300000;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct misfire_policy p = plain;
		struct misfire_scan s;
		int late = counts[i] < 90 ? counts[i] : 90;

		/* 91 to 100 are on time, 1 to 90 are late. */
		p.max_count = counts[i];
		p.policy = MISFIRE_NONE;
		scan(&s, "@every 1s", &p, T0, now_us);
		assert_int_equal(s.count, late + 10);
		assert_int_equal(s.dropped, 90 - late);
		if (s.dropped > 0)
			assert_int_equal(
			    s.dropped_to_us, T0 + (90 - late) * SEC);
		for (int k = 0; k < s.count; k++)
			assert_int_equal(misfire_scan_at(&s, k),
			    T0 + (90 - late + k + 1) * SEC);
		assert_int_equal(runs(&s, &p, now_us), 10);
		for (int k = late; k < s.count; k++)
			assert_true(misfire_runs(&s, &p, k, now_us));
		/* Found on time, though the walk itself took long. */
		assert_int_equal(runs(&s, &p, now_us + MIN), 10);
		p.policy = MISFIRE_ALL;
		assert_int_equal(runs(&s, &p, now_us), s.count);
		misfire_scan_clear(&s);
	}
}

/* A day of seconds that are all "on time": memory and the turn stay bounded,
 * nothing is lost. */
static void
test_far_too_many_on_time(void **state)
{
	struct misfire_policy p = plain;
	struct misfire_scan s;

	(void)state;
	p.after_us = DAY;
	p.max_count = 3;
	p.policy = MISFIRE_NONE;
	scan(&s, "@every 1s", &p, T0, T0 + 86000 * SEC);
	assert_true(s.count >= 1000 && s.count <= 20000);
	assert_int_equal(s.count + s.dropped, 86000);
	assert_int_equal(s.dropped_from_us, T0 + SEC);
	for (int i = 0; i < s.count; i++)
		assert_int_equal(
		    misfire_scan_at(&s, i), T0 + (s.dropped + i + 1) * SEC);
	assert_int_equal(s.at_us, T0 + 86000 * SEC);
	misfire_scan_clear(&s);
}

/* Ten years of minutes: every instant is accounted for. */
static void
test_long_downtime(void **state)
{
	const int64_t last_us = T0 + 3650 * DAY;
	struct misfire_scan s;

	(void)state;
	scan(&s, "@every 1m", &plain, T0, last_us + 30 * SEC);
	assert_int_equal(s.count, 100);
	assert_int_equal(s.count + s.dropped, (int64_t)3650 * 1440);
	assert_int_equal(s.dropped_from_us, T0 + MIN);
	assert_int_equal(s.dropped_to_us, last_us - 100 * MIN);
	assert_int_equal(misfire_scan_at(&s, 0), last_us - 99 * MIN);
	misfire_scan_clear(&s);
	/* Clearing it twice is fine. */
	misfire_scan_clear(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_slices),
	    cmocka_unit_test(test_end_of_schedule),
	    cmocka_unit_test(test_max_count),
	    cmocka_unit_test(test_max_count_0),
	    cmocka_unit_test(test_policy),
	    cmocka_unit_test(test_max_age),
	    cmocka_unit_test(test_newest_on_time),
	    cmocka_unit_test(test_on_time_beside_max_count),
	    cmocka_unit_test(test_far_too_many_on_time),
	    cmocka_unit_test(test_long_downtime),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
