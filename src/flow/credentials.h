/*
 * credentials.h - secrets as files in a private directory, for one attempt
 * (systemd's convention: $CREDENTIALS_DIRECTORY, one file a name).
 */
#ifndef REEVE_FLOW_CREDENTIALS_H
#define REEVE_FLOW_CREDENTIALS_H

#include "base/buf.h"
#include "base/macros.h"
#include "model/job.h"

/*
 * The value of a secret, from its file (owner and mode checked on the opened
 * descriptor, one trailing newline cut) or our environment, appended to
 * `ret`. -ENOENT, -EPERM, … or -ENODATA when it is empty.
 */
MUSTUSE int credentials_read(const struct secret *s, struct buf *ret);

/*
 * Make `run_dir`/credentials/`attempt_id` (0700) with a file (0400) for each
 * secret of the job. Gives the path by *ret_dir, NULL when the job has none.
 * -errno with *ret_name (borrowed from the job) naming the secret.
 */
MUSTUSE int credentials_make(const char *run_dir, const struct job *job,
    const char *attempt_id, char **ret_dir, const char **ret_name);
/* Remove the directory and its files. NULL is fine. */
void credentials_remove(const char *dir);
/* At start: what an earlier daemon left. */
void credentials_sweep(const char *run_dir);

#endif
