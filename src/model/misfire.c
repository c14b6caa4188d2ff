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
	s->keep = p->max_count;
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
	if (s->keep == 0) {
		drop(s, at_us);
		return;
	}
	if (s->ring == NULL)
		s->ring = xcalloc((size_t)s->keep, sizeof(*s->ring));
	if (s->count < s->keep) {
		s->ring[s->count++] = at_us;
		return;
	}
	drop(s, s->ring[s->start]);
	s->ring[s->start] = at_us;
	s->start = (s->start + 1) % s->keep;
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
	}
	return true;
}

void
misfire_scan_clear(struct misfire_scan *s)
{
	free(s->ring);
	memset(s, 0, sizeof(*s));
}

int64_t
misfire_scan_at(const struct misfire_scan *s, int i)
{
	return s->ring[(s->start + i) % s->keep];
}

bool
misfire_runs(const struct misfire_scan *s, const struct misfire_policy *p,
    int i, int64_t now_us)
{
	int64_t at_us = misfire_scan_at(s, i);

	/* Not late enough to be a misfire at all. */
	if (now_us - at_us <= p->after_us)
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
