/*
 * live.c - jobs as they live and runs as they are open: made, found, closed.
 * And road_step(), which joins the table of model/run.c to the files that do
 * what it says. Must never decide anything.
 */
#include <config.h>

#include "flow/road.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "flow/attempt.h"
#include "flow/attempt_internal.h"
#include "flow/claim.h"
#include "flow/due.h"
#include "flow/recovery.h"
#include "flow/settle.h"
#include "flow/slots.h"

struct live_job *
road_job(const struct road *rd, const char *name)
{
	return map_get(rd->jobs, name);
}

struct live_job *
live_job_new(struct road *rd, struct job *def)
{
	struct live_job *live = xcalloc(1, sizeof(*live));

	live->road = rd;
	live->def = job_ref(def);
	live->next_us = TIME_NEVER;
	live->cursor_us = LEDGER_NULL;
	live->grid_us = LEDGER_NULL;
	live->paused_until_us = LEDGER_NULL;
	list_init(&live->held);
	list_init(&live->freed);
	list_init(&live->runs);
	due_prepare(live);
	map_set(rd->jobs, live->def->name, live);
	return live;
}

void
live_job_release(struct live_job *live)
{
	struct road *rd = live->road;

	if (live->configured || live->nheld > 0)
		return;
	due_stop(live);
	list_remove(&live->held);
	list_remove(&live->freed);
	map_del(rd->jobs, live->def->name);
	row_cache_clear(&live->rows, &rd->row_budget);
	breaker_clear(&live->breaker);
	free(live->boot);
	job_unref(live->def);
	live->def = NULL;
	loop_bury(rd->loop, free, live);
}

struct open_run *
open_run_restore(struct live_job *live, const char *id, enum trigger trigger,
    int64_t scheduled_at_us, int64_t created_at_us, char *params, bool forced)
{
	struct open_run *r = xcalloc(1, sizeof(*r));

	run_init(&r->run, live->def, id, trigger, scheduled_at_us,
	    created_at_us, params, forced);
	r->live = live;
	list_append(&live->runs, &r->in_job);
	live->nruns++;
	live->nheld++;
	map_set(live->road->open, r->run.id, r);
	timer_init(&r->timer, TIMER_BOOT, claim_timer_due, r);
	return r;
}

struct open_run *
open_run_new(struct live_job *live, enum trigger trigger,
    int64_t scheduled_at_us, char *params, bool forced)
{
	int64_t now_us = loop_real_us(live->road->loop);
	char text[UUID_TEXT_BYTES];
	struct uuid id;

	uuid_v7(&id, now_us);
	return open_run_restore(live, uuid_format(&id, text), trigger,
	    scheduled_at_us, now_us, params, forced);
}

void
open_run_wait(struct open_run *r, run_done_fn *fn, void *arg)
{
	struct run_waiter *w = xcalloc(1, sizeof(*w));

	w->fn = fn;
	w->arg = arg;
	w->next = r->waiters;
	r->waiters = w;
}

void
open_run_unwait(struct open_run *r, void *arg)
{
	struct run_waiter **link = &r->waiters;

	while (*link != NULL) {
		struct run_waiter *w = *link;

		if (w->arg != arg) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		free(w);
	}
}

static void
free_run(struct open_run *r)
{

	for (unsigned i = 0; i < r->nrows; i++)
		row_unref(r->rows[i]);
	free(r->rows);
	free(r->skip_detail);
	free(r->skip_result);
	run_clear(&r->run);
	free(r);
}

/* The last run of a job that was removed takes the job with it. */
static void
bury_run(void *ptr)
{
	struct open_run *r = ptr;
	struct live_job *live = r->live;

	free_run(r);
	live->nheld--;
	live_job_release(live);
}

void
live_job_forget(struct live_job *live)
{
	struct road *rd = live->road;

	due_stop(live);
	list_remove(&live->freed);
	LIST_EACH_SAFE (it, &live->runs) {
		struct open_run *r = LIST_ENTRY(it, struct open_run, in_job);

		timer_clear(rd->loop, &r->timer);
		slots_leave(r);
		recovery_forget(r);
		if (r->attempt != NULL)
			attempt_free(r->attempt);
		free_run(r);
	}
	row_cache_clear(&live->rows, &rd->row_budget);
	breaker_clear(&live->breaker);
	free(live->boot);
	job_unref(live->def);
	free(live);
}

