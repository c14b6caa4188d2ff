/*
 * heap.h - binary min-heap of intrusive nodes by an int64 key, ties in the
 * order of insertion. O(log n) for all but heap_min().
 */
#ifndef REEVE_BASE_HEAP_H
#define REEVE_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;
	uint64_t order;
	size_t index; /* 1-based; 0: in no heap */
};

struct heap {
	struct heap_node **slots;
	size_t count, cap;
	uint64_t next_order;
};

void heap_init(struct heap *h);
void heap_clear(struct heap *h);
/* `n` is in no heap; it is kept until removed. */
void heap_add(struct heap *h, struct heap_node *n, int64_t key);
/* No-op when `n` is in no heap. */
void heap_remove(struct heap *h, struct heap_node *n);
struct heap_node *heap_min(const struct heap *h);

#endif
