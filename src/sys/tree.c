/*
 * tree.c - process trees, one for each attempt: made, signalled, looked at,
 * forgotten. What the loop does with them: tree_reap.c; whose an orphan is:
 * tree_orphans.c; how a signal reaches all of a tree: tree_signal.c.
 */
#include <config.h>

#include "sys/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/fd.h"
#include "base/xalloc.h"
#include "sys/procfs.h"
#include "sys/tree_internal.h"

int
trees_new(struct loop *lp, struct trees **ret)
{
	struct trees *ts = xcalloc(1, sizeof(*ts));
	int r = 0;

	ts->lp = lp;
	ts->self = getpid();
	ts->again_us = AGAIN_FIRST_US;
	ts->scanned_us = -1;
	ts->by_id = map_new();
	list_init(&ts->open);
	list_init(&ts->pending);
	list_init(&ts->lingering);
	list_init(&ts->unknown);
	list_init(&ts->left);
	list_init(&ts->left_dead);
	list_init(&ts->left_sessions);
	timer_init(&ts->again, TIMER_BOOT, trees_on_again, ts);
	ts->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (ts->epfd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r == 0)
		r = loop_io_new(lp, ts->epfd, LOOP_READ, LOOP_PRIO_URGENT,
		    trees_on_leaders, ts, &ts->io);
	if (r == 0)
		r = loop_signal(lp, SIGCHLD, trees_on_sigchld, ts);
	if (r < 0) {
		trees_free(ts);
		return r;
	}
	trees_scan_baseline(ts);
	*ret = ts;
	return 0;
}

static void
free_orphans(struct trees *ts, struct list *orphans)
{
	LIST_EACH_SAFE (it, orphans)
		orphan_gone(ts, LIST_ENTRY(it, struct orphan, link));
}

void
trees_free(struct trees *ts)
{
	if (ts == NULL)
		return;
	BUG_ON(!list_empty(&ts->open));
	timer_clear(ts->lp, &ts->again);
	loop_io_free(ts->io);
	fd_close(&ts->epfd);
	free_orphans(ts, &ts->unknown);
	free_orphans(ts, &ts->left);
	trees_forget_dead(ts);
	map_free(ts->by_id);
	free(ts);
}

unsigned
trees_orphans(const struct trees *ts)
{
	return ts->nunknown;
}

unsigned
trees_left(const struct trees *ts)
{
	return ts->nleft - ts->nbaseline;
}

/* ---- one tree ---- */

static struct tree *
tree_new(struct trees *ts, const struct spawned *child,
    const struct tree_opts *opts, const struct tree_events *events, void *arg)
{
	struct tree *t = xcalloc(1, sizeof(*t));

	t->ts = ts;
	t->leader.by_pid.id = child->pid;
	t->leader.leads = t;
	t->pidfd = child->pidfd;
	t->seq = ts->next_seq++;
	t->attempt_id = xstrdup_null(opts->attempt_id);
	t->cgroup = xstrdup_null(opts->cgroup);
	t->leave_children = opts->leave_children;
	t->service = opts->service;
	t->events = events;
	t->arg = arg;
	list_init(&t->open_link);
	list_init(&t->stage_link);
	list_init(&t->orphans);
	list_init(&t->sessions);
	return t;
}

static void
open_tree(struct trees *ts, struct tree *t)
{
	struct procfs_stat st;

	tree_table_add(&ts->children, &t->leader.by_pid);
	trees_add_session(ts, t, t->leader.by_pid.id);
	list_append(&ts->open, &t->open_link);
	if (t->attempt_id != NULL)
		map_set(ts->by_id, t->attempt_id, t);
	if (!t->service) {
		ts->nopen++;
		ts->nleave += t->leave_children;
	}
	if (procfs_stat(t->leader.by_pid.id, &st) == 0)
		t->start_ticks = st.start_ticks;
}

/* Cannot fail for want of anything but memory: then SIGCHLD does alone. */
static void
watch_leader(struct trees *ts, struct tree *t)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = t};

	(void)!epoll_ctl(ts->epfd, EPOLL_CTL_ADD, t->pidfd, &ev);
}

int
tree_spawn(struct trees *ts, const struct spawn *req,
    const struct tree_opts *opts, const struct tree_events *events, void *arg,
    struct tree **ret, struct spawn_error *ret_error)
{
	struct spawned child;
	int r;

	r = spawn(req, &child, ret_error);
	if (r < 0)
		return r;
	*ret = tree_new(ts, &child, opts, events, arg);
	open_tree(ts, *ret);
	watch_leader(ts, *ret);
	return 0;
}

pid_t
tree_pid(const struct tree *t)
{
	return t->leader.by_pid.id;
}

uint64_t
tree_start_ticks(const struct tree *t)
{
	return t->start_ticks;
}

bool
tree_exited(const struct tree *t)
{
	return t->exited;
}

/* One scan a turn is enough, unless something was reaped after it. */
static void
refresh(struct trees *ts)
{
	if (ts->scanned_us != loop_boot_us(ts->lp))
		trees_scan(ts);
	if (ts->more)
		trees_again_in(ts, 0);
}

void
tree_signal(struct tree *t, int signo)
{
	struct reach r = {signo, REACH_BUDGET};
	struct orphan *o;

	if (t->emptied)
		return;
	refresh(t->ts);
	LIST_EACH (it, &t->orphans) {
		o = LIST_ENTRY(it, struct orphan, link);
		reach_child(&r, o->child.by_pid.id);
	}
	if (!t->exited)
		reach_child(&r, t->leader.by_pid.id);
}

void
tree_kill(struct tree *t)
{
	struct reach r = {SIGKILL, REACH_BUDGET};

	if (t->emptied)
		return;
	t->killing = true;
	refresh(t->ts);
	tree_kill_pass(t, &r, false);
	t->ts->again_us = AGAIN_FIRST_US;
	if (r.budget == 0)
		trees_again_in(t->ts, 0);
	else
		trees_again_later(t->ts);
}

unsigned
tree_look(struct tree *t)
{
	struct trees *ts = t->ts;

	if (t->emptied)
		return 0;
	refresh(ts);
	if (!t->told || ts->more)
		return tree_survivors(t);
	return tree_settle(ts, t);
}

static void
dispose(void *ptr)
{
	struct tree *t = ptr;

	free(t->attempt_id);
	free(t->cgroup);
	free(t);
}

void
tree_free(struct tree *t)
{
	if (t == NULL || t->freed)
		return;
	t->freed = true;
	if (!t->exited) {
		tree_table_remove(&t->ts->children, &t->leader.by_pid);
		tree_unwatch(t);
	}
	if (t->leave_children && !t->killing)
		trees_disown(t->ts, t);
	trees_orphan_all(t->ts, t);
	tree_close(t->ts, t);
	loop_bury(t->ts->lp, dispose, t);
}
