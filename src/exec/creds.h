/*
 * creds.h - the private directory of an attempt's secrets changes hands.
 */
#ifndef REEVE_EXEC_CREDS_H
#define REEVE_EXEC_CREDS_H

#include <sys/types.h>

#include "base/macros.h"

/*
 * Give directory `path` and what is in it to uid and gid: 0500, files 0400.
 * Only directories and regular files with one name are there; anything else
 * is -EPERM, and no link is followed. Returns 0 or -errno.
 */
MUSTUSE int creds_give(const char *path, uid_t uid, gid_t gid);

#endif
