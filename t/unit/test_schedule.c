/*
 * test_schedule.c - several schedules as one, the grid of @every, and the text
 * that tells whether a schedule changed.
 */
#include <config.h>

#include "model/schedule.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tzif.h"

#define SEC	  USEC_PER_SEC
#define MAX_ITEMS 6

/* Gives a schedule of these texts, up to a NULL. */
static struct schedule *
schedule_of(const char *const *texts)
{
	struct schedule *s =
	    calloc(1, sizeof(*s) + MAX_ITEMS * sizeof(s->items[0]));
	struct cron_error err;

	assert_non_null(s);
	for (; texts[s->count] != NULL; s->count++)
		if (schedule_parse_item(
			texts[s->count], &s->items[s->count], &err) != 0)
			fail_msg("'%s': %s", texts[s->count], err.message);
	return s;
}

static void
test_parse(void **state)
{
	struct schedule_item item;
	struct cron_error err;

	(void)state;
	assert_int_equal(schedule_parse_item("@every 1h30m", &item, &err), 0);
	assert_int_equal(item.kind, SCHEDULE_EVERY);
	assert_int_equal(item.every_us, 5400 * SEC);
	assert_int_equal(schedule_parse_item(" @EVERY\t1s ", &item, &err), 0);
	assert_int_equal(item.every_us, SEC);
	assert_int_equal(schedule_parse_item("@every 366d", &item, &err), 0);
	assert_int_equal(schedule_parse_item(" @reboot ", &item, &err), 0);
	assert_int_equal(item.kind, SCHEDULE_REBOOT);
	assert_int_equal(schedule_parse_item("0 6 * * *", &item, &err), 0);
	assert_int_equal(item.kind, SCHEDULE_CRON);
	assert_int_equal(item.cron.hours, 1 << 6);
	assert_int_equal(schedule_parse_item("@daily", &item, &err), 0);
	assert_int_equal(item.kind, SCHEDULE_CRON);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text;
		unsigned column;
		const char *part;
	} bad[] = {
	    {"@every", 7, "missing"},
	    {"@every  ", 9, "missing"},
	    {"@every 5", 8, "no duration"},
	    {"@every -5s", 8, "no duration"},
	    {"@every 999ms", 8, "1s to 366d"},
	    {"@every 0", 8, "1s to 366d"},
	    {"@every 367d", 8, "1s to 366d"},
	    {"@every 99999999999999999999d", 8, "@every"},
	    {"@every 1h 30m", 11, "one word"},
	    {"@every 11111111111111111111111111111111111111111111111111111"
	     "111111111111111111111s",
		8, "@every"},
	    {"@reboot now", 9, "@reboot"},
	    {"@everything", 1, "@every DURATION"},
	    {"", 1, "empty"},
	    {"61 * * * *", 1, "minute"},
	};
	struct schedule_item item, before;
	struct cron_error err;
	size_t i;

	(void)state;
	memset(&item, 0x5a, sizeof(item));
	before = item;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(
		    schedule_parse_item(bad[i].text, &item, &err), -EINVAL);
		if (strstr(err.message, bad[i].part) == NULL)
			assert_string_equal(err.message, bad[i].part);
		assert_int_equal(err.column, bad[i].column);
		assert_memory_equal(&item, &before, sizeof(item));
	}
}

static int64_t
next(const struct schedule *s, int64_t grid, int64_t after)
{
	return schedule_next(s, zone_utc(), DST_ONCE, grid, after);
}

static void
test_every_grid(void **state)
{
	static const char *const texts[] = {"@every 90s", NULL};
	struct schedule *s = schedule_of(texts);
	const int64_t grid = 1000 * SEC + 7;
	int64_t far;

	(void)state;
	/* The first fire is one interval after first sight, never earlier. */
	assert_int_equal(next(s, grid, 0), grid + 90 * SEC);
	assert_int_equal(next(s, grid, INT64_MIN), grid + 90 * SEC);
	assert_int_equal(next(s, grid, grid), grid + 90 * SEC);
	assert_int_equal(next(s, grid, grid + 90 * SEC - 1), grid + 90 * SEC);
	assert_int_equal(next(s, grid, grid + 90 * SEC), grid + 180 * SEC);
	assert_int_equal(next(s, grid, grid + 90 * SEC * 1000000),
	    grid + 90 * SEC * 1000001);
	assert_int_equal(next(s, INT64_MIN, INT64_MIN), INT64_MIN + 90 * SEC);
	far = next(s, INT64_MIN, INT64_MAX - 90 * SEC);
	assert_true(far > INT64_MAX - 90 * SEC);
	assert_true(
	    ((uint64_t)far - (uint64_t)INT64_MIN) % (uint64_t)(90 * SEC) == 0);
	assert_true(next(s, grid, TIME_NEVER - 1) == TIME_NEVER);
	assert_true(next(s, TIME_NEVER - 5, 0) == TIME_NEVER);
	free(s);
}

static void
test_earliest(void **state)
{
	static const char *const texts[] = {
	    "0 6 * * *", "@every 5h", "@reboot", "30 6 * * *", NULL};
	static const char *const reboot[] = {"@reboot", NULL};
	static const char *const none[] = {NULL};
	struct schedule *s = schedule_of(texts);
	struct schedule *r = schedule_of(reboot), *n = schedule_of(none);
	const int64_t hour = 3600 * SEC;

	(void)state;
	assert_int_equal(next(s, 0, 0), 5 * hour);
	assert_int_equal(next(s, 0, 5 * hour), 6 * hour);
	assert_int_equal(next(s, 0, 6 * hour), 6 * hour + hour / 2);
	assert_int_equal(next(s, 0, 7 * hour), 10 * hour);
	assert_true(schedule_has_reboot(s) && schedule_has_every(s));
	assert_true(schedule_has_reboot(r) && !schedule_has_every(r));
	assert_false(schedule_has_reboot(n));
	assert_true(next(r, 0, 0) == TIME_NEVER);
	assert_true(next(n, 0, 0) == TIME_NEVER);
	free(s);
	free(r);
	free(n);
}

static void
assert_normal(const char *const *texts, const struct zone *z, enum dst_rule dst,
    const char *want)
{
	struct schedule *s = schedule_of(texts);
	struct buf out;

	buf_init(&out, 0);
	schedule_normal(s, z, dst, &out);
	assert_string_equal(buf_str(&out), want);
	buf_clear(&out);
	free(s);
}

static void
test_normal(void **state)
{
	static const char *const a[] = {
	    "@every 90s", "0 0 * * 7", "@weekly", "@reboot", NULL};
	static const char *const b[] = {
	    "@reboot", "@reboot", "0 0 * * SUN", "@every 1m30s", NULL};
	static const char *const every[] = {"@every 60m", "@every 1h", NULL};
	static const char *const hourly[] = {"@hourly", NULL};
	static const char *const none[] = {NULL};
	struct zone *z = tzif_footer_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	const char *text = "0 0 * * 0; @every 90s; @reboot in Test/Zone "
			   "dst twice";

	(void)state;
	assert_normal(a, z, DST_TWICE, text);
	assert_normal(b, z, DST_TWICE, text);
	/* Neither the zone nor the rule touches elapsed time. */
	assert_normal(every, z, DST_SKIP, "@every 1h");
	assert_normal(hourly, z, DST_SKIP, "0 * * * * in Test/Zone");
	assert_normal(none, z, DST_ONCE, "");
	zone_free(z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_every_grid),
	    cmocka_unit_test(test_earliest),
	    cmocka_unit_test(test_normal),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
