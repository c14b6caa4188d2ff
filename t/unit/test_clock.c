/*
 * test_clock.c - instants as text, against the C library's own calendar.
 */
#include <config.h>

#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define FIRST_US (INT64_C(-62167219200) * USEC_PER_SEC)
#define LAST_US	 (INT64_C(253402300799) * USEC_PER_SEC + 999999)

static void
test_format(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} cases[] = {
	    {0, "1970-01-01T00:00:00.000Z"},
	    {999, "1970-01-01T00:00:00.000Z"},
	    {1000, "1970-01-01T00:00:00.001Z"},
	    {-1, "1969-12-31T23:59:59.999Z"},
	    {-1000000, "1969-12-31T23:59:59.000Z"},
	    {INT64_C(951782400000000), "2000-02-29T00:00:00.000Z"},
	    {INT64_C(1795453200004000), "2026-11-23T17:00:00.004Z"},
	    {INT64_C(4107542399999999), "2100-02-28T23:59:59.999Z"},
	    {INT64_C(4107542400000000), "2100-03-01T00:00:00.000Z"},
	    {FIRST_US, "0000-01-01T00:00:00.000Z"},
	    {FIRST_US - 1, "0000-01-01T00:00:00.000Z"},
	    {INT64_MIN, "0000-01-01T00:00:00.000Z"},
	    {LAST_US, "9999-12-31T23:59:59.999Z"},
	    {LAST_US + 1, "9999-12-31T23:59:59.999Z"},
	    {TIME_NEVER, "9999-12-31T23:59:59.999Z"},
	};
	char out[CLOCK_ISO_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_string_equal(
		    clock_iso_format(cases[i].us, out), cases[i].text);
		assert_ptr_equal(clock_iso_format(cases[i].us, out), out);
	}
}

static void
test_format_against_library(void **state)
{
	char out[CLOCK_ISO_BYTES], expect[64];
	int64_t day, us;
	time_t t;
	struct tm tm;
	size_t n;

	(void)state;
	/* every day of ten thousand years, at a time of day that moves */
	for (day = -719528; day <= 2932896; day++) {
		t = (time_t)(day * 86400 + (day & 0x7fffffff) * 7919 % 86400);
		assert_non_null(gmtime_r(&t, &tm));
		/* %Y does not pad the years below 1000 */
		n = strftime(
		    expect, sizeof(expect), "-%m-%dT%H:%M:%S.123Z", &tm);
		assert_true(n > 0);
		us = (int64_t)t * USEC_PER_SEC + 123456;
		clock_iso_format(us, out);
		if (strcmp(out + 4, expect) != 0 ||
		    strtol(out, NULL, 10) != tm.tm_year + 1900)
			fail_msg(
			    "%s is not %d%s", out, tm.tm_year + 1900, expect);
	}
}

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} cases[] = {
	    {"1970-01-01T00:00:00Z", 0},
	    {"1970-01-01t00:00:00z", 0},
	    {"1970-01-01 00:00:00Z", 0},
	    {"2026-11-23T17:00:00.004Z", INT64_C(1795453200004000)},
	    {"2026-11-23T17:00:00.5Z", INT64_C(1795453200500000)},
	    {"2026-11-23T17:00:00.000001Z", INT64_C(1795453200000001)},
	    {"2026-11-23T17:00:00.123456789Z", INT64_C(1795453200123456)},
	    {"2026-11-23T12:00:00-05:00", INT64_C(1795453200000000)},
	    {"2026-11-23T22:30:00+05:30", INT64_C(1795453200000000)},
	    {"2026-11-23T17:00:00+00:00", INT64_C(1795453200000000)},
	    {"2026-11-23T17:00:00-00:00", INT64_C(1795453200000000)},
	    {"2000-02-29T00:00:00Z", INT64_C(951782400000000)},
	    {"0000-01-01T00:00:00Z", FIRST_US},
	    {"9999-12-31T23:59:59.999999Z", LAST_US},
	    {"1969-12-31T23:59:59.999999Z", -1},
	    {"2016-12-31T23:59:60Z", INT64_C(1483228800000000)},
	    {"2017-01-01T00:59:60+01:00", INT64_C(1483228800000000)},
	};
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(clock_iso_parse(cases[i].text, &us), 0);
		assert_true(us == cases[i].us);
	}
}

