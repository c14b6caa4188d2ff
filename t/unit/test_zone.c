/*
 * test_zone.c - time zones: real rules, odd rules, the edges of time, and
 * bytes that nobody should trust.
 */
#include <config.h>

#include "model/zone.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/macros.h"
#include "model/civil.h"
#include "tzif.h"

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define HOUR   3600

/* 2026: clocks forward at 01:00Z on 29 March, back on 25 October. */
#define SPRING INT64_C(1774746000)
#define AUTUMN INT64_C(1792890000)

static int64_t
at(int64_t year, int month, int day, int hour, int minute)
{
	return civil_days(year, month, day) * CIVIL_DAY_S + hour * HOUR +
	       minute * 60;
}

static void
test_civil(void **state)
{
	int64_t day;

	(void)state;
	assert_int_equal(civil_days(1970, 1, 1), 0);
	assert_int_equal(civil_days(2000, 2, 29), 11016);
	assert_int_equal(civil_weekday(0), 4);
	assert_int_equal(civil_weekday(-1), 3);
	assert_int_equal(civil_month_days(1900, 2), 28);
	assert_int_equal(civil_month_days(2000, 2), 29);
	assert_int_equal(civil_month_days(2001, 7), 31);
	assert_int_equal(civil_month_days(2001, 8), 31);
	assert_int_equal(civil_month_days(2001, 9), 30);
	for (day = -800000; day < 800000; day += 13) {
		struct civil c = civil_date(day);

		assert_true(c.month >= 1 && c.month <= 12 && c.day >= 1 &&
			    c.day <= civil_month_days(c.year, c.month));
		assert_int_equal(civil_days(c.year, c.month, c.day), day);
	}
}

static void
test_utc(void **state)
{
	const struct zone *z = zone_utc();
	struct zone_instants r;

	(void)state;
	assert_string_equal(zone_name(z), "UTC");
	assert_int_equal(zone_offset(z, 0), 0);
	assert_int_equal(zone_offset(z, INT64_MIN), 0);
	assert_int_equal(zone_offset(z, INT64_MAX), 0);
	assert_true(zone_next_change(z, SPRING) == TIME_NEVER);
	zone_resolve(z, SPRING, &r);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.utc_s[0], SPRING);
}

static void
test_footer_rule(void **state)
{
	struct zone *z = tzif_footer_zone(BERLIN);

	(void)state;
	assert_non_null(z);
	assert_string_equal(zone_name(z), "Test/Zone");
	assert_int_equal(zone_offset(z, SPRING - 1), HOUR);
	assert_int_equal(zone_offset(z, SPRING), 2 * HOUR);
	assert_int_equal(zone_offset(z, AUTUMN - 1), 2 * HOUR);
	assert_int_equal(zone_offset(z, AUTUMN), HOUR);
	assert_int_equal(zone_next_change(z, SPRING - 1), SPRING);
	assert_int_equal(zone_next_change(z, SPRING), AUTUMN);
	/* The rule has no end, nor a beginning. */
	assert_int_equal(
	    zone_next_change(z, at(9999, 1, 1, 0, 0)), at(9999, 3, 28, 1, 0));
	assert_int_equal(
	    zone_next_change(z, at(-44, 3, 15, 0, 0)), at(-44, 3, 25, 1, 0));
	zone_free(z);
}

static void
assert_resolves(const struct zone *z, int64_t local, int count, int64_t first,
    int64_t second)
{
	struct zone_instants r;

	zone_resolve(z, local, &r);
	assert_int_equal(r.count, count);
	if (count == 0)
		assert_int_equal(r.gap_end_s, first);
	if (count > 0)
		assert_int_equal(r.utc_s[0], first);
	if (count > 1)
		assert_int_equal(r.utc_s[1], second);
}

static void
test_resolve(void **state)
{
	struct zone *z = tzif_footer_zone(BERLIN);
	int64_t gap = SPRING + HOUR, fold = AUTUMN + HOUR;

	(void)state;
	assert_resolves(z, gap - 1, 1, SPRING - 1, 0);
	assert_resolves(z, gap, 0, SPRING, 0);
	assert_resolves(z, gap + HOUR - 1, 0, SPRING, 0);
	assert_resolves(z, gap + HOUR, 1, SPRING, 0);
	assert_resolves(z, fold - 1, 1, AUTUMN - HOUR - 1, 0);
	assert_resolves(z, fold, 2, AUTUMN - HOUR, AUTUMN);
	assert_resolves(z, fold + HOUR - 1, 2, AUTUMN - 1, AUTUMN + HOUR - 1);
	assert_resolves(z, fold + HOUR, 1, AUTUMN + HOUR, 0);
	zone_free(z);
}

