/*
 * test_output.c - head and tail of output: what is kept, where it is cut,
 * that what is rendered is text, and that gigabytes cost nothing.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "model/output.h"

#define MARK_MAX 64

static char *
rendered(const struct output *o)
{
	struct buf out;

	buf_init(&out, 0);
	output_render(o, &out);
	assert_int_equal(text_utf8_valid(buf_str(&out), out.len), out.len);
	assert_int_equal(strlen(buf_str(&out)), out.len);
	assert_true(out.len <= o->max_bytes + MARK_MAX);
	return buf_steal(&out);
}

static void
expect(size_t max, const char *fed, size_t len, const char *wanted)
{
	struct output o;
	char *text;
	size_t i, chunk;

	for (chunk = 1; chunk <= len + 1; chunk++) {
		output_init(&o, max);
		for (i = 0; i < len; i += chunk)
			output_feed(
			    &o, fed + i, len - i < chunk ? len - i : chunk);
		text = rendered(&o);
		assert_string_equal(text, wanted);
		free(text);
		output_clear(&o);
	}
}

#define EXPECT(max, fed, wanted) expect((max), (fed), sizeof(fed) - 1, (wanted))

static void
test_kept_whole(void **state)
{
	(void)state;
	EXPECT(8, "", "");
	EXPECT(8, "abcdefgh", "abcdefgh");
	EXPECT(9, "abcdefgh", "abcdefgh");
	EXPECT(1, "a", "a");
	EXPECT(0, "abc", "");
}

static void
test_cut(void **state)
{
	(void)state;
	EXPECT(8, "abcdefghi", "abcd\n[... 1 bytes cut ...]\nfghi");
	EXPECT(7, "abcdefghi", "abc\n[... 2 bytes cut ...]\nfghi");
	EXPECT(1, "abc", "\n[... 2 bytes cut ...]\nc");
	EXPECT(8, "0123456789abcdefghijklmnopqrstuvwxyz",
	    "0123\n[... 28 bytes cut ...]\nwxyz");
}

static void
test_cut_at_characters(void **state)
{
	(void)state;
	/* The head ends and the tail begins within a character. */
	EXPECT(8, "abc\u00e4xyz\u00e4bcd", "abc\n[... 7 bytes cut ...]\nbcd");
	EXPECT(8, "ab\u20ac\u20ac\u20accd", "ab\n[... 9 bytes cut ...]\ncd");
	EXPECT(8, "\U0001f600abcdefg\U0001f600",
	    "\U0001f600\n[... 7 bytes cut ...]\n\U0001f600");
	/* A character that lies across head and tail, nothing missing. */
	EXPECT(8, "abc\u20acde", "abc\u20acde");
	/* Nothing missing: a last broken character is shown as such. */
	EXPECT(8, "abc\xe2\x82", "abc\n[... 1 bytes cut ...]\n\ufffd");
	EXPECT(16, "abc\xe2\x82", "abc\ufffd\ufffd");
}

static void
test_scrubbed_fits(void **state)
{
	(void)state;
	EXPECT(16, "a\0b", "a\u2400b");
	EXPECT(6, "\0\0", "\u2400\u2400");
	/* Three bytes each, so only some fit. */
	EXPECT(6, "\0\0\0\0", "\u2400\n[... 2 bytes cut ...]\n\u2400");
	EXPECT(2, "\xff\xff", "\n[... 2 bytes cut ...]\n");
}

/* Any bytes, any cap, any chunks: equal to feeding at once, and within it. */
static void
test_random(void **state)
{
	static const char alphabet[] =
	    "ab\n\r\0\x80\xbf\xc2\xe2\x82\xac\xf0\x9f"
	    "\x98\xff\xed\xa0 ";
	unsigned seed = 7, round;

	(void)state;
	for (round = 0; round < 20000; round++) {
		char data[64], *a, *b, *line;
		size_t len = (size_t)(rand_r(&seed) % 64), i, cut;
		struct output whole, parts;

		for (i = 0; i < len; i++)
			data[i] = alphabet[(size_t)rand_r(&seed) %
					   (sizeof(alphabet) - 1)];
		output_init(&whole, (size_t)(rand_r(&seed) % 40));
		output_init(&parts, whole.max_bytes);
		output_feed(&whole, data, len);
		for (i = 0; i < len; i += cut) {
			cut = 1 + (size_t)(rand_r(&seed) % 9);
			if (cut > len - i)
				cut = len - i;
			output_feed(&parts, data + i, cut);
		}
		a = rendered(&whole);
		b = rendered(&parts);
		assert_string_equal(a, b);
		line = output_last_line(&whole);
		if (line != NULL)
			assert_int_equal(
			    text_utf8_valid(line, strlen(line)), strlen(line));
		free(a);
		free(b);
		free(line);
		output_clear(&whole);
		output_clear(&parts);
	}
}

