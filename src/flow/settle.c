/*
 * settle.c - an attempt is over: its outcome, its row, and what comes next.
 * Must never wait for anything: all it does is records and decisions.
 * On the road: before, attempt.c; then the end, or claim.c after a backoff.
 */
#include <config.h>

#include "flow/settle.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "flow/attempt_internal.h"
#include "flow/claim.h"
#include "flow/due.h"
#include "flow/slots.h"
#include "model/policy.h"

#define MOST_DURATION_MS ((int64_t)INT32_MAX)

static int64_t
duration_ms(const struct attempt *a)
{
	int64_t ms = (clock_boot_us() - a->started_boot_us) / USEC_PER_MSEC;

	if (ms < 0)
		return 0; /* of a lost attempt, by a clock that went back */
	return ms > MOST_DURATION_MS ? MOST_DURATION_MS : ms;
}

/* {"cpuMs":…,"maxRssBytes":…,"units":{"youtube.default":3}} */
static void
print_usage(const struct attempt *a, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out, false);
	jsonw_object(&w);
	jsonw_kint(&w, "cpuMs", a->end.cpu_us / USEC_PER_MSEC);
	jsonw_kint(&w, "maxRssBytes", a->end.max_rss_bytes);
	if (a->nusage > 0) {
		jsonw_key(&w, "units");
		jsonw_object(&w);
		for (unsigned i = 0; i < a->nusage; i++) {
			struct buf key;

			buf_init(&key, 0);
			buf_addf(&key, "%s.%s", a->usage[i].service,
			    a->usage[i].bucket);
			jsonw_kint(&w, buf_str(&key), a->usage[i].units);
			buf_clear(&key);
		}
		jsonw_object_end(&w);
	}
	jsonw_object_end(&w);
}

static void
record(struct open_run *r, const struct outcome *o, int64_t took_ms)
{
	struct attempt *a = r->attempt;
	struct buf output, usage;
	bool ran = a->tree != NULL;

	buf_init(&output, 0);
	buf_init(&usage, 0);
	output_render(&a->output, &output);
	if (ran)
		print_usage(a, &usage);
	road_record(r->live, r,
	    &(struct ledger_history){
		.status = status_name(o->status),
		.started_at_us = a->started_at_us,
		.completed_at_us = clock_real_us(),
		.duration_ms = took_ms,
		.result = a->result,
		.error = o->error,
		.run_id = r->run.id,
		.attempt = r->run.attempt,
		.trigger = trigger_name(r->run.trigger),
		.scheduled_at_us = r->run.scheduled_at_us == TIME_NEVER
				       ? LEDGER_NULL
				       : r->run.scheduled_at_us,
		.reason = reason_name(o->reason),
		.exit_code = o->exit_code < 0 ? LEDGER_NULL : o->exit_code,
		.signal = o->signal == 0 ? LEDGER_NULL : o->signal,
		.output = output.len > 0 ? buf_str(&output) : NULL,
		.usage = ran ? buf_str(&usage) : NULL,
	    });
	buf_clear(&output);
	buf_clear(&usage);
}

static void
log_end(const struct open_run *r, const struct outcome *o, int64_t took_ms)
{
	const char *job = r->run.job->name;
	int attempt = r->run.attempt;

	if (o->status == STATUS_SUCCESS)
		log_info("JobRunner", "Job completed successfully",
		    LF_STR("job", job), LF_INT("attempt", attempt),
		    LF_INT("durationMs", took_ms), LF_STR("run", r->run.id));
	else if (o->status == STATUS_SKIPPED)
		log_info("JobRunner", "Skipping job", LF_STR("job", job),
		    LF_INT("attempt", attempt), LF_STR("reason", "worker"),
		    LF_STR("detail", o->error), LF_STR("run", r->run.id));
	else
		log_warn("JobRunner",
		    o->reason == REASON_EXIT ? "Job returned failure"
					     : "Job threw exception",
		    LF_STR("job", job), LF_INT("attempt", attempt),
		    LF_STR("reason", reason_name(o->reason)),
		    LF_STR("error", o->error), LF_INT("durationMs", took_ms),
		    LF_STR("run", r->run.id));
}

