/*
 * misfire.c - counts and keeps the instants that passed unseen. Must never
 * take memory that grows with the length of the downtime.
 */
#include <config.h>

#include "model/misfire.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

void
misfire_scan_init(struct misfire_scan *s, const struct misfire_policy *p,
    int64_t after_us, int64_t until_us)
{
	memset(s, 0, sizeof(*s));
	s->at_us = after_us;
	s->until_us = until_us;
	s->after_us = p->after_us;
	s->keep = p->max_count;
}

static void
grow(struct misfire_ring *r, int most)
{
	r->cap = r->cap == 0 ? 16 : r->cap * 2;
	if (r->cap > most)
		r->cap = most;
	r->at_us = xreallocarray(r->at_us, (size_t)r->cap, sizeof(*r->at_us));
}

/* Keeps the newest `most`; true when *ret had to go for it. */
static bool
push(struct misfire_ring *r, int most, int64_t at_us, int64_t *ret)
{
	if (r->count < most) {
		if (r->count == r->cap)
			grow(r, most);
		r->at_us[r->count++] = at_us;
		return false;
	}
	*ret = at_us;
	if (most > 0) {
		*ret = r->at_us[r->start];
		r->at_us[r->start] = at_us;
		r->start = (r->start + 1) % most;
	}
	return true;
}

static void
drop(struct misfire_scan *s, int64_t at_us)
{
	if (s->dropped++ == 0)
		s->dropped_from_us = at_us;
	s->dropped_to_us = at_us;
}

static void
remember(struct misfire_scan *s, int64_t at_us)
{
	bool late = s->until_us - at_us > s->after_us;
	int64_t gone_us;

	if (!late && !push(&s->on_time, MISFIRE_MOST_ON_TIME, at_us, &gone_us))
		return;
	if (!late)
		at_us = gone_us;
	if (push(&s->late, s->keep, at_us, &gone_us))
		drop(s, gone_us);
}

bool
misfire_scan_step(struct misfire_scan *s, const struct job *job,
    int64_t grid_us, unsigned max)
{
	while (max-- > 0) {
		int64_t at_us = schedule_next(
		    job->schedule, job->zone, job->dst, grid_us, s->at_us);

		if (at_us > s->until_us)
			return false;
		s->at_us = at_us;
		remember(s, at_us);
		s->count = s->late.count + s->on_time.count;
	}
	return true;
}

void
misfire_scan_clear(struct misfire_scan *s)
{
	free(s->late.at_us);
	free(s->on_time.at_us);
	memset(s, 0, sizeof(*s));
}

int64_t
misfire_scan_at(const struct misfire_scan *s, int i)
{
	const struct misfire_ring *r = &s->late;

	if (i >= r->count) {
		i -= r->count;
		r = &s->on_time;
	}
	return r->at_us[(r->start + i) % r->cap];
}

bool
misfire_runs(const struct misfire_scan *s, const struct misfire_policy *p,
    int i, int64_t now_us)
{
	int64_t at_us = misfire_scan_at(s, i);

	/* Not late enough to be a misfire at all. */
	if (i >= s->late.count || now_us - at_us <= p->after_us)
		return true;
	if (now_us - at_us > p->max_age_us)
		return false;
	switch (p->policy) {
	case MISFIRE_ALL:
		return true;
	case MISFIRE_LAST:
		return i == s->count - 1;
	case MISFIRE_NONE:
		break;
	}
	return false;
}
