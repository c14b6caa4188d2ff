/*
 * test_effects.c - nothing runs before its record is durable, everything runs
 * once and in order, also when effects make effects.
 */
#include <config.h>

#include "flow/effects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

#define MOST 1000

/* What ran, in order; and an effect that adds others. */
struct diary {
	struct effects effects;
	unsigned ran[MOST * 2];
	size_t n;
	uint64_t add_seq;
	unsigned add; /* so many at once */
};

/* The argument of effect i is &marks[i]. */
static struct diary diary;
static char marks[MOST * 2];

static void
note(void *arg)
{
	diary.ran[diary.n++] = (unsigned)((char *)arg - marks);
}

static void
note_and_add(void *arg)
{
	note(arg);
	for (unsigned i = 0; i < diary.add; i++)
		effects_add(
		    &diary.effects, diary.add_seq, note, (char *)arg + 1 + i);
}

static void
add(uint64_t seq, unsigned i)
{
	effects_add(&diary.effects, seq, note, &marks[i]);
}

static int
begin(void **state)
{
	(void)state;
	memset(&diary, 0, sizeof(diary));
	return 0;
}

static int
end(void **state)
{
	(void)state;
	effects_clear(&diary.effects);
	return 0;
}

/* 0, 1, 2 ... ran, and nothing else. */
static void
check_ran(size_t n)
{
	assert_int_equal(diary.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(diary.ran[i], i);
}

static void
test_waits_for_the_disk(void **state)
{
	(void)state;
	assert_int_equal(effects_run(&diary.effects, UINT64_MAX, MOST), 0);
	add(5, 0);
	add(5, 1);
	add(6, 2);
	add(UINT64_MAX, 3);
	assert_int_equal(effects_run(&diary.effects, 4, MOST), 0);
	check_ran(0);
	assert_int_equal(effects_run(&diary.effects, 5, MOST), 2);
	check_ran(2);
	assert_int_equal(effects_run(&diary.effects, 5, MOST), 0);
	/* The disk is already further than the next one. */
	assert_int_equal(effects_run(&diary.effects, 1000, MOST), 1);
	check_ran(3);
	assert_int_equal(effects_run(&diary.effects, UINT64_MAX, MOST), 1);
	check_ran(4);
	assert_int_equal(diary.effects.count, 0);
}

static void
test_budget(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++)
		add(1, i);
	assert_int_equal(effects_run(&diary.effects, 1, 0), 0);
	check_ran(0);
	assert_int_equal(effects_run(&diary.effects, 1, 1), 1);
	assert_int_equal(effects_run(&diary.effects, 1, 7), 7);
	check_ran(8);
	assert_int_equal(effects_run(&diary.effects, 1, 7), 2);
	check_ran(10);
}

/* The ring grows while it is wrapped around, at every place of its start. */
static void
test_grows_wrapped(void **state)
{
	(void)state;
	for (unsigned ahead = 0; ahead < 64; ahead++) {
		unsigned next = 0, left;

		begin(NULL);
		while (next < 64) {
			add(next, next);
			next++;
		}
		effects_run(&diary.effects, UINT64_MAX, ahead);
		while (next < 64 + ahead + 200) {
			add(next, next);
			next++;
		}
		left = next - ahead;
		assert_int_equal(
		    effects_run(&diary.effects, next - 2, MOST), left - 1);
		assert_int_equal(
		    effects_run(&diary.effects, next - 1, MOST), 1);
		check_ran(next);
		end(NULL);
	}
}

/* More are added by one that runs: while it is full, and those of a record
 * that is not durable yet wait. */
static void
test_adds_while_it_runs(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 63; i++)
		add(1, i);
	effects_add(&diary.effects, 1, note_and_add, &marks[63]);
	diary.add = 500;
	diary.add_seq = 2;
	assert_int_equal(effects_run(&diary.effects, 1, MOST), 64);
	check_ran(64);
	assert_int_equal(diary.effects.count, 500);
	assert_int_equal(effects_run(&diary.effects, 2, MOST), 500);
	check_ran(564);
	/* Of a durable one they run at once, within the budget. */
	effects_add(&diary.effects, 3, note_and_add, &marks[564]);
	diary.add_seq = 3;
	assert_int_equal(effects_run(&diary.effects, 3, 101), 101);
	check_ran(665);
	assert_int_equal(effects_run(&diary.effects, 3, MOST), 400);
	check_ran(1065);
}

static void
test_clear(void **state)
{
	(void)state;
	add(1, 0);
	effects_clear(&diary.effects);
	assert_int_equal(effects_run(&diary.effects, UINT64_MAX, MOST), 0);
	check_ran(0);
	add(1, 0);
	assert_int_equal(effects_run(&diary.effects, 1, MOST), 1);
	check_ran(1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_waits_for_the_disk, begin, end),
	    cmocka_unit_test_setup_teardown(test_budget, begin, end),
	    cmocka_unit_test_setup_teardown(test_grows_wrapped, begin, end),
	    cmocka_unit_test_setup_teardown(
		test_adds_while_it_runs, begin, end),
	    cmocka_unit_test_setup_teardown(test_clear, begin, end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
