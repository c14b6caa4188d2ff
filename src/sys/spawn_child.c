/*
 * spawn_child.c - what a new process does to itself until it is the worker.
 *
 * It shares the supervisor's memory and runs on a piece of its stack: so only
 * system calls, through syscall(2): no libc function that a sanitizer
 * intercepts, no lock, no memory of ours but the error record. Nothing here is
 * instrumented: a sanitizer's book-keeping would be the parent thread's.
 */
#include <config.h>

#include "sys/spawn_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_SETUP_FAILED 127

IN_CHILD NORETURN static void
child_fail(struct spawn_child *c, int step, int err)
{
	c->error.err = err;
	c->error.step = step;
	for (;;)
		syscall(SYS_exit_group, EXIT_SETUP_FAILED);
}

/*
 * Also those that were ignored: exec keeps SIG_IGN, and a worker must not
 * find SIGPIPE ignored. All zeros is SIG_DFL in the kernel's struct sigaction
 * of every architecture.
 */
IN_CHILD static void
child_default_signals(void)
{
	long zero[8] = {0};
	int signo;

	for (signo = 1; signo <= KERNEL_SIGNALS; signo++) {
		if (signo != SIGKILL && signo != SIGSTOP)
			syscall(SYS_rt_sigaction, signo, zero, NULL,
			    KERNEL_SIGSET_BYTES);
	}
}

IN_CHILD static void
child_unblock_signals(void)
{
	uint64_t none = 0;

	syscall(
	    SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, KERNEL_SIGSET_BYTES);
}

IN_CHILD static void
child_parent_death(struct spawn_child *c)
{
	if (c->req->keep_on_parent_death)
		return;
	if (syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		child_fail(c, SPAWN_STEP_PDEATHSIG, errno);
	/* The parent may have died before the call took effect. */
	if (syscall(SYS_getppid) != c->parent)
		child_fail(c, SPAWN_STEP_PDEATHSIG, ESRCH);
}

/* A source below `low` would be overwritten by a target: move it up. */
IN_CHILD static int
child_fd_above(struct spawn_child *c, int fd, int low)
{
	long up;

	if (fd < 0)
		child_fail(c, SPAWN_STEP_FDS, EBADF);
	if (fd >= low)
		return fd;
	up = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, low);
	if (up < 0)
		child_fail(c, SPAWN_STEP_FDS, errno);
	return (int)up;
}

IN_CHILD static void
child_fds(struct spawn_child *c)
{
	const int first_free = c->req->status_fd >= 0 ? 4 : 3;
	int from[3], status = -1, i;

	for (i = 0; i < 3; i++)
		from[i] = child_fd_above(c, c->req->fds[i], first_free);
	if (c->req->status_fd >= 0)
		status = child_fd_above(c, c->req->status_fd, first_free);
	for (i = 0; i < 3; i++) {
		if (syscall(SYS_dup3, from[i], i, 0) < 0)
			child_fail(c, SPAWN_STEP_FDS, errno);
	}
	if (status >= 0 && syscall(SYS_dup3, status, 3, 0) < 0)
		child_fail(c, SPAWN_STEP_FDS, errno);
	/* Before Linux 5.9 the close-on-exec flags alone have to do. */
	if (syscall(SYS_close_range, first_free, ~0U, 0) < 0 &&
	    errno != ENOSYS && errno != EPERM)
		child_fail(c, SPAWN_STEP_FDS, errno);
}

/* Only where clone3 is missing; before child_fds() closes the directory. */
IN_CHILD static void
child_join_cgroup(struct spawn_child *c)
{
	long fd;

	fd = syscall(SYS_openat, c->req->cgroup_fd, "cgroup.procs",
	    O_WRONLY | O_CLOEXEC, 0);
	if (fd < 0)
		child_fail(c, SPAWN_STEP_CLONE, errno);
	if (syscall(SYS_write, fd, "0", 1) != 1)
		child_fail(c, SPAWN_STEP_CLONE, errno);
	syscall(SYS_close, fd);
}

IN_CHILD static void
child_cwd(struct spawn_child *c)
{
	if (c->req->cwd == NULL)
		return;
	if (syscall(SYS_chdir, c->req->cwd) == 0)
		return;
	if (!c->req->cwd_optional || syscall(SYS_chdir, "/") < 0)
		child_fail(c, SPAWN_STEP_CWD, errno);
}

IN_CHILD static uint64_t
child_limit(rlim_t v)
{
	return v == RLIM_INFINITY ? ~(uint64_t)0 : (uint64_t)v;
}

IN_CHILD static void
child_rlimits(struct spawn_child *c)
{
	const struct spawn_rlimit *rl;
	uint64_t pair[2]; /* the kernel's struct rlimit64 */
	unsigned i;

	for (i = 0; i < c->req->nrlimits; i++) {
		rl = &c->req->rlimits[i];
		pair[0] = child_limit(rl->value.rlim_cur);
		pair[1] = child_limit(rl->value.rlim_max);
		if (syscall(SYS_prlimit64, 0, rl->resource, pair, NULL) < 0)
			child_fail(c, SPAWN_STEP_RLIMIT, errno);
	}
}

IN_CHILD static void
child_nice(struct spawn_child *c)
{
	long now;

	if (c->req->nice == 0)
		return;
	/* The bare call answers 20 - nice, so that -1 is always an error. */
	now = syscall(SYS_getpriority, PRIO_PROCESS, 0);
	if (now < 0)
		child_fail(c, SPAWN_STEP_NICE, errno);
	if (syscall(SYS_setpriority, PRIO_PROCESS, 0, 20 - now + c->req->nice) <
	    0)
		child_fail(c, SPAWN_STEP_NICE, errno);
}

IN_CHILD static void
child_oom_score(struct spawn_child *c)
{
	long fd;

	if (!c->req->set_oom_score_adj)
		return;
	fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj",
	    O_WRONLY | O_CLOEXEC, 0);
	if (fd < 0)
		child_fail(c, SPAWN_STEP_OOM, errno);
	if (syscall(SYS_write, fd, c->oom_text, c->oom_text_len) < 0)
		child_fail(c, SPAWN_STEP_OOM, errno);
	syscall(SYS_close, fd);
}

IN_CHILD NORETURN static void
child_exec(struct spawn_child *c)
{
	int err = ENOENT, i;
	bool denied = false;

	for (i = 0; c->req->paths[i] != NULL; i++) {
		syscall(
		    SYS_execve, c->req->paths[i], c->req->argv, c->req->envp);
		err = errno;
		if (err == EACCES)
			denied = true;
		else if (err != ENOENT && err != ENOTDIR)
			child_fail(c, SPAWN_STEP_EXEC, err);
	}
	child_fail(c, SPAWN_STEP_EXEC, denied ? EACCES : err);
}

IN_CHILD NORETURN void
spawn_child_run(void *arg)
{
	struct spawn_child *c = arg;

	child_default_signals();
	child_parent_death(c);
	if (syscall(SYS_setsid) < 0)
		child_fail(c, SPAWN_STEP_SESSION, errno);
	if (c->join_cgroup)
		child_join_cgroup(c);
	child_fds(c);
	syscall(SYS_umask, c->req->umask);
	child_cwd(c);
	child_rlimits(c);
	child_nice(c);
	child_oom_score(c);
	if (c->req->no_new_privs &&
	    syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		child_fail(c, SPAWN_STEP_NNP, errno);
	child_unblock_signals();
	child_exec(c);
}
