/*
 * identity.h - whom a job runs as: found by name, become for good.
 */
#ifndef REEVE_EXEC_IDENTITY_H
#define REEVE_EXEC_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/macros.h"
#include "exec/environ.h"
#include "sys/spawn.h"

struct identity {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary */
	size_t ngroups;
	bool change; /* false: stay who we are */
	/* of the password entry; NULL when there is none */
	char *name, *home, *shell;
};

/*
 * Look up names or numbers; NULL: our own. Returns 0, or -errno (-ENOENT: no
 * such user) with *ret_step telling which of the two failed. The strings live
 * until exit.
 */
MUSTUSE int identity_find(const char *user, const char *group,
    struct identity *ret, enum spawn_step *ret_step);

/* HOME USER LOGNAME SHELL of that user, but for those in `keep`. */
void identity_environ(
    const struct identity *id, struct env *env, const char *const *keep);

/*
 * Groups, gid, uid, in that order and in all three kinds; then look that
 * nothing of the old rights is left. Returns 0 or -errno and the step.
 */
MUSTUSE int identity_become(
    const struct identity *id, enum spawn_step *ret_step);

#endif
