/*
 * policy.c - admission and retry, decided from facts alone. Must never read a
 * clock, a random source or anything that is not an argument.
 */
#include <config.h>

#include "model/policy.h"

#include "base/clock.h"
#include "base/map.h"

static struct admission
skip(enum reason why)
{
	return (struct admission){.verdict = ADMIT_SKIP, .reason = why};
}

static struct admission
verdict(enum admit v)
{
	return (struct admission){.verdict = v};
}

static struct admission
wait_behind(void)
{
	return (struct admission){.verdict = ADMIT_WAIT, .behind = true};
}

/* What an open run of the same job does to this one. Catch-up fires of one
 * job stand behind each other whatever its overlap, except `allow`. */
static struct admission
admit_overlap(const struct admit_facts *f)
{
	if (f->overlap == OVERLAP_ALLOW)
		return verdict(ADMIT_START);
	if (f->was_waiting)
		return f->open_runs > f->waiting_runs || f->ahead_in_queue
			   ? wait_behind()
			   : verdict(ADMIT_START);
	if (f->open_runs == 0)
		return verdict(ADMIT_START);
	if (f->trigger == TRIGGER_CATCH_UP)
		return wait_behind();
	switch (f->overlap) {
	case OVERLAP_QUEUE:
		return f->behind_runs < f->max_queued ? wait_behind()
						      : skip(REASON_OVERLAP);
	case OVERLAP_REPLACE:
		return verdict(ADMIT_REPLACE);
	case OVERLAP_SKIP:
	case OVERLAP_ALLOW:
		break;
	}
	return skip(REASON_OVERLAP);
}

static struct admission
admit_slot(const struct admit_facts *f)
{
	if (!f->job_room)
		return wait_behind();
	return verdict(f->slot_free ? ADMIT_START : ADMIT_WAIT);
}

struct admission
policy_admit(const struct admit_facts *f)
{
	struct admission a;
	bool probe = false;

	/* Several runs may be open since the overlap was `allow`. */
	if (f->later_attempt)
		return f->overlap != OVERLAP_ALLOW && f->running_runs > 0
			   ? wait_behind()
			   : admit_slot(f);
	if (f->paused && !f->forced)
		return skip(REASON_PAUSED);
	a = admit_overlap(f);
	if (a.verdict != ADMIT_START)
		return a;
	/* The breaker is looked at when a run is admitted to start, so one that
	 * waits behind another is judged by what that other one did. */
	if (f->breaker.open && !f->forced) {
		if (!f->breaker.probe_due || f->probing)
			return skip(REASON_BREAKER);
		probe = true;
	}
	a = admit_slot(f);
	a.probe = probe && a.verdict == ADMIT_START;
	return a;
}

static double
backoff_factor(const struct retry_policy *p, int attempt)
{
	double factor = 1;

	switch (p->backoff) {
	case BACKOFF_FIXED:
		return 1;
	case BACKOFF_LINEAR:
		return attempt;
	case BACKOFF_EXPONENTIAL:
		for (int i = 1; i < attempt && factor < 1e12; i++)
			factor *= p->multiplier;
		return factor;
	}
	return factor;
}

int64_t
policy_backoff(const struct retry_policy *p, int attempt, uint64_t seed)
{
	double delay = (double)p->delay_us * backoff_factor(p, attempt);
	double part = (double)(seed >> 11) / (double)(UINT64_C(1) << 53);

	if (delay > (double)p->max_delay_us)
		delay = (double)p->max_delay_us;
	switch (p->jitter) {
	case JITTER_FULL:
		delay *= part;
		break;
	case JITTER_EQUAL:
		delay = delay / 2 + delay / 2 * part;
		break;
	case JITTER_NONE:
		break;
	}
	return (int64_t)delay;
}

struct verdict
policy_decide(const struct retry_policy *p, const struct outcome *o,
    int attempt, bool probe, int64_t now_us, int64_t run_ends_us, uint64_t seed)
{
	struct verdict v = {
	    .decision = DECIDE_GIVE_UP, .retry_at_us = TIME_NEVER};

	if (o->status != STATUS_FAILURE) {
		v.decision = DECIDE_DONE;
		return v;
	}
	if (o->permanent || o->canceled_by_us || probe ||
	    attempt >= p->max_attempts)
		return v;
	if (o->reason == REASON_LOST && !p->on_lost)
		return v;
	v.delay_us = policy_backoff(p, attempt, seed);
	if (v.delay_us < o->retry_after_us)
		v.delay_us = o->retry_after_us;
	if (run_ends_us != TIME_NEVER && now_us + v.delay_us >= run_ends_us)
		return v;
	v.decision = DECIDE_RETRY;
	v.retry_at_us = now_us + v.delay_us;
	return v;
}
