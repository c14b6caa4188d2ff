/*
 * test_breaker.c - which failures count, to the microsecond, and when the
 * breaker closes by time, by success and by a probe.
 */
#include <config.h>

#include "model/breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/macros.h"

#define SEC  USEC_PER_SEC
#define HOUR (3600 * SEC)
#define T0   (1795000000 * SEC)

static const struct breaker_policy plain = {
    .failures = 3, .window_us = HOUR, .count = BREAKER_ATTEMPTS};
static const struct breaker_policy probing = {.failures = 3,
    .window_us = HOUR,
    .count = BREAKER_ATTEMPTS,
    .probe_us = 600 * SEC};

static struct breaker_view
look(const struct breaker *b, const struct breaker_policy *p, int64_t now_us)
{
	struct breaker_view v;

	breaker_look(b, p, now_us, &v);
	return v;
}

static void
check_closed(const struct breaker *b, const struct breaker_policy *p,
    int64_t now_us, int failures)
{
	struct breaker_view v = look(b, p, now_us);

	assert_false(v.open);
	assert_false(v.probe_due);
	assert_int_equal(v.failures, failures);
	assert_true(v.until_us == TIME_NEVER);
}

static void
check_open(const struct breaker *b, const struct breaker_policy *p,
    int64_t now_us, int failures, int64_t until_us)
{
	struct breaker_view v = look(b, p, now_us);

	assert_true(v.open);
	assert_int_equal(v.failures, failures);
	assert_int_equal(v.until_us, until_us);
}

static void
test_opens(void **state)
{
	struct breaker b = {0};

	(void)state;
	check_closed(&b, &plain, T0, 0);
	breaker_add(&b, &plain, T0);
	breaker_add(&b, &plain, T0 + SEC);
	check_closed(&b, &plain, T0 + SEC, 2);
	breaker_add(&b, &plain, T0 + 2 * SEC);
	check_open(&b, &plain, T0 + 2 * SEC, 3, T0 + HOUR);
	/* More failures put its end off. */
	breaker_add(&b, &plain, T0 + 3 * SEC);
	check_open(&b, &plain, T0 + 3 * SEC, 4, T0 + SEC + HOUR);
	breaker_clear(&b);
	check_closed(&b, &plain, T0, 0);
	breaker_clear(&b);
}

/* A failure counts for the window from its instant, and not at its end. */
static void
test_window(void **state)
{
	struct breaker b = {0};
	int64_t until_us;

	(void)state;
	for (int i = 0; i < 3; i++)
		breaker_add(&b, &plain, T0 + i);
	until_us = look(&b, &plain, T0 + 10).until_us;
	assert_int_equal(until_us, T0 + HOUR);
	check_open(&b, &plain, until_us - 1, 3, until_us);
	check_closed(&b, &plain, until_us, 2);
	check_closed(&b, &plain, T0 + HOUR + 1, 1);
	check_closed(&b, &plain, T0 + HOUR + 2, 0);
	/* One that comes as the oldest leaves. */
	breaker_add(&b, &plain, T0 + HOUR);
	check_open(&b, &plain, T0 + HOUR, 3, T0 + 1 + HOUR);
	breaker_clear(&b);
}

/* All in one instant, as attempts of many runs may end. */
static void
test_same_instant(void **state)
{
	struct breaker b = {0};

	(void)state;
	for (int i = 0; i < 3; i++)
		breaker_add(&b, &plain, T0);
	check_open(&b, &plain, T0, 3, T0 + HOUR);
	check_closed(&b, &plain, T0 + HOUR, 0);
	breaker_clear(&b);
}

static void
test_off(void **state)
{
	struct breaker_policy off = plain, one = plain;
	struct breaker b = {0};

	(void)state;
	off.failures = 0;
	one.failures = 1;
	for (int i = 0; i < 100; i++)
		breaker_add(&b, &off, T0 + i);
	check_closed(&b, &off, T0 + 100, 100);
	/* Switched on by a reload: what is known counts. */
	check_open(&b, &plain, T0 + 100, 100, T0 + 97 + HOUR);
	check_open(&b, &one, T0 + 100, 100, T0 + 99 + HOUR);
	breaker_clear(&b);
}

/* As many as the configuration allows, and a bound beyond. */
static void
test_many(void **state)
{
	struct breaker_policy many = plain;
	struct breaker b = {0};

	(void)state;
	for (int i = 0; i < 5000; i++)
		breaker_add(&b, &plain, T0 + i);
	assert_in_range(b.count, 3, 1000);
	check_open(&b, &plain, T0 + 5000, (int)b.count, T0 + 4997 + HOUR);
	breaker_clear(&b);

	many.failures = 100000;
	for (int i = 0; i < 99999; i++)
		breaker_add(&b, &many, T0 + i);
	check_closed(&b, &many, T0 + 99999, 99999);
	breaker_add(&b, &many, T0 + 99999);
	check_open(&b, &many, T0 + 100000, 100000, T0 + HOUR);
	for (int i = 0; i < 10; i++)
		breaker_add(&b, &many, T0 + 100000 + i);
	assert_int_equal(b.count, 100000);
	check_open(&b, &many, T0 + 100010, 100000, T0 + 10 + HOUR);
	breaker_clear(&b);
}

