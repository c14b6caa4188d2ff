/*
 * test_jsonw.c - JSON text out: commas, numbers, and no byte that acts.
 */
#include <config.h>

#include "base/jsonw.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

static void
write_sample(struct jsonw *w)
{
	jsonw_object(w);
	jsonw_kstr(w, "name", "disk");
	jsonw_kint(w, "n", -3);
	jsonw_kbool(w, "on", true);
	jsonw_knull(w, "none");
	jsonw_key(w, "empty");
	jsonw_object(w);
	jsonw_object_end(w);
	jsonw_key(w, "list");
	jsonw_array(w);
	jsonw_int(w, 1);
	jsonw_bool(w, false);
	jsonw_null(w);
	jsonw_str(w, NULL);
	jsonw_array(w);
	jsonw_array_end(w);
	jsonw_object(w);
	jsonw_kstr(w, "a", NULL);
	jsonw_object_end(w);
	jsonw_array_end(w);
	jsonw_key(w, "raw");
	jsonw_raw(w, "{\"x\":1}", 7);
	jsonw_key(w, "noraw");
	jsonw_raw(w, NULL, 0);
	jsonw_ktime(w, "at", INT64_C(1795453200004000));
	jsonw_ktime(w, "never", TIME_NEVER);
	jsonw_ktime(w, "before", -1);
	jsonw_object_end(w);
}

static void
test_compact(void **state)
{
	struct jsonw w;
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	jsonw_init(&w, &b, false);
	write_sample(&w);
	assert_string_equal(buf_str(&b),
	    "{\"name\":\"disk\",\"n\":-3,\"on\":true,\"none\":null,"
	    "\"empty\":{},\"list\":[1,false,null,null,[],{\"a\":null}],"
	    "\"raw\":{\"x\":1},\"noraw\":null,"
	    "\"at\":\"2026-11-23T17:00:00.004Z\",\"never\":null,"
	    "\"before\":null}");
	assert_int_equal(w.depth, 0);
	buf_clear(&b);
}

static void
test_pretty(void **state)
{
	struct jsonw w;
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	jsonw_init(&w, &b, true);
	jsonw_object(&w);
	jsonw_kint(&w, "a", 1);
	jsonw_key(&w, "b");
	jsonw_array(&w);
	jsonw_int(&w, 2);
	jsonw_object(&w);
	jsonw_object_end(&w);
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	assert_string_equal(
	    buf_str(&b), "{\n\t\"a\": 1,\n\t\"b\": [\n\t\t2,\n\t\t{}\n\t]\n}");
	buf_clear(&b);
}

static void
test_int(void **state)
{
	static const int64_t values[] = {0, 1, -1, 9, 10, 99, 100, INT64_MAX,
	    INT64_MIN, INT64_MIN + 1, INT64_C(1000000000000)};
	char expect[32];
	struct jsonw w;
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 0);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		buf_reset(&b);
		jsonw_init(&w, &b, false);
		jsonw_int(&w, values[i]);
		snprintf(expect, sizeof(expect), "%lld", (long long)values[i]);
		assert_string_equal(buf_str(&b), expect);
	}
	buf_clear(&b);
}

static void
assert_double(double v, int decimals, const char *expect)
{
	struct jsonw w;
	struct buf b;

	buf_init(&b, 0);
	jsonw_init(&w, &b, false);
	jsonw_double(&w, v, decimals);
	assert_string_equal(buf_str(&b), expect);
	buf_clear(&b);
}

static void
test_double(void **state)
{
	(void)state;
	assert_double(0.5, 3, "0.5");
	assert_double(2, 3, "2");
	assert_double(100, 0, "100");
	assert_double(100, 2, "100");
	assert_double(1.0 / 3, 4, "0.3333");
	assert_double(-1.25, 2, "-1.25");
	assert_double(-0.0, 2, "0");
	assert_double(-0.001, 2, "0");
	assert_double(NAN, 2, "null");
	assert_double(INFINITY, 2, "null");
	assert_double(-INFINITY, 2, "null");
	assert_double(1e15, 1, "1000000000000000");
	assert_double(1e-9, 9, "0.000000001");
}

static void
assert_escape(const char *in, size_t len, const char *expect)
{
	struct buf b;

	buf_init(&b, 0);
	jsonw_escape(&b, in, len);
	assert_string_equal(buf_str(&b), expect);
	assert_int_equal(b.len, strlen(expect));
	buf_clear(&b);
}

