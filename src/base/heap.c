/*
 * heap.c - binary min-heap of intrusive nodes.
 *
 * Must keep every node's `index` right: removal from the middle depends on it.
 */
#include <config.h>

#include "base/heap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/xalloc.h"

/* slots[0] is the node with index 1 */
static struct heap_node *
at(const struct heap *h, size_t index)
{
	return h->slots[index - 1];
}

static void
place(struct heap *h, struct heap_node *n, size_t index)
{
	h->slots[index - 1] = n;
	n->index = index;
}

static bool
before(const struct heap_node *a, const struct heap_node *b)
{
	if (a->key != b->key)
		return a->key < b->key;
	return a->order < b->order;
}

static void
sift_up(struct heap *h, struct heap_node *n, size_t index)
{
	while (index > 1 && before(n, at(h, index / 2))) {
		place(h, at(h, index / 2), index);
		index /= 2;
	}
	place(h, n, index);
}

static void
sift_down(struct heap *h, struct heap_node *n, size_t index)
{
	size_t child;

	while ((child = index * 2) <= h->count) {
		if (child < h->count && before(at(h, child + 1), at(h, child)))
			child++;
		if (!before(at(h, child), n))
			break;
		place(h, at(h, child), index);
		index = child;
	}
	place(h, n, index);
}

void
heap_init(struct heap *h)
{
	memset(h, 0, sizeof(*h));
}

void
heap_clear(struct heap *h)
{
	size_t i;

	for (i = 0; i < h->count; i++)
		h->slots[i]->index = 0;
	free(h->slots);
	heap_init(h);
}

void
heap_add(struct heap *h, struct heap_node *n, int64_t key)
{
	BUG_ON(n->index != 0);
	if (h->count == h->cap) {
		h->cap = h->cap > 0 ? h->cap * 2 : 16;
		h->slots = xreallocarray(h->slots, h->cap, sizeof(*h->slots));
	}
	n->key = key;
	n->order = h->next_order++;
	h->count++;
	sift_up(h, n, h->count);
}

void
heap_remove(struct heap *h, struct heap_node *n)
{
	size_t index = n->index;
	struct heap_node *last;

	if (index == 0)
		return;
	BUG_ON(index > h->count || at(h, index) != n);
	last = at(h, h->count);
	h->count--;
	n->index = 0;
	if (last == n)
		return;
	if (index > 1 && before(last, at(h, index / 2)))
		sift_up(h, last, index);
	else
		sift_down(h, last, index);
}

struct heap_node *
heap_min(const struct heap *h)
{
	return h->count > 0 ? h->slots[0] : NULL;
}
