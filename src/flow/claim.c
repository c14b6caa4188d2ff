/*
 * claim.c - admission and the claim: who may start, who waits and where, and
 * the record that is on the disk before a worker is made.
 * Must never make a worker itself.
 * On the road: before, due.c or a trigger makes the run; after, attempt.c.
 *
 * Who waits is in one of two places. Behind an open run of its own job, it is
 * found through the job. For a slot, it is in the heap of its pool (slots.c).
 */
#include <config.h>

#include "flow/claim.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "flow/attempt.h"
#include "flow/slots.h"

static bool
older_waits(const struct open_run *r)
{
	LIST_EACH (it, &r->live->runs) {
		const struct open_run *other =
		    LIST_ENTRY(it, struct open_run, in_job);

		if (other == r)
			return false;
		if (other->queued)
			return true;
	}
	return false;
}

struct breaker_view
claim_breaker(const struct live_job *live)
{
	struct breaker_view v;

	breaker_look(&live->breaker, &live->def->breaker,
	    loop_real_us(live->road->loop), &v);
	return v;
}

/* Is another open run of the job the probe that its breaker let through? */
static bool
other_probes(const struct open_run *r)
{
	LIST_EACH (it, &r->live->runs) {
		const struct open_run *other =
		    LIST_ENTRY(it, struct open_run, in_job);

		if (other != r && other->run.probe)
			return true;
	}
	return false;
}

/* `first`: it is first in its queue, so nobody is passed by. It holds no
 * slot, so those who do are others. */
static struct admit_facts
facts_of(const struct open_run *r, bool first)
{
	const struct live_job *live = r->live;
	const struct job *def = live->def;
	int64_t now_us = loop_real_us(live->road->loop);
	struct breaker_view breaker = claim_breaker(live);

	return (struct admit_facts){
	    .trigger = r->run.trigger,
	    .forced = r->run.forced,
	    .later_attempt = r->run.attempt > 0,
	    .paused = live->paused_until_us != LEDGER_NULL &&
		      live->paused_until_us > now_us,
	    .breaker = breaker,
	    .overlap = def->overlap,
	    .max_queued = def->max_queued,
	    .open_runs = live->nruns - 1,
	    .waiting_runs = live->nwaiting - (r->queued ? 1 : 0),
	    .behind_runs = live->nbehind - (r->queued && r->behind ? 1 : 0),
	    .running_runs = live->nrunning,
	    .probing = breaker.probe_due && other_probes(r),
	    .was_waiting = r->queued,
	    .ahead_in_queue =
		r->queued && def->overlap != OVERLAP_ALLOW && older_waits(r),
	    .job_room = def->max_concurrent == 0 ||
			live->nrunning < def->max_concurrent,
	    .slot_free = slots_free_for(r, first),
	};
}

/* A new run that replaces: the open ones of its job go, each in its way. */
static void
replace_others(struct open_run *by)
{
	char *words = xasprintf("replaced by %s", by->run.id);

	LIST_EACH_SAFE (it, &by->live->runs) {
		struct open_run *r = LIST_ENTRY(it, struct open_run, in_job);

		if (r != by)
			claim_give_up(r, STOP_REPLACED, words);
	}
	free(words);
}

/* Where a run that must wait stands; it may move while it waits. */
static void
leave_place(struct open_run *r)
{
	if (!r->queued)
		return;
	r->queued = false;
	r->live->nwaiting--;
	if (r->behind)
		r->live->nbehind--;
	else
		slots_leave(r);
}

static void
place(struct open_run *r, bool behind)
{
	leave_place(r);
	r->queued = true;
	r->behind = behind;
	r->live->nwaiting++;
	if (behind)
		r->live->nbehind++;
	else
		slots_enter(r);
}

static struct admission
ask(struct open_run *r, bool first)
{
	struct admit_facts f = facts_of(r, first);
	struct admission a = policy_admit(&f);

	switch (a.verdict) {
	case ADMIT_START:
		r->run.probe = a.probe;
		road_step(r, RUN_EV_ADMIT);
		break;
	case ADMIT_REPLACE:
		replace_others(r);
		r->behind = true;
		road_step(r, RUN_EV_WAIT);
		claim_job_free(r->live);
		break;
	case ADMIT_WAIT:
		if (r->queued) {
			place(r, a.behind);
			break;
		}
		r->behind = a.behind;
		road_step(r, RUN_EV_WAIT);
		break;
	case ADMIT_SKIP:
		claim_skip(r, a.reason,
		    a.reason == REASON_BREAKER
			? xasprintf("%d recent failures", f.breaker.failures)
			: NULL,
		    NULL);
		break;
	}
	return a;
}

struct admission
claim_ask(struct open_run *r)
{
	return ask(r, false);
}