static void
expect_last(size_t max, const char *fed, const char *wanted)
{
	struct output o;
	char *line;

	output_init(&o, max);
	output_feed(&o, fed, strlen(fed));
	line = output_last_line(&o);
	if (wanted == NULL)
		assert_null(line);
	else
		assert_string_equal(line, wanted);
	free(line);
	output_clear(&o);
}

static void
test_last_line(void **state)
{
	(void)state;
	expect_last(100, "", NULL);
	expect_last(100, " \n\t\n\r\n", NULL);
	expect_last(0, "text\n", NULL);
	expect_last(100, "one", "one");
	expect_last(100, "one\ntwo\n", "two");
	expect_last(100, "one\ntwo \n \n\n", "two");
	expect_last(100, "one\r\ntwo\r\n", "two");
	expect_last(100, "10%\r20%\r", "20%");
	expect_last(100, "one\n   two", "two");
	/* Across head and tail. */
	expect_last(10, "one\n234567", "234567");
	/* Its begin is gone: what is kept of it. */
	expect_last(8, "0123456789abcdef", "cdef");
	expect_last(8, "0123456789abc\u20ac!", "\u20ac!");
	expect_last(8, "0123456789abc\u20ac!!", "!!");
	/* Nothing but blanks in the tail: the last line of the head. */
	expect_last(8, "one\n\n\n\n\n\n\n\n\n\n\n\n\n\n", "one");
}

static void
test_last_line_is_short(void **state)
{
	struct output o;
	char *line;
	int i;

	(void)state;
	output_init(&o, 65536);
	for (i = 0; i < 1000; i++)
		output_feed(&o, "\u20ac", 3);
	line = output_last_line(&o);
	assert_int_equal(strlen(line), 510);
	free(line);
	output_clear(&o);
	output_init(&o, 65536);
	for (i = 0; i < 1000; i++)
		output_feed(&o, "\xff", 1);
	line = output_last_line(&o);
	assert_int_equal(strlen(line), 510);
	free(line);
	output_clear(&o);
}

/* 10 GB in pieces as they come from a pipe; seconds would fail the suite. */
static void
test_ten_gigabytes(void **state)
{
	size_t chunk = 65536, i;
	char *data = xmalloc(chunk), *text;
	struct output o;

	(void)state;
	memset(data, 'x', chunk);
	output_init(&o, 65536);
	for (i = 0; i < 10000000000 / chunk; i++)
		output_feed(&o, data, chunk);
	assert_int_equal(o.head.len, 32768);
	assert_int_equal(o.tail_cap, 32768);
	text = rendered(&o);
	assert_non_null(strstr(text, "x\n[... 9999876096 bytes cut ...]\nx"));
	free(text);
	output_clear(&o);
	free(data);
}

/* A disk image on stdout: rendering it is no matter of seconds. */
static void
test_many_nuls(void **state)
{
	static char zeros[1 << 20];
	struct output o;
	char *text;

	(void)state;
	output_init(&o, sizeof(zeros));
	output_feed(&o, zeros, sizeof(zeros));
	text = rendered(&o);
	assert_int_equal(strncmp(text, "\u2400\u2400", 6), 0);
	free(text);
	text = output_last_line(&o);
	assert_null(text);
	output_clear(&o);
	assert_int_equal(o.max_bytes, sizeof(zeros));
	output_feed(&o, "again", 5);
	text = rendered(&o);
	assert_string_equal(text, "again");
	free(text);
	output_clear(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kept_whole),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_cut_at_characters),
	    cmocka_unit_test(test_scrubbed_fits),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_last_line),
	    cmocka_unit_test(test_last_line_is_short),
	    cmocka_unit_test(test_ten_gigabytes),
	    cmocka_unit_test(test_many_nuls),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
