/*
 * cgroup_internal.h - files of a cgroup, for cgroup.c and cgroup_root.c.
 */
#ifndef REEVE_SYS_CGROUP_INTERNAL_H
#define REEVE_SYS_CGROUP_INTERNAL_H

#include "base/buf.h"
#include "base/macros.h"

/* One write(2), as the kernel wants it. Returns 0 or -errno. */
MUSTUSE int cgroup_file_write(
    const char *dir, const char *name, const char *text);
/* Appends the whole file. Returns 0 or -errno. */
MUSTUSE int cgroup_file_read(
    const char *dir, const char *name, struct buf *out);

#endif
