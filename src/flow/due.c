/*
 * due.c - a timer fires: an instant of a job becomes a run. Instants that
 * passed unseen (downtime, a stopped daemon, a failing ledger, a clock that
 * jumped) are counted in slices and dealt with by the misfire policy.
 * Must never move a cursor without the rows or runs that account for it in
 * the same batch.
 * On the road: first; claim.c is next.
 */
#include <config.h>

#include "flow/due.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "flow/claim.h"
#include "model/misfire.h"
#include "sys/procfs.h"

/* A cursor further ahead than this was set by a wrong clock. */
#define CURSOR_AHEAD_US (3 * 3600 * USEC_PER_SEC)
/* Instants looked at before the time is looked at again. */
#define SCAN_STEP 2000
/* Missed instants that become rows or runs before that. */
#define SETTLE_STEP 50

struct catch_up {
	struct list in_road;
	struct live_job *live;
	struct misfire_scan scan;
	bool scanned;
	int settled; /* of the remembered instants */
};

static void due_now(void *arg);

void
due_prepare(struct live_job *live)
{
	timer_init(&live->due, TIMER_REAL, due_now, live);
}

/* ---- state that outlives us ---- */

/* Nothing for a job that makes no fires: when it does again, its schedule has
 * changed, and starts at now. */
static bool
fires(const struct live_job *live)
{
	return live->configured && live->def->enabled &&
	       live->def->schedule != NULL;
}

void
due_schedule_text(const struct live_job *live, struct buf *out)
{
	const struct job *def = live->def;

	if (fires(live))
		schedule_normal(def->schedule, def->zone, def->dst, out);
}

void
due_record(struct live_job *live)
{
	struct buf schedule;

	buf_init(&schedule, 0);
	due_schedule_text(live, &schedule);
	ledger_put_job_state(live->road->ledger,
	    &(struct ledger_job_state){
		.job_name = live->def->name,
		.cursor_us = live->cursor_us,
		.schedule = buf_str(&schedule),
		.grid_us = live->grid_us,
		.paused_until_us = live->paused_until_us,
		.breaker_closed_at_us = live->breaker.closed_at_us,
		.boot = live->boot,
	    });
	buf_clear(&schedule);
}

/* ---- the timer ---- */

static void
arm(struct live_job *live)
{
	const struct job *def = live->def;
	struct loop *lp = live->road->loop;

	live->next_us = schedule_next(
	    def->schedule, def->zone, def->dst, live->grid_us, live->cursor_us);
	if (live->next_us == TIME_NEVER)
		timer_clear(lp, &live->due);
	else
		timer_set(lp, &live->due, live->next_us);
}

void
due_start(struct live_job *live, bool fresh)
{
	int64_t now_us = loop_real_us(live->road->loop);

	if (!fires(live)) {
		if (live->cursor_us != LEDGER_NULL) {
			live->cursor_us = live->grid_us = LEDGER_NULL;
			due_record(live);
		}
		return;
	}
	if (live->cursor_us == LEDGER_NULL || fresh ||
	    live->cursor_us > now_us + CURSOR_AHEAD_US) {
		live->cursor_us = now_us;
		if (fresh || live->grid_us == LEDGER_NULL ||
		    live->grid_us > now_us)
			live->grid_us = now_us;
		due_record(live);
	}
	arm(live);
}

static void
drop_catch_up(struct live_job *live)
{
	struct catch_up *cu = live->catch_up;

	if (cu == NULL)
		return;
	live->catch_up = NULL;
	list_remove(&cu->in_road);
	misfire_scan_clear(&cu->scan);
	free(cu);
}

void
due_stop(struct live_job *live)
{
	timer_clear(live->road->loop, &live->due);
	list_remove(&live->held);
	live->next_us = TIME_NEVER;
	drop_catch_up(live);
}

/* ---- one fire on time ---- */

static void
fire(struct live_job *live, enum trigger trigger, int64_t at_us)
{
	struct open_run *r = open_run_new(live, trigger, at_us, NULL, false);

	claim_ask(r);
}

static void
fire_on_time(struct live_job *live)
{
	int64_t at_us = live->next_us;

	live->cursor_us = at_us;
	due_record(live);
	arm(live);
	fire(live, TRIGGER_SCHEDULE, at_us);
}

static void
hold(struct live_job *live)
{
	if (list_empty(&live->held))
		list_append(&live->road->held, &live->held);
}

static void
begin_catch_up(struct live_job *live, int64_t now_us)
{
	struct catch_up *cu = xcalloc(1, sizeof(*cu));

	cu->live = live;
	misfire_scan_init(
	    &cu->scan, &live->def->misfire, live->cursor_us, now_us);
	live->catch_up = cu;
	list_append(&live->road->catch_ups, &cu->in_road);
	loop_wake(live->road->loop);
}

static void
due_now(void *arg)
{
	struct live_job *live = arg;
	struct road *rd = live->road;
	const struct job *def = live->def;
	int64_t now_us = loop_real_us(rd->loop);
	int64_t following_us;

	if (rd->stopping)
		return; /* the cursor stays: found as missed next time */
	if (!road_may_start(rd)) {
		hold(live);
		return;
	}
	following_us = schedule_next(
	    def->schedule, def->zone, def->dst, live->grid_us, live->next_us);
	if (now_us - live->next_us <= def->misfire.after_us &&
	    following_us > now_us)
		fire_on_time(live);
	else
		begin_catch_up(live, now_us);
}

