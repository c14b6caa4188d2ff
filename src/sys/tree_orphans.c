/*
 * tree_orphans.c - whose is a process that the kernel gave us?
 *
 * In this order: the tree that its REEVE_ATTEMPT_ID names; the tree that has
 * its session; the only attempt that is open. Otherwise it is unknown, and
 * doomed once no attempt is open that was so when it appeared - unless
 * it may be of a job that may leave children: killing a service that somebody
 * was allowed to start is worse than keeping a stray.
 *
 * Each end of a tree comes after a scan, so "open when it was first seen" holds
 * every attempt that can have made it.
 */
#include <config.h>

#include "sys/tree_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "sys/procfs.h"

#define ATTEMPT_ID_NAME	 "REEVE_ATTEMPT_ID"
#define ATTEMPT_ID_BYTES 128
/* New orphans that one scan looks at; a fork bomb makes more. */
#define SCAN_BUDGET 500
/* The kernel lists new children last, so that a second look is rare. */
#define SCAN_ROUNDS 4

/* ---- sessions ---- */

void
trees_add_session(struct trees *ts, struct tree *t, pid_t sid)
{
	struct session *s =
	    (struct session *)tree_table_get(&ts->sessions, sid);

	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		s->by_sid.id = sid;
		list_init(&s->link);
		tree_table_add(&ts->sessions, &s->by_sid);
	}
	/* The number is used again: the last one to get it has it. */
	list_remove(&s->link);
	s->tree = t;
	list_append(t != NULL ? &t->sessions : &ts->left_sessions, &s->link);
}

void
trees_drop_sessions(struct trees *ts, struct list *sessions)
{
	struct session *s;

	LIST_EACH_SAFE (it, sessions) {
		s = LIST_ENTRY(it, struct session, link);
		list_remove(it);
		tree_table_remove(&ts->sessions, &s->by_sid);
		free(s);
	}
}

/* ---- where an orphan is kept ---- */

static void
give_to_tree(struct trees *ts, struct orphan *o, struct tree *t)
{
	o->tree = t;
	list_append(&t->orphans, &o->link);
	trees_add_session(ts, t, o->session);
}

static void
keep_unknown(struct trees *ts, struct orphan *o)
{
	o->tree = NULL;
	o->seen_seq = ts->next_seq;
	list_append(&ts->unknown, &o->link);
	ts->nunknown++;
}

static void
keep_left(struct trees *ts, struct orphan *o, const char *id)
{
	o->tree = NULL;
	free(o->left_id);
	o->left_id = xstrdup(id);
	list_append(&ts->left, &o->link);
	ts->nleft++;
	trees_add_session(ts, NULL, o->session);
}

static void
orphan_free(struct orphan *o)
{
	list_remove(&o->link);
	free(o->left_id);
	free(o);
}

/* We often see it first between its fork and its setsid(2). */
void
orphan_dies(struct trees *ts, const struct orphan *o)
{
	struct procfs_stat st;

	if (o->tree == NULL && o->left_id == NULL)
		return;
	if (procfs_stat(o->child.by_pid.id, &st) == 0 &&
	    st.session != o->session && st.session > 0)
		trees_add_session(ts, o->tree, st.session);
}

/*
 * One that was left on purpose is remembered until we have seen what it left
 * in turn: the last of a service that forks again must not take the knowledge
 * along that it may stay.
 */
void
orphan_gone(struct trees *ts, struct orphan *o)
{
	list_remove(&o->link);
	tree_table_remove(&ts->children, &o->child.by_pid);
	if (o->left_id != NULL) {
		ts->nleft--;
		ts->nbaseline -= o->baseline;
		list_append(&ts->left_dead, &o->link);
		return;
	}
	if (o->tree == NULL)
		ts->nunknown--;
	orphan_free(o);
}

void
trees_forget_dead(struct trees *ts)
{
	LIST_EACH_SAFE (it, &ts->left_dead)
		orphan_free(LIST_ENTRY(it, struct orphan, link));
	if (list_empty(&ts->left))
		trees_drop_sessions(ts, &ts->left_sessions);
}

void
trees_disown(struct trees *ts, struct tree *t)
{
	struct orphan *o;

	LIST_EACH_SAFE (it, &t->orphans) {
		o = LIST_ENTRY(it, struct orphan, link);
		list_remove(it);
		keep_left(ts, o, t->attempt_id != NULL ? t->attempt_id : "");
	}
}

void
trees_orphan_all(struct trees *ts, struct tree *t)
{
	struct orphan *o;

	LIST_EACH_SAFE (it, &t->orphans) {
		o = LIST_ENTRY(it, struct orphan, link);
		list_remove(it);
		keep_unknown(ts, o);
		o->seen_seq = 0; /* no other tree's: nothing to wait for */
	}
}

/* ---- whose it is ---- */

