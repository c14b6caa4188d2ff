/*
 * test_map.c - the hash table against a plain array of what must be in it.
 */
#include <config.h>

#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEYS 500

static void
test_empty(void **state)
{
	struct map *m = map_new();
	size_t pos = 0;

	(void)state;
	assert_int_equal(map_count(m), 0);
	assert_null(map_get(m, ""));
	assert_null(map_del(m, "x"));
	assert_null(map_next(m, &pos));
	assert_null(map_next(m, &pos));
	map_free(m);
	map_free(NULL);
}

static void
test_set_replaces_key_and_value(void **state)
{
	struct map *m = map_new();
	char first[] = "disk", second[] = "disk";
	int a, b;

	(void)state;
	assert_null(map_set(m, first, &a));
	assert_ptr_equal(map_set(m, second, &b), &a);
	assert_int_equal(map_count(m), 1);
	/* the first key may go away now */
	memset(first, 'x', sizeof(first) - 1);
	assert_ptr_equal(map_get(m, "disk"), &b);
	assert_null(map_get(m, "xxxx"));
	assert_ptr_equal(map_del(m, "disk"), &b);
	assert_int_equal(map_count(m), 0);
	map_free(m);
}

static void
test_random_against_array(void **state)
{
	static char names[KEYS][16];
	bool in[KEYS] = {false}, seen[KEYS];
	uint64_t seed = 7;
	struct map *m = map_new();
	size_t count = 0, i, pos, found;
	char(*value)[16];
	int step;

	(void)state;
	for (i = 0; i < KEYS; i++)
		snprintf(names[i], sizeof(names[i]), "job-%zu", i);
	for (step = 0; step < 100000; step++) {
		seed = seed * UINT64_C(6364136223846793005) + 1;
		i = (seed >> 33) % KEYS;
		if (in[i]) {
			assert_ptr_equal(map_del(m, names[i]), &names[i]);
			count--;
		} else {
			assert_null(map_set(m, names[i], &names[i]));
			count++;
		}
		in[i] = !in[i];
		assert_int_equal(map_count(m), count);
		i = (seed >> 20) % KEYS;
		assert_ptr_equal(
		    map_get(m, names[i]), in[i] ? &names[i] : NULL);
	}
	memset(seen, 0, sizeof(seen));
	pos = found = 0;
	while ((value = map_next(m, &pos)) != NULL) {
		i = (size_t)(value - names);
		assert_true(in[i]);
		assert_false(seen[i]);
		seen[i] = true;
		found++;
	}
	assert_int_equal(found, count);
	map_free(m);
}

static void
test_hash_is_fnv1a(void **state)
{
	(void)state;
	/* the published vectors: the hash is in ledgers, it must not change */
	assert_true(map_hash_bytes("", 0, 0) == UINT64_C(0xcbf29ce484222325));
	assert_true(map_hash_bytes("a", 1, 0) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(
	    map_hash_bytes("foobar", 6, 0) == UINT64_C(0x85944171f73967e8));
	assert_true(map_hash_bytes("a", 1, 1) != map_hash_bytes("a", 1, 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_set_replaces_key_and_value),
	    cmocka_unit_test(test_random_against_array),
	    cmocka_unit_test(test_hash_is_fnv1a),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
