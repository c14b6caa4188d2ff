/*
 * recovery.c - at start: replay the ledger, prove the dead dead or kill them,
 * settle the lost, arm the retries again, then let the schedules begin.
 * Must never guess by age, never signal a process it cannot name, and never
 * let anything start before the strays are gone.
 */
#include <config.h>

#include "flow/recovery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "flow/attempt_internal.h"
#include "flow/claim.h"
#include "flow/due.h"
#include "flow/quota.h"

/* Between two looks at strays that were killed: doubles up to the second. */
#define TRACE_FIRST_US (5 * USEC_PER_MSEC)
#define TRACE_MOST_US  (1000 * USEC_PER_MSEC)
/* One that hangs in the kernel holds up its own job only: its run is open. */
#define TRACE_AWAITED_US (10 * USEC_PER_SEC)

/* An attempt of the past, kept until it is proven dead. */
struct stray {
	struct open_run *run;
	struct timer timer;
	int64_t wait_us, waited_us;
	bool awaited; /* the schedules begin after it is gone */
	struct tree_trace trace;
	char *attempt_id, *cgroup, *boot_id;
};

/* ---- jobs ---- */

/* What passes while the job does not fire, or fires by another schedule, is
 * not to be caught up when this one comes back. */
static void
forget_cursor(struct road *rd, const struct ledger_job_state *row)
{
	struct ledger_job_state kept = *row;

	if (row->cursor_us == LEDGER_NULL)
		return;
	kept.schedule = "";
	kept.cursor_us = kept.grid_us = LEDGER_NULL;
	ledger_put_job_state(rd->ledger, &kept);
}

static void
load_job_state(void *arg, const struct ledger_job_state *row)
{
	struct road *rd = arg;
	struct live_job *live = road_job(rd, row->job_name);
	struct buf now;

	if (live == NULL) {
		forget_cursor(rd, row);
		return;
	}
	live->paused_until_us = row->paused_until_us;
	live->boot = xstrdup_null(row->boot);
	if (row->breaker_closed_at_us != LEDGER_NULL)
		breaker_close(&live->breaker, row->breaker_closed_at_us);
	/* A schedule that changed while we were down catches nothing up. */
	buf_init(&now, 0);
	due_schedule_text(live, &now);
	if (row->schedule != NULL &&
	    strcmp(row->schedule, buf_str(&now)) == 0) {
		live->grid_us = row->grid_us;
		/* One in the future was set by a wrong clock: from now on. */
		if (row->cursor_us <= loop_real_us(rd->loop))
			live->cursor_us = row->cursor_us;
	} else {
		forget_cursor(rd, row);
	}
	buf_clear(&now);
}

static void
keep_row(void *arg, const struct ledger_history *h)
{
	struct row **oldest_first = arg;
	struct row *r = row_new(h);

	r->older = *oldest_first;
	*oldest_first = r;
}

struct failures {
	struct live_job *live;
	char run_id[UUID_TEXT_BYTES]; /* of the row before */
};

static bool
is_counted(const struct ledger_history *h)
{
	enum reason why;

	return h->reason != NULL && reason_parse(h->reason, &why) == 0 &&
	       why != REASON_CANCELED && why != REASON_LOST;
}

/* Under "runs" a run counts once, when it is over; one that succeeded in the
 * end counts too: its success is not among the failures. */
static void
keep_failure(void *arg, const struct ledger_history *h)
{
	struct failures *f = arg;
	struct live_job *live = f->live;
	const struct breaker_policy *p = &live->def->breaker;
	bool same_run = strcmp(f->run_id, h->run_id) == 0;

	if (!is_counted(h))
		return;
	snprintf(f->run_id, sizeof(f->run_id), "%s", h->run_id);
	if (p->count == BREAKER_RUNS &&
	    (same_run || map_get(live->road->open, h->run_id) != NULL))
		return;
	breaker_add(&live->breaker, p, h->completed_at_us);
}

int
recovery_load_history(struct live_job *live)
{
	struct road *rd = live->road;
	struct row *oldest_first = NULL;
	struct failures failures = {.live = live};
	int rc = ledger_load_recent(
	    rd->ledger, live->def->name, ROWS_CACHED, keep_row, &oldest_first);

	while (oldest_first != NULL) {
		struct row *r = oldest_first;

		oldest_first = r->older;
		r->older = NULL;
		row_cache_add(&live->rows, r, &rd->row_budget);
	}
	/* No row, no failure: spares a look for each of many new jobs. */
	if (rc == 0 && live->rows.newest != NULL)
		rc = ledger_load_failures(rd->ledger, live->def->name,
		    loop_real_us(rd->loop) - live->def->breaker.window_us,
		    keep_failure, &failures);
	breaker_clock_back(&live->breaker, loop_real_us(rd->loop));
	return rc;
}

