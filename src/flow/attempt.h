/*
 * attempt.h - one worker: make it, wire its pipes and deadlines, notice all
 * ways it can end. After claim.h, before settle.h.
 */
#ifndef REEVE_FLOW_ATTEMPT_H
#define REEVE_FLOW_ATTEMPT_H

#include <stdint.h>

#include "flow/road.h"
#include "model/outcome.h"

/* Drain deadline after the leader was reaped (DESIGN: 1 s). */
#define ATTEMPT_DRAIN_US (1 * USEC_PER_SEC)

/* What the API shows of a live attempt. */
struct attempt_view {
	int number;
	pid_t pid;
	int64_t started_at_us;
	double fraction; /* -1: none */
	const char *message; /* or NULL */
};
void attempt_view(const struct attempt *a, struct attempt_view *ret);

/*
 * Stop the run's worker: `cause` is kept when it is the first; `detail`
 * (copied) words it. No-op when no worker lives.
 */
void attempt_stop(
    struct open_run *r, enum stop_cause cause, const char *detail);
/* The same without TERM. */
void attempt_kill(struct open_run *r, enum stop_cause cause);

/* Actions of the table. */
void attempt_act_spawn(struct open_run *r);
void attempt_act_watch(struct open_run *r);
void attempt_act_term(struct open_run *r);
void attempt_act_kill(struct open_run *r);
void attempt_act_drain(struct open_run *r);

#endif
