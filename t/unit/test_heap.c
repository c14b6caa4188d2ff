/*
 * test_heap.c - the timer heap against a slow list that cannot be wrong.
 */
#include <config.h>

#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NODES 200

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *seed >> 33;
}

/* The node that must come first, found by looking at all of them. */
static struct heap_node *
first_of(struct heap_node *nodes, size_t count)
{
	struct heap_node *best = NULL, *n;
	size_t i;

	for (i = 0; i < count; i++) {
		n = &nodes[i];
		if (n->index == 0)
			continue;
		if (best == NULL || n->key < best->key ||
		    (n->key == best->key && n->order < best->order))
			best = n;
	}
	return best;
}

static void
test_empty(void **state)
{
	struct heap h;
	struct heap_node n = {0};

	(void)state;
	heap_init(&h);
	assert_null(heap_min(&h));
	heap_remove(&h, &n);
	heap_clear(&h);
}

static void
test_ties_keep_order(void **state)
{
	struct heap_node nodes[100] = {{0}};
	struct heap h;
	size_t i;

	(void)state;
	heap_init(&h);
	for (i = 0; i < 100; i++)
		heap_add(&h, &nodes[i], (int64_t)(i / 50));
	for (i = 0; i < 100; i++) {
		assert_ptr_equal(heap_min(&h), &nodes[i]);
		heap_remove(&h, &nodes[i]);
		heap_remove(&h, &nodes[i]);
	}
	assert_null(heap_min(&h));
	heap_clear(&h);
}

static void
test_extreme_keys(void **state)
{
	struct heap_node low = {0}, mid = {0}, high = {0};
	struct heap h;

	(void)state;
	heap_init(&h);
	heap_add(&h, &high, INT64_MAX);
	heap_add(&h, &mid, 0);
	heap_add(&h, &low, INT64_MIN);
	assert_ptr_equal(heap_min(&h), &low);
	heap_remove(&h, &low);
	assert_ptr_equal(heap_min(&h), &mid);
	heap_remove(&h, &mid);
	assert_ptr_equal(heap_min(&h), &high);
	heap_clear(&h);
	assert_int_equal(high.index, 0);
}

static void
test_random_against_list(void **state)
{
	struct heap_node *nodes = calloc(NODES, sizeof(*nodes));
	struct heap_node *n;
	uint64_t seed = 20260729;
	struct heap h;
	size_t in = 0;
	int step;

	(void)state;
	assert_non_null(nodes);
	heap_init(&h);
	for (step = 0; step < 20000; step++) {
		n = &nodes[next_random(&seed) % NODES];
		if (n->index == 0) {
			heap_add(&h, n, (int64_t)(next_random(&seed) % 50));
			in++;
		} else {
			heap_remove(&h, n);
			in--;
		}
		assert_int_equal(h.count, in);
		assert_ptr_equal(heap_min(&h), first_of(nodes, NODES));
	}
	while ((n = heap_min(&h)) != NULL) {
		assert_ptr_equal(n, first_of(nodes, NODES));
		heap_remove(&h, n);
	}
	heap_clear(&h);
	free(nodes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_ties_keep_order),
	    cmocka_unit_test(test_extreme_keys),
	    cmocka_unit_test(test_random_against_list),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