/* ---- open runs ---- */

/* Its job was removed while we were down: a definition that starts nothing,
 * so that the run can be settled. */
static struct live_job *
removed_job(struct road *rd, const char *name)
{
	struct job *def = job_new_removed(name);
	struct live_job *live;

	live = live_job_new(rd, def);
	job_unref(def);
	return live;
}

static struct live_job *
owner_of(struct road *rd, const char *name)
{
	struct live_job *live = road_job(rd, name);

	return live != NULL ? live : removed_job(rd, name);
}

static void
load_run(void *arg, const struct ledger_run *row)
{
	struct road *rd = arg;
	enum trigger trigger;
	struct open_run *r;

	if (trigger_parse(row->trigger, &trigger) != 0)
		trigger = TRIGGER_SCHEDULE;
	r = open_run_restore(owner_of(rd, row->job_name), row->run_id, trigger,
	    row->scheduled_at_us == LEDGER_NULL ? TIME_NEVER
						: row->scheduled_at_us,
	    row->created_at_us, xstrdup_null(row->params), row->forced);
	r->recorded = true;
	r->run.attempt = (int)row->attempt;
	if (row->first_started_at_us != LEDGER_NULL)
		r->run.first_started_at_us = row->first_started_at_us;
	if (row->next_attempt_at_us != LEDGER_NULL)
		r->run.next_attempt_at_us = row->next_attempt_at_us;
}

static void
free_stray(struct stray *s)
{
	free(s->attempt_id);
	free(s->cgroup);
	free(s->boot_id);
	free(s);
}

void
recovery_forget(struct open_run *r)
{
	if (r->stray == NULL)
		return;
	timer_clear(r->live->road->loop, &r->stray->timer);
	free_stray(r->stray);
	r->stray = NULL;
}

static void go_on(struct road *rd);

static void
settle_lost(struct stray *s)
{
	struct open_run *r = s->run;
	struct road *rd = r->live->road;
	bool awaited = s->awaited;

	r->stray = NULL;
	r->attempt->cgroup = s->cgroup; /* removed with the attempt */
	s->cgroup = NULL;
	r->attempt->ending.lost = true;
	free_stray(s);
	road_step(r, RUN_EV_OVER);
	rd->strays--;
	if (awaited)
		rd->strays_awaited--;
	go_on(rd);
}

static void
go_on_without(struct stray *s)
{
	struct road *rd = s->run->live->road;

	log_error("Recovery", "What an attempt left does not die",
	    LF_STR("job", s->run->live->def->name),
	    LF_STR("run", s->run->run.id));
	s->awaited = false;
	rd->strays_awaited--;
	go_on(rd);
}

static void
stray_look(void *arg)
{
	struct stray *s = arg;
	struct open_run *r = s->run;
	struct loop *lp = r->live->road->loop;
	int left = tree_trace_kill(&s->trace);

	if (left < 0)
		left = 1; /* not proven: look again */
	if (left > 0) {
		if (s->wait_us == TRACE_FIRST_US)
			log_warn("Recovery", "Killing what an attempt left",
			    LF_STR("job", r->live->def->name),
			    LF_STR("run", r->run.id),
			    LF_INT("processes", left));
		timer_set(lp, &s->timer, loop_boot_us(lp) + s->wait_us);
		s->waited_us += s->wait_us;
		if (s->awaited && s->waited_us > TRACE_AWAITED_US)
			go_on_without(s);
		if (s->wait_us < TRACE_MOST_US)
			s->wait_us *= 2;
		return;
	}
	settle_lost(s);
}

