/*
 * breaker.h - the failures of one job that still count, and whether they are
 * too many. Pure; times are real microseconds.
 */
#ifndef REEVE_MODEL_BREAKER_H
#define REEVE_MODEL_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "model/job.h"

/* Zero-initialised: no failure. */
struct breaker {
	unsigned count, cap;
	int64_t *failures_us; /* ascending */
	int64_t closed_at_us; /* failures up to here do not count; 0: none */
};

void breaker_clear(struct breaker *b);
/* A counted failure. Those known that are later were told by a clock that was
 * ahead: see breaker_clock_back(). */
void breaker_add(
    struct breaker *b, const struct breaker_policy *p, int64_t at_us);
/* A probe or a forced run succeeded: what was before does not count. */
void breaker_close(struct breaker *b, int64_t at_us);
/* The clock was set back to `now_us`: what is later, was in truth before, and
 * counts as of now. Else a clock that was years ahead for a moment would keep
 * the breaker open for years. */
void breaker_clock_back(struct breaker *b, int64_t now_us);

struct breaker_view {
	bool open;
	int failures; /* within the window */
	int64_t until_us; /* open: when it closes by itself; else TIME_NEVER */
	bool
	    probe_due; /* open, and `probe` has passed since the last failure */
};
void breaker_look(const struct breaker *b, const struct breaker_policy *p,
    int64_t now_us, struct breaker_view *ret);

#endif
