/*
 * test_buf.c - the byte string with a cap.
 */
#include <config.h>

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
test_empty(void **state)
{
	struct buf b;
	char *text;

	(void)state;
	buf_init(&b, 0);
	assert_string_equal(buf_str(&b), "");
	buf_reset(&b);
	buf_consume(&b, 0);
	text = buf_steal(&b);
	assert_string_equal(text, "");
	free(text);
	buf_clear(&b);
}

static void
test_grows(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 0);
	for (i = 0; i < 100000; i++)
		buf_addch(&b, (char)('a' + i % 26));
	assert_int_equal(b.len, 100000);
	assert_int_equal(strlen(b.data), 100000);
	for (i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	assert_false(b.truncated);
	buf_clear(&b);
}

static void
test_cap_is_exact(void **state)
{
	size_t max;
	struct buf b;

	(void)state;
	/* around the powers of two at which the memory grows */
	for (max = 1; max < 300; max++) {
		buf_init(&b, max);
		while (b.len < max) {
			assert_false(b.truncated);
			buf_addstr(&b, "x");
		}
		assert_false(b.truncated);
		assert_int_equal(buf_room(&b), 0);
		assert_true(b.cap <= max + 1);
		buf_addstr(&b, "y");
		assert_true(b.truncated);
		assert_int_equal(b.len, max);
		assert_int_equal(strlen(b.data), max);
		buf_clear(&b);
		assert_int_equal(b.max, max);
		assert_false(b.truncated);
	}
}

static void
test_what_fits_is_kept(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	buf_addstr(&b, "abc");
	buf_addstr(&b, "defg");
	assert_string_equal(buf_str(&b), "abcde");
	assert_true(b.truncated);
	buf_reset(&b);
	assert_false(b.truncated);
	assert_string_equal(buf_str(&b), "");
	buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 4);
	buf_clear(&b);
}

static void
test_addf(void **state)
{
	char expect[512], big[400];
	size_t len;
	struct buf b;

	(void)state;
	memset(big, 'z', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	/* every length around what is free before the memory grows */
	for (len = 0; len < sizeof(big); len++) {
		buf_init(&b, 0);
		buf_addf(&b, "%d:", 42);
		buf_addf(&b, "%.*s|%s", (int)len, big, "end");
		snprintf(expect, sizeof(expect), "42:%.*s|end", (int)len, big);
		assert_string_equal(buf_str(&b), expect);
		assert_int_equal(b.len, strlen(expect));
		assert_false(b.truncated);
		buf_clear(&b);
	}
}

static void
test_addf_at_the_cap(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	buf_addf(&b, "%s", "0123456789");
	assert_false(b.truncated);
	buf_reset(&b);
	buf_addf(&b, "%s", "0123456789a");
	assert_true(b.truncated);
	assert_string_equal(buf_str(&b), "0123456789");
	buf_addf(&b, "%s", "more");
	assert_string_equal(buf_str(&b), "0123456789");
	buf_clear(&b);

	buf_init(&b, 200);
	buf_addf(&b, "%0300d", 7);
	assert_int_equal(b.len, 200);
	assert_true(b.truncated);
	buf_clear(&b);
}

static void
test_consume(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	buf_addstr(&b, "hello world");
	buf_consume(&b, 6);
	assert_string_equal(buf_str(&b), "world");
	buf_consume(&b, 5);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(b.len, 0);
	buf_clear(&b);
}

static void
test_reserve(void **state)
{
	struct buf b;
	char *p;

	(void)state;
	buf_init(&b, 100);
	buf_addstr(&b, "ab");
	assert_null(buf_reserve(&b, 99));
	assert_false(b.truncated);
	p = buf_reserve(&b, 98);
	assert_non_null(p);
	memset(p, 'c', 98);
	buf_commit(&b, 3);
	assert_string_equal(buf_str(&b), "abccc");
	buf_clear(&b);
}

static void
test_steal(void **state)
{
	struct buf b;
	char *text;

	(void)state;
	buf_init(&b, 9);
	buf_addstr(&b, "mine");
	text = buf_steal(&b);
	assert_string_equal(text, "mine");
	assert_string_equal(buf_str(&b), "");
	buf_addstr(&b, "0123456789");
	assert_string_equal(buf_str(&b), "012345678");
	free(text);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_grows),
	    cmocka_unit_test(test_cap_is_exact),
	    cmocka_unit_test(test_what_fits_is_kept),
	    cmocka_unit_test(test_addf),
	    cmocka_unit_test(test_addf_at_the_cap),
	    cmocka_unit_test(test_consume),
	    cmocka_unit_test(test_reserve),
	    cmocka_unit_test(test_steal),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
