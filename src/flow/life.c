/*
 * life.c - HUP, TERM, INT, USR1; the ladder of a shutdown; pruning once a
 * minute; the watchdog. Must never stop a worker before its grace is over,
 * nor leave one behind.
 *
 * The ladder: UP -> (TERM) GRACE: nothing starts, workers may end by
 * themselves -> (shutdownGrace) TERM to all, each killed after its killAfter
 * -> (a second TERM) KILL to all. Each step ends early when no worker lives.
 */
#include <config.h>

#include "flow/life.h"

#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "flow/attempt.h"
#include "flow/due.h"
#include "sys/notify.h"

#define PRUNE_EVERY_US (60 * USEC_PER_SEC)
#define PRUNE_AGAIN_US (200 * USEC_PER_MSEC)
#define PRUNE_ROWS     500
/* How long the last records may take to reach a disk that does not answer. */
#define LAST_RECORDS_US (10 * USEC_PER_SEC)

enum ladder {
	LADDER_UP,
	LADDER_GRACE,
	LADDER_TERM,
	LADDER_KILL,
};

struct life {
	struct road *rd;
	struct reload *rl;
	enum ladder step;
	struct timer grace, prune, watchdog;
	int64_t killed_boot_us; /* when KILL was sent to all; 0: not yet */
	int64_t idle_since_us; /* no worker left since; 0: one lives */
	bool was_failing;
	struct log_limit failing_limit;
};

/* ---- the shutdown ladder ---- */

/* Steps change the map: all are found first. */
static void
each_run(struct life *l, void (*fn)(struct open_run *r))
{
	size_t pos = 0, n = 0, count = map_count(l->rd->open);
	struct open_run **all = xcalloc(count + 1, sizeof(struct open_run *));
	struct open_run *r;

	while ((r = map_next(l->rd->open, &pos)) != NULL)
		if (r->stray == NULL)
			all[n++] = r;
	for (size_t i = 0; i < n; i++)
		fn(all[i]);
	free(all);
}

static void
stop_one(struct open_run *r)
{
	attempt_stop(r, STOP_SHUTDOWN, NULL);
}

static void
kill_one(struct open_run *r)
{
	attempt_kill(r, STOP_SHUTDOWN);
}

/* A claim on its way to the disk: it waits in the ledger for next time. */
static void
withdraw_claim(struct open_run *r)
{
	if (r->claiming)
		road_step(r, RUN_EV_WAIT);
}

static void
climb(struct life *l)
{
	switch (l->step) {
	case LADDER_UP:
		l->step = LADDER_GRACE;
		l->rd->stopping = true;
		each_run(l, withdraw_claim);
		notify_stopping();
		log_info("Supervisor", "Stopping",
		    LF_INT("running", l->rd->slots_used),
		    LF_INT("graceMs",
			l->rd->config->shutdown_grace_us / USEC_PER_MSEC));
		timer_set(l->rd->loop, &l->grace,
		    loop_boot_us(l->rd->loop) +
			l->rd->config->shutdown_grace_us);
		break;
	case LADDER_GRACE:
		l->step = LADDER_TERM;
		timer_clear(l->rd->loop, &l->grace);
		each_run(l, stop_one);
		break;
	case LADDER_TERM:
	case LADDER_KILL:
		l->step = LADDER_KILL;
		each_run(l, kill_one);
		if (l->killed_boot_us == 0)
			l->killed_boot_us = loop_boot_us(l->rd->loop);
		timer_set(l->rd->loop, &l->grace,
		    l->killed_boot_us + LAST_RECORDS_US);
		break;
	}
}

static void
grace_over(void *arg)
{
	struct life *l = arg;

	if (l->step == LADDER_GRACE)
		climb(l);
}

/* What even KILL does not end (a process that hangs in the kernel) does not
 * keep the daemon: its run stays open in the ledger. */
static bool
outlived(const struct life *l)
{
	if (l->killed_boot_us == 0 ||
	    loop_boot_us(l->rd->loop) - l->killed_boot_us < LAST_RECORDS_US)
		return false;
	log_error("Supervisor",
	    "Workers outlive KILL; the next start finds them",
	    LF_INT("running", l->rd->slots_used));
	return true;
}

bool
life_over(struct life *l)
{
	struct road *rd = l->rd;
	int64_t now_us = loop_boot_us(rd->loop);

	if (l->step == LADDER_UP)
		return false;
	if (rd->slots_used > 0) {
		l->idle_since_us = 0;
		return outlived(l);
	}
	if (l->idle_since_us == 0) {
		l->idle_since_us = now_us;
		/* So that a turn comes even if the disk never answers. */
		timer_set(rd->loop, &l->grace, now_us + LAST_RECORDS_US);
	}
	return (ledger_backlog(rd->ledger) == 0 && rd->effects.count == 0) ||
	       now_us - l->idle_since_us >= LAST_RECORDS_US;
}

