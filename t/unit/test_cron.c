/*
 * test_cron.c - cron expressions: what is accepted, what is refused and with
 * which words, and the next fire across changes of the clock. The oracle test
 * has the random cases; here are the ones with a name.
 */
#include <config.h>

#include "model/cron.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "model/civil.h"
#include "tzif.h"

#define BERLIN	  "CET-1CEST,M3.5.0,M10.5.0/3"
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"
#define CAIRO	  "EET-2EEST,M4.5.5/0,M10.5.4/24"

static int64_t
utc(int year, int month, int day, int hour, int minute)
{
	return (civil_days(year, month, day) * CIVIL_DAY_S + hour * 3600 +
		   minute * 60) *
	       USEC_PER_SEC;
}

static struct cron
parsed(const char *text)
{
	struct cron_error err = {0};
	struct cron c;

	if (cron_parse(text, &c, &err) != 0)
		fail_msg("'%s': %u: %s", text, err.column, err.message);
	return c;
}

/* Texts and what they are in canonical form. */
static const char *const same[][2] = {
    {"* * * * *", "* * * * *"},
    {"  5\t4  * * *  ", "5 4 * * *"},
    {"0 6 * * 1-5", "0 6 * * 1-5"},
    {"0 6 * * MON-fri", "0 6 * * 1-5"},
    {"0 6 * * 5,4,3,2,1,1-3", "0 6 * * 1-5"},
    {"0-59 * * * *", "* * * * *"},
    {"0,15,30,45 * * * *", "*/15 * * * *"},
    {"*/15 * * * *", "*/15 * * * *"},
    {"5-59/10 * * * *", "5,15,25,35,45,55 * * * *"},
    {"0 0 1 jan *", "0 0 1 1 *"},
    {"0 0 1 */3 *", "0 0 1 */3 *"},
    {"0 0 1 JAN,APR,JUL,OCT *", "0 0 1 */3 *"},
    {"0 0 * * 7", "0 0 * * 0"},
    {"0 0 * * 5-7", "0 0 * * 0,5,6"},
    {"0 0 * * MON-SUN", "0 0 * * *"},
    {"0 0 * * 0-7/2", "0 0 * * */2"},
    {"0 0 * * SAT-SUN", "0 0 * * 0,6"},
    {"00 08 * * *", "0 8 * * *"},
    /* A hour that begins with * is another thing than the same set. */
    {"0 0-23 * * *", "0 0-23 * * *"},
    {"0 */2 * * *", "0 */2 * * *"},
    {"0 0-23/2 * * *", "0 0,2,4,6,8,10,12,14,16,18,20,22 * * *"},
    {"0 */12,1 * * *", "0 */12,1 * * *"},
    {"0 */24 * * *", "0 */24 * * *"},
    {"0 *,5 * * *", "0 * * * *"},
    /* Days: OR, AND, and restrictions that restrict nothing. */
    {"0 0 13 * 5", "0 0 13 * 5"},
    {"0 0 1-31 * 5", "0 0 * * *"},
    {"0 0 13 * 0-6", "0 0 * * *"},
    {"0 0 1-31 * *", "0 0 * * *"},
    {"0 0 */2 * 1", "0 0 */2 * 1"},
    {"0 0 2-30/2 * */2", "0 0 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30 "
			 "* */2"},
    {"0 0 1-29 2 5", "0 0 * 2 *"},
    {"0 0 1,30,31 2 *", "0 0 1 2 *"},
    {"0 0 31 2 5", "0 0 * 2 5"},
    {"0 0 31 4,5 *", "0 0 31 5 *"},
    {"@hourly", "0 * * * *"},
    {"@daily", "0 0 * * *"},
    {" @MIDNIGHT ", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"},
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

static void
test_canonical(void **state)
{
	char text[CRON_TEXT_BYTES], again[CRON_TEXT_BYTES];
	struct cron c;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(same); i++) {
		c = parsed(same[i][0]);
		assert_string_equal(cron_format(&c, text), same[i][1]);
		c = parsed(text);
		assert_string_equal(cron_format(&c, again), text);
	}
}

static const struct {
	const char *text;
	unsigned column;
	const char *message; /* begins with this */
} refused[] = {
    {"", 1, "the schedule is empty"},
    {" \t", 1, "the schedule is empty"},
    {"* * * *", 8,
	"4 of 5 fields (minute hour day-of-month month "
	"day-of-week): day of week is missing"},
    {"5", 2,
	"1 of 5 fields (minute hour day-of-month month "
	"day-of-week): hour is missing"},
    {"0 * * * * *", 11, "6 fields: seconds are not accepted"},
    {"0 0 * * * root ls", 11, "7 fields"},
    {"60 * * * *", 1, "minute: 60 is not within 0-59"},
    {"* 24 * * *", 3, "hour: 24 is not within 0-23"},
    {"* * 0 * *", 5, "day of month: 0 is not within 1-31"},
    {"* * 32 * *", 5, "day of month: 32 is not within 1-31"},
    {"* * * 13 *", 7, "month: 13 is not within 1-12"},
    {"* * * * 8", 9, "day of week: 8 is not within 0-7"},
    {"99999999999999999999 * * * *", 1, "minute: 999999999999 is not"},
    {"5/10 * * * *", 1, "minute: a step needs a range; use 5-59/10"},
    {"* * * * 3/2", 9, "day of week: a step needs a range; use 3-6/2"},
    {"* 22-2 * * *", 3, "hour: range 22-2 runs backwards; use 22-23,0-2"},
    {"* 5-0 * * *", 3, "hour: range 5-0 runs backwards; use 5-23,0"},
    {"* * * * FRI-MON", 9,
	"day of week: range FRI-MON runs backwards; use 5-6,0-1"},
    {"* * * * 6-0", 9, "day of week: range 6-0 runs backwards; use 6-7"},
    {"* * * NOV-FEB *", 7,
	"month: range NOV-FEB runs backwards; use 11-12,1-2"},
    {"*/0 * * * *", 3, "minute: step 0 is not within 1-60"},
    {"*/61 * * * *", 3, "minute: step 61 is not within 1-60"},
    {"*/ * * * *", 3, "minute: a value is missing"},
    {"1,,2 * * * *", 3, "minute: a value is missing"},
    {"1, * * * *", 3, "minute: a value is missing"},
    {",1 * * * *", 1, "minute: a value is missing"},
    {"1- * * * *", 3, "minute: a value is missing"},
    {"-1 * * * *", 1, "minute: unexpected '-'"},
    {"1-2-3 * * * *", 4, "minute: unexpected '-'"},
    {"** * * * *", 2, "minute: unexpected '*'"},
    {"5* * * * *", 2, "minute: unexpected '*'"},
    {"*/5-9 * * * *", 4, "minute: unexpected '-'"},
    {"* * ? * *", 5, "day of month: unexpected '?'; use *"},
    {"* * L * *", 5, "day of month: unexpected 'L'"},
    {"* * 15W * *", 7, "day of month: unexpected 'W'"},
    {"* * * * MON#2", 12, "day of week: unexpected '#'"},
    {"MON * * * *", 1, "minute: unexpected 'MON'"},
    {"* * * FOO *", 7, "month: unknown name 'FOO'; names are JAN to DEC"},
    {"* * * * monday", 9,
	"day of week: unknown name 'monday'; names are "
	"SUN to SAT"},
    {"* * * * MON\n", 12, "day of week: unexpected byte 0x0a"},
    {"\xc3\xa4 * * * *", 1, "minute: unexpected byte 0xc3"},
    {"0 0 30 2 *", 5, "day of month: no such day"},
    {"0 0 31 2,4,6,9,11 *", 5, "day of month: no such day"},
    {"0 0 31 4 */2", 5, "day of month: no such day"},
    {"@dayly", 1, "unknown word"},
    {"@every 5m", 1, "unknown word"},
    {"@daily x", 8, "nothing may follow @daily"},
};

static void
test_refused(void **state)
{
	struct cron c, before;
	size_t i;

	(void)state;
	memset(&c, 0x5a, sizeof(c));
	before = c;
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		struct cron_error err = {0};

		assert_int_equal(
		    cron_parse(refused[i].text, &c, &err), -EINVAL);
		if (strncmp(err.message, refused[i].message,
			strlen(refused[i].message)) != 0)
			assert_string_equal(err.message, refused[i].message);
		assert_int_equal(err.column, refused[i].column);
		assert_memory_equal(&c, &before, sizeof(c));
	}
}

