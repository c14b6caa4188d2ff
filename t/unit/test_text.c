/*
 * test_text.c - numbers, durations, sizes, names and UTF-8 from outside.
 */
#include <config.h>

#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEC USEC_PER_SEC

struct number_case {
	const char *text;
	int result;
	int64_t value;
};

static void
test_int(void **state)
{
	static const struct number_case cases[] = {
	    {"0", 0, 0},
	    {"-0", 0, 0},
	    {"7", 0, 7},
	    {"-7", 0, -7},
	    {"007", 0, 7},
	    {"9223372036854775807", 0, INT64_MAX},
	    {"-9223372036854775808", 0, INT64_MIN},
	    {"9223372036854775808", -ERANGE, 0},
	    {"-9223372036854775809", -ERANGE, 0},
	    {"92233720368547758070", -ERANGE, 0},
	    {"99999999999999999999999999", -ERANGE, 0},
	    {"18446744073709551616", -ERANGE, 0},
	    {"99999999999999999999999999x", -EINVAL, 0},
	    {"", -EINVAL, 0},
	    {"-", -EINVAL, 0},
	    {"+1", -EINVAL, 0},
	    {" 1", -EINVAL, 0},
	    {"1 ", -EINVAL, 0},
	    {"--1", -EINVAL, 0},
	    {"1.0", -EINVAL, 0},
	    {"0x10", -EINVAL, 0},
	    {"1e3", -EINVAL, 0},
	};
	int64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		v = 99;
		assert_int_equal(
		    text_parse_int(cases[i].text, INT64_MIN, INT64_MAX, &v),
		    cases[i].result);
		/* an error leaves the value alone */
		assert_true(v == (cases[i].result ? 99 : cases[i].value));
	}
	assert_int_equal(text_parse_int("1", 1, 3, &v), 0);
	assert_int_equal(text_parse_int("3", 1, 3, &v), 0);
	assert_int_equal(text_parse_int("0", 1, 3, &v), -ERANGE);
	assert_int_equal(text_parse_int("4", 1, 3, &v), -ERANGE);
}

static void
test_duration(void **state)
{
	static const struct number_case cases[] = {
	    {"0", 0, 0},
	    {"0s", 0, 0},
	    {"5s", 0, 5 * SEC},
	    {"1h30m", 0, 5400 * SEC},
	    {"2d", 0, 2 * 86400 * SEC},
	    {"250ms", 0, 250000},
	    {"1w", 0, 604800 * SEC},
	    {"1w2d3h4m5s6ms", 0,
		(604800 + 2 * 86400 + 3 * 3600 + 245) * SEC + 6000},
	    {"1m1ms", 0, 60 * SEC + 1000},
	    {"90m", 0, 5400 * SEC},
	    {"9223372036854775ms", 0, INT64_C(9223372036854775000)},
	    {"9223372036854776ms", -ERANGE, 0},
	    {"15250284w", 0, INT64_C(15250284) * 604800 * SEC},
	    {"15250285w", -ERANGE, 0},
	    {"15250284w9d", -ERANGE, 0},
	    {"99999999999999999999s", -ERANGE, 0},
	    {"99999999999999999999s1h", -EINVAL, 0},
	    {"99999999999999999999x", -EINVAL, 0},
	    {"", -EINVAL, 0},
	    {"00", -EINVAL, 0},
	    {"5", -EINVAL, 0},
	    {"1h5", -EINVAL, 0},
	    {"s", -EINVAL, 0},
	    {"5 s", -EINVAL, 0},
	    {" 5s", -EINVAL, 0},
	    {"5s ", -EINVAL, 0},
	    {"5S", -EINVAL, 0},
	    {"-5s", -EINVAL, 0},
	    {"1.5s", -EINVAL, 0},
	    {"30m1h", -EINVAL, 0},
	    {"1s1s", -EINVAL, 0},
	    {"1ms1s", -EINVAL, 0},
	    {"1us", -EINVAL, 0},
	    {"1min", -EINVAL, 0},
	};
	int64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		v = 99;
		assert_int_equal(
		    text_parse_duration(cases[i].text, &v), cases[i].result);
		assert_true(v == (cases[i].result ? 99 : cases[i].value));
	}
}

