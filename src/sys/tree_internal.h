/*
 * tree_internal.h - the inside of process trees, shared by tree.c (the loop's
 * side: leaders, events), tree_orphans.c (whose is it), tree_signal.c (reach
 * all of it) and tree_table.c (look-up by number).
 */
#ifndef REEVE_SYS_TREE_INTERNAL_H
#define REEVE_SYS_TREE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/macros.h"
#include "base/map.h"
#include "sys/loop.h"
#include "sys/tree.h"

/* A number that somebody is known by: a pid, a session. */
struct tree_key {
	struct tree_key *next;
	pid_t id;
};

#define TREE_BUCKETS 1024

struct tree_table {
	struct tree_key *buckets[TREE_BUCKETS];
};

struct tree_key *tree_table_get(const struct tree_table *tab, pid_t id);
/* `k->id` is set and not in the table. */
void tree_table_add(struct tree_table *tab, struct tree_key *k);
void tree_table_remove(struct tree_table *tab, struct tree_key *k);

/* A child of ours. Its pid cannot be another's before we reap it. */
struct child {
	struct tree_key by_pid; /* first */
	struct tree *leads; /* NULL: an orphan, and the next struct */
};

/* Given to us by the kernel when its parent died. */
struct orphan {
	struct child child; /* first */
	struct list link; /* of its tree, of ts->unknown or ts->left */
	struct tree *tree; /* NULL: unknown or left */
	pid_t session;
	uint64_t seen_seq; /* trees opened before have lower numbers */
	bool maybe_left; /* may be of a job that may leave children */
	bool baseline; /* here before the first tree */
	bool killed; /* SIGKILL was sent: again only after a while */
	char *left_id; /* REEVE_ATTEMPT_ID of what was left on purpose */
};

/* A session that a tree (or, NULL, something left on purpose) has. */
struct session {
	struct tree_key by_sid; /* first */
	struct list link;
	struct tree *tree;
};

struct reach; /* below */

struct trees {
	struct loop *lp;
	pid_t self;
	int epfd; /* the pidfds of all leaders: one look tells all exits */
	struct loop_io *io;
	struct timer again;
	int64_t again_us; /* the present wait */
	struct tree_table children;
	struct tree_table sessions;
	struct map *by_id; /* attempt id -> open tree */
	struct list open; /* by seq; from spawn to emptied */
	struct list pending; /* leader reaped, event not delivered */
	struct list lingering; /* exited delivered, not empty */
	struct list unknown; /* orphans that nothing identifies */
	struct list left; /* orphans nobody shall kill */
	struct list left_dead; /* reaped; what they had is not seen yet */
	struct list left_sessions;
	uint64_t next_seq;
	unsigned nopen; /* attempts: open and no service */
	unsigned nleave; /* of them, with leave_children */
	unsigned nunknown, nleft, nbaseline;
	int64_t scanned_us; /* turn of the last scan, if it still holds */
	bool more; /* work was left for the next turn */
};

struct tree {
	struct trees *ts;
	struct child leader;
	struct list open_link;
	struct list stage_link; /* pending or lingering */
	int pidfd;
	uint64_t start_ticks;
	uint64_t seq;
	char *attempt_id;
	char *cgroup;
	bool leave_children, service;
	bool exited; /* reaped */
	bool told; /* … and its owner knows */
	bool emptied, killing, freed;
	struct tree_end end;
	struct list orphans;
	struct list sessions;
	const struct tree_events *events;
	void *arg;
};

/* ---- tree_reap.c ---- */

#define AGAIN_FIRST_US (100 * USEC_PER_MSEC)
/* Callbacks of the loop. */
void trees_on_leaders(void *arg, int fd, unsigned ready);
void trees_on_sigchld(void *arg, int signo);
void trees_on_again(void *arg);
/* The next look, though nothing happens. */
void trees_again_in(struct trees *ts, int64_t us);
/* Something must die: what resists is looked at less and less often. */
void trees_again_later(struct trees *ts);
/* How many of it live that are known; 0 only counts after a whole scan. */
unsigned tree_survivors(const struct tree *t);
/* Calls emptied if that is 0. Returns it. */
unsigned tree_settle(struct trees *ts, struct tree *t);
/* Close its pidfd. */
void tree_unwatch(struct tree *t);
/* It is over, or forgotten: no orphan is given to it any more. */
void tree_close(struct trees *ts, struct tree *t);
/* SIGKILL what was not killed yet, or, `also_killed`, all of it. */
void tree_kill_pass(struct tree *t, struct reach *r, bool also_killed);

/* ---- tree_orphans.c ---- */

/* Look at our children: new ones are attributed, dead ones reaped. */
void trees_scan(struct trees *ts);
/* All that live now were not made by a tree: never to be killed. */
void trees_scan_baseline(struct trees *ts);
/* It is a zombie: note the session it had last, where its children are. */
void orphan_dies(struct trees *ts, const struct orphan *o);
/* The orphan was reaped. What it left is identified by the next scan. */
void orphan_gone(struct trees *ts, struct orphan *o);
void trees_add_session(struct trees *ts, struct tree *t, pid_t sid);
void trees_drop_sessions(struct trees *ts, struct list *sessions);
/* Forget those left on purpose that are dead: nobody asks any more. */
void trees_forget_dead(struct trees *ts);
/* Survivors of a tree that may leave them. */
void trees_disown(struct trees *ts, struct tree *t);
/* A tree that is forgotten: nothing identifies its orphans any more. */
void trees_orphan_all(struct trees *ts, struct tree *t);
/* No tree that was open when it appeared is open: it has to go. */
bool orphan_is_doomed(const struct trees *ts, const struct orphan *o);

/* ---- tree_signal.c ---- */

/* How many processes one pass may still reach; then the next turn goes on. */
struct reach {
	int signo;
	unsigned budget;
};
#define REACH_BUDGET 1000

/*
 * `pid` is a child of ours that was not reaped: signal what descends from it,
 * then itself.
 */
void reach_child(struct reach *r, pid_t pid);

#endif