/* A rule, and in 2026 two changes with the offsets before and after. */
static const struct odd {
	const char *footer;
	struct {
		int month, day, hour, minute; /* UTC */
		int32_t before, after;
	} change[2];
} odd_rules[] = {
    {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
	{{4, 4, 15, 0, 39600, 37800}, {10, 3, 15, 30, 37800, 39600}}},
    {"<+00>0<+02>-2,M3.5.0/1,M10.5.0/3",
	{{3, 29, 1, 0, 0, 7200}, {10, 25, 1, 0, 7200, 0}}},
    {"IST-1GMT0,M10.5.0,M3.5.0/1",
	{{3, 29, 1, 0, 0, 3600}, {10, 25, 1, 0, 3600, 0}}},
    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
	{{3, 29, 1, 0, -7200, -3600}, {10, 25, 1, 0, -3600, -7200}}},
    {"EET-2EEST,M3.4.4/50,M10.4.4/50",
	{{3, 28, 0, 0, 7200, 10800}, {10, 23, 23, 0, 10800, 7200}}},
    {"EET-2EEST,M4.5.5/0,M10.5.4/24",
	{{4, 23, 22, 0, 7200, 10800}, {10, 29, 21, 0, 10800, 7200}}},
    {"<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
	{{4, 4, 14, 0, 49500, 45900}, {9, 26, 14, 0, 45900, 49500}}},
    {"AAA0BBB-0:20:30,J60/0,J300/-1:30:15",
	{{3, 1, 0, 0, 0, 1230}, {10, 26, 22, 0, 1230, 0}}},
    {"AAA3BBB,59/0,299/0",
	{{3, 1, 3, 0, -10800, -7200}, {10, 27, 2, 0, -7200, -10800}}},
};

static void
test_odd_rules(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(odd_rules); i++) {
		const struct odd *o = &odd_rules[i];
		struct zone *z = tzif_footer_zone(o->footer);
		int64_t t = at(2026, 1, 1, 0, 0);

		assert_non_null(z);
		for (k = 0; k < 2; k++) {
			int64_t want =
			    at(2026, o->change[k].month, o->change[k].day,
				o->change[k].hour, o->change[k].minute);

			t = zone_next_change(z, t);
			/* -1:30:15 in a zone of 0:20:30 */
			if (i == 7 && k == 1)
				want += 9 * 60 + 15;
			assert_int_equal(t, want);
			assert_int_equal(
			    zone_offset(z, t - 1), o->change[k].before);
			assert_int_equal(zone_offset(z, t), o->change[k].after);
		}
		zone_free(z);
	}
}

static void
test_leap_year_days(void **state)
{
	struct zone *julian = tzif_footer_zone("AAA0BBB,J60/0,J300/0");
	struct zone *zero = tzif_footer_zone("AAA0BBB,59/0,299/0");

	(void)state;
	assert_int_equal(zone_next_change(julian, at(2028, 1, 1, 0, 0)),
	    at(2028, 3, 1, 0, 0));
	assert_int_equal(zone_next_change(zero, at(2028, 1, 1, 0, 0)),
	    at(2028, 2, 29, 0, 0));
	zone_free(julian);
	zone_free(zero);
}

static void
test_dst_all_year(void **state)
{
	static const char *const rules[] = {"EST5EDT,0/0,J365/25",
	    "XXX3EDT4,0/0,J365/23", "EST5EDT,0/0,J365/30"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		struct zone *z = tzif_footer_zone(rules[i]);

		assert_non_null(z);
		assert_int_equal(zone_offset(z, 0), -4 * HOUR);
		assert_int_equal(
		    zone_offset(z, at(2026, 1, 1, 5, 0)), -4 * HOUR);
		assert_true(zone_next_change(z, 0) == TIME_NEVER);
		zone_free(z);
	}
}

/* Local mean time, a change of name only, then the rule. */
static struct zone *
history_zone(void)
{
	static const int64_t when[] = {-2000000000, 100000000, SPRING};
	static const uint8_t type[] = {1, 2, 3};
	static const int32_t offset[] = {3208, HOUR, HOUR, 2 * HOUR};
	struct tzif t = {.times = 3,
	    .at = when,
	    .type = type,
	    .types = 4,
	    .offset = offset,
	    .footer = BERLIN};

	return tzif_zone(&t);
}

static void
test_history(void **state)
{
	struct zone *z = history_zone();
	struct zone_span s;

	(void)state;
	assert_non_null(z);
	assert_int_equal(zone_offset(z, INT64_MIN), 3208);
	assert_int_equal(zone_offset(z, -2000000001), 3208);
	assert_int_equal(zone_offset(z, -2000000000), HOUR);
	assert_int_equal(zone_next_change(z, INT64_MIN), -2000000000);
	assert_int_equal(zone_next_change(z, -2000000000), SPRING);
	assert_int_equal(zone_next_change(z, SPRING), AUTUMN);
	zone_span(z, 0, &s);
	assert_int_equal(s.from_s, -2000000000);
	assert_int_equal(s.until_s, SPRING);
	assert_int_equal(s.offset, HOUR);
	assert_int_equal(s.offset_before, 3208);
	zone_free(z);
}