static void
test_close(void **state)
{
	struct breaker b = {0};

	(void)state;
	for (int i = 0; i < 5; i++)
		breaker_add(&b, &plain, T0 + i);
	breaker_close(&b, T0 + 10);
	check_closed(&b, &plain, T0 + 10, 0);
	/* It opens again by as many new ones. */
	breaker_add(&b, &plain, T0 + 11);
	breaker_add(&b, &plain, T0 + 12);
	check_closed(&b, &plain, T0 + 12, 2);
	breaker_add(&b, &plain, T0 + 13);
	check_open(&b, &plain, T0 + 13, 3, T0 + 11 + HOUR);
	breaker_clear(&b);
}

/* After a restart: the instant of closing first, then all failures of the
 * window, also those before it. */
static void
test_closed_before_a_restart(void **state)
{
	struct breaker b = {0};

	(void)state;
	breaker_close(&b, T0 + 2);
	for (int i = 0; i < 5; i++)
		breaker_add(&b, &plain, T0 + i);
	check_closed(&b, &plain, T0 + 4, 2);
	breaker_add(&b, &plain, T0 + 5);
	check_open(&b, &plain, T0 + 5, 3, T0 + 3 + HOUR);
	breaker_clear(&b);
}

static void
test_probe(void **state)
{
	struct breaker b = {0};
	int64_t last_us = T0 + 100 * SEC;

	(void)state;
	breaker_add(&b, &probing, T0);
	breaker_add(&b, &probing, T0);
	/* Not open: no probe, however long ago. */
	check_closed(&b, &probing, T0 + 1000 * SEC, 2);
	breaker_add(&b, &probing, last_us);
	check_open(&b, &probing, last_us, 3, T0 + HOUR);
	assert_false(look(&b, &probing, last_us).probe_due);
	assert_false(look(&b, &probing, last_us + 600 * SEC - 1).probe_due);
	assert_true(look(&b, &probing, last_us + 600 * SEC).probe_due);
	assert_false(look(&b, &plain, last_us + 600 * SEC).probe_due);
	/* The probe fails: the next one is as far from it. */
	last_us += 700 * SEC;
	breaker_add(&b, &probing, last_us);
	assert_false(look(&b, &probing, last_us + 599 * SEC).probe_due);
	assert_true(look(&b, &probing, last_us + 600 * SEC).probe_due);
	/* It succeeds. */
	breaker_close(&b, last_us + 601 * SEC);
	check_closed(&b, &probing, last_us + 601 * SEC, 0);
	breaker_clear(&b);
}

/* A window longer than time itself. */
static void
test_early_clock(void **state)
{
	struct breaker b = {0};

	(void)state;
	for (int i = 0; i < 3; i++)
		breaker_add(&b, &plain, SEC + i);
	check_open(&b, &plain, 2 * SEC, 3, SEC + HOUR);
	breaker_clear(&b);
}

/* The clock was a year ahead and is set right: what failed then counts from
 * now on, not for a year. */
static void
test_clock_went_back(void **state)
{
	const int64_t ahead_us = T0 + 366 * 24 * HOUR;
	struct breaker b = {0};

	(void)state;
	for (int i = 0; i < 3; i++)
		breaker_add(&b, &probing, ahead_us + i);
	breaker_clock_back(&b, T0);
	check_open(&b, &probing, T0, 3, T0 + HOUR);
	assert_true(look(&b, &probing, T0 + 600 * SEC).probe_due);
	/* Times stay in order. */
	breaker_add(&b, &probing, T0 + 5);
	check_open(&b, &probing, T0 + 5, 4, T0 + HOUR);
	check_closed(&b, &probing, T0 + HOUR, 1);
	/* It touches nothing of the past. */
	breaker_clock_back(&b, T0 + 6);
	check_closed(&b, &probing, T0 + HOUR, 1);
	breaker_clear(&b);

	/* Closed in the future: else nothing counted for a year. */
	breaker_close(&b, ahead_us);
	breaker_clock_back(&b, T0);
	for (int i = 1; i <= 3; i++)
		breaker_add(&b, &plain, T0 + i);
	check_open(&b, &plain, T0 + 4, 3, T0 + 1 + HOUR);
	breaker_clear(&b);
}

/* The same, before anybody noticed the jump: added in the order they came,
 * and a success still forgets all of them. */
static void
test_unordered(void **state)
{
	struct breaker b = {0};

	(void)state;
	breaker_add(&b, &plain, T0 + 100);
	breaker_add(&b, &plain, T0 + 50);
	breaker_add(&b, &plain, T0);
	for (unsigned i = 1; i < b.count; i++)
		assert_true(b.failures_us[i] >= b.failures_us[i - 1]);
	check_open(&b, &plain, T0 + 100, 3, T0 + HOUR);
	breaker_close(&b, T0 + 1);
	check_closed(&b, &plain, T0 + 200, 0);
	breaker_clear(&b);
	breaker_add(&b, &plain, T0 + 100);
	breaker_close(&b, T0);
	check_closed(&b, &plain, T0, 0);
	breaker_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_opens),
	    cmocka_unit_test(test_window),
	    cmocka_unit_test(test_same_instant),
	    cmocka_unit_test(test_off),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_close),
	    cmocka_unit_test(test_closed_before_a_restart),
	    cmocka_unit_test(test_probe),
	    cmocka_unit_test(test_early_clock),
	    cmocka_unit_test(test_clock_went_back),
	    cmocka_unit_test(test_unordered),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