static void
test_duration_format(void **state)
{
	static const struct number_case cases[] = {
	    {"0", 0, 0},
	    {"0", 0, 999},
	    {"0", 0, -5 * SEC},
	    {"1ms", 0, 1999},
	    {"1s", 0, SEC},
	    {"1500ms", 0, 1500000},
	    {"90s", 0, 90 * SEC},
	    {"10m", 0, 600 * SEC},
	    {"90m", 0, 5400 * SEC},
	    {"36h", 0, 129600 * SEC},
	    {"1d", 0, 86400 * SEC},
	    {"10d", 0, 10 * 86400 * SEC},
	    {"2w", 0, 14 * 86400 * SEC},
	    {"30d", 0, 30 * 86400 * SEC},
	};
	char out[TEXT_DURATION_BYTES];
	uint64_t seed = 3;
	int64_t us, back;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(
		    text_format_duration(cases[i].value, out), cases[i].text);
	for (i = 0; i < 3000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1;
		us = (int64_t)(seed >> (1 + i % 50)) / 1000 * 1000;
		assert_int_equal(
		    text_parse_duration(text_format_duration(us, out), &back),
		    0);
		assert_true(back == us);
	}
	assert_int_equal(
	    text_parse_duration(text_format_duration(INT64_MAX, out), &back),
	    0);
	assert_true(back == INT64_MAX / 1000 * 1000);
}

static void
test_bytes(void **state)
{
	static const struct number_case cases[] = {
	    {"0", 0, 0},
	    {"512", 0, 512},
	    {"512B", 0, 512},
	    {"64KiB", 0, 65536},
	    {"2GiB", 0, INT64_C(2) << 30},
	    {"10MB", 0, 10000000},
	    {"1kB", 0, 1000},
	    {"1KB", 0, 1000},
	    {"3TiB", 0, INT64_C(3) << 40},
	    {"8191PiB", 0, INT64_C(8191) << 50},
	    {"8192PiB", -ERANGE, 0},
	    {"9223372036854775807", 0, INT64_MAX},
	    {"9223372036854775808", -ERANGE, 0},
	    {"9223372036854775808XB", -EINVAL, 0},
	    {"", -EINVAL, 0},
	    {"KiB", -EINVAL, 0},
	    {"-1", -EINVAL, 0},
	    {"1K", -EINVAL, 0},
	    {"1kib", -EINVAL, 0},
	    {"1 KiB", -EINVAL, 0},
	    {"1KiBs", -EINVAL, 0},
	    {"1.5GiB", -EINVAL, 0},
	};
	int64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		v = 99;
		assert_int_equal(
		    text_parse_bytes(cases[i].text, &v), cases[i].result);
		assert_true(v == (cases[i].result ? 99 : cases[i].value));
	}
}

static void
test_bytes_format(void **state)
{
	static const struct number_case cases[] = {
	    {"0", 0, 0},
	    {"1", 0, 1},
	    {"1023", 0, 1023},
	    {"1KiB", 0, 1024},
	    {"64KiB", 0, 65536},
	    {"2GiB", 0, INT64_C(2) << 30},
	    {"10MB", 0, 10000000},
	    {"1TB", 0, INT64_C(1000000000000)},
	    {"9223372036854775807", 0, INT64_MAX},
	};
	char out[TEXT_BYTES_BYTES];
	uint64_t seed = 3;
	int64_t v, back;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(
		    text_format_bytes(cases[i].value, out), cases[i].text);
	for (i = 0; i < 3000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1;
		v = (int64_t)(seed >> (8 + i % 50) << (i % 7));
		assert_int_equal(
		    text_parse_bytes(text_format_bytes(v, out), &back), 0);
		assert_true(back == v);
	}
}

