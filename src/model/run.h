/*
 * run.h - a run as a state machine: which states there are, what may happen
 * in each, and what must be done then. Pure: the doing is flow's.
 *
 * One table (run.c) maps state x event to {next state, action}; run_apply()
 * is the only writer of `state`. An empty cell is a bug of ours.
 */
#ifndef REEVE_MODEL_RUN_H
#define REEVE_MODEL_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/uuid.h"
#include "model/job.h"

/* name, what it means */
#define RUN_STATES(X)                                                    \
	X(NEW, "a fire or a trigger, not admitted yet")                  \
	X(WAITING, "behind an open run of its job, or for a slot")       \
	X(CLAIMING, "its record is on the way to the disk")              \
	X(STARTING, "the record is durable: the worker is being made")   \
	X(RUNNING, "the worker lives")                                   \
	X(STOPPING, "TERM was sent to the worker's tree")                \
	X(DRAINING, "the leader is reaped: last output, last survivors") \
	X(BACKOFF, "between two attempts")                               \
	X(DONE, "every row it will have is in the ledger")

#define RUN_EVENTS(X)                                                 \
	X(ADMIT, "admission lets it start")                           \
	X(WAIT, "admission lets it wait")                             \
	X(SKIP, "refused, or given up before its first attempt")      \
	X(CLAIMED, "the claim is durable")                            \
	X(SPAWNED, "the worker was made")                             \
	X(SPAWN_FAILED, "it could not be made")                       \
	X(STOP, "timeout, cancel, replace or shutdown")               \
	X(KILL, "killAfter has passed, or there is no time for TERM") \
	X(EXITED, "the leader was reaped")                            \
	X(DRAIN_DUE, "the drain deadline has passed")                 \
	X(OVER, "tree empty, pipes done: the attempt is over")        \
	X(RETRY, "there will be another attempt")                     \
	X(FINISH, "there will be none")                               \
	X(RESUME_WAITING, "found waiting in the ledger at start")     \
	X(RESUME_BACKOFF, "found between attempts at start")          \
	X(RESUME_LIVE, "found with a live attempt at start: prove it dead")

#define RUN_ACTIONS(X)                                             \
	X(NONE, "nothing")                                         \
	X(CLAIM, "append the claim; CLAIMED once it is durable")   \
	X(ENQUEUE, "put it into the queue and the ledger")         \
	X(SKIP, "append the skipped row")                          \
	X(SPAWN, "make the worker")                                \
	X(WATCH, "arm the timeout")                                \
	X(TERM, "TERM to the tree, arm killAfter")                 \
	X(KILL, "KILL to the tree, again until it is empty")       \
	X(DRAIN, "arm the drain deadline, look for survivors")     \
	X(SETTLE, "fold the outcome, append the row, decide")      \
	X(BACKOFF, "append the next instant, arm it once durable") \
	X(FINISH, "append the end; let others start")              \
	X(TRACE, "find what an earlier daemon left, and kill it")

#define RUN_ENUM_STATE(name, help)  RUN_##name,
#define RUN_ENUM_EVENT(name, help)  RUN_EV_##name,
#define RUN_ENUM_ACTION(name, help) RUN_ACT_##name,

enum run_state {
	RUN_STATES(RUN_ENUM_STATE) RUN_NSTATES
};
enum run_event {
	RUN_EVENTS(RUN_ENUM_EVENT) RUN_NEVENTS
};
/* INVALID: an empty cell; the state did not change. */
enum run_action {
	RUN_ACT_INVALID,
	RUN_ACTIONS(RUN_ENUM_ACTION) RUN_NACTIONS
};

struct run {
	const enum run_state state; /* run_apply() alone writes it */
	char id[UUID_TEXT_BYTES];
	struct job *job; /* one reference; of the attempt that goes on */
	enum trigger trigger;
	int64_t scheduled_at_us; /* TIME_NEVER: a manual one */
	int64_t created_at_us;
	int attempt; /* the live or last one; 0: none yet */
	int64_t first_started_at_us; /* TIME_NEVER: none yet */
	int64_t next_attempt_at_us; /* in BACKOFF */
	char *params; /* of the trigger, or NULL; owned */
	bool forced;
	bool probe; /* let through by an open breaker: one attempt */
};

/* A run in NEW. Takes `params`; refers to `job` once more. */
void run_init(struct run *r, struct job *job, const char *id,
    enum trigger trigger, int64_t scheduled_at_us, int64_t created_at_us,
    char *params, bool forced);
void run_clear(struct run *r);
/* The next attempt goes by `job`: one more reference to it, one less to the
 * definition before. */
void run_redefine(struct run *r, struct job *job);

/* Go to the next state; returns what must be done. */
enum run_action run_apply(struct run *r, enum run_event event);

const char *run_state_name(enum run_state s);
const char *run_event_name(enum run_event e);
const char *run_action_name(enum run_action a);

/* The whole table as text: one line a cell, for people and t/fsm.golden. */
void run_dump_table(struct buf *out);

/* Attempt id: run id and attempt, as REEVE_ATTEMPT_ID has it. */
#define RUN_ATTEMPT_ID_BYTES (UUID_TEXT_BYTES + 12)
const char *run_attempt_id(
    const char *run_id, int attempt, char out[RUN_ATTEMPT_ID_BYTES]);

#endif