/* ---- signals ---- */

static void
on_hup(void *arg, int signo)
{
	struct life *l = arg;

	(void)signo;
	if (!l->rd->stopping)
		reload_request(l->rl);
}

/* The first one lets workers end; the second one does not wait. */
static void
on_term(void *arg, int signo)
{
	struct life *l = arg;

	(void)signo;
	if (l->step == LADDER_UP) {
		climb(l);
		return;
	}
	l->step = LADDER_KILL;
	climb(l);
}

static void
on_usr1(void *arg, int signo)
{
	int rc = log_reopen();

	(void)arg;
	(void)signo;
	if (rc != 0)
		log_error("Supervisor", "Log file cannot be opened again",
		    LF_INT("errno", -rc));
	else
		log_plain(LOG_INFO, "Supervisor", "Log file opened again");
}

/* ---- housekeeping ---- */

static void
prune(void *arg)
{
	struct life *l = arg;
	struct road *rd = l->rd;
	int64_t now_us = loop_real_us(rd->loop);
	int64_t boot_us = loop_boot_us(rd->loop);
	uint64_t pruned = ledger_take_pruned(rd->ledger);

	if (pruned > 0)
		log_info("HistoryCleanup", "History cleanup completed",
		    LF_INT("deleted", (int64_t)pruned));
	ledger_prune(rd->ledger, now_us - rd->config->history.keep_us,
	    now_us - rd->config->history.keep_output_us, PRUNE_ROWS);
	timer_set(rd->loop, &l->prune,
	    boot_us + (pruned >= PRUNE_ROWS ? PRUNE_AGAIN_US : PRUNE_EVERY_US));
}

static void
watchdog(void *arg)
{
	struct life *l = arg;

	notify_watchdog();
	timer_set(l->rd->loop, &l->watchdog,
	    loop_boot_us(l->rd->loop) + notify_watchdog_us() / 2);
}

void
life_ledger_event(struct life *l)
{
	struct road *rd = l->rd;
	const char *why;
	int64_t since_us;
	uint64_t more;
	bool failing = ledger_failing(rd->ledger, &why, &since_us);

	if (failing &&
	    log_limit_pass(&l->failing_limit, loop_boot_us(rd->loop), &more))
		log_error("Ledger", "Ledger cannot be written: nothing starts",
		    LF_STR("error", why),
		    LF_INT("backlog", (int64_t)ledger_backlog(rd->ledger)));
	if (!failing && l->was_failing)
		log_plain(LOG_WARN, "Ledger", "Ledger works again");
	/* Also when it failed and healed between two looks. */
	if (!failing)
		due_release(rd);
	l->was_failing = failing;
}

/* ---- made and forgotten ---- */

static int
handle_signals(struct life *l)
{
	struct loop *lp = l->rd->loop;
	int rc = loop_signal(lp, SIGHUP, on_hup, l);

	if (rc == 0)
		rc = loop_signal(lp, SIGTERM, on_term, l);
	if (rc == 0)
		rc = loop_signal(lp, SIGINT, on_term, l);
	if (rc == 0)
		rc = loop_signal(lp, SIGUSR1, on_usr1, l);
	return rc;
}

int
life_new(struct road *rd, struct reload *rl, struct life **ret)
{
	struct life *l = xcalloc(1, sizeof(*l));
	int rc;

	l->rd = rd;
	l->rl = rl;
	l->failing_limit =
	    (struct log_limit)LOG_LIMIT_INIT(1, 60 * USEC_PER_SEC);
	timer_init(&l->grace, TIMER_BOOT, grace_over, l);
	timer_init(&l->prune, TIMER_BOOT, prune, l);
	timer_init(&l->watchdog, TIMER_BOOT, watchdog, l);
	rc = handle_signals(l);
	if (rc != 0) {
		life_free(l);
		return rc;
	}
	timer_set(rd->loop, &l->prune, loop_boot_us(rd->loop) + PRUNE_EVERY_US);
	if (notify_watchdog_us() > 0)
		watchdog(l);
	*ret = l;
	return 0;
}

void
life_free(struct life *l)
{
	if (l == NULL)
		return;
	timer_clear(l->rd->loop, &l->grace);
	timer_clear(l->rd->loop, &l->prune);
	timer_clear(l->rd->loop, &l->watchdog);
	free(l);
}