static void
test_parse_refuses(void **state)
{
	static const char *const bad[] = {
	    "",
	    "now",
	    "2026",
	    "2026-11-23",
	    "2026-11-23T17:00:00",
	    "2026-11-23T17:00Z",
	    "2026-11-23T17:00:00.Z",
	    "2026-11-23T17:00:00.1234567890Z",
	    "2026-11-23T17:00:00Zx",
	    " 2026-11-23T17:00:00Z",
	    "2026-11-23T17:00:00Z ",
	    "2026-11-23X17:00:00Z",
	    "26-11-23T17:00:00Z",
	    "2026-1-23T17:00:00Z",
	    "2026-00-23T17:00:00Z",
	    "2026-13-23T17:00:00Z",
	    "2026-11-00T17:00:00Z",
	    "2026-11-31T17:00:00Z",
	    "2026-02-29T17:00:00Z",
	    "2100-02-29T17:00:00Z",
	    "2026-11-23T24:00:00Z",
	    "2026-11-23T17:60:00Z",
	    "2026-11-23T17:00:60Z",
	    "2026-11-23T17:00:61Z",
	    "2026-11-23T17:00:00+5:00",
	    "2026-11-23T17:00:00+0500",
	    "2026-11-23T17:00:00+24:00",
	    "2026-11-23T17:00:00+05:60",
	    "2026-11-23T17:00:00+05",
	    "-026-11-23T17:00:00Z",
	    "2026-11-23T1a:00:00Z",
	    "+2026-11-23T17:00:00Z",
	    "20260-11-23T17:00:00Z",
	};
	int64_t us = 99;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (clock_iso_parse(bad[i], &us) != -EINVAL)
			fail_msg("taken: \"%s\"", bad[i]);
		assert_true(us == 99);
	}
}

static void
test_there_and_back(void **state)
{
	char out[CLOCK_ISO_BYTES];
	int64_t us, back, step = INT64_C(31556952) * 1000 * 977;

	(void)state;
	for (us = FIRST_US; us < LAST_US; us += step * 1000) {
		assert_int_equal(
		    clock_iso_parse(clock_iso_format(us, out), &back), 0);
		assert_true(back <= us && us - back < 1000);
	}
}

static void
test_clocks(void **state)
{
	int64_t boot = clock_boot_us(), real = clock_real_us(), again;

	(void)state;
	assert_true(boot > 0);
	/* after 2020, or the clock is not worth a test */
	assert_true(real > INT64_C(1577836800) * USEC_PER_SEC);
	assert_true(real < TIME_NEVER);
	again = clock_boot_us();
	assert_true(again >= boot);
}

static void
test_debug_offset(void **state)
{
	const int64_t day = 86400 * USEC_PER_SEC;
	int64_t before = clock_real_us(), after, expect;

	(void)state;
	clock_debug_offset_set(-day);
	after = clock_real_us();
#ifdef REEVE_DEBUG
	expect = -day;
#else
	expect = 0;
#endif
	assert_true(clock_debug_offset() == expect);
	assert_true(after - before >= expect);
	assert_true(after - before < expect + day / 2);
	clock_debug_offset_set(0);
	assert_true(clock_debug_offset() == 0);
}

static void
test_boot_id(void **state)
{
	const char *id = clock_boot_id();
	size_t i;

	(void)state;
	assert_int_equal(strlen(id), 36);
	for (i = 0; i < 36; i++)
		assert_non_null(strchr("0123456789abcdef-", id[i]));
	assert_ptr_equal(clock_boot_id(), id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_format),
	    cmocka_unit_test(test_format_against_library),
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_parse_refuses),
	    cmocka_unit_test(test_there_and_back),
	    cmocka_unit_test(test_clocks),
	    cmocka_unit_test(test_debug_offset),
	    cmocka_unit_test(test_boot_id),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