/* What the text must be, told by the standard's own table, byte by byte. */
static size_t
table_length(const unsigned char *p, size_t len)
{
	static const struct {
		unsigned char lead_low, lead_high, second_low, second_high;
		size_t len;
	} rows[] = {
	    {0x00, 0x7f, 0, 0, 1},
	    {0xc2, 0xdf, 0x80, 0xbf, 2},
	    {0xe0, 0xe0, 0xa0, 0xbf, 3},
	    {0xe1, 0xec, 0x80, 0xbf, 3},
	    {0xed, 0xed, 0x80, 0x9f, 3},
	    {0xee, 0xef, 0x80, 0xbf, 3},
	    {0xf0, 0xf0, 0x90, 0xbf, 4},
	    {0xf1, 0xf3, 0x80, 0xbf, 4},
	    {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (p[0] < rows[i].lead_low || p[0] > rows[i].lead_high)
			continue;
		if (rows[i].len > len)
			return 0;
		if (rows[i].len > 1 &&
		    (p[1] < rows[i].second_low || p[1] > rows[i].second_high))
			return 0;
		for (k = 2; k < rows[i].len; k++)
			if (p[k] < 0x80 || p[k] > 0xbf)
				return 0;
		return rows[i].len;
	}
	return 0;
}

static void
test_utf8_char_against_table(void **state)
{
	/* around every border of the table */
	static const unsigned char edges[] = {
	    0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
	unsigned char p[4];
	unsigned lead, second;
	size_t a, b, len;

	(void)state;
	for (lead = 0; lead < 256; lead++)
		for (second = 0; second < 256; second++)
			for (a = 0; a < sizeof(edges); a++)
				for (b = 0; b < sizeof(edges); b++)
					for (len = 1; len <= 4; len++) {
						p[0] = (unsigned char)lead;
						p[1] = (unsigned char)second;
						p[2] = edges[a];
						p[3] = edges[b];
						if (text_utf8_char(
							(char *)p, len, NULL) !=
						    table_length(p, len))
							fail_msg("%02x %02x "
								 "%02x %02x",
							    p[0], p[1], p[2],
							    p[3]);
					}
}

static void
test_utf8_code(void **state)
{
	uint32_t code = 0;

	(void)state;
	assert_int_equal(text_utf8_char("", 0, &code), 0);
	assert_int_equal(text_utf8_char("A", 1, &code), 1);
	assert_int_equal(code, 'A');
	assert_int_equal(text_utf8_char("\xc3\xa4", 2, &code), 2);
	assert_int_equal(code, 0xe4);
	assert_int_equal(text_utf8_char("\xe2\x80\xa8", 3, &code), 3);
	assert_int_equal(code, 0x2028);
	assert_int_equal(text_utf8_char("\xf4\x8f\xbf\xbf", 4, &code), 4);
	assert_int_equal(code, 0x10ffff);
}

static void
test_utf8_valid(void **state)
{
	static const struct {
		const char *text;
		size_t len, valid;
	} cases[] = {
	    {"", 0, 0},
	    {"plain", 5, 5},
	    {"a\0b", 3, 3},
	    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, 9},
	    {"ab\xc3", 3, 2}, /* cut off */
	    {"ab\xe2\x82", 4, 2},
	    {"ab\xf0\x9f\x98", 5, 2},
	    {"ab\x80", 3, 2}, /* a tail alone */
	    {"ab\xc0\x80", 4, 2}, /* overlong NUL */
	    {"ab\xc1\xbf", 4, 2},
	    {"ab\xe0\x9f\xbf", 5, 2},
	    {"ab\xf0\x8f\xbf\xbf", 6, 2},
	    {"ab\xed\xa0\x80", 5, 2}, /* surrogates */
	    {"ab\xed\xbf\xbf", 5, 2},
	    {"ab\xf4\x90\x80\x80", 6, 2}, /* above U+10FFFF */
	    {"ab\xf5\x80\x80\x80", 6, 2},
	    {"ab\xfe", 3, 2},
	    {"ab\xff", 3, 2},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(text_utf8_valid(cases[i].text, cases[i].len),
		    cases[i].valid);
}

static void
test_utf8_cut(void **state)
{
	static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
	/* for each max: where a character ends */
	static const size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
	size_t max;

	(void)state;
	for (max = 0; max < ARRAY_SIZE(ends); max++)
		assert_int_equal(text_utf8_cut(text, 11, max), ends[max]);
	assert_int_equal(text_utf8_cut(text, 11, 500), 11);
	/* invalid bytes are one each: nothing to keep together */
	assert_int_equal(text_utf8_cut("\x80\x80\x80\x80\x80", 5, 3), 3);
	assert_int_equal(text_utf8_cut("\xf0\x9f\x98", 3, 2), 2);
}

static void
assert_scrub(const char *in, size_t len, const char *out)
{
	struct buf b;

	buf_init(&b, 0);
	text_utf8_scrub(&b, in, len);
	assert_string_equal(buf_str(&b), out);
	assert_int_equal(b.len, strlen(out));
	assert_false(b.truncated);
	buf_clear(&b);
}

static void
test_scrub(void **state)
{
	(void)state;
	assert_scrub("", 0, "");
	assert_scrub("caf\xc3\xa9", 5, "caf\xc3\xa9");
	assert_scrub("a\0b", 3,
	    "a\xe2\x90\x80"
	    "b");
	assert_scrub("\0", 1, "\xe2\x90\x80");
	assert_scrub("a\xff"
		     "b",
	    3,
	    "a\xef\xbf\xbd"
	    "b");
	assert_scrub("\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	assert_scrub("\xc0\x80", 2, "\xef\xbf\xbd\xef\xbf\xbd");
	assert_scrub("x\xe2\x82", 3, "x\xef\xbf\xbd\xef\xbf\xbd");
	assert_scrub(
	    "\xe2\x82\xe2\x82\xac", 5, "\xef\xbf\xbd\xef\xbf\xbd\xe2\x82\xac");
}

static void
test_scrub_at_the_cap(void **state)
{
	static const char in[] = "a\xc3\xa4\0\xff\xe2\x82\xac\xf0\x9f\x98\x80z";
	struct buf whole, b;
	size_t max;

	(void)state;
	buf_init(&whole, 0);
	text_utf8_scrub(&whole, in, sizeof(in) - 1);
	for (max = 1; max <= whole.len; max++) {
		buf_init(&b, max);
		text_utf8_scrub(&b, in, sizeof(in) - 1);
		assert_int_equal(text_utf8_valid(buf_str(&b), b.len), b.len);
		assert_memory_equal(buf_str(&b), whole.data, b.len);
		assert_true(max - b.len < 4);
		assert_int_equal(b.truncated, max < whole.len);
		buf_clear(&b);
	}
	buf_clear(&whole);
}

static void
test_equal_secret(void **state)
{
	(void)state;
	assert_true(text_equal_secret("", ""));
	assert_true(text_equal_secret("token", "token"));
	assert_false(text_equal_secret("token", "tokem"));
	assert_false(text_equal_secret("token", "uoken"));
	assert_false(text_equal_secret("token", "toke"));
	assert_false(text_equal_secret("token", "tokent"));
	assert_false(text_equal_secret("token", "tokentoken"));
	assert_false(text_equal_secret("tokentoken", "token"));
	assert_false(text_equal_secret("", "token"));
	assert_false(text_equal_secret("token", ""));
	assert_false(text_equal_secret("\xff", "\x7f"));
}

static void
test_camel(void **state)
{
	static const char *const cases[][2] = {
	    {"video-discovery", "videoDiscovery"},
	    {"disk", "disk"},
	    {"a.b_c-d", "aBCD"},
	    {"a--b", "aB"},
	    {"backup-2", "backup2"},
	    {"2nd-try", "2ndTry"},
	    {"end-", "end"},
	    {"-begin", "begin"},
	    {"", ""},
	};
	size_t i;
	char *out;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		out = text_camel(cases[i][0]);
		assert_string_equal(out, cases[i][1]);
		free(out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_int),
	    cmocka_unit_test(test_duration),
	    cmocka_unit_test(test_duration_format),
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_bytes_format),
	    cmocka_unit_test(test_utf8_char_against_table),
	    cmocka_unit_test(test_utf8_code),
	    cmocka_unit_test(test_utf8_valid),
	    cmocka_unit_test(test_utf8_cut),
	    cmocka_unit_test(test_scrub),
	    cmocka_unit_test(test_scrub_at_the_cap),
	    cmocka_unit_test(test_equal_secret),
	    cmocka_unit_test(test_camel),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