void
claim_skip(struct open_run *r, enum reason why, char *detail, char *result)
{
	free(r->skip_detail);
	free(r->skip_result);
	r->skip_detail = detail;
	r->skip_result = result;
	r->skip_reason = why;
	road_step(r, RUN_EV_SKIP);
}

void
claim_give_up(struct open_run *r, enum stop_cause cause, const char *words)
{
	int begun = r->run.attempt - (r->claiming ? 1 : 0);

	switch (r->run.state) {
	case RUN_NEW:
	case RUN_WAITING:
	case RUN_CLAIMING:
	case RUN_BACKOFF:
		if (begun > 0)
			road_step(r, RUN_EV_FINISH);
		else
			claim_skip(
			    r, REASON_CANCELED, xstrdup_null(words), NULL);
		break;
	case RUN_STARTING:
	case RUN_RUNNING:
	case RUN_STOPPING:
	case RUN_DRAINING:
		r->given_up = true;
		attempt_stop(r, cause, words);
		break;
	case RUN_DONE:
	case RUN_NSTATES:
		break;
	}
}

/* ---- queues ---- */

void
claim_job_free(struct live_job *live)
{
	if (live->nbehind > 0 && list_empty(&live->freed))
		list_append(&live->road->freed, &live->freed);
}

/* The oldest run of the job that waits behind; NULL when there is none. */
static struct open_run *
first_behind(const struct live_job *live)
{
	LIST_EACH (it, &live->runs) {
		struct open_run *r = LIST_ENTRY(it, struct open_run, in_job);

		if (r->queued && r->behind)
			return r;
	}
	return NULL;
}

static void
pump_job(struct live_job *live)
{
	struct open_run *r;

	while ((r = first_behind(live)) != NULL) {
		ask(r, false);
		if (r->queued && r->behind)
			return;
	}
}

static bool
pump_freed(struct road *rd, int64_t until_us)
{
	while (!list_empty(&rd->freed)) {
		struct live_job *live =
		    LIST_ENTRY(rd->freed.next, struct live_job, freed);

		if (clock_boot_us() > until_us)
			return true;
		list_remove(&live->freed);
		pump_job(live);
	}
	return false;
}

bool
claim_pump(struct road *rd, int64_t budget_us)
{
	int64_t until_us;
	struct open_run *r;

	if (rd->stopping || (list_empty(&rd->freed) && slots_first(rd) == NULL))
		return false;
	until_us = clock_boot_us() + budget_us;
	if (pump_freed(rd, until_us))
		return true;
	while ((r = slots_first(rd)) != NULL) {
		if (clock_boot_us() > until_us)
			return true;
		ask(r, true);
	}
	return !list_empty(&rd->freed);
}

void
claim_timer_due(void *arg)
{
	struct open_run *r = arg;

	if (r->run.state == RUN_WAITING)
		claim_skip(r, REASON_MISSED,
		    xstrdup("waited longer than misfire.maxAge"), NULL);
	else if (r->live->road->stopping)
		return; /* it stays in the ledger */
	else
		ask(r, false);
}

/* Arm the run's timer for a real instant, by elapsed time from now. */
void
claim_arm(struct open_run *r, int64_t real_us)
{
	struct loop *lp = r->live->road->loop;

	timer_set(
	    lp, &r->timer, loop_boot_us(lp) + (real_us - loop_real_us(lp)));
}

void
claim_withdraw(struct open_run *r)
{
	struct road *rd = r->live->road;

	timer_clear(rd->loop, &r->timer);
	leave_place(r);
	if (r->claiming) {
		r->claiming = false;
		r->run.attempt--;
		ledger_del_attempt(rd->ledger, r->run.id);
	}
	slots_give_back(r);
}

/* ---- records ---- */

void
claim_record(struct open_run *r, const char *state)
{
	char hash[JOB_HASH_TEXT_BYTES];

	ledger_put_run(r->live->road->ledger,
	    &(struct ledger_run){
		.run_id = r->run.id,
		.job_name = r->run.job->name,
		.trigger = trigger_name(r->run.trigger),
		.scheduled_at_us = r->run.scheduled_at_us == TIME_NEVER
				       ? LEDGER_NULL
				       : r->run.scheduled_at_us,
		.created_at_us = r->run.created_at_us,
		.state = state,
		.attempt = r->run.attempt,
		.next_attempt_at_us = r->run.state == RUN_BACKOFF
					  ? r->run.next_attempt_at_us
					  : LEDGER_NULL,
		.first_started_at_us = r->run.first_started_at_us == TIME_NEVER
					   ? LEDGER_NULL
					   : r->run.first_started_at_us,
		.definition = job_hash_text(r->run.job, hash),
		.params = r->run.params,
		.forced = r->run.forced,
	    });
	r->recorded = true;
}

