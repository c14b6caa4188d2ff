/*
 * misfire.h - fires that nobody was there for: which run late, which become
 * rows of their own, which are only counted. Pure, and in slices.
 */
#ifndef REEVE_MODEL_MISFIRE_H
#define REEVE_MODEL_MISFIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/job.h"

/* At most so many instants that are on time are kept. */
#define MISFIRE_MOST_ON_TIME 10000

/* The newest instants, oldest first from `start`. */
struct misfire_ring {
	int64_t *at_us;
	int count, cap, start;
};

/*
 * A walk over the instants in (after, until]. Of those more than the policy's
 * `after` late at `until`, which are missed, it remembers the newest
 * `max_count` one by one; of the older ones the number, the first and the
 * last. Those that are on time (a turn that took long finds several) are
 * remembered beside them.
 */
struct misfire_scan {
	int64_t at_us, until_us;
	int64_t after_us; /* policy's */
	int keep; /* policy's max_count */
	struct misfire_ring late, on_time;
	int count; /* remembered, of both */
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
/*
 * Does the i-th remembered instant run, or is it missed? What was found on
 * time runs; of the late ones none older than maxAge, and under `last` only
 * the newest instant of all: a fire on time stands for those before it.
 */
bool misfire_runs(const struct misfire_scan *s, const struct misfire_policy *p,
    int i, int64_t now_us);

#endif