/* What the breaker learns from an attempt, and from the end of a run. */
static void
tell_breaker(struct open_run *r, const struct outcome *o, bool last)
{
	struct live_job *live = r->live;
	const struct breaker_policy *p = &r->run.job->breaker;
	int64_t now_us = loop_real_us(live->road->loop);

	if (o->counted && (p->count == BREAKER_ATTEMPTS || last))
		breaker_add(&live->breaker, p, now_us);
	if (o->status == STATUS_SUCCESS && (r->run.probe || r->run.forced)) {
		breaker_close(&live->breaker, now_us);
		due_record(live);
	}
}

static int64_t
run_ends_us(const struct run *run)
{
	if (run->job->run_timeout_us == 0)
		return TIME_NEVER;
	return run->first_started_at_us + run->job->run_timeout_us;
}

static uint64_t
jitter_seed(const struct run *run)
{
	return map_hash_bytes(run->id, strlen(run->id), (uint64_t)run->attempt);
}

static void
count_end(struct road *rd, const struct outcome *o)
{
	if (o->status == STATUS_SUCCESS)
		rd->succeeded++;
	else if (o->status == STATUS_FAILURE)
		rd->failed++;
}

void
settle_act_settle(struct open_run *r)
{
	struct attempt *a = r->attempt;
	struct road *rd = r->live->road;
	/* "BACKOFF continues with the current definition". */
	const struct retry_policy *retry = &r->live->def->retry;
	int64_t took_ms = duration_ms(a);
	char *last_line = output_last_line(&a->output);
	struct outcome o;
	struct verdict v;

	a->ending.last_line = last_line;
	outcome_from(
	    r->run.job->exit_codes, r->run.job->protocol, &a->ending, &o);
	v = policy_decide(retry, &o, r->run.attempt, r->run.probe,
	    loop_real_us(rd->loop), run_ends_us(&r->run), jitter_seed(&r->run));
	if (v.decision == DECIDE_RETRY && (!r->live->configured || r->given_up))
		v.decision = DECIDE_GIVE_UP;
	record(r, &o, took_ms);
	count_end(rd, &o);
	log_end(r, &o, took_ms);
	tell_breaker(r, &o, v.decision != DECIDE_RETRY);
	if (v.decision == DECIDE_GIVE_UP && !o.canceled_by_us)
		log_error("JobRunner", "Job failed after all retries",
		    LF_STR("job", r->run.job->name),
		    LF_INT("attempts", r->run.attempt),
		    LF_STR("error", o.error), LF_STR("run", r->run.id));
	r->run.next_attempt_at_us = v.retry_at_us;
	outcome_clear(&o);
	free(last_line);
	attempt_free(a);
	CRASH_POINT("settle-appended");
	road_step(r, v.decision == DECIDE_RETRY ? RUN_EV_RETRY : RUN_EV_FINISH);
}

static void
arm_retry(void *arg)
{
	struct open_run *r = arg;

	if (r->run.state == RUN_BACKOFF)
		claim_arm(r, r->run.next_attempt_at_us);
}

void
settle_act_backoff(struct open_run *r)
{
	struct road *rd = r->live->road;

	log_info("JobRunner", "Retrying job after delay",
	    LF_STR("job", r->run.job->name), LF_INT("attempt", r->run.attempt),
	    LF_INT("delayMs",
		(r->run.next_attempt_at_us - loop_real_us(rd->loop)) /
		    USEC_PER_MSEC),
	    LF_STR("run", r->run.id));
	slots_give_back(r);
	claim_record(r, "BACKOFF");
	ledger_del_attempt(rd->ledger, r->run.id);
	claim_job_free(r->live);
	open_run_effect(r, arm_retry);
}

void
settle_act_finish(struct open_run *r)
{
	struct road *rd = r->live->road;

	claim_withdraw(r);
	ledger_del_run(rd->ledger, r->run.id);
	ledger_del_attempt(rd->ledger, r->run.id);
	claim_job_free(r->live);
	open_run_close(r);
}