static void
load_attempt(void *arg, const struct ledger_attempt *row)
{
	struct road *rd = arg;
	struct open_run *r = map_get(rd->open, row->run_id);
	struct stray *s;
	struct attempt *a;

	if (r == NULL)
		return;
	s = xcalloc(1, sizeof(*s));
	s->run = r;
	s->wait_us = TRACE_FIRST_US;
	s->attempt_id = xstrdup(row->attempt_id);
	s->cgroup = xstrdup_null(row->cgroup);
	s->boot_id = xstrdup_null(row->boot_id);
	s->trace = (struct tree_trace){
	    .attempt_id = s->attempt_id,
	    .cgroup = s->cgroup,
	    .pid = row->pid == LEDGER_NULL ? 0 : (pid_t)row->pid,
	    .start_ticks = (uint64_t)row->start_ticks,
	    .session = row->session == LEDGER_NULL ? 0 : (pid_t)row->session,
	    .boot_id = s->boot_id,
	};
	timer_init(&s->timer, TIMER_BOOT, stray_look, s);
	r->run.attempt = (int)row->attempt;
	if (r->run.first_started_at_us == TIME_NEVER)
		r->run.first_started_at_us = row->started_at_us;
	r->stray = s;
	rd->strays++;
	s->awaited = true;
	rd->strays_awaited++;
	a = attempt_new(r);
	a->started_at_us = row->started_at_us;
	a->started_boot_us = loop_boot_us(rd->loop) -
			     (loop_real_us(rd->loop) - row->started_at_us);
	r->attempt = a;
}

void
recovery_act_trace(struct open_run *r)
{
	log_warn("Recovery", "An attempt was running when the daemon ended",
	    LF_STR("job", r->live->def->name), LF_STR("run", r->run.id),
	    LF_INT("attempt", r->run.attempt));
	stray_look(r->stray);
}

/* ---- all together ---- */

int
recovery_load(struct road *rd)
{
	size_t pos = 0;
	struct live_job *live;
	int rc = ledger_load_job_states(rd->ledger, load_job_state, rd);

	if (rc == 0)
		rc = ledger_load_runs(rd->ledger, load_run, rd);
	while (rc == 0 && (live = map_next(rd->jobs, &pos)) != NULL)
		rc = recovery_load_history(live);
	if (rc == 0)
		rc = ledger_load_attempts(rd->ledger, load_attempt, rd);
	if (rc == 0)
		rc = quota_load(rd->quota, rd->ledger, loop_real_us(rd->loop));
	return rc;
}

static enum run_event
resume_event(const struct open_run *r)
{
	if (r->stray != NULL)
		return RUN_EV_RESUME_LIVE;
	return r->run.next_attempt_at_us != TIME_NEVER ? RUN_EV_RESUME_BACKOFF
						       : RUN_EV_RESUME_WAITING;
}

static void
resume(struct open_run *r)
{
	r->behind = true;
	road_step(r, resume_event(r));
	if (r->live->configured || r->run.state == RUN_DONE || r->stray != NULL)
		return;
	claim_give_up(r, STOP_CANCEL, "the job was removed");
}

static int
by_age(const void *a, const void *b)
{
	const struct open_run *ra = *(struct open_run *const *)a;
	const struct open_run *rb = *(struct open_run *const *)b;

	return strcmp(ra->run.id, rb->run.id); /* UUIDv7 sorts by time */
}

static void
begin_schedules(struct road *rd)
{
	char *boot = due_boot_text();
	size_t pos = 0;
	struct live_job *live;

	while ((live = map_next(rd->jobs, &pos)) != NULL) {
		due_start(live, false);
		due_reboot(live, boot);
		claim_job_free(live);
	}
	free(boot);
}

/* Once no stray is left, and once only. */
static void
go_on(struct road *rd)
{
	if (rd->strays_awaited > 0 || rd->recovered || !rd->resumed ||
	    rd->stopping)
		return;
	rd->recovered = true;
	begin_schedules(rd);
	log_info("Recovery", "Ready",
	    LF_INT("jobs", (int64_t)map_count(rd->jobs)),
	    LF_INT("openRuns", (int64_t)map_count(rd->open)));
}

void
recovery_begin(struct road *rd)
{
	struct open_run **all =
	    xcalloc(map_count(rd->open) + 1, sizeof(struct open_run *));
	size_t pos = 0, n = 0;
	struct open_run *r;

	/* Steps change the map; and retries go first, then who waits. */
	while ((r = map_next(rd->open, &pos)) != NULL)
		all[n++] = r;
	qsort(all, n, sizeof(struct open_run *), by_age);
	for (size_t i = 0; i < n; i++)
		resume(all[i]);
	free(all);
	rd->resumed = true;
	go_on(rd);
}
