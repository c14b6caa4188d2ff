/*
 * slots.c - counts attempts against limits and keeps who waits in order.
 * Must never start or refuse a run: claim.c asks, this answers.
 */
#include <config.h>

#include "flow/slots.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/xalloc.h"

/* Distance of two priorities in the key of who waits: 126 years of
 * microseconds, so that priority goes first; a thousand of them still fit. */
#define PRIORITY_STEP_US ((int64_t)4000000000000000)

/* Descriptors an attempt takes at most, and those that are not attempts'. */
#define FDS_PER_ATTEMPT 6
#define FDS_RESERVED	256
#define DEFAULT_LIMIT	1000

static int
default_limit(void)
{
	struct rlimit rl;
	int64_t n = DEFAULT_LIMIT;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur != RLIM_INFINITY)
		n = ((int64_t)rl.rlim_cur - FDS_RESERVED) / FDS_PER_ATTEMPT;
	if (n > DEFAULT_LIMIT)
		n = DEFAULT_LIMIT;
	return n < 1 ? 1 : (int)n;
}

static struct slots *
pool_of(const struct road *rd, const struct job *job)
{
	if (job->pool != NULL)
		for (unsigned i = 1; i < rd->npools; i++)
			if (strcmp(rd->pools[i].pool, job->pool) == 0)
				return &rd->pools[i];
	return &rd->pools[0];
}

static int64_t
key_of(const struct open_run *r)
{
	int64_t at_us = r->run.scheduled_at_us == TIME_NEVER
			    ? r->run.created_at_us
			    : r->run.scheduled_at_us;

	return at_us - r->live->def->priority * PRIORITY_STEP_US;
}

/* Move who holds or waits from the old pools to the new ones. Those of one
 * instant and priority wait in the order in which they came, so they are
 * moved in that order. */
static void
move_all(struct road *rd, struct slots *old, unsigned nold)
{
	struct heap_node *n;
	struct open_run *r;
	size_t pos = 0;

	for (unsigned i = 0; i < nold; i++)
		while ((n = heap_min(&old[i].waiting)) != NULL) {
			heap_remove(&old[i].waiting, n);
			slots_enter(CONTAINER_OF(n, struct open_run, waiting));
		}
	while ((r = map_next(rd->open, &pos)) != NULL)
		if (r->has_slot) {
			r->pool = pool_of(rd, r->live->def);
			r->pool->used++;
		}
}

void
slots_configure(struct road *rd)
{
	const struct config *c = rd->config;
	struct slots *old = rd->pools;
	unsigned nold = rd->npools;

	rd->slots_limit =
	    c->max_concurrent > 0 ? c->max_concurrent : default_limit();
	rd->npools = c->npools + 1;
	rd->pools = xcalloc(rd->npools, sizeof(*rd->pools));
	for (unsigned i = 0; i < rd->npools; i++) {
		heap_init(&rd->pools[i].waiting);
		if (i == 0)
			continue;
		rd->pools[i].pool = c->pools[i - 1].name;
		rd->pools[i].limit = c->pools[i - 1].max_concurrent;
	}
	move_all(rd, old, nold);
	for (unsigned i = 0; i < nold; i++)
		heap_clear(&old[i].waiting);
	free(old);
}

void
slots_free(struct road *rd)
{
	for (unsigned i = 0; i < rd->npools; i++)
		heap_clear(&rd->pools[i].waiting);
	free(rd->pools);
	rd->pools = NULL;
	rd->npools = 0;
}

static bool
has_room(const struct road *rd, const struct slots *s)
{
	return rd->slots_used < rd->slots_limit &&
	       (s->limit == 0 || s->used < s->limit);
}

bool
slots_free_for(const struct open_run *r, bool first)
{
	const struct road *rd = r->live->road;
	const struct slots *s = pool_of(rd, r->live->def);

	return has_room(rd, s) && (first || slots_first(rd) == NULL);
}

void
slots_take(struct open_run *r)
{
	struct road *rd = r->live->road;

	BUG_ON(r->has_slot);
	r->pool = pool_of(rd, r->live->def);
	r->pool->used++;
	rd->slots_used++;
	r->live->nrunning++;
	r->has_slot = true;
}

void
slots_give_back(struct open_run *r)
{
	if (!r->has_slot)
		return;
	r->has_slot = false;
	r->pool->used--;
	r->pool = NULL;
	r->live->road->slots_used--;
	r->live->nrunning--;
}

void
slots_enter(struct open_run *r)
{
	r->pool = pool_of(r->live->road, r->live->def);
	heap_add(&r->pool->waiting, &r->waiting, key_of(r));
}

void
slots_leave(struct open_run *r)
{
	if (r->waiting.index == 0)
		return;
	heap_remove(&r->pool->waiting, &r->waiting);
	r->pool = NULL;
}

void
slots_redefine(struct live_job *live)
{
	LIST_EACH (it, &live->runs) {
		struct open_run *r = LIST_ENTRY(it, struct open_run, in_job);

		if (r->waiting.index == 0 ||
		    (r->pool == pool_of(live->road, live->def) &&
			r->waiting.key == key_of(r)))
			continue;
		slots_leave(r);
		slots_enter(r);
	}
}

struct open_run *
slots_first(const struct road *rd)
{
	struct heap_node *best = NULL;

	if (rd->slots_used >= rd->slots_limit)
		return NULL;
	for (unsigned i = 0; i < rd->npools; i++) {
		struct heap_node *n = heap_min(&rd->pools[i].waiting);

		if (n == NULL || !has_room(rd, &rd->pools[i]))
			continue;
		if (best == NULL || n->key < best->key)
			best = n;
	}
	return best == NULL ? NULL
			    : CONTAINER_OF(best, struct open_run, waiting);
}
