/*
 * request.h - what an attempt is told: the JSON request on its stdin and its
 * environment. Pure.
 */
#ifndef REEVE_MODEL_REQUEST_H
#define REEVE_MODEL_REQUEST_H

#include <stdint.h>

#include "base/buf.h"
#include "model/job.h"

/* Facts about one attempt; texts borrowed. */
struct request {
	const struct job *job;
	const char *run_id;
	const char *attempt_id;
	int attempt, max_attempts;
	enum trigger trigger;
	int64_t scheduled_at_us; /* TIME_NEVER: none */
	int64_t deadline_us; /* real; TIME_NEVER: none */
	const char *params; /* JSON object text: of the trigger, else the job's;
			     * NULL: {} */
	const char *previous; /* JSON text of the last run, or NULL */
	const char *quota; /* JSON text, or NULL */
	const char *parent; /* JSON text, or NULL */
	const char *credentials_dir; /* or NULL */
};

/*
 * The request of protocol version 1, one line of JSON with its newline,
 * appended to `out`. All keys are always there; what there is none of is null.
 */
void request_print(const struct request *r, struct buf *out);

/* The user the daemon runs as, looked up once at start. Borrowed texts; a NULL
 * among them leaves its variable out. */
struct request_user {
	const char *name, *home, *shell;
};

/*
 * The environment, built from nothing: HOME USER LOGNAME SHELL of `user`, PATH
 * and LANG with the values of crontab(5) and C.UTF-8; the job's env, which may
 * replace those; then REEVE_* and CREDENTIALS_DIRECTORY. These last names are
 * ours: a job's env can neither set them nor add to them, so that a worker can
 * believe what it reads there, and the absence of REEVE_SCHEDULED_AT and
 * REEVE_DEADLINE when there is none.
 *
 * With the chain loader (the job has a user of its own) the first four are
 * left to it, unless the job's env sets them: `user` NULL. Gives a NULL-ended
 * vector without duplicates, to request_env_free().
 */
char **request_env(const struct request *r, const struct request_user *user);
void request_env_free(char **env);

#endif
