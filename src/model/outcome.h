/*
 * outcome.h - how an attempt ended: everything the supervisor saw and the
 * worker said, folded into one verdict and one line of text. Pure.
 *
 * Ends that conflict, the first that holds wins: canceled or timed out by us;
 * lost; spawn failed; out of memory; signal; `error` message; failing exit
 * code; bad message; `skip` message or skipping exit code; success. A worker
 * that says it failed is so told by its own words, also when another of its
 * messages was bad; a bad message only spoils what would have been a success.
 */
#ifndef REEVE_MODEL_OUTCOME_H
#define REEVE_MODEL_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "model/job.h"
#include "model/names.h"

/* Why the supervisor itself ended an attempt; the first one counts. */
enum stop_cause {
	STOP_NONE,
	STOP_TIMEOUT, /* timeout of the attempt */
	STOP_RUN_TIMEOUT,
	STOP_CANCEL, /* asked for through the API */
	STOP_SHUTDOWN,
	STOP_REPLACED,
};

/* What was seen. Texts are borrowed, of any bytes and length. */
struct ending {
	/* It never began: */
	bool spawn_failed;
	const char *spawn_step; /* "exec" */
	int spawn_errno;
	bool lost; /* the daemon died meanwhile */
	/* It began: */
	enum stop_cause stop;
	const char *stop_detail; /* "replaced by RUN", or NULL */
	int64_t limit_us; /* the timeout that passed */
	bool oom;
	bool signaled;
	bool core_dumped;
	int code; /* exit status or signal */
	/* What it said, protocol jsonl: */
	const char *protocol_error; /* a bad message, or NULL */
	const char *error_message; /* text of the last "error", or NULL */
	int transient; /* of that message: 1, 0, or -1 not said */
	int64_t retry_after_us; /* 0: none */
	bool skip;
	const char *skip_reason;
	const char *result; /* JSON text of the last result, or NULL */
	/* Last line of output, scrubbed; or NULL */
	const char *last_line;
};

struct outcome {
	enum status status;
	enum reason reason;
	char *error; /* one line, at most REEVE_MAX_ERROR; NULL: none. Owned. */
	bool permanent; /* not to be retried */
	bool counted; /* by the breaker */
	int64_t retry_after_us; /* lower bound for the next attempt; 0: none */
	int exit_code; /* -1: none */
	int signal; /* 0: none */
	bool
	    canceled_by_us; /* shutdown, replaced, cancel: no alert, no retry */
};

/*
 * Fill *ret; outcome_clear() frees its text.
 *
 * status and reason: failure with exit, signal, timeout, oom, protocol, spawn,
 * canceled or lost; skipped with worker; success with none.
 *
 * error: the outcome in words ("exit status 3"), and ": " with the last line
 * of output where the worker ended by itself or ran out of time or memory; the
 * worker's own words for `error` and `skip`. Valid UTF-8 on one line: terminal
 * colours are left out, control characters are spaces.
 *
 * Exit codes: the job's exitCodes first (success, skip, permanent), then those
 * of reeve/worker.h for the protocol; all others are transient. `transient` of
 * an error message beats them.
 *
 * permanent: what will not get better by itself, a run whose runTimeout has
 * passed, and what we canceled. A program that is not there or can't be
 * executed is permanent; a want of processes or memory is not. Nor is a bad
 * message: it may be a line cut short by a full disk or two processes that
 * write at once, and when it is a mistake of the worker, maxAttempts and the
 * breaker, which counts it, bound the cost.
 */
void outcome_from(const struct exit_codes *codes, enum protocol protocol,
    const struct ending *e, struct outcome *ret);
void outcome_clear(struct outcome *o);

#endif
