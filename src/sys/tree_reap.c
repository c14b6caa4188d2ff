/*
 * tree_reap.c - what happens to trees in the loop: leaders and orphans are
 * reaped, ends are told, kills go on until nothing is left.
 *
 * All pidfds are in one epoll set which the loop watches: however many leaders
 * end at once, one callback reaps them all and looks for survivors once.
 * Orphans are seen by SIGCHLD and a peek. Never waits for whoever comes
 * first: each wait names its process.
 */
#include <config.h>

#include "sys/tree_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/cgroup.h"

#define REAP_BATCH 256
/* Orphans reaped in one callback; the next turn goes on. */
#define PEEK_BUDGET   1000
#define AGAIN_MOST_US (800 * USEC_PER_MSEC)

/* ---- when to look again ---- */

void
trees_again_in(struct trees *ts, int64_t us)
{
	timer_set(ts->lp, &ts->again, loop_boot_us(ts->lp) + us);
}

void
trees_again_later(struct trees *ts)
{
	if (!timer_is_set(&ts->again))
		trees_again_in(ts, ts->again_us);
}

/* ---- leaders ---- */

/* Through the system call: libc's waitid(3) gives no rusage. */
static bool
wait_leader(const struct tree *t, siginfo_t *info, struct rusage *usage)
{
	long r;

	info->si_pid = 0;
	do
		r = syscall(SYS_waitid, P_PIDFD, t->pidfd, info,
		    WEXITED | WNOHANG, usage);
	while (r < 0 && errno == EINTR);
	return r == 0 && info->si_pid != 0;
}

static int64_t
timeval_us(const struct timeval *tv)
{
	return (int64_t)tv->tv_sec * USEC_PER_SEC + tv->tv_usec;
}

static void
fill_end(struct tree_end *end, const siginfo_t *info, const struct rusage *ru)
{
	end->signaled = info->si_code != CLD_EXITED;
	end->code = info->si_status;
	end->core = info->si_code == CLD_DUMPED;
	end->cpu_us = timeval_us(&ru->ru_utime) + timeval_us(&ru->ru_stime);
	end->max_rss_bytes = (int64_t)ru->ru_maxrss * 1024;
}

/*
 * By name: a close alone leaves it in the set while a child that is on its
 * way to exec holds a copy, and then a tree that is gone would be told.
 */
void
tree_unwatch(struct tree *t)
{
	if (t->pidfd < 0)
		return;
	(void)!epoll_ctl(t->ts->epfd, EPOLL_CTL_DEL, t->pidfd, NULL);
	fd_close(&t->pidfd);
}

/* Reap it if it is dead; its event is delivered after the scan. */
static bool
reap_leader(struct trees *ts, struct tree *t)
{
	struct rusage ru;
	siginfo_t info;

	if (t->exited || !wait_leader(t, &info, &ru))
		return false;
	fill_end(&t->end, &info, &ru);
	t->end.oom = t->cgroup != NULL && cgroup_saw_oom(t->cgroup);
	t->exited = true;
	ts->scanned_us = -1;
	tree_unwatch(t);
	tree_table_remove(&ts->children, &t->leader.by_pid);
	list_append(&ts->pending, &t->stage_link);
	return true;
}

static bool
reap_leaders(struct trees *ts)
{
	struct epoll_event evs[REAP_BATCH];
	bool some = false;
	int i, n;

	do {
		n = epoll_wait(ts->epfd, evs, REAP_BATCH, 0);
		for (i = 0; i < n; i++)
			some |= reap_leader(ts, evs[i].data.ptr);
	} while (n == REAP_BATCH && some);
	return some;
}

/* ---- orphans ---- */

static void
reap_child(struct trees *ts, pid_t pid)
{
	struct child *c =
	    (struct child *)(void *)tree_table_get(&ts->children, pid);
	siginfo_t info;

	if (c != NULL && c->leads != NULL) {
		reap_leader(ts, c->leads);
		return;
	}
	ts->scanned_us = -1;
	if (c != NULL)
		orphan_dies(ts, (struct orphan *)(void *)c);
	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) == 0 &&
	    c != NULL)
		orphan_gone(ts, (struct orphan *)(void *)c);
}

/* All that are dead, whoever they are. */
static bool
reap_all(struct trees *ts)
{
	unsigned budget = PEEK_BUDGET;
	siginfo_t info;

	while (budget-- > 0) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
		    info.si_pid == 0)
			return budget < PEEK_BUDGET - 1;
		reap_child(ts, info.si_pid);
	}
	trees_again_in(ts, 0);
	return true;
}

/* ---- ends ---- */

void
tree_close(struct trees *ts, struct tree *t)
{
	if (t->emptied)
		return;
	t->emptied = true;
	list_remove(&t->open_link);
	list_remove(&t->stage_link);
	if (t->attempt_id != NULL && map_get(ts->by_id, t->attempt_id) == t)
		map_del(ts->by_id, t->attempt_id);
	trees_drop_sessions(ts, &t->sessions);
	if (!t->service) {
		ts->nopen--;
		ts->nleave -= t->leave_children;
	}
}

