/*
 * tree_trace.c - after a crash of the supervisor: prove that an attempt is
 * dead, or kill what is left of it.
 *
 * A recorded pid or session number proves nothing by itself: it may be
 * another's by now. It counts only within the same boot, with the same start
 * time; a session only while its leader is gone or is that very process,
 * and only for processes that are not older. Signals go through pidfds
 * that were opened before the last check.
 */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/xalloc.h"
#include "sys/cgroup.h"
#include "sys/procfs.h"
#include "sys/tree.h"

struct suspect {
	struct procfs_stat st;
	bool member;
};

struct search {
	const struct tree_trace *trace;
	char *entry; /* "REEVE_ATTEMPT_ID=…" */
	bool same_boot;
	bool session_is_ours;
	struct suspect *list;
	int count;
};

static int
by_pid(const void *a, const void *b)
{
	const struct suspect *x = a, *y = b;

	return (x->st.pid > y->st.pid) - (x->st.pid < y->st.pid);
}

static bool
is_dead(const struct procfs_stat *st)
{
	return st->state == 'Z' || st->state == 'X' || st->state == 'x';
}

static struct suspect *
find(const struct search *s, pid_t pid)
{
	struct suspect key = {.st = {.pid = pid}};

	return bsearch(
	    &key, s->list, (size_t)s->count, sizeof(*s->list), by_pid);
}

/* Every process but ourselves, who may have been started by an attempt. */
static int
take_snapshot(struct search *s)
{
	pid_t *pids = NULL;
	int i, n;

	n = procfs_all(&pids);
	if (n < 0)
		return n;
	s->list = xcalloc((size_t)n + 1, sizeof(*s->list));
	for (i = 0; i < n; i++) {
		if (pids[i] != getpid() &&
		    procfs_stat(pids[i], &s->list[s->count].st) == 0)
			s->count++;
	}
	free(pids);
	qsort(s->list, (size_t)s->count, sizeof(*s->list), by_pid);
	return 0;
}

/*
 * The number of a session is not given to another process while somebody is
 * in it, so with its leader gone it is the old one or one that began later
 * and lost its leader too. The latter cannot be told apart by the kernel's
 * answers; but then its leader was younger than ours, and its members carry no
 * other attempt's name: see is_recorded().
 */
static bool
session_is_ours(const struct search *s)
{
	const struct tree_trace *tr = s->trace;
	const struct suspect *leader;

	if (!s->same_boot || tr->session <= 1)
		return false;
	leader = find(s, tr->session);
	if (leader == NULL)
		return true;
	return tr->session == tr->pid &&
	       leader->st.start_ticks == tr->start_ticks;
}

static bool
names_another(const struct search *s, pid_t pid)
{
	char id[128];

	return procfs_environ_get(pid, "REEVE_ATTEMPT_ID", id, sizeof(id)) ==
		   1 &&
	       strcmp(id, s->trace->attempt_id) != 0;
}

static bool
is_recorded(const struct search *s, const struct procfs_stat *st)
{
	const struct tree_trace *tr = s->trace;

	if (!s->same_boot || st->start_ticks < tr->start_ticks)
		return false;
	if (st->pid == tr->pid)
		return st->start_ticks == tr->start_ticks;
	return s->session_is_ours && st->session == tr->session &&
	       !names_another(s, st->pid);
}

static void
mark_members(struct search *s)
{
	struct suspect *p;
	int i;

	for (i = 0; i < s->count; i++) {
		p = &s->list[i];
		if (is_dead(&p->st))
			continue;
		p->member = is_recorded(s, &p->st) ||
			    procfs_environ_has(p->st.pid, s->entry) == 1;
	}
}

/* What a member started is one too, whatever it did to its environment. */
static void
mark_descendants(struct search *s)
{
	const struct suspect *parent;
	struct suspect *p;
	bool some;
	int i;

	do {
		some = false;
		for (i = 0; i < s->count; i++) {
			p = &s->list[i];
			if (p->member || is_dead(&p->st))
				continue;
			parent = find(s, p->st.ppid);
			if (parent == NULL || !parent->member)
				continue;
			p->member = some = true;
		}
	} while (some);
}

/* 1 when it was alive and has its signal, else 0. */
static int
kill_member(const struct suspect *p)
{
	struct procfs_stat now;
	int pidfd;

	pidfd = (int)syscall(SYS_pidfd_open, p->st.pid, 0);
	if (pidfd < 0)
		return 0;
	if (procfs_stat(p->st.pid, &now) < 0 || is_dead(&now) ||
	    now.start_ticks != p->st.start_ticks) {
		fd_close(&pidfd);
		return 0;
	}
	(void)!syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	fd_close(&pidfd);
	return 1;
}

static int
kill_cgroup(const char *path)
{
	int r;

	if (path == NULL)
		return 0;
	r = cgroup_populated(path);
	if (r == 1 && (r = cgroup_kill(path)) == 0)
		r = 1;
	return r;
}

int
tree_trace_kill(const struct tree_trace *trace)
{
	struct search s = {.trace = trace};
	int alive = 0, i, in_cgroup, r;

	in_cgroup = kill_cgroup(trace->cgroup);
	r = take_snapshot(&s);
	if (r < 0)
		return r;
	s.entry = xasprintf("REEVE_ATTEMPT_ID=%s", trace->attempt_id);
	s.same_boot = trace->pid > 0 && trace->boot_id != NULL &&
		      trace->boot_id[0] != '\0' &&
		      strcmp(trace->boot_id, clock_boot_id()) == 0;
	s.session_is_ours = session_is_ours(&s);
	mark_members(&s);
	mark_descendants(&s);
	for (i = 0; i < s.count; i++) {
		if (s.list[i].member)
			alive += kill_member(&s.list[i]);
	}
	free(s.entry);
	free(s.list);
	if (alive == 0 && in_cgroup != 0)
		return in_cgroup;
	return alive;
}