static const char *
left_id_in(const struct list *orphans, const char *id)
{
	const struct orphan *o;

	LIST_EACH (it, orphans) {
		o = LIST_ENTRY(it, struct orphan, link);
		if (strcmp(o->left_id, id) == 0)
			return o->left_id;
	}
	return NULL;
}

/* What is known of an orphan's owner. Borrowed. */
struct owner {
	struct tree *tree;
	const char *left; /* of something left on purpose: its id, or "" */
	bool named; /* it says whose it is: nobody needs to guess */
};

static void
owner_by_id(const struct trees *ts, pid_t pid, struct owner *own)
{
	char id[ATTEMPT_ID_BYTES];

	if (procfs_environ_get(pid, ATTEMPT_ID_NAME, id, sizeof(id)) != 1 ||
	    id[0] == '\0')
		return;
	own->named = true;
	own->tree = map_get(ts->by_id, id);
	if (own->tree == NULL)
		own->left = left_id_in(&ts->left, id);
	if (own->tree == NULL && own->left == NULL)
		own->left = left_id_in(&ts->left_dead, id);
}

static void
owner_by_session(const struct trees *ts, pid_t sid, struct owner *own)
{
	const struct session *s;

	s = (const struct session *)tree_table_get(&ts->sessions, sid);
	if (s == NULL)
		return;
	own->tree = s->tree;
	if (s->tree == NULL)
		own->left = "";
}

static struct tree *
only_attempt(const struct trees *ts)
{
	struct tree *t;

	if (ts->nopen != 1)
		return NULL;
	LIST_EACH (it, &ts->open) {
		t = LIST_ENTRY(it, struct tree, open_link);
		if (!t->service)
			return t;
	}
	return NULL;
}

static void
attribute(struct trees *ts, struct orphan *o)
{
	bool some_left =
	    ts->nleft > ts->nbaseline || !list_empty(&ts->left_dead);
	struct owner own = {0};

	owner_by_id(ts, o->child.by_pid.id, &own);
	if (own.tree == NULL && own.left == NULL)
		owner_by_session(ts, o->session, &own);
	if (own.tree == NULL && own.left == NULL && !own.named && !some_left)
		own.tree = only_attempt(ts);
	if (own.tree != NULL) {
		give_to_tree(ts, o, own.tree);
	} else if (own.left != NULL) {
		keep_left(ts, o, own.left);
	} else {
		o->maybe_left = !own.named && (ts->nleave > 0 || some_left);
		keep_unknown(ts, o);
	}
}

bool
orphan_is_doomed(const struct trees *ts, const struct orphan *o)
{
	const struct tree *t;

	if (o->maybe_left)
		return false;
	LIST_EACH (it, &ts->open) {
		t = LIST_ENTRY(it, const struct tree, open_link);
		if (!t->service)
			return t->seq >= o->seen_seq;
	}
	return true;
}

/* ---- the scan ---- */

/* It died before we ever saw it alive: nothing to remember. */
static bool
reap_if_dead(pid_t pid)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) < 0)
		return true; /* not ours after all */
	return info.si_pid == pid;
}

static struct orphan *
orphan_new(struct trees *ts, pid_t pid)
{
	struct procfs_stat st = {0};
	struct orphan *o = xcalloc(1, sizeof(*o));

	if (procfs_stat(pid, &st) < 0)
		st.session = pid;
	o->child.by_pid.id = pid;
	o->session = st.session;
	list_init(&o->link);
	tree_table_add(&ts->children, &o->child.by_pid);
	return o;
}

/* One look. Returns whether some were found dead: they may have left others. */
static bool
scan_once(struct trees *ts)
{
	unsigned budget = SCAN_BUDGET;
	bool dead = false;
	pid_t *list = NULL;
	int i, n;

	n = procfs_children(ts->self, &list);
	ts->more = n < 0;
	for (i = 0; i < n && !ts->more; i++) {
		if (tree_table_get(&ts->children, list[i]) != NULL)
			continue;
		if (reap_if_dead(list[i]))
			dead = true;
		else if (budget-- == 0)
			ts->more = true;
		else
			attribute(ts, orphan_new(ts, list[i]));
	}
	free(list);
	return dead;
}

void
trees_scan(struct trees *ts)
{
	int rounds = SCAN_ROUNDS;

	while (scan_once(ts) && --rounds > 0)
		;
	ts->scanned_us = ts->more ? -1 : loop_boot_us(ts->lp);
	if (!ts->more)
		trees_forget_dead(ts);
}

void
trees_scan_baseline(struct trees *ts)
{
	struct orphan *o;
	pid_t *list = NULL;
	int i, n;

	n = procfs_children(ts->self, &list);
	for (i = 0; i < n; i++) {
		o = orphan_new(ts, list[i]);
		o->baseline = true;
		ts->nbaseline++;
		keep_left(ts, o, "");
	}
	free(list);
}