static void
test_lost_day(void **state)
{
	static const int64_t when[] = {1325239200};
	static const uint8_t type[] = {1};
	static const int32_t offset[] = {-10 * HOUR, 14 * HOUR};
	struct tzif t = {.times = 1, .at = when, .type = type, .types = 2};
	struct zone *z;

	(void)state;
	t.offset = offset;
	z = tzif_zone(&t);
	assert_non_null(z);
	assert_resolves(z, at(2011, 12, 29, 23, 59), 1, 1325239200 - 60, 0);
	assert_resolves(z, at(2011, 12, 30, 0, 0), 0, 1325239200, 0);
	assert_resolves(z, at(2011, 12, 30, 23, 59), 0, 1325239200, 0);
	assert_resolves(z, at(2011, 12, 31, 0, 0), 1, 1325239200, 0);
	assert_true(zone_next_change(z, 1325239200) == TIME_NEVER);
	zone_free(z);
}

static void
test_version_1(void **state)
{
	static const int64_t when[] = {-5, 1000};
	static const uint8_t type[] = {1, 0};
	static const int32_t offset[] = {-HOUR, HOUR};
	struct tzif t = {.version = '1',
	    .times = 2,
	    .at = when,
	    .type = type,
	    .types = 2,
	    .offset = offset};
	struct zone *z = tzif_zone(&t);

	(void)state;
	assert_non_null(z);
	assert_int_equal(zone_offset(z, -6), -HOUR);
	assert_int_equal(zone_offset(z, -5), HOUR);
	assert_int_equal(zone_offset(z, 1000), -HOUR);
	zone_free(z);
}

/* Stretches follow each other without a hole, and every answer agrees. */
static void
check_spans(const struct zone *z, int64_t from, int limit)
{
	struct zone_span s, next;

	zone_span(z, from, &s);
	while (limit-- > 0 && s.until_s != TIME_NEVER) {
		assert_true(s.from_s < s.until_s);
		assert_int_equal(zone_offset(z, s.until_s - 1), s.offset);
		zone_span(z, s.until_s - 1, &next);
		assert_memory_equal(&next, &s, sizeof(s));
		zone_span(z, s.until_s, &next);
		assert_int_equal(next.from_s, s.until_s);
		assert_int_equal(next.offset_before, s.offset);
		assert_int_not_equal(next.offset, s.offset);
		s = next;
	}
}

static void
test_spans(void **state)
{
	struct zone *rule = tzif_footer_zone(BERLIN);
	struct zone *history = history_zone();

	(void)state;
	check_spans(rule, at(900, 1, 1, 0, 0), 5000);
	check_spans(history, INT64_MIN, 5000);
	/* Over the seam where the table ends and its cycle goes on. */
	check_spans(history, at(2420, 1, 1, 0, 0), 100);
	check_spans(rule, INT64_MIN, 10);
	check_spans(history, INT64_MAX - 40 * 31556952, 200);
	check_spans(rule, INT64_MAX - 40 * 31556952, 200);
	zone_free(rule);
	zone_free(history);
}

static void
test_edges_of_time(void **state)
{
	static const int64_t edges[] = {
	    INT64_MIN, INT64_MIN + 1, -1, 0, INT64_MAX - 1, INT64_MAX};
	struct zone *z = tzif_footer_zone(BERLIN);
	struct zone_instants r;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		int32_t offset = zone_offset(z, edges[i]);

		assert_true(offset == HOUR || offset == 2 * HOUR);
		zone_resolve(z, edges[i], &r);
		assert_true(r.count >= 0 && r.count <= 2);
	}
	zone_free(z);
}