static void
test_too_long(void **state)
{
	char text[5000];
	struct cron_error err;
	struct cron c;

	(void)state;
	memset(text, '1', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(cron_parse(text, &c, &err), -EINVAL);
	assert_int_equal(err.column, 1001);
}

/* The next fire of `text` after `after`, with its note. */
static void
assert_next(const struct zone *z, enum dst_rule dst, const char *text,
    int64_t after, int64_t want, enum cron_note want_note)
{
	struct cron c = parsed(text);
	enum cron_note note = CRON_PLAIN;
	int64_t got = cron_next(&c, z, dst, after, &note);

	if (got != want || note != want_note) {
		char is[CLOCK_ISO_BYTES], should[CLOCK_ISO_BYTES];

		fail_msg("'%s': %s note %d, not %s note %d", text,
		    clock_iso_format(got, is), (int)note,
		    clock_iso_format(want, should), (int)want_note);
	}
}

static void
test_utc(void **state)
{
	const struct zone *z = zone_utc();
	const int64_t noon = utc(2026, 11, 23, 12, 0); /* a Monday */
	static const struct {
		const char *text;
		int year, month, day, hour, minute;
	} t[] = {
	    {"* * * * *", 2026, 11, 23, 12, 1},
	    {"0 * * * *", 2026, 11, 23, 13, 0},
	    {"0 12 * * *", 2026, 11, 24, 12, 0},
	    {"59 23 * * *", 2026, 11, 23, 23, 59},
	    {"0 0 * * *", 2026, 11, 24, 0, 0},
	    {"0 0 * * 1", 2026, 11, 30, 0, 0},
	    {"0 0 31 * *", 2026, 12, 31, 0, 0},
	    {"0 0 1 1 *", 2027, 1, 1, 0, 0},
	    {"0 0 29 2 *", 2028, 2, 29, 0, 0},
	    {"0 0 13 * 5", 2026, 11, 27, 0, 0},
	    {"0 0 */31 * 5", 2027, 1, 1, 0, 0},
	    {"30 11 23 11 *", 2027, 11, 23, 11, 30},
	    {"0 0 29 2 */7", 2032, 2, 29, 0, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++)
		assert_next(z, DST_ONCE, t[i].text, noon,
		    utc(t[i].year, t[i].month, t[i].day, t[i].hour,
			t[i].minute),
		    CRON_PLAIN);
	/* Strictly after, to the microsecond; also before 1970. */
	assert_next(z, DST_ONCE, "0 12 * * *", noon - 1, noon, CRON_PLAIN);
	assert_next(z, DST_ONCE, "0 0 * * *", -1, 0, CRON_PLAIN);
	assert_next(z, DST_ONCE, "0 0 * * *", -86400 * USEC_PER_SEC - 1,
	    -86400 * USEC_PER_SEC, CRON_PLAIN);
	/* Over the century without a leap day. */
	assert_next(z, DST_ONCE, "0 0 29 2 *", utc(2096, 3, 1, 0, 0),
	    utc(2104, 2, 29, 0, 0), CRON_PLAIN);
}

static void
test_no_more_time(void **state)
{
	struct zone *z = tzif_footer_zone(BERLIN);
	struct cron c = parsed("* * * * *");
	int64_t last;

	(void)state;
	assert_true(cron_next(&c, z, DST_ONCE, TIME_NEVER, NULL) == TIME_NEVER);
	assert_true(
	    cron_next(&c, z, DST_ONCE, TIME_NEVER - 1000, NULL) == TIME_NEVER);
	last =
	    cron_next(&c, z, DST_ONCE, TIME_NEVER - 120 * USEC_PER_SEC, NULL);
	assert_true(last > 0 && last < TIME_NEVER);
	last = cron_next(&c, z, DST_ONCE, INT64_MIN, NULL);
	assert_true(last < INT64_MIN + 61 * USEC_PER_SEC);
	c.months = 0;
	assert_true(cron_next(&c, z, DST_ONCE, 0, NULL) == TIME_NEVER);
	zone_free(z);
}

static void
test_gap(void **state)
{
	struct zone *z = tzif_footer_zone(BERLIN);
	const int64_t day = utc(2026, 3, 28, 12, 0);
	const int64_t gap = utc(2026, 3, 29, 1, 0);

	(void)state;
	/* 02:30 does not exist on the 29th. */
	assert_next(z, DST_ONCE, "30 2 * * *", day, gap, CRON_MOVED);
	assert_next(z, DST_TWICE, "30 2 * * *", day, gap, CRON_MOVED);
	assert_next(z, DST_SKIP, "30 2 * * *", day, utc(2026, 3, 30, 0, 30),
	    CRON_PLAIN);
	assert_next(z, DST_ONCE, "30 2 * * *", gap, utc(2026, 3, 30, 0, 30),
	    CRON_PLAIN);
	/* Twelve skipped times are one fire; and one that is due anyway. */
	assert_next(z, DST_ONCE, "*/5 2 * * *", day, gap, CRON_MOVED);
	assert_next(z, DST_ONCE, "*/5 2 * * *", gap, utc(2026, 3, 30, 0, 0),
	    CRON_PLAIN);
	assert_next(z, DST_ONCE, "0 2,3 * * *", day, gap, CRON_PLAIN);
	assert_next(z, DST_ONCE, "0 3 * * *", day, gap, CRON_PLAIN);
	/* Elapsed time moves nothing. */
	assert_next(z, DST_ONCE, "30 * * * *", gap - USEC_PER_SEC,
	    utc(2026, 3, 29, 1, 30), CRON_PLAIN);
	assert_next(z, DST_ONCE, "30 */2 * * *", gap - USEC_PER_SEC,
	    utc(2026, 3, 29, 2, 30), CRON_PLAIN);
	zone_free(z);
}

static void
test_fold(void **state)
{
	struct zone *z = tzif_footer_zone(BERLIN);
	const int64_t first = utc(2026, 10, 25, 0, 30);
	const int64_t second = utc(2026, 10, 25, 1, 30);
	const int64_t tomorrow = utc(2026, 10, 26, 1, 30);

	(void)state;
	assert_next(z, DST_ONCE, "30 2 * * *", first - 1, first, CRON_PLAIN);
	assert_next(z, DST_ONCE, "30 2 * * *", first, tomorrow, CRON_PLAIN);
	assert_next(z, DST_SKIP, "30 2 * * *", first, tomorrow, CRON_PLAIN);
	assert_next(z, DST_TWICE, "30 2 * * *", first, second, CRON_REPEATED);
	assert_next(z, DST_TWICE, "30 2 * * *", second, tomorrow, CRON_PLAIN);
	assert_next(z, DST_ONCE, "30 * * * *", first, second, CRON_REPEATED);
	assert_next(z, DST_SKIP, "30 * * * *", first, second, CRON_REPEATED);
	/* Asked from within the second pass. */
	assert_next(z, DST_ONCE, "*/10 1-3 * * *", second,
	    utc(2026, 10, 25, 2, 0), CRON_PLAIN);
	zone_free(z);
}

static void
test_odd_zones(void **state)
{
	struct zone *howe = tzif_footer_zone(LORD_HOWE);
	struct zone *cairo = tzif_footer_zone(CAIRO);

	(void)state;
	/* Half an hour: 02:00 becomes 02:30 on 4 October. */
	assert_next(howe, DST_ONCE, "15 2 * * *", utc(2026, 10, 3, 12, 0),
	    utc(2026, 10, 3, 15, 30), CRON_MOVED);
	assert_next(howe, DST_ONCE, "30 2 * * *", utc(2026, 10, 3, 12, 0),
	    utc(2026, 10, 3, 15, 30), CRON_PLAIN);
	assert_next(howe, DST_TWICE, "45 1 * * *", utc(2026, 4, 4, 14, 45),
	    utc(2026, 4, 4, 15, 15), CRON_REPEATED);
	/* The midnight of 24 April 2026 does not exist. */
	assert_next(cairo, DST_ONCE, "0 0 * * *", utc(2026, 4, 23, 12, 0),
	    utc(2026, 4, 23, 22, 0), CRON_MOVED);
	assert_next(cairo, DST_ONCE, "@weekly", utc(2026, 4, 23, 12, 0),
	    utc(2026, 4, 25, 21, 0), CRON_PLAIN);
	assert_next(cairo, DST_SKIP, "0 0 24 4 *", utc(2026, 4, 23, 12, 0),
	    utc(2027, 4, 23, 22, 0), CRON_PLAIN);
	zone_free(howe);
	zone_free(cairo);
}

static void
test_lost_day(void **state)
{
	static const int64_t when[] = {1325239200};
	static const uint8_t type[] = {1};
	static const int32_t offset[] = {-36000, 50400};
	struct tzif t = {
	    .times = 1, .at = when, .type = type, .types = 2, .offset = offset};
	struct zone *apia = tzif_zone(&t);

	(void)state;
	assert_non_null(apia);
	assert_next(apia, DST_ONCE, "0 12 30 12 *", utc(2011, 12, 1, 0, 0),
	    utc(2011, 12, 30, 10, 0), CRON_MOVED);
	assert_next(apia, DST_SKIP, "0 12 30 12 *", utc(2011, 12, 1, 0, 0),
	    utc(2012, 12, 29, 22, 0), CRON_PLAIN);
	assert_next(apia, DST_ONCE, "0 */6 * * *", utc(2011, 12, 30, 9, 0),
	    utc(2011, 12, 30, 10, 0), CRON_PLAIN);
	zone_free(apia);
}

/* A time that only ever falls into the gap. */
static void
test_never_under_skip(void **state)
{
	struct zone *z = tzif_footer_zone(BERLIN);
	struct cron c = parsed("30 2 25-31 3 */7");
	enum cron_note note = CRON_REPEATED;

	(void)state;
	assert_true(cron_next(&c, z, DST_SKIP, 0, &note) == TIME_NEVER);
	assert_int_equal(note, CRON_REPEATED);
	assert_int_equal(
	    cron_next(&c, z, DST_ONCE, 0, &note), utc(1970, 3, 29, 1, 0));
	assert_int_equal(note, CRON_MOVED);
	zone_free(z);
}

/* Two hours at 20:00Z on which the clock is set forth and back again. */
static void
test_quick_changes(void **state)
{
	static const int64_t when[] = {72000, 75600, 79200};
	static const uint8_t type[] = {1, 0, 2};
	static const int32_t offset[] = {0, 10800, -3600};
	struct tzif t = {
	    .times = 3, .at = when, .type = type, .types = 3, .offset = offset};
	struct zone *z = tzif_zone(&t);

	(void)state;
	/* 20-23 h is skipped, 23 h shown, then 21 h: nothing of 21 h was
	 * skipped for good, all of 20 h was. At 22:00Z it is 21 h again. */
	assert_non_null(z);
	assert_next(
	    z, DST_ONCE, "30 21 * * *", 0, 77400 * USEC_PER_SEC, CRON_PLAIN);
	assert_next(
	    z, DST_ONCE, "30 20 * * *", 0, 72000 * USEC_PER_SEC, CRON_MOVED);
	assert_next(
	    z, DST_ONCE, "30 23 * * *", 0, 73800 * USEC_PER_SEC, CRON_PLAIN);
	assert_next(z, DST_TWICE, "30 21 * * *", 77400 * USEC_PER_SEC,
	    81000 * USEC_PER_SEC, CRON_REPEATED);
	zone_free(z);
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *seed >> 33;
}

/* From wherever one begins to count, the fires are the same. */
static void
test_one_set(void **state)
{
	static const char *const zones[] = {BERLIN, LORD_HOWE, CAIRO};
	static const char *const texts[] = {"*/7 * * * *", "*/5 0-3 * * *",
	    "30 1,2 * * *", "0 0 * * *", "15 */2 * * *", "59 23 */2 * 1-5"};
	static const int months[] = {3, 4, 10};
	uint64_t seed = 11;
	size_t i, k, m;
	int n, rule;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(zones) * ARRAY_SIZE(texts); i++) {
		struct zone *z = tzif_footer_zone(zones[i % 3]);
		struct cron c = parsed(texts[i / 3]);

		for (k = 0; k < 9; k++) {
			int64_t at, from;

			m = k / 3;
			rule = (int)(k % 3);
			from = utc(2026, months[m], 1, 0, 0);
			at = from;
			for (n = 0; n < 3000; n++) {
				enum dst_rule dst = (enum dst_rule)rule;
				int64_t next = cron_next(&c, z, dst, at, NULL);
				int64_t between =
				    at + (int64_t)(next_random(&seed) %
						   (uint64_t)(next - at));

				assert_true(next > at);
				assert_true(cron_next(&c, z, dst, between,
						NULL) == next);
				at = next;
				if (at > from + 32 * 86400 * USEC_PER_SEC)
					break;
			}
		}
		zone_free(z);
	}
}

static const char *
random_field(uint64_t *seed, int low, int high, char out[32])
{
	int a = low + (int)(next_random(seed) % (uint64_t)(high - low + 1));
	int b = a + (int)(next_random(seed) % (uint64_t)(high - a + 1));
	int n = 0;

	switch (next_random(seed) % 6) {
	case 0:
		n = snprintf(out, 32, "*");
		break;
	case 1:
		n = snprintf(out, 32, "*/%d", b - low + 1);
		break;
	case 2:
		n = snprintf(out, 32, "%d-%d/%d", a, b, 1 + (a & 3));
		break;
	case 3:
		n = snprintf(out, 32, "*/%d,%d", 2 + (a & 7) % 4, b);
		break;
	case 4:
		n = snprintf(out, 32, "%d-%d", low, high);
		break;
	default:
		n = snprintf(out, 32, "%d,%d", a, b);
		break;
	}
	assert_true(n > 0 && n < 32);
	return out;
}

/* The canonical text fires exactly as the text it was made from. */
static void
test_canonical_fires_alike(void **state)
{
	struct zone *z = tzif_footer_zone(BERLIN);
	uint64_t seed = 7;
	int i, n;

	(void)state;
	for (i = 0; i < 3000; i++) {
		char f[5][32], text[200], canonical[CRON_TEXT_BYTES];
		char again[CRON_TEXT_BYTES];
		struct cron_error err;
		struct cron c, d;
		int64_t at = utc(2026, 3, 27, 0, 0);

		n = snprintf(text, sizeof(text), "%s %s %s %s %s",
		    random_field(&seed, 0, 59, f[0]),
		    random_field(&seed, 0, 23, f[1]),
		    random_field(&seed, 1, 31, f[2]),
		    random_field(&seed, 1, 12, f[3]),
		    random_field(&seed, 0, 6, f[4]));
		assert_true(n > 0 && (size_t)n < sizeof(text));
		if (cron_parse(text, &c, &err) != 0) {
			assert_non_null(strstr(err.message, "no such day"));
			continue;
		}
		d = parsed(cron_format(&c, canonical));
		assert_string_equal(cron_format(&d, again), canonical);
		for (n = 0; n < 40; n++) {
			int64_t next = cron_next(&c, z, DST_ONCE, at, NULL);

			if (cron_next(&d, z, DST_ONCE, at, NULL) != next)
				fail_msg("'%s' is not '%s'", text, canonical);
			at = next + (n % 8 == 7 ? utc(1970, 1, 20, 0, 0) : 0);
		}
	}
	zone_free(z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_canonical),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_too_long),
	    cmocka_unit_test(test_utc),
	    cmocka_unit_test(test_no_more_time),
	    cmocka_unit_test(test_gap),
	    cmocka_unit_test(test_fold),
	    cmocka_unit_test(test_odd_zones),
	    cmocka_unit_test(test_lost_day),
	    cmocka_unit_test(test_never_under_skip),
	    cmocka_unit_test(test_quick_changes),
	    cmocka_unit_test(test_one_set),
	    cmocka_unit_test(test_canonical_fires_alike),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