void
due_release(struct road *rd)
{
	LIST_EACH_SAFE (it, &rd->held) {
		struct live_job *live = LIST_ENTRY(it, struct live_job, held);

		list_remove(&live->held);
		timer_set(rd->loop, &live->due, live->next_us);
	}
}

void
due_clock_step(struct road *rd)
{
	int64_t now_us = loop_real_us(rd->loop);
	size_t pos = 0;
	struct live_job *live;

	while ((live = map_next(rd->jobs, &pos)) != NULL) {
		breaker_clock_back(&live->breaker, now_us);
		if (!fires(live) || live->cursor_us == LEDGER_NULL ||
		    live->cursor_us <= now_us + CURSOR_AHEAD_US)
			continue;
		drop_catch_up(live);
		log_warn("Scheduler", "Clock went back: schedule begins anew",
		    LF_STR("job", live->def->name));
		due_start(live, true);
	}
}

/* ---- fires that nobody was there for ---- */

static void
record_missed(struct live_job *live, int64_t at_us, char *result)
{
	struct open_run *r =
	    open_run_new(live, TRIGGER_SCHEDULE, at_us, NULL, false);

	claim_skip(r, REASON_MISSED, NULL, result);
}

/* One row for all that are beyond misfire.maxCount. */
static void
record_dropped(struct live_job *live, const struct misfire_scan *scan)
{
	struct jsonw w;
	struct buf text;

	if (scan->dropped == 0)
		return;
	buf_init(&text, 0);
	jsonw_init(&w, &text, false);
	jsonw_object(&w);
	jsonw_kint(&w, "count", scan->dropped);
	jsonw_ktime(&w, "from", scan->dropped_from_us);
	jsonw_ktime(&w, "to", scan->dropped_to_us);
	jsonw_object_end(&w);
	record_missed(live, scan->dropped_to_us, buf_steal(&text));
}

static void
settle_instant(struct live_job *live, const struct misfire_scan *scan, int i,
    int64_t now_us)
{
	const struct misfire_policy *p = &live->def->misfire;
	int64_t at_us = misfire_scan_at(scan, i);

	if (!misfire_runs(scan, p, i, now_us))
		record_missed(live, at_us, NULL);
	else if (now_us - at_us > p->after_us)
		fire(live, TRIGGER_CATCH_UP, at_us);
	else
		fire(live, TRIGGER_SCHEDULE, at_us);
}

static void
begin_settling(struct catch_up *cu)
{
	struct live_job *live = cu->live;

	cu->scanned = true;
	if (cu->scan.dropped + cu->scan.count > 1)
		log_warn("Scheduler", "Fires were missed",
		    LF_STR("job", live->def->name),
		    LF_INT("count", cu->scan.dropped + cu->scan.count));
	if (cu->scan.dropped == 0)
		return;
	live->cursor_us = cu->scan.dropped_to_us;
	record_dropped(live, &cu->scan);
}

/* Some instants more; the cursor and what accounts for it are in one batch. */
static void
settle_some(struct catch_up *cu)
{
	struct live_job *live = cu->live;
	int64_t now_us = loop_real_us(live->road->loop);
	int until = cu->settled + SETTLE_STEP;

	if (until > cu->scan.count)
		until = cu->scan.count;
	for (; cu->settled < until; cu->settled++) {
		live->cursor_us = misfire_scan_at(&cu->scan, cu->settled);
		settle_instant(live, &cu->scan, cu->settled, now_us);
	}
	due_record(live);
}

/* One bounded step; false once the job is up to date. */
static bool
catch_up_step(struct catch_up *cu)
{
	struct live_job *live = cu->live;

	if (!cu->scanned) {
		if (!misfire_scan_step(
			&cu->scan, live->def, live->grid_us, SCAN_STEP))
			begin_settling(cu);
		return true;
	}
	settle_some(cu);
	if (cu->settled < cu->scan.count)
		return true;
	drop_catch_up(live);
	arm(live);
	return false;
}

void
due_settle(struct live_job *live)
{
	if (live->next_us == TIME_NEVER && live->catch_up == NULL)
		return;
	if (live->catch_up == NULL) {
		if (live->next_us > loop_real_us(live->road->loop))
			return;
		begin_catch_up(live, loop_real_us(live->road->loop));
	}
	while (catch_up_step(live->catch_up))
		continue;
}

bool
due_catch_up(struct road *rd, int64_t budget_us)
{
	int64_t until_us;

	if (list_empty(&rd->catch_ups))
		return false;
	until_us = clock_boot_us() + budget_us;
	while (!list_empty(&rd->catch_ups)) {
		struct catch_up *cu =
		    LIST_ENTRY(rd->catch_ups.next, struct catch_up, in_road);

		if (clock_boot_us() > until_us || !road_may_start(rd))
			return road_may_start(rd);
		(void)catch_up_step(cu);
	}
	return false;
}

/* ---- @reboot ---- */

char *
due_boot_text(void)
{
	struct procfs_stat init;

	if (procfs_stat(1, &init) != 0)
		init.start_ticks = 0;
	return xasprintf(
	    "%s/%llu", clock_boot_id(), (unsigned long long)init.start_ticks);
}

void
due_reboot(struct live_job *live, const char *boot)
{
	if (!fires(live) || !schedule_has_reboot(live->def->schedule))
		return;
	if (live->boot != NULL && strcmp(live->boot, boot) == 0)
		return;
	free(live->boot);
	live->boot = xstrdup(boot);
	due_record(live);
	fire(live, TRIGGER_START, loop_real_us(live->road->loop));
}
