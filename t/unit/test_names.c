/*
 * test_names.c - every word of the history there and back.
 */
#include <config.h>

#include "model/names.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_status(void **state)
{
	static const char *const names[] = {"success", "failure", "skipped"};
	enum status s;
	unsigned i;

	(void)state;
	for (i = 0; i <= STATUS_SKIPPED; i++) {
		assert_string_equal(status_name((enum status)i), names[i]);
		assert_int_equal(status_parse(names[i], &s), 0);
		assert_int_equal(s, i);
	}
	assert_int_equal(status_parse("Success", &s), -EINVAL);
	assert_int_equal(status_parse("", &s), -EINVAL);
	assert_int_equal(status_parse("successful", &s), -EINVAL);
}

static void
test_reason(void **state)
{
	static const char *const names[] = {NULL, "exit", "signal", "timeout",
	    "oom", "protocol", "spawn", "canceled", "lost", "breaker",
	    "overlap", "paused", "quota", "blackout", "missed", "worker",
	    "held"};
	enum reason r;
	unsigned i;

	(void)state;
	assert_int_equal(ARRAY_SIZE(names), REASON_HELD + 1);
	assert_null(reason_name(REASON_NONE));
	for (i = 1; i <= REASON_HELD; i++) {
		assert_string_equal(reason_name((enum reason)i), names[i]);
		assert_int_equal(reason_parse(names[i], &r), 0);
		assert_int_equal(r, i);
	}
	assert_int_equal(reason_parse("none", &r), -EINVAL);
	assert_int_equal(reason_parse("", &r), -EINVAL);
}

static void
test_trigger(void **state)
{
	static const char *const names[] = {
	    "schedule", "manual", "catch-up", "after", "start"};
	enum trigger t;
	unsigned i;

	(void)state;
	for (i = 0; i <= TRIGGER_START; i++) {
		assert_string_equal(trigger_name((enum trigger)i), names[i]);
		assert_int_equal(trigger_parse(names[i], &t), 0);
		assert_int_equal(t, i);
	}
	assert_int_equal(trigger_parse("catch_up", &t), -EINVAL);
}

static void
test_overlap(void **state)
{
	(void)state;
	assert_string_equal(overlap_name(OVERLAP_SKIP), "skip");
	assert_string_equal(overlap_name(OVERLAP_QUEUE), "queue");
	assert_string_equal(overlap_name(OVERLAP_ALLOW), "allow");
	assert_string_equal(overlap_name(OVERLAP_REPLACE), "replace");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_status),
	    cmocka_unit_test(test_reason),
	    cmocka_unit_test(test_trigger),
	    cmocka_unit_test(test_overlap),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
