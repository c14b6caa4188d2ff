/*
 * test_uuid.c - UUIDv7: layout, order, text.
 */
#include <config.h>

#include "base/uuid.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW_US INT64_C(1798045200004321)

static void
test_layout(void **state)
{
	struct uuid u;
	uint64_t msec = 0;
	int i;

	(void)state;
	uuid_v7(&u, NOW_US);
	for (i = 0; i < 6; i++)
		msec = msec << 8 | u.bytes[i];
	assert_true(msec == (uint64_t)NOW_US / 1000);
	assert_int_equal(u.bytes[6] >> 4, 7);
	assert_int_equal(u.bytes[8] >> 6, 2);
	/* before the epoch there is no id; the first instant stands for it */
	uuid_v7(&u, -5);
	assert_memory_equal(u.bytes, "\0\0\0\0\0\0", 6);
}

static void
test_sorts_within_a_millisecond(void **state)
{
	struct uuid last, u;
	int i;

	(void)state;
	uuid_v7(&last, NOW_US);
	for (i = 0; i < 50000; i++) {
		uuid_v7(&u, NOW_US + i % 600);
		assert_true(memcmp(last.bytes, u.bytes, 16) < 0);
		assert_memory_equal(last.bytes, u.bytes, 6);
		assert_int_equal(u.bytes[6] >> 4, 7);
		assert_int_equal(u.bytes[8] >> 6, 2);
		last = u;
	}
}

static void
test_sorts_across_milliseconds(void **state)
{
	char last[UUID_TEXT_BYTES], text[UUID_TEXT_BYTES];
	struct uuid u;
	int i;

	(void)state;
	uuid_v7(&u, NOW_US);
	uuid_format(&u, last);
	for (i = 1; i < 3000; i++) {
		uuid_v7(&u, NOW_US + i * INT64_C(1000));
		assert_true(strcmp(last, uuid_format(&u, text)) < 0);
		memcpy(last, text, sizeof(last));
	}
}

static void
test_differs_when_the_clock_returns(void **state)
{
	struct uuid a, b;

	(void)state;
	uuid_v7(&a, NOW_US);
	uuid_v7(&b, NOW_US + 1000);
	uuid_v7(&b, NOW_US);
	assert_memory_not_equal(a.bytes, b.bytes, 16);
	assert_memory_equal(a.bytes, b.bytes, 6);
}

static void
test_text(void **state)
{
	static const char text[] = "0198f0e1-a2b3-7c4d-8e5f-60718293a4bc";
	char out[UUID_TEXT_BYTES];
	struct uuid u;

	(void)state;
	assert_int_equal(uuid_parse(text, &u), 0);
	assert_int_equal(u.bytes[0], 0x01);
	assert_int_equal(u.bytes[15], 0xbc);
	assert_string_equal(uuid_format(&u, out), text);
	assert_int_equal(
	    uuid_parse("0198F0E1-A2B3-7C4D-8E5F-60718293A4BC", &u), 0);
	assert_string_equal(uuid_format(&u, out), text);
}

static void
test_bad_text(void **state)
{
	static const char *const bad[] = {
	    "",
	    "0",
	    "0198f0e1",
	    "0198f0e1-",
	    "0198f0e1a2b37c4d8e5f60718293a4bc",
	    "0198f0e1-a2b3-7c4d-8e5f-60718293a4b",
	    "0198f0e1-a2b3-7c4d-8e5f-60718293a4bcd",
	    "0198f0e1-a2b3-7c4d-8e5f-60718293a4bg",
	    "0198f0e1 a2b3-7c4d-8e5f-60718293a4bc",
	    "{198f0e1-a2b3-7c4d-8e5f-60718293a4bc",
	    " 198f0e1-a2b3-7c4d-8e5f-60718293a4bc",
	};
	struct uuid u;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(uuid_parse(bad[i], &u), -EINVAL);
}

static void
test_random(void **state)
{
	unsigned char a[64] = {0}, b[64] = {0};

	(void)state;
	uuid_random(a, sizeof(a));
	uuid_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	uuid_random(a, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_layout),
	    cmocka_unit_test(test_sorts_within_a_millisecond),
	    cmocka_unit_test(test_sorts_across_milliseconds),
	    cmocka_unit_test(test_differs_when_the_clock_returns),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_bad_text),
	    cmocka_unit_test(test_random),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
