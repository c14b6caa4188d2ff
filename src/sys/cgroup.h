/*
 * cgroup.h - a cgroup (v2) for an attempt that asks for one. mkdir and rmdir
 * cost 60 us (measured); files as in cgroups(7) and the kernel's
 * admin-guide/cgroup-v2.
 */
#ifndef REEVE_SYS_CGROUP_H
#define REEVE_SYS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

/* What the machine grants; found once at start. */
struct cgroup_root {
	char *path; /* directory our cgroups are made in; NULL: none */
	bool memory, pids, cpu; /* controllers that can be set in it */
};

/*
 * Find the cgroup2 mount and our own place in it (/proc/self/mountinfo,
 * /proc/self/cgroup) and make `NAME` below it, moving ourselves to a leaf
 * where delegation needs it. Returns 0, or -errno with path NULL.
 */
MUSTUSE int cgroup_root_open(const char *name, struct cgroup_root *ret);
void cgroup_root_clear(struct cgroup_root *root);

struct cgroup_limits {
	int64_t memory_max_bytes; /* 0: none */
	int64_t pids_max; /* 0: none */
	int64_t cpu_percent; /* of one processor; 0: none */
};

/* Make a cgroup `id`; gives its path (to free) and an fd for spawn(). */
MUSTUSE int cgroup_make(const struct cgroup_root *root, const char *id,
    const struct cgroup_limits *limits, char **ret_path, int *ret_fd);
/* cgroup.kill (or, before Linux 5.14, pidfds of cgroup.procs). */
MUSTUSE int cgroup_kill(const char *path);
/* 1 populated, 0 empty or gone, or -errno. */
MUSTUSE int cgroup_populated(const char *path);
/* Did memory.events count an oom_kill? */
bool cgroup_saw_oom(const char *path);
/* rmdir; -EBUSY when populated. */
MUSTUSE int cgroup_remove(const char *path);

#endif