unsigned
tree_survivors(const struct tree *t)
{
	unsigned n = 0;

	LIST_EACH (it, &t->orphans)
		n++;
	if (n == 0 && t->cgroup != NULL && !t->leave_children &&
	    cgroup_populated(t->cgroup) == 1)
		n = 1; /* in it, but not (yet) a child of ours */
	return n;
}

/* Only after a complete scan: an unseen survivor would be forgotten. */
unsigned
tree_settle(struct trees *ts, struct tree *t)
{
	unsigned n;

	if (t->emptied || t->freed)
		return 0;
	n = tree_survivors(t);
	if (n == 0) {
		tree_close(ts, t);
		t->events->emptied(t->arg);
	}
	return n;
}

/* By taking turns, because a callback may free any of them. */
static void
settle_lingering(struct trees *ts)
{
	struct list todo, *it;

	list_init(&todo);
	while (!list_empty(&ts->lingering)) {
		it = ts->lingering.next;
		list_remove(it);
		list_append(&todo, it);
	}
	while (!list_empty(&todo)) {
		it = todo.next;
		list_remove(it);
		list_append(&ts->lingering, it);
		tree_settle(ts, LIST_ENTRY(it, struct tree, stage_link));
	}
}

static void
deliver_exit(struct trees *ts, struct tree *t)
{
	list_remove(&t->stage_link);
	list_append(&ts->lingering, &t->stage_link);
	if (t->leave_children && !t->killing)
		trees_disown(ts, t);
	t->told = true;
	t->events->exited(t->arg, &t->end);
	tree_settle(ts, t);
}

/* ---- killing ---- */

static bool
kill_orphan(struct reach *r, struct orphan *o, bool also_killed)
{
	if (o->killed && !also_killed)
		return true;
	reach_child(r, o->child.by_pid.id);
	o->killed = r->budget > 0;
	return o->killed;
}

void
tree_kill_pass(struct tree *t, struct reach *r, bool also_killed)
{
	if (t->cgroup != NULL)
		(void)!cgroup_kill(t->cgroup);
	LIST_EACH (it, &t->orphans)
		kill_orphan(
		    r, LIST_ENTRY(it, struct orphan, link), also_killed);
	if (!t->exited)
		reach_child(r, t->leader.by_pid.id);
}

static bool
kill_doomed(struct trees *ts, struct reach *r, bool also_killed)
{
	struct orphan *o;
	bool some = false;

	LIST_EACH (it, &ts->unknown) {
		o = LIST_ENTRY(it, struct orphan, link);
		if (!orphan_is_doomed(ts, o))
			continue;
		some = true;
		kill_orphan(r, o, also_killed);
	}
	return some;
}

/* What must die and has not had its signal, or, `also_killed`, all of it. */
static void
kill_on(struct trees *ts, bool also_killed)
{
	struct reach r = {SIGKILL, REACH_BUDGET};
	struct tree *t;
	bool some = false;

	LIST_EACH (it, &ts->open) {
		t = LIST_ENTRY(it, struct tree, open_link);
		if (!t->killing || (!t->exited && !also_killed))
			continue;
		some = true;
		tree_kill_pass(t, &r, also_killed);
	}
	some |= kill_doomed(ts, &r, also_killed);
	if (r.budget == 0)
		ts->more = true;
	if (ts->more)
		trees_again_in(ts, 0);
	else if (some)
		trees_again_later(ts);
	else
		ts->again_us = AGAIN_FIRST_US;
}

/* ---- the loop's side ---- */

/*
 * The end of every callback: one scan for all that ended, then the events.
 * A callback may spawn, kill and free trees.
 */
static void
look_and_tell(struct trees *ts)
{
	trees_scan(ts);
	while (!ts->more && !list_empty(&ts->pending))
		deliver_exit(
		    ts, LIST_ENTRY(ts->pending.next, struct tree, stage_link));
	if (!ts->more)
		settle_lingering(ts);
	kill_on(ts, false);
}

void
trees_on_leaders(void *arg, int fd UNUSED, unsigned ready UNUSED)
{
	struct trees *ts = arg;

	if (reap_leaders(ts))
		look_and_tell(ts);
}

void
trees_on_sigchld(void *arg, int signo UNUSED)
{
	struct trees *ts = arg;
	bool some = reap_leaders(ts);

	some |= reap_all(ts);
	if (some)
		look_and_tell(ts);
}

/* The next slice, or something that should be dead by now is not. */
void
trees_on_again(void *arg)
{
	struct trees *ts = arg;
	bool slice = ts->more;

	if (!slice && ts->again_us < AGAIN_MOST_US)
		ts->again_us *= 2;
	reap_leaders(ts);
	reap_all(ts);
	look_and_tell(ts);
	if (!slice && !ts->more)
		kill_on(ts, true);
}
