/*
 * effects.c - the queue between a record and what follows from it.
 * Must never run anything whose record is not on the disk.
 * On the road: before, settle.c and claim.c append records; after, the disk.
 */
#include <config.h>

#include "flow/effects.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void
effects_clear(struct effects *e)
{
	free(e->items);
	memset(e, 0, sizeof(*e));
}

static void
grow(struct effects *e)
{
	size_t cap = e->cap == 0 ? 64 : e->cap * 2;
	struct effect *items = xcalloc(cap, sizeof(*items));

	for (size_t i = 0; i < e->count; i++)
		items[i] = e->items[(e->start + i) % e->cap];
	free(e->items);
	e->items = items;
	e->start = 0;
	e->cap = cap;
}

void
effects_add(struct effects *e, uint64_t seq, effect_fn *fn, void *arg)
{
	if (e->count == e->cap)
		grow(e);
	e->items[(e->start + e->count) % e->cap] =
	    (struct effect){.seq = seq, .fn = fn, .arg = arg};
	e->count++;
}

size_t
effects_run(struct effects *e, uint64_t durable_seq, size_t max)
{
	size_t done = 0;

	while (done < max && e->count > 0 &&
	       e->items[e->start].seq <= durable_seq) {
		struct effect next = e->items[e->start];

		e->start = (e->start + 1) % e->cap;
		e->count--;
		done++;
		next.fn(next.arg);
	}
	return done;
}
