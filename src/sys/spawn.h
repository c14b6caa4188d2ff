/*
 * spawn.h - the one place where processes are made.
 *
 * spawn() costs the same whatever the size of the supervisor: clone3 with
 * CLONE_VM|CLONE_VFORK|CLONE_PIDFD (clone(2)) on a small stack of its own,
 * all signals blocked from before it until the child has reset its handlers.
 * Nothing is computed in the child: the caller hands over finished vectors.
 */
#ifndef REEVE_SYS_SPAWN_H
#define REEVE_SYS_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/macros.h"

/* What failed in the child, for words: "chdir /home/x: No such file …". */
enum spawn_step {
	SPAWN_STEP_CLONE,
	SPAWN_STEP_SESSION,
	SPAWN_STEP_PDEATHSIG,
	SPAWN_STEP_FDS,
	SPAWN_STEP_CWD,
	SPAWN_STEP_RLIMIT,
	SPAWN_STEP_NICE,
	SPAWN_STEP_OOM,
	SPAWN_STEP_NNP,
	SPAWN_STEP_EXEC,
	/* of the chain loader */
	SPAWN_STEP_USER,
	SPAWN_STEP_GROUP,
	SPAWN_STEP_ENVFILE,
	SPAWN_STEP_CREDENTIALS,
};
const char *spawn_step_name(enum spawn_step step);

struct spawn_error {
	int step; /* enum spawn_step */
	int err; /* errno */
};

struct spawn_rlimit {
	int resource;
	struct rlimit value;
};

struct spawn {
	/* Candidates for execve, tried in order; the next only on ENOENT or
	 * ENOTDIR (EACCES is remembered, as execvp(3) does). NULL-ended. */
	char *const *paths;
	char *const *argv;
	char *const *envp;
	int fds[3]; /* become 0, 1, 2; borrowed */
	int status_fd; /* becomes 3, for the chain loader's own report (the
			* loader makes it close-on-exec); -1: none. borrowed */
	const char *cwd; /* NULL: stay */
	bool cwd_optional; /* "/" when it cannot be entered */
	mode_t umask;
	const struct spawn_rlimit *rlimits;
	unsigned nrlimits;
	int nice; /* added to ours; 0: leave */
	bool set_oom_score_adj;
	int oom_score_adj;
	bool no_new_privs;
	bool keep_on_parent_death; /* else PDEATHSIG KILL, getppid checked */
	int cgroup_fd; /* CLONE_INTO_CGROUP; -1: none */
};

struct spawned {
	pid_t pid;
	int pidfd; /* the caller closes it */
};

/*
 * Make the process: new session, default signals and an empty mask, only fds
 * 0-2 (and 3) open. Borrows everything. Returns 0 with *ret filled, or -errno
 * with *ret_error filled; then no child is left. An exec that fails is known
 * here, at once (the parent sleeps until exec, vfork(2)). Only the main thread
 * may call it: PR_SET_PDEATHSIG is tied to the thread.
 */
MUSTUSE int spawn(const struct spawn *req, struct spawned *ret,
    struct spawn_error *ret_error);

/*
 * For `reeved -d`: fork before any thread or loop exists. In the parent,
 * waits for the child's word: returns its exit status by exit(3) (0 once
 * ready; else prints the reason it sent). In the child returns 0 with the
 * descriptor to report on, to be ended by spawn_daemon_ready().
 */
MUSTUSE int spawn_daemon(int *ret_report_fd);
/* The daemon works: let the parent go with 0; standard fds to /dev/null. */
void spawn_daemon_ready(int *report_fd);
/* It does not: `reason` is printed by the parent, which exits with `code`. */
void spawn_daemon_failed(int *report_fd, const char *reason, int code);

#endif