static void
test_bad_footers(void **state)
{
	static const char *const bad[] = {"X", "AB3", "ABC", "ABC+", "ABC25",
	    "ABC3:60", "ABC3:00:60", "ABC3x", "<AB>3", "<ABC3", "ABC3DEF",
	    "ABC3DEF,", "ABC3DEF,M3.5.0", "ABC3DEF,M3.5.0,",
	    "ABC3DEF,M13.1.0,J1", "ABC3DEF,M0.1.0,J1", "ABC3DEF,M3.6.0,J1",
	    "ABC3DEF,M3.0.0,J1", "ABC3DEF,M3.1.7,J1", "ABC3DEF,J0,J1",
	    "ABC3DEF,J366,J1", "ABC3DEF,366,J1", "ABC3DEF,J1/168,J2",
	    "ABC3DEF,J1/,J2", "ABC3DEF,J1,J2,", "ABC3DEF,J1,J2 ", " ABC3",
	    "ABC3DEF,J1,J2/1:", "ABC99999999999", "ABC3DEF,J00001,J2",
	    "<A C>3"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_null(tzif_footer_zone(bad[i]));
}

static int
parse_spec(const struct tzif *t)
{
	struct zone *z = NULL;
	struct buf bytes;
	int r;

	buf_init(&bytes, 0);
	tzif_build(&bytes, t);
	r = tzif_parse(bytes.data, bytes.len, &z);
	buf_clear(&bytes);
	zone_free(z);
	return r;
}

static void
test_refused(void **state)
{
	static const int64_t up[] = {10, 20}, down[] = {20, 20};
	static const int64_t early[] = {INT64_MIN, 0};
	static const uint8_t type[] = {1, 0}, wild[] = {1, 2};
	static const int32_t offset[] = {0, HOUR}, far[] = {0, 100000};
	const struct tzif good = {
	    .times = 2, .at = up, .type = type, .types = 2, .offset = offset};
	struct tzif t = good;

	(void)state;
	assert_int_equal(parse_spec(&t), 0);
	t.at = down;
	assert_int_equal(parse_spec(&t), -EINVAL);
	t.at = early;
	assert_int_equal(parse_spec(&t), -EINVAL);
	t = good;
	t.type = wild;
	assert_int_equal(parse_spec(&t), -EINVAL);
	t = good;
	t.offset = far;
	assert_int_equal(parse_spec(&t), -EINVAL);
	t = good;
	t.version = '5';
	assert_int_equal(parse_spec(&t), -EINVAL);
	t = good;
	t.leaps = 1;
	assert_int_equal(parse_spec(&t), -ENOTSUP);
	t = good;
	t.footer = "AAA-1"; /* the last transition is to offset 0 */
	assert_int_equal(parse_spec(&t), -EINVAL);
	t.footer = "AAA0";
	assert_int_equal(parse_spec(&t), 0);
}

/* Asks everything of a zone that hostile bytes made. */
static void
use_zone(const struct zone *z)
{
	struct zone_instants r;
	int64_t t;

	check_spans(z, INT64_MIN, 50);
	check_spans(z, 0, 50);
	for (t = INT64_MIN / 2; t < INT64_MAX / 4; t += INT64_MAX / 16) {
		(void)zone_offset(z, t);
		zone_resolve(z, t, &r);
	}
}

static void
test_hostile_bytes(void **state)
{
	static const int64_t when[] = {-2000000000, 100000000, SPRING};
	static const uint8_t type[] = {1, 2, 3};
	static const int32_t offset[] = {3208, HOUR, HOUR, 2 * HOUR};
	static const unsigned char bytes[] = {
	    0x00, 0x01, 0x02, 0x7f, 0x80, 0xff, '2', '\n', '9', ','};
	struct tzif t = {.times = 3,
	    .at = when,
	    .type = type,
	    .types = 4,
	    .offset = offset,
	    .footer = BERLIN};
	struct zone *z = NULL;
	struct buf b;
	size_t i, k;

	(void)state;
	buf_init(&b, 0);
	tzif_build(&b, &t);
	for (i = 0; i < b.len; i++)
		assert_int_equal(tzif_parse(b.data, i, &z), -EINVAL);
	for (i = 0; i < b.len; i++) {
		char was = b.data[i];

		for (k = 0; k < ARRAY_SIZE(bytes); k++) {
			b.data[i] = (char)bytes[k];
			if (tzif_parse(b.data, b.len, &z) != 0)
				continue;
			use_zone(z);
			zone_free(z);
		}
		b.data[i] = was;
	}
	/* Counts that would wrap around. */
	for (i = 20; i < 44; i += 4) {
		struct buf w;

		buf_init(&w, 0);
		buf_add(&w, b.data, b.len);
		memset(w.data + i, 0xff, 4);
		assert_int_equal(tzif_parse(w.data, w.len, &z), -EINVAL);
		buf_clear(&w);
	}
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_civil),
	    cmocka_unit_test(test_utc),
	    cmocka_unit_test(test_footer_rule),
	    cmocka_unit_test(test_resolve),
	    cmocka_unit_test(test_odd_rules),
	    cmocka_unit_test(test_leap_year_days),
	    cmocka_unit_test(test_dst_all_year),
	    cmocka_unit_test(test_history),
	    cmocka_unit_test(test_lost_day),
	    cmocka_unit_test(test_version_1),
	    cmocka_unit_test(test_spans),
	    cmocka_unit_test(test_edges_of_time),
	    cmocka_unit_test(test_bad_footers),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_hostile_bytes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