/* A fire whose claim waited long for the disk is a misfire: by the policy it
 * is given up, or it runs late and says so. */
static bool
came_too_late(struct open_run *r)
{
	const struct misfire_policy *p = &r->run.job->misfire;
	int64_t now_us = loop_real_us(r->live->road->loop);

	if (r->run.trigger != TRIGGER_SCHEDULE || r->run.attempt > 1 ||
	    now_us - r->claimed_at_us <= p->after_us)
		return false;
	if (p->policy == MISFIRE_NONE ||
	    now_us - r->run.scheduled_at_us > p->max_age_us)
		return true;
	r->run.trigger = TRIGGER_CATCH_UP;
	return false;
}

static void
claim_durable(void *arg)
{
	struct open_run *r = arg;
	struct road *rd = r->live->road;

	/* Undone meanwhile, or undone and claimed anew. */
	if (r->run.state != RUN_CLAIMING ||
	    r->claim_seq > ledger_durable_seq(rd->ledger))
		return;
	CRASH_POINT("claim-durable");
	if (rd->stopping)
		road_step(r, RUN_EV_WAIT);
	else if (came_too_late(r))
		claim_skip(r, REASON_MISSED,
		    xstrdup("its record reached the disk too late"), NULL);
	else
		road_step(r, RUN_EV_CLAIMED);
}

static void
record_attempt(struct open_run *r)
{
	char id[RUN_ATTEMPT_ID_BYTES];

	ledger_put_attempt(r->live->road->ledger,
	    &(struct ledger_attempt){
		.run_id = r->run.id,
		.attempt = r->run.attempt,
		.job_name = r->run.job->name,
		.attempt_id = run_attempt_id(r->run.id, r->run.attempt, id),
		.started_at_us = loop_real_us(r->live->road->loop),
		.pid = LEDGER_NULL,
		.start_ticks = LEDGER_NULL,
		.session = LEDGER_NULL,
		.boot_id = clock_boot_id(),
	    });
}

void
claim_act_claim(struct open_run *r)
{
	struct road *rd = r->live->road;

	claim_withdraw(r);
	run_redefine(&r->run, r->live->def);
	slots_take(r);
	r->claiming = true;
	r->run.attempt++;
	claim_record(r, "STARTING");
	record_attempt(r);
	r->claim_seq = ledger_turn_seq(rd->ledger);
	r->claimed_at_us = loop_real_us(rd->loop);
	CRASH_POINT("claim-appended");
	open_run_effect(r, claim_durable);
}

void
claim_act_enqueue(struct open_run *r)
{
	const struct job *def = r->live->def;
	int64_t since_us = r->run.scheduled_at_us == TIME_NEVER
			       ? r->run.created_at_us
			       : r->run.scheduled_at_us;

	claim_withdraw(r);
	place(r, r->behind);
	claim_record(r, "WAITING");
	if (r->run.attempt == 0)
		claim_arm(r, since_us + def->misfire.max_age_us);
	log_debug("JobRunner", "Job waits", LF_STR("job", def->name),
	    LF_STR("run", r->run.id), LF_BOOL("forSlot", !r->behind));
}

static void
log_skip(const struct open_run *r)
{
	const struct job *def = r->live->def;

	if (r->skip_reason == REASON_BREAKER)
		log_warn("JobRunner", "Skipping job due to recent failures",
		    LF_STR("job", def->name), LF_STR("run", r->run.id),
		    LF_INT("recentFailures", claim_breaker(r->live).failures));
	else
		log_info("JobRunner", "Skipping job", LF_STR("job", def->name),
		    LF_STR("run", r->run.id),
		    LF_STR("reason", reason_name(r->skip_reason)),
		    LF_STR("detail", r->skip_detail),
		    LF_JSON("result", r->skip_result));
}

void
claim_act_skip(struct open_run *r)
{
	struct road *rd = r->live->road;
	int64_t now_us = loop_real_us(rd->loop);

	claim_withdraw(r);
	road_record(r->live, r,
	    &(struct ledger_history){
		.status = status_name(STATUS_SKIPPED),
		.started_at_us = now_us,
		.completed_at_us = now_us,
		.result = r->skip_result,
		.error = r->skip_detail,
		.run_id = r->run.id,
		.trigger = trigger_name(r->run.trigger),
		.scheduled_at_us = r->run.scheduled_at_us == TIME_NEVER
				       ? LEDGER_NULL
				       : r->run.scheduled_at_us,
		.reason = reason_name(r->skip_reason),
		.exit_code = LEDGER_NULL,
		.signal = LEDGER_NULL,
	    });
	if (r->recorded)
		ledger_del_run(rd->ledger, r->run.id);
	log_skip(r);
	claim_job_free(r->live);
	open_run_close(r);
}
