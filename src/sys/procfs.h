/*
 * procfs.h - what /proc says about processes. Read-only, no signals.
 */
#ifndef REEVE_SYS_PROCFS_H
#define REEVE_SYS_PROCFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macros.h"

struct procfs_stat {
	pid_t pid, ppid, session;
	char state; /* R S D Z … of proc(5) */
	uint64_t start_ticks; /* field 22: unique with the pid within a boot */
};

/* 0, -ESRCH when there is no such process, else -errno. */
MUSTUSE int procfs_stat(pid_t pid, struct procfs_stat *ret);

/*
 * Children of `pid`'s main thread (/proc/PID/task/PID/children), all threads
 * when `pid` is not ourselves. Gives an array to free(). Returns how many, or
 * -errno.
 */
MUSTUSE int procfs_children(pid_t pid, pid_t **ret);

/* All pids of the system. Gives an array; returns how many or -errno. */
MUSTUSE int procfs_all(pid_t **ret);

/*
 * Does the environment the process was started with hold `entry`
 * ("REEVE_ATTEMPT_ID=…") exactly? 1, 0, or -errno (-ESRCH, -EACCES).
 */
MUSTUSE int procfs_environ_has(pid_t pid, const char *entry);
/* Copy the value of `name` into out (NUL-terminated): 1, 0 or -errno. */
MUSTUSE int procfs_environ_get(
    pid_t pid, const char *name, char *out, size_t out_bytes);

#endif
