/*
 * road.h - what all steps of the road share: the facilities, the jobs as they
 * live, the open runs. Plain data; each field says which file writes it.
 */
#ifndef REEVE_FLOW_ROAD_H
#define REEVE_FLOW_ROAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "flow/effects.h"
#include "flow/rows.h"
#include "model/breaker.h"
#include "model/config.h"
#include "model/request.h"
#include "model/run.h"
#include "sys/cgroup.h"
#include "sys/ledger.h"
#include "sys/loop.h"
#include "sys/tree.h"

struct attempt;
struct stray;
struct catch_up;
struct quota;

/* Attempts at once: of the whole daemon, or of a pool; and who waits. */
struct slots {
	const char *pool; /* name, borrowed from the config; NULL: no pool */
	int limit; /* 0: none of its own */
	int used;
	struct heap waiting; /* open_run.waiting, by priority, then instant */
};

/* Everything. Made by supervisor.c. */
struct road {
	struct loop *loop;
	struct ledger *ledger;
	struct trees *trees;
	struct effects effects;
	struct config *config; /* swapped by reload.c */
	struct map *jobs; /* name -> live_job: configured, or with open runs */
	struct map *open; /* run id -> open_run */
	struct list catch_ups; /* due.c: jobs whose missed fires are counted */
	struct list held; /* due.c: live_job.held while the ledger fails */
	struct list freed; /* claim.c: jobs whose waiting runs may go on */
	int slots_limit, slots_used; /* claim.c: all attempts of the daemon */
	unsigned npools;
	struct slots *pools; /* claim.c; [0] is for jobs without a pool */
	struct quota *quota; /* usage of today, by service and bucket */
	int64_t row_budget; /* rows.h: what the caches may still take, bytes */

	/* Of the configuration at start: they change with a restart only. */
	char *node;
	char *run_dir, *state_dir;
	struct request_user user; /* the daemon's own */
	char *loader; /* path of reeve-exec */
	struct cgroup_root cgroups;

	unsigned strays; /* recovery.c: attempts not proven dead yet */
	unsigned strays_awaited; /* of them, those that hold up the start */
	bool resumed; /* recovery.c: every open run was looked at */
	bool recovered; /* recovery.c: the past is dealt with */
	bool stopping; /* supervisor.c: nothing starts any more */
	uint64_t bugs; /* empty cells met, and the like */
	uint64_t started, succeeded, failed, skipped; /* since the start */
};

/* One job as it lives: its definition, its next instant, its open runs. */
struct live_job {
	struct road *road;
	struct job *def; /* one reference; the last one known when removed */
	bool configured;
	struct timer due; /* due.c */
	int64_t next_us; /* instant the timer stands for; TIME_NEVER: none */
	int64_t cursor_us; /* last instant dealt with; LEDGER_NULL: none */
	int64_t grid_us; /* first sight, origin of @every */
	int64_t paused_until_us; /* LEDGER_NULL: not paused */
	char *boot; /* of the last @reboot fire, or NULL */
	struct catch_up *catch_up; /* due.c: being counted, or NULL */
	struct list held; /* in road.held */
	struct list freed; /* in road.freed */
	struct list runs; /* open_run.in_job, in the order they were made */
	int nheld; /* runs not freed yet: they still point here */
	int nruns, nwaiting, nrunning;
	int nbehind; /* of those that wait: for the job, not for a slot */
	struct breaker breaker;
	struct row_cache rows;
};

/* Somebody who waits for the end of a run. */
typedef void run_done_fn(void *arg, struct row *const *rows, unsigned nrows);
struct run_waiter {
	struct run_waiter *next;
	run_done_fn *fn;
	void *arg;
};

/* A run that is open, with all that flow hangs on it. */
struct open_run {
	struct run run; /* first: the model's part */
	struct live_job *live;
	struct list in_job;
	struct heap_node waiting; /* claim.c: in slots.waiting */
	bool queued; /* claim.c: WAITING, in one of its two places */
	bool behind; /* claim.c: waits for its job, not for a slot */
	bool claiming; /* claim.c: claimed, no worker was made yet */
	bool has_slot;
	bool given_up; /* claim.c: no further attempt, however this one ends */
	bool recorded; /* the ledger has it in `run` */
	uint64_t claim_seq; /* of the records of the claim */
	int64_t claimed_at_us; /* real; when they were appended */
	struct slots *pool; /* whose slot it holds or waits for */
	struct timer timer; /* WAITING: until missed; BACKOFF: until due */
	struct attempt *attempt; /* STARTING to DRAINING */
	struct stray *stray; /* recovery.c: an attempt of the past, or NULL */
	enum reason skip_reason;
	char *skip_detail; /* words for a skipped row, or NULL; owned */
	char *skip_result; /* JSON text of a skipped row, or NULL; owned */
	struct run_waiter *waiters;
	struct row **rows; /* kept only while somebody waits */
	unsigned nrows;
	unsigned pins; /* effects that still point here */
};

/* ---- live.c: making and forgetting them ---- */

/* The live job of that name, or NULL. */
struct live_job *road_job(const struct road *rd, const char *name);
/* A live job for `def`; it has no history and no instant yet. */
struct live_job *live_job_new(struct road *rd, struct job *def);
/* Forget it when it is neither configured nor has open runs. */
void live_job_release(struct live_job *live);

/* At the end of the daemon, without a record: frees it with its runs. */
void live_job_forget(struct live_job *live);

/* A run in NEW, open from now on. Takes `params` (NULL: none). */
struct open_run *open_run_new(struct live_job *live, enum trigger trigger,
    int64_t scheduled_at_us, char *params, bool forced);
/* The same with an id of the past, by recovery.c. */
struct open_run *open_run_restore(struct live_job *live, const char *id,
    enum trigger trigger, int64_t scheduled_at_us, int64_t created_at_us,
    char *params, bool forced);
/* Call fn when its last row is durable. It must not be DONE yet. */
void open_run_wait(struct open_run *r, run_done_fn *fn, void *arg);
/* At the end of the daemon: who waits for any run learns that it is not over
 * (no rows). */
void road_end_waits(struct road *rd);
/* Nobody waits for it any more. */
void open_run_unwait(struct open_run *r, void *arg);
/*
 * It is DONE and its records are in this turn's batch: tell who waits once
 * they are durable, then forget it.
 */
void open_run_close(struct open_run *r);
/* Do fn(r) when this turn's records are durable; keeps r until then. */
void open_run_effect(struct open_run *r, effect_fn *fn);

/*
 * The road itself: apply the event to the run's state and do what the table
 * says (the actions are functions of claim.c, attempt.c, settle.c,
 * recovery.c). An empty cell is logged as a BUG and counted.
 */
void road_step(struct open_run *r, enum run_event event);

/* Append a history row, keep it in memory; fills id, node and created_at. */
void road_record(
    struct live_job *live, struct open_run *r, struct ledger_history *row);

/* May fires become runs now: recovered, not stopping, the ledger works. */
bool road_may_start(const struct road *rd);

#endif
