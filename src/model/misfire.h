/*
 * misfire.h - fires that nobody was there for: which run late, which become
 * rows of their own, which are only counted. Pure, and in slices.
 */
#ifndef REEVE_MODEL_MISFIRE_H
#define REEVE_MODEL_MISFIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/job.h"

/*
 * A walk over the instants in (after, until]. Remembers the newest
 * `max_count` of them one by one; of the older ones the number, the first and
 * the last.
 */
struct misfire_scan {
	int64_t at_us, until_us;
	int keep; /* policy's max_count */
	int64_t *ring; /* the newest, oldest first from `start` */
	int count, start;
	int64_t dropped, dropped_from_us, dropped_to_us;
};

void misfire_scan_init(struct misfire_scan *s, const struct misfire_policy *p,
    int64_t after_us, int64_t until_us);
/* Look at `max` more instants. True while there may be more. */
bool misfire_scan_step(struct misfire_scan *s, const struct job *job,
    int64_t grid_us, unsigned max);
void misfire_scan_clear(struct misfire_scan *s);
/* The i-th remembered instant, from the oldest. */
int64_t misfire_scan_at(const struct misfire_scan *s, int i);
/* Does the i-th remembered instant run (late), or is it missed? */
bool misfire_runs(const struct misfire_scan *s, const struct misfire_policy *p,
    int i, int64_t now_us);

#endif
