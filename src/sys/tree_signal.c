/*
 * tree_signal.c - reach a child of ours and all that descends from it.
 *
 * Never by a bare pid. Our own children keep their pid until we reap them. For
 * the rest: open a pidfd, then see in /proc that the pid is a child of the
 * process we came from, then see that this one still is what it was (its own
 * pidfd answers). Then the pidfd is the right process, or one that is gone.
 * What forks faster than this looks becomes our child when its parent dies,
 * and is found then.
 */
#include <config.h>

#include "sys/tree_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/procfs.h"

/* Each level holds a descriptor; deeper ones wait until these are dead. */
#define REACH_DEPTH 64

static bool
send_signal(int pidfd, int signo)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) == 0;
}

static bool
still_there(int pidfd)
{
	return send_signal(pidfd, 0) || errno == EPERM;
}

static int
open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static bool
is_child_of(pid_t pid, pid_t parent, int parent_pidfd)
{
	struct procfs_stat st;

	if (procfs_stat(pid, &st) < 0 || st.ppid != parent)
		return false;
	return still_there(parent_pidfd);
}

static void reach_below(struct reach *r, pid_t pid, int pidfd, unsigned depth);

static void
reach_grandchild(
    struct reach *r, pid_t pid, pid_t parent, int parent_pidfd, unsigned depth)
{
	int pidfd;

	if (r->budget == 0)
		return;
	r->budget--;
	pidfd = open_pidfd(pid);
	if (pidfd < 0)
		return;
	if (is_child_of(pid, parent, parent_pidfd)) {
		reach_below(r, pid, pidfd, depth);
		send_signal(pidfd, r->signo);
	}
	fd_close(&pidfd);
}

static void
reach_below(struct reach *r, pid_t pid, int pidfd, unsigned depth)
{
	pid_t *list = NULL;
	int i, n;

	if (depth == REACH_DEPTH || r->budget == 0)
		return;
	n = procfs_children(pid, &list);
	for (i = 0; i < n; i++)
		reach_grandchild(r, list[i], pid, pidfd, depth + 1);
	free(list);
}

void
reach_child(struct reach *r, pid_t pid)
{
	int pidfd;

	if (r->budget == 0)
		return;
	r->budget--;
	pidfd = open_pidfd(pid);
	if (pidfd < 0)
		return;
	reach_below(r, pid, pidfd, 0);
	send_signal(pidfd, r->signo);
	fd_close(&pidfd);
}