static void
test_escape(void **state)
{
	(void)state;
	assert_escape("", 0, "\"\"");
	assert_escape("plain text, longer than a word", 30,
	    "\"plain text, longer than a word\"");
	assert_escape("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
	assert_escape("/", 1, "\"/\"");
	assert_escape("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
	assert_escape(
	    "\0\x01\x1b\x1f\x7f", 5, "\"\\u0000\\u0001\\u001b\\u001f\\u007f\"");
	/* C1: NEL and CSI; U+00A0 is the first that stays */
	assert_escape(
	    "\xc2\x85\xc2\x9b\xc2\xa0", 6, "\"\\u0085\\u009b\xc2\xa0\"");
	assert_escape("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", 12,
	    "\"\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa\"");
	assert_escape("\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\"");
	assert_escape("a\xff", 2, "\"a\xef\xbf\xbd\"");
	assert_escape(
	    "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	assert_escape("\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

/* Every byte at every place of a text that is else copied word by word. */
static void
test_every_byte_at_every_place(void **state)
{
	char text[24], one[16], expect[64];
	unsigned c, at;
	struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, 0);
	for (c = 0; c < 256; c++) {
		buf_reset(&b);
		one[0] = (char)c;
		jsonw_escape(&b, one, 1);
		n = b.len - 2;
		assert_true(n >= 1 && n <= 6);
		memcpy(one, b.data + 1, n);
		for (at = 0; at < sizeof(text); at++) {
			memset(text, 'x', sizeof(text));
			text[at] = (char)c;
			memset(expect, 'x', sizeof(expect));
			expect[0] = '"';
			memcpy(expect + 1 + at, one, n);
			expect[sizeof(text) + n] = '"';
			buf_reset(&b);
			jsonw_escape(&b, text, sizeof(text));
			assert_int_equal(b.len, sizeof(text) + n + 1);
			assert_memory_equal(b.data, expect, b.len);
		}
	}
	buf_clear(&b);
}

static void
assert_safe(const char *text, size_t len)
{
	size_t i, n;
	uint32_t code;

	for (i = 0; i < len; i += n) {
		n = text_utf8_char(text + i, len - i, &code);
		assert_int_not_equal(n, 0);
		assert_true(code >= 0x20 && (code < 0x7f || code >= 0xa0));
		assert_true(code != 0x2028 && code != 0x2029);
	}
}

static void
test_noise_stays_valid(void **state)
{
	/* bytes that like to be near each other */
	static const unsigned char pool[] = {'a', '"', '\\', 0, '\n', 0x7f,
	    0x80, 0x85, 0xa8, 0xbf, 0xc2, 0xc3, 0xe2, 0xed, 0xf0, 0xf4, 0xff};
	struct buf b, scrubbed;
	struct json_error err;
	struct json *v;
	uint64_t seed = 11;
	char text[40];
	size_t len, i;
	int round;

	(void)state;
	buf_init(&b, 0);
	buf_init(&scrubbed, 0);
	for (round = 0; round < 20000; round++) {
		seed = seed * UINT64_C(6364136223846793005) + 1;
		len = (seed >> 40) % sizeof(text);
		for (i = 0; i < len; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			text[i] = (char)pool[(seed >> 33) % sizeof(pool)];
			/* a NUL is refused by the parser */
			if (text[i] == '\0')
				text[i] = 'n';
		}
		buf_reset(&b);
		jsonw_escape(&b, text, len);
		assert_safe(b.data, b.len);
		assert_int_equal(json_parse(b.data, b.len, NULL, &v, &err), 0);
		buf_reset(&scrubbed);
		text_utf8_scrub(&scrubbed, text, len);
		assert_int_equal(v->type, JSON_STRING);
		assert_int_equal(v->len, scrubbed.len);
		assert_memory_equal(v->text, buf_str(&scrubbed), scrubbed.len);
		json_free(v);
	}
	buf_clear(&b);
	buf_clear(&scrubbed);
}

static void
test_full_buffer_tells(void **state)
{
	struct jsonw w;
	struct buf b;

	(void)state;
	buf_init(&b, 12);
	jsonw_init(&w, &b, false);
	jsonw_array(&w);
	jsonw_str(&w, "much too long for it");
	jsonw_array_end(&w);
	assert_true(b.truncated);
	assert_int_equal(b.len, 12);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_compact),
	    cmocka_unit_test(test_pretty),
	    cmocka_unit_test(test_int),
	    cmocka_unit_test(test_double),
	    cmocka_unit_test(test_escape),
	    cmocka_unit_test(test_every_byte_at_every_place),
	    cmocka_unit_test(test_noise_stays_valid),
	    cmocka_unit_test(test_full_buffer_tells),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