static void
forget_if_done(struct open_run *r)
{
	if (r->pins == 0 && r->run.state == RUN_DONE)
		loop_bury(r->live->road->loop, bury_run, r);
}

static void
told_durable(void *arg)
{
	struct open_run *r = arg;

	while (r->waiters != NULL) {
		struct run_waiter *w = r->waiters;

		r->waiters = w->next;
		w->fn(w->arg, r->rows, r->nrows);
		free(w);
	}
}

/* What an effect needs to come back to its run. */
struct pinned {
	struct open_run *run;
	effect_fn *fn;
};

static void
unpin(void *arg)
{
	struct pinned *p = arg;

	p->fn(p->run);
	p->run->pins--;
	forget_if_done(p->run);
	free(p);
}

void
open_run_effect(struct open_run *r, effect_fn *fn)
{
	struct pinned *p = xmalloc(sizeof(*p));
	struct road *rd = r->live->road;

	*p = (struct pinned){.run = r, .fn = fn};
	r->pins++;
	effects_add(&rd->effects, ledger_turn_seq(rd->ledger), unpin, p);
}

void
road_end_waits(struct road *rd)
{
	size_t pos = 0;
	struct open_run *r;

	while ((r = map_next(rd->open, &pos)) != NULL) {
		while (r->nrows > 0)
			row_unref(r->rows[--r->nrows]);
		told_durable(r);
	}
}

void
open_run_close(struct open_run *r)
{
	struct live_job *live = r->live;
	struct road *rd = live->road;

	BUG_ON(r->run.state != RUN_DONE || r->attempt != NULL || r->has_slot);
	timer_clear(rd->loop, &r->timer);
	list_remove(&r->in_job);
	live->nruns--;
	map_del(rd->open, r->run.id);
	open_run_effect(r, told_durable);
}

/* clang-format off */
static void (*const actions[RUN_NACTIONS])(struct open_run *) = {
	[RUN_ACT_CLAIM]   = claim_act_claim,
	[RUN_ACT_ENQUEUE] = claim_act_enqueue,
	[RUN_ACT_SKIP]    = claim_act_skip,
	[RUN_ACT_SPAWN]   = attempt_act_spawn,
	[RUN_ACT_WATCH]   = attempt_act_watch,
	[RUN_ACT_TERM]    = attempt_act_term,
	[RUN_ACT_KILL]    = attempt_act_kill,
	[RUN_ACT_DRAIN]   = attempt_act_drain,
	[RUN_ACT_SETTLE]  = settle_act_settle,
	[RUN_ACT_BACKOFF] = settle_act_backoff,
	[RUN_ACT_FINISH]  = settle_act_finish,
	[RUN_ACT_TRACE]   = recovery_act_trace,
};
/* clang-format on */

void
road_step(struct open_run *r, enum run_event event)
{
	enum run_state before = r->run.state;
	enum run_action act = run_apply(&r->run, event);

	if (act == RUN_ACT_INVALID) {
		r->live->road->bugs++;
		log_error("Road", "BUG: no such step",
		    LF_STR("job", r->run.job->name), LF_STR("run", r->run.id),
		    LF_STR("state", run_state_name(before)),
		    LF_STR("event", run_event_name(event)));
		return;
	}
	if (actions[act] != NULL)
		actions[act](r);
}

static void
keep_for_waiters(struct open_run *r, struct row *row)
{
	if (r->waiters == NULL)
		return;
	r->rows = xreallocarray(r->rows, r->nrows + 1, sizeof(*r->rows));
	r->rows[r->nrows++] = row_ref(row);
}

void
road_record(struct live_job *live, struct open_run *r, struct ledger_history *h)
{
	struct road *rd = live->road;
	struct row *row;

	h->id = ledger_next_id(rd->ledger);
	h->job_name = live->def->name;
	h->node = rd->node;
	h->created_at_us = loop_real_us(rd->loop);
	ledger_add_history(rd->ledger, h);
	row = row_new(h);
	if (r != NULL)
		keep_for_waiters(r, row);
	if (row->status == STATUS_SKIPPED)
		rd->skipped++;
	row_cache_add(&live->rows, row, &rd->row_budget);
}

bool
road_may_start(const struct road *rd)
{
	return rd->recovered && !rd->stopping &&
	       !ledger_failing(rd->ledger, NULL, NULL);
}
