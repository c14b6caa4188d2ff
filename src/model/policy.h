/*
 * policy.h - the decisions of a run's life. Pure functions: facts and time
 * come in, a verdict goes out, nothing else happens.
 */
#ifndef REEVE_MODEL_POLICY_H
#define REEVE_MODEL_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "model/breaker.h"
#include "model/job.h"
#include "model/outcome.h"

/* ---- admission: may this run start now? ---- */

struct admit_facts {
	enum trigger trigger;
	bool forced; /* passes pause and breaker; never overlap */
	bool later_attempt; /* a retry: asked for room, never refused */
	bool paused;
	struct breaker_view breaker;
	enum overlap overlap;
	int max_queued;
	int open_runs; /* of the job, without this one */
	int waiting_runs; /* of them, those in WAITING */
	int behind_runs; /* of these, those behind the job, not for a slot */
	int running_runs; /* of the open ones, those that hold a slot */
	bool probing; /* one of the open ones is a probe */
	bool was_waiting; /* it is in the queue already */
	bool ahead_in_queue; /* an older run of the job waits */
	bool job_room; /* the job's own maxConcurrent allows one more */
	bool slot_free; /* globally and in its pool, and nobody is passed by */
};

enum admit {
	ADMIT_START,
	ADMIT_WAIT,
	ADMIT_SKIP,
	ADMIT_REPLACE, /* wait, and stop the open runs of the job */
};

struct admission {
	enum admit verdict;
	enum reason reason; /* of a SKIP */
	bool behind; /* of a WAIT: for its own job, not for a slot */
	bool probe; /* a START let through by an open breaker */
};

struct admission policy_admit(const struct admit_facts *f);

/* ---- decision: what after an attempt? ---- */

enum decision {
	DECIDE_DONE, /* success or skip: the run is over */
	DECIDE_RETRY,
	DECIDE_GIVE_UP, /* the run is over, failed */
};

struct verdict {
	enum decision decision;
	int64_t retry_at_us; /* real; of RETRY */
	int64_t delay_us;
};

/*
 * After attempt `attempt` (from 1) ended with `o` at `now_us`. `run_ends_us`:
 * no attempt may begin at or after it (runTimeout), TIME_NEVER: none. `seed`
 * decides the jitter: equal arguments, equal verdict.
 */
struct verdict policy_decide(const struct retry_policy *p,
    const struct outcome *o, int attempt, bool probe, int64_t now_us,
    int64_t run_ends_us, uint64_t seed);

/* Delay before attempt + 1, in microseconds, without retryAfter. */
int64_t policy_backoff(
    const struct retry_policy *p, int attempt, uint64_t seed);

#endif
