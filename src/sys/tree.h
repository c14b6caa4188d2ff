/*
 * tree.h - process trees: one for each attempt. Watches the leader, finds
 * what it leaves behind, kills all of it, tells once each.
 *
 * The supervisor is a subreaper (prctl(2)), so what a leader leaves becomes a
 * child of ours: a look at /proc/self/task/TID/children against the known
 * children shows it. Whose it is: its REEVE_ATTEMPT_ID, else its session,
 * else the only tree that is open; an orphan that nothing identifies is killed
 * once no tree that was open when it appeared still is. Trees with a cgroup
 * are killed by cgroup.kill as well. Signals go only through pidfds.
 * Never forks (spawn.h does), knows nothing of runs.
 *
 * Every child of the process is reaped here. So all that the daemon starts must
 * be a tree, also its helpers (`service`): what spawn() made alone would
 * be taken for an orphan. Children that were there before trees_new() are
 * reaped but never signalled.
 */
#ifndef REEVE_SYS_TREE_H
#define REEVE_SYS_TREE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macros.h"
#include "sys/loop.h"
#include "sys/spawn.h"

struct trees; /* all of them, and the orphans */
struct tree;

struct tree_end {
	bool signaled;
	int code; /* exit status, or the signal */
	bool core;
	bool oom; /* the cgroup saw an OOM kill */
	int64_t cpu_us; /* user + system of the leader, from rusage */
	int64_t max_rss_bytes;
};

struct tree_events {
	/* The leader was reaped. Once. */
	void (*exited)(void *arg, const struct tree_end *end);
	/* The leader is reaped and nothing of its tree is left. Once, after
	 * exited. May free the tree. */
	void (*emptied)(void *arg);
};

/* Makes the process a subreaper, begins to reap. Returns 0 or -errno. */
MUSTUSE int trees_new(struct loop *lp, struct trees **ret);
/* After the last tree_free() and the last turn, before loop_free(). */
void trees_free(struct trees *ts);

struct tree_opts {
	const char *attempt_id; /* value of REEVE_ATTEMPT_ID, or NULL; copied */
	const char *cgroup; /* directory made for it, or NULL; copied */
	bool leave_children; /* survivors are not this tree's any more */
	bool service; /* a helper of the daemon, not an attempt: an orphan that
		       * nothing identifies is never waiting for its end */
};

/*
 * Spawn a leader and watch its tree. Borrows all but keeps `events` and
 * `arg`. Returns 0, or -errno with *ret_error filled and nothing left.
 */
MUSTUSE int tree_spawn(struct trees *ts, const struct spawn *req,
    const struct tree_opts *opts, const struct tree_events *events, void *arg,
    struct tree **ret, struct spawn_error *ret_error);

pid_t tree_pid(const struct tree *t);
uint64_t tree_start_ticks(const struct tree *t);
bool tree_exited(const struct tree *t);

/* Send `signo` to every process of the tree that can be found now. */
void tree_signal(struct tree *t, int signo);
/*
 * SIGKILL every process of the tree, and again whatever appears, until it is
 * empty: then `emptied`, never from within this call. A process in
 * uninterruptible sleep keeps it open and is looked at 10 times, later once, a
 * second. A fork bomb is killed in slices, some each turn.
 */
void tree_kill(struct tree *t);
/*
 * After `exited`: look for survivors now; calls `emptied` (from the loop or
 * at once) when there are none. With survivors the caller decides when to
 * tree_kill(). Returns how many were found.
 */
unsigned tree_look(struct tree *t);
/*
 * Forget the tree: no event any more. Through the graveyard. NULL is fine.
 * What still lives of it is an orphan from then on.
 */
void tree_free(struct tree *t);

/*
 * Children of ours that no tree owns and that nobody allowed to stay, for
 * health and for tests at the end.
 */
unsigned trees_orphans(const struct trees *ts);
/* Children that trees with leave_children left, and that still live. */
unsigned trees_left(const struct trees *ts);

/*
 * Recovery: prove that nothing lives of an attempt that an earlier daemon
 * started, or kill it. Looks at the cgroup, then every /proc/PID/environ, then
 * the recorded session and leader (pid with the same start time and boot id).
 * A pid that now belongs to somebody else is never signalled.
 */
struct tree_trace {
	const char *attempt_id;
	const char *cgroup; /* or NULL */
	pid_t pid;
	uint64_t start_ticks;
	pid_t session;
	const char *boot_id;
};
/* Signals SIGKILL to all that is found; returns how many still live (call
 * again until 0), or -errno. */
MUSTUSE int tree_trace_kill(const struct tree_trace *trace);

#endif
