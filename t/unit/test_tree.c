/*
 * test_tree.c - sys/tree on a real loop with real processes: what is told and
 * when, that nothing is left of a tree however it tries to stay, and that
 * nobody else is hit.
 */
#include <config.h>

#include "sys/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "sys/cgroup.h"
#include "sys/procfs.h"

#define DEADLINE_US (20 * USEC_PER_SEC)
#define FREEZER	    "/sys/fs/cgroup/freezer"
/* Literals are const here; exec(3) wishes them not to be. */
#define VEC(v) ((char *const *)(uintptr_t)(v))

static struct loop *lp;
static struct trees *ts;
static int null_fd = -1;
static int fds_before;

struct job {
	struct tree *tree;
	struct tree_end end;
	int exited, emptied;
	uint64_t exited_turn, emptied_turn;
	bool free_when_empty, look_at_exit;
	unsigned looked;
	char id[32];
};

static uint64_t turn;
static int serial;

static void
on_exited(void *arg, const struct tree_end *end)
{
	struct job *j = arg;

	assert_int_equal(j->emptied, 0);
	j->exited++;
	j->end = *end;
	j->exited_turn = turn;
	if (j->look_at_exit)
		j->looked = tree_look(j->tree);
}

static void
on_emptied(void *arg)
{
	struct job *j = arg;

	assert_int_equal(j->exited, 1);
	j->emptied++;
	j->emptied_turn = turn;
	if (j->free_when_empty) {
		tree_free(j->tree);
		j->tree = NULL;
	}
}

static const struct tree_events events = {
    .exited = on_exited,
    .emptied = on_emptied,
};

static void
one_turn(void)
{
	turn++;
	assert_int_equal(loop_turn(lp), 0);
	loop_graveyard_empty(lp);
}

static void
nothing(void *arg)
{
	(void)arg;
}

/* Turns until *what is at least `want`; false when it takes too long. */
static bool
until(const int *what, int want, int64_t us)
{
	int64_t end = clock_boot_us() + us;
	struct timer tick;

	timer_init(&tick, TIMER_BOOT, nothing, NULL);
	while (*what < want && clock_boot_us() < end) {
		timer_set(lp, &tick, end);
		one_turn();
	}
	timer_clear(lp, &tick);
	return *what >= want;
}

static void
let_pass(int64_t us)
{
	static const int never = 0;

	until(&never, 1, us);
}

static bool
alive(pid_t pid)
{
	struct procfs_stat st;

	return procfs_stat(pid, &st) == 0 && st.state != 'Z';
}

static int
start_opts(struct job *j, const char *script, int in, struct tree_opts *opts,
    int cgroup_fd)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	const char *const paths[] = {"/bin/sh", NULL};
	char entry[64];
	const char *const envp[] = {"PATH=/usr/bin:/bin", entry, NULL};
	struct spawn_error err;
	struct spawn req = {
	    .paths = VEC(paths),
	    .argv = VEC(argv),
	    .envp = VEC(envp),
	    .fds = {in, null_fd, null_fd},
	    .status_fd = -1,
	    .umask = 022,
	    .cgroup_fd = cgroup_fd,
	};

	snprintf(j->id, sizeof(j->id), "run-%d/1", ++serial);
	snprintf(entry, sizeof(entry), "REEVE_ATTEMPT_ID=%s", j->id);
	opts->attempt_id = j->id;
	return tree_spawn(ts, &req, opts, &events, j, &j->tree, &err);
}

static void
start(struct job *j, const char *script)
{
	struct tree_opts opts = {0};

	memset(j, 0, sizeof(*j));
	assert_int_equal(start_opts(j, script, null_fd, &opts, -1), 0);
}

static int
setup(void **state)
{
	(void)state;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds_before = fd_count_open();
	assert_int_equal(loop_new(&lp), 0);
	assert_int_equal(trees_new(lp, &ts), 0);
	return 0;
}

/* After a failure: whatever a tree left has come to us by now, or will. */
static int
sweep(void)
{
	pid_t *list = NULL;
	int i, n, swept = 0;

	while ((n = procfs_children(getpid(), &list)) > 0) {
		for (i = 0; i < n; i++) {
			kill(list[i], SIGKILL);
			waitpid(list[i], NULL, 0);
		}
		free(list);
		list = NULL;
		swept += n;
	}
	free(list);
	return swept;
}

static int
teardown(void **state)
{
	int swept;

	(void)state;
	if ((swept = sweep()) > 0) {
		print_error("%d processes were left, %u orphans\n", swept,
		    trees_orphans(ts));
		return -1; /* its trees are still open: left as they are */
	}
	assert_int_equal(trees_orphans(ts), 0);
	assert_int_equal(trees_left(ts), 0);
	trees_free(ts);
	loop_graveyard_empty(lp);
	loop_free(lp);
	assert_int_equal(fd_count_open(), fds_before);
	close(null_fd);
	return 0;
}

/* A file where scripts tell their pids. */
static char note[64];

static void
note_new(void)
{
	int fd;

	snprintf(note, sizeof(note), "/tmp/reeve-tree-XXXXXX");
	fd = mkstemp(note);
	assert_true(fd >= 0);
	close(fd);
}

/* The n-th pid noted, from 0, once it is there. */
static pid_t
noted(int n)
{
	int64_t end = clock_boot_us() + DEADLINE_US;
	long pid = 0;
	FILE *f;
	int i;

	while (clock_boot_us() < end) {
		f = fopen(note, "re");
		assert_non_null(f);
		for (i = 0; i <= n && fscanf(f, "%ld\n", &pid) == 1; i++)
			;
		fclose(f);
		if (i == n + 1)
			return (pid_t)pid;
		let_pass(5 * USEC_PER_MSEC);
	}
	fail_msg("pid %d was never noted", n);
	return -1;
}

/* `script` with NOTE replaced by the file's name. */
static const char *
with_note(const char *script)
{
	static char out[4096];
	const char *at;
	size_t len = 0;

	note_new();
	while ((at = strstr(script, "NOTE")) != NULL) {
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%.*s%s",
		    (int)(at - script), script, note);
		script = at + 4;
	}
	snprintf(out + len, sizeof(out) - len, "%s", script);
	return out;
}

/* ---- ends ---- */

static void
test_exit_is_told_with_everything(void **state)
{
	struct job j;

	(void)state;
	start(&j, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 9");
	assert_true(tree_pid(j.tree) > 1);
	assert_true(tree_start_ticks(j.tree) > 0);
	assert_false(tree_exited(j.tree));
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	assert_true(tree_exited(j.tree));
	assert_false(j.end.signaled);
	assert_int_equal(j.end.code, 9);
	assert_true(j.end.cpu_us > 0);
	assert_true(j.end.max_rss_bytes > 100000);
	assert_int_equal(j.exited, 1);
	assert_int_equal(j.exited_turn, j.emptied_turn);
	tree_free(j.tree);

	start(&j, "kill -USR1 $$");
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	assert_true(j.end.signaled);
	assert_int_equal(j.end.code, SIGUSR1);
	tree_free(j.tree);
}

static void
test_spawn_failure_leaves_nothing(void **state)
{
	const char *const argv[] = {"/nonexistent", NULL};
	struct tree_opts opts = {.attempt_id = "x/1"};
	struct spawn_error err;
	struct tree *t = NULL;
	struct job j;
	struct spawn req = {
	    .paths = VEC(argv),
	    .argv = VEC(argv),
	    .envp = VEC(argv),
	    .fds = {null_fd, null_fd, null_fd},
	    .status_fd = -1,
	    .cgroup_fd = -1,
	};

	(void)state;
	assert_int_equal(
	    tree_spawn(ts, &req, &opts, &events, &j, &t, &err), -ENOENT);
	assert_int_equal(err.step, SPAWN_STEP_EXEC);
	assert_null(t);
}

static void
test_free_in_callback(void **state)
{
	struct job jobs[20];
	int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		start(&jobs[i], "exit 0");
		jobs[i].free_when_empty = true;
		jobs[i].look_at_exit = i % 2;
	}
	for (i = 0; i < 20; i++) {
		assert_true(until(&jobs[i].emptied, 1, DEADLINE_US));
		assert_int_equal(jobs[i].exited, 1);
	}
	let_pass(20 * USEC_PER_MSEC);
	for (i = 0; i < 20; i++)
		assert_int_equal(jobs[i].emptied, 1);
}

#define MANY 500

static void
test_many_exits_at_once(void **state)
{
	static struct job jobs[MANY];
	struct tree_opts opts = {0};
	int gate[2], i, open_before = fd_count_open();
	uint64_t first = UINT64_MAX, last = 0;

	(void)state;
	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	memset(jobs, 0, sizeof(jobs));
	for (i = 0; i < MANY; i++) {
		assert_int_equal(
		    start_opts(&jobs[i], "read x", gate[0], &opts, -1), 0);
		jobs[i].look_at_exit = true;
	}
	close(gate[0]);
	close(gate[1]);
	for (i = 0; i < MANY; i++) {
		assert_true(until(&jobs[i].emptied, 1, DEADLINE_US));
		assert_int_equal(jobs[i].end.code, 1);
		assert_int_equal(jobs[i].looked, 0);
		assert_int_equal(jobs[i].exited_turn, jobs[i].emptied_turn);
		if (jobs[i].exited_turn < first)
			first = jobs[i].exited_turn;
		if (jobs[i].exited_turn > last)
			last = jobs[i].exited_turn;
		tree_free(jobs[i].tree);
	}
	assert_true(last >= first);
	print_message(
	    "# %d exits in %d turns\n", MANY, (int)(last - first + 1));
	loop_graveyard_empty(lp);
	assert_int_equal(fd_count_open(), open_before);
}

/* ---- survivors ---- */

static void
test_survivor_is_found_and_killed(void **state)
{
	struct job j;
	pid_t pid;

	(void)state;
	start(&j, with_note("sleep 30 & echo $! >NOTE; exit 3"));
	assert_true(until(&j.exited, 1, DEADLINE_US));
	assert_int_equal(j.end.code, 3);
	pid = noted(0);
	assert_true(alive(pid));
	assert_int_equal(tree_look(j.tree), 1);
	let_pass(50 * USEC_PER_MSEC);
	assert_int_equal(j.emptied, 0);
	tree_kill(j.tree);
	assert_int_equal(j.emptied, 0); /* never from within */
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	assert_false(alive(pid));
	assert_int_equal(tree_look(j.tree), 0);
	tree_free(j.tree);
	unlink(note);
}

static void
test_survivor_that_ends_by_itself(void **state)
{
	struct job j;

	(void)state;
	start(&j, "(sleep 0.2; (sleep 0.2 &) ) & exit 0");
	assert_true(until(&j.exited, 1, DEADLINE_US));
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	assert_true(j.emptied_turn > j.exited_turn);
	tree_free(j.tree);
}

static void
test_term_reaches_all(void **state)
{
	struct job j;
	pid_t a, b, c;

	(void)state;
	start(&j, with_note("sleep 30 & echo $! >>NOTE;"
			    "sh -c 'sleep 31 & echo $! >>NOTE; wait' &"
			    "(setsid sh -c 'echo $$ >>NOTE; sleep 32; :' &);"
			    "wait"));
	a = noted(0);
	b = noted(1);
	c = noted(2);
	assert_true(alive(a) && alive(b) && alive(c));
	tree_signal(j.tree, SIGTERM);
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	assert_true(j.end.signaled);
	assert_int_equal(j.end.code, SIGTERM);
	assert_false(alive(a) || alive(b) || alive(c));
	tree_free(j.tree);
	unlink(note);
}

static void
test_ignoring_term(void **state)
{
	struct job j;
	pid_t child;

	(void)state;
	start(&j, with_note("trap '' TERM; sleep 30 & echo $! >NOTE;"
			    "while :; do wait; done"));
	child = noted(0);
	tree_signal(j.tree, SIGTERM);
	let_pass(100 * USEC_PER_MSEC);
	assert_int_equal(j.exited, 0);
	assert_true(alive(child)); /* inherits SIG_IGN */
	tree_kill(j.tree);
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	assert_int_equal(j.end.code, SIGKILL);
	assert_false(alive(child));
	tree_free(j.tree);
	unlink(note);
}

#define DAEMONISE                                          \
	"(env -i setsid sh -c 'sleep 30 & echo $! >>NOTE;" \
	"echo $$ >>NOTE; sleep 31' &);"

/* The only attempt: it can be nobody else's. */
static void
test_double_fork_setsid_no_environment(void **state)
{
	struct job j;
	pid_t a, b;

	(void)state;
	start(&j, with_note(DAEMONISE "exit 0"));
	a = noted(0);
	b = noted(1);
	assert_true(until(&j.exited, 1, DEADLINE_US));
	assert_true(tree_look(j.tree) >= 1);
	tree_kill(j.tree);
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	assert_false(alive(a) || alive(b));
	tree_free(j.tree);
	unlink(note);
}

static void
gone_at_last(pid_t pid)
{
	int64_t end = clock_boot_us() + DEADLINE_US;

	while (alive(pid) && clock_boot_us() < end)
		let_pass(5 * USEC_PER_MSEC);
	assert_false(alive(pid));
}

/* Two attempts: it may be the other's, so it lives as long as that one. */
static void
test_unidentified_orphan(void **state)
{
	struct job j, other;
	pid_t a, b;

	(void)state;
	start(&other, "sleep 30; exit 0");
	start(&j, with_note(DAEMONISE "sleep 0.1; exit 0"));
	a = noted(0);
	b = noted(1);
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	tree_free(j.tree);
	assert_true(trees_orphans(ts) >= 1);
	let_pass(150 * USEC_PER_MSEC);
	assert_true(alive(a) && alive(b));

	start(&j, "exit 0"); /* opened later: does not prolong it */
	tree_kill(other.tree);
	assert_true(until(&other.emptied, 1, DEADLINE_US));
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	gone_at_last(a);
	gone_at_last(b);
	let_pass(20 * USEC_PER_MSEC);
	assert_int_equal(trees_orphans(ts), 0);
	tree_free(j.tree);
	tree_free(other.tree);
	unlink(note);
}

/* A helper of the daemon that always runs must not shield it. */
static void
test_service_shields_nothing(void **state)
{
	struct tree_opts opts = {.service = true};
	struct job j, service = {0};
	pid_t a;

	(void)state;
	assert_int_equal(
	    start_opts(&service, "sleep 30", null_fd, &opts, -1), 0);
	start(&j, with_note(DAEMONISE "exit 0"));
	a = noted(0);
	noted(1);
	assert_true(until(&j.exited, 1, DEADLINE_US));
	tree_kill(j.tree);
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	gone_at_last(a);
	assert_int_equal(service.exited, 0);
	tree_kill(service.tree);
	assert_true(until(&service.emptied, 1, DEADLINE_US));
	tree_free(j.tree);
	tree_free(service.tree);
	unlink(note);
}

static void
test_orphan_of_living_leader_by_environment(void **state)
{
	struct job j, other;
	pid_t a;

	(void)state;
	start(&other, "sleep 30");
	start(&j, with_note("(setsid sh -c 'echo $$ >NOTE; sleep 30; :' &);"
			    "sleep 31"));
	a = noted(0);
	tree_kill(j.tree);
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	assert_false(alive(a));
	assert_int_equal(other.exited, 0);
	tree_kill(other.tree);
	assert_true(until(&other.emptied, 1, DEADLINE_US));
	tree_free(j.tree);
	tree_free(other.tree);
	unlink(note);
}

static void
test_leave_children(void **state)
{
	struct tree_opts opts = {.leave_children = true};
	struct job j = {0}, other;
	pid_t a, b, c, *list = NULL;
	int n;

	(void)state;
	assert_int_equal(
	    start_opts(&j,
		with_note("sleep 30 & echo $! >>NOTE;" DAEMONISE "exit 0"),
		null_fd, &opts, -1),
	    0);
	a = noted(0);
	b = noted(1);
	noted(2);
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	tree_free(j.tree);
	assert_int_equal(trees_orphans(ts), 0);
	assert_true(trees_left(ts) >= 2);

	/* another attempt comes and goes, and is killed */
	start(&other, "sleep 30 & exit 0");
	assert_true(until(&other.exited, 1, DEADLINE_US));
	tree_kill(other.tree);
	assert_true(until(&other.emptied, 1, DEADLINE_US));
	tree_free(other.tree);
	let_pass(150 * USEC_PER_MSEC);
	assert_true(alive(a) && alive(b));

	/* all that are known die at once: what they leave may stay as well */
	n = procfs_children(noted(2), &list);
	assert_int_equal(n, 2);
	c = list[0] == b ? list[1] : list[0];
	free(list);
	kill(a, SIGKILL);
	kill(noted(2), SIGKILL);
	kill(b, SIGKILL);
	gone_at_last(a);
	gone_at_last(b);
	let_pass(150 * USEC_PER_MSEC);
	assert_true(alive(c));
	assert_int_equal(trees_left(ts), 1);
	assert_int_equal(trees_orphans(ts), 0);
	kill(c, SIGKILL);
	gone_at_last(c);
	let_pass(50 * USEC_PER_MSEC);
	unlink(note);
}

/* Asked to stop by a kill, it leaves nothing all the same. */
static void
test_kill_beats_leave_children(void **state)
{
	struct tree_opts opts = {.leave_children = true};
	struct job j = {0};
	pid_t a;

	(void)state;
	assert_int_equal(
	    start_opts(&j, with_note("sleep 30 & echo $! >>NOTE; wait"),
		null_fd, &opts, -1),
	    0);
	a = noted(0);
	tree_kill(j.tree);
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	assert_false(alive(a));
	tree_free(j.tree);
	unlink(note);
}

/* ---- storms ---- */

static void
test_storm_of_short_orphans(void **state)
{
	struct job j;

	(void)state;
	start(&j, "i=0; while [ $i -lt 400 ]; do"
		  " (sleep 0.0$((i%7)) &); (setsid true &);"
		  " i=$((i+1)); done; exit 4");
	assert_true(until(&j.exited, 1, DEADLINE_US));
	assert_int_equal(j.end.code, 4);
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	assert_int_equal(trees_orphans(ts), 0);
	tree_free(j.tree);
}

/*
 * It multiplies, changes its session, forgets its environment. With an end of
 * its own, so that a failure here does not take the machine along.
 */
static void
test_multiplying_tree_is_killed(void **state)
{
	struct job j;
	int64_t began;

	(void)state;
	start(&j, with_note("f() { i=0; while [ $i -lt 30 ]; do i=$((i+1));"
			    " (env -i setsid sh -c 'trap \"\" TERM; i=0;"
			    " while [ $i -lt 20 ]; do i=$((i+1));"
			    " sleep 1 & sleep 0.1; done' &);"
			    " (sh -c 'sleep 10 & sleep 10' &);"
			    " echo 1 >>NOTE; sleep 0.01; done; }; f & f"));
	noted(20);
	began = clock_boot_us();
	(void)loop_longest_turn_us(lp);
	tree_kill(j.tree);
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	print_message("# killed in %lld us, longest turn %lld us\n",
	    (long long)(clock_boot_us() - began),
	    (long long)loop_longest_turn_us(lp));
	assert_int_equal(trees_orphans(ts), 0);
	tree_free(j.tree);
	unlink(note);
}

/* ---- what resists ---- */

static int
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -1;
	r = write(fd, text, strlen(text)) < 0 ? -1 : 0;
	close(fd);
	return r;
}

/* A frozen process does not die (v1 freezer): as one that hangs in a disk. */
static void
test_unkillable_keeps_it_open(void **state)
{
	char dir[96], path[160], text[32];
	struct job j;
	pid_t pid;

	(void)state;
	snprintf(dir, sizeof(dir), FREEZER "/reeve-%d", (int)getpid());
	if (mkdir(dir, 0755) < 0)
		skip();
	start(&j, with_note("sleep 30 & echo $! >NOTE; exit 0"));
	pid = noted(0);
	assert_true(until(&j.exited, 1, DEADLINE_US));
	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	snprintf(text, sizeof(text), "%d", (int)pid);
	assert_int_equal(put(path, text), 0);
	snprintf(path, sizeof(path), "%s/freezer.state", dir);
	assert_int_equal(put(path, "FROZEN"), 0);

	tree_kill(j.tree);
	assert_false(until(&j.emptied, 1, 400 * USEC_PER_MSEC));
	assert_int_equal(tree_look(j.tree), 1);
	assert_int_equal(put(path, "THAWED"), 0);
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	assert_false(alive(pid));
	assert_int_equal(rmdir(dir), 0);
	tree_free(j.tree);
	unlink(note);
}

static void
test_forgotten_tree_is_cleaned_up(void **state)
{
	struct job j;
	pid_t a;

	(void)state;
	start(&j, with_note("sleep 30 & echo $! >NOTE; exit 0"));
	a = noted(0);
	assert_true(until(&j.exited, 1, DEADLINE_US));
	tree_free(j.tree);
	start(&j, "exit 0"); /* something that makes the loop look */
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	tree_free(j.tree);
	gone_at_last(a);
	let_pass(20 * USEC_PER_MSEC);
	unlink(note);
}

static pid_t
sleeper(const char *entry)
{
	const char *const argv[] = {"sleep", "300", NULL};
	const char *const envp[] = {entry, NULL};
	char c;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		execve("/bin/sleep", VEC(argv), VEC(envp));
		_exit(1);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 0);
	close(fds[0]);
	return pid;
}

/* `sidecar & exec reeved` */
static void
test_earlier_children_are_not_ours(void **state)
{
	struct loop *other_loop;
	struct trees *mine = ts;
	struct job j;
	pid_t pid;

	(void)state;
	pid = sleeper("A=b");
	assert_int_equal(loop_new(&other_loop), 0);
	{
		struct loop *saved = lp;

		lp = other_loop;
		assert_int_equal(trees_new(lp, &ts), 0);
		assert_int_equal(trees_left(ts), 0);
		start(&j, "sleep 30 & exit 0");
		assert_true(until(&j.exited, 1, DEADLINE_US));
		tree_kill(j.tree);
		assert_true(until(&j.emptied, 1, DEADLINE_US));
		tree_free(j.tree);
		let_pass(150 * USEC_PER_MSEC);
		assert_true(alive(pid));
		assert_int_equal(trees_orphans(ts), 0);
		kill(pid, SIGKILL);
		gone_at_last(pid);
		trees_free(ts);
		loop_graveyard_empty(lp);
		loop_free(lp);
		lp = saved;
		ts = mine;
	}
}

static void
test_cgroup(void **state)
{
	struct cgroup_root root;
	struct tree_opts opts = {0};
	struct job j = {0};
	char name[32], *path = NULL;
	pid_t a, b;
	int fd = -1;

	(void)state;
	snprintf(name, sizeof(name), "reeve-tree-%d", (int)getpid());
	if (cgroup_root_open(name, &root) < 0)
		skip();
	assert_int_equal(cgroup_make(&root, "one", NULL, &path, &fd), 0);
	opts.cgroup = path;
	assert_int_equal(
	    start_opts(&j, with_note(DAEMONISE "exit 0"), null_fd, &opts, fd),
	    0);
	close(fd);
	a = noted(0);
	b = noted(1);
	assert_true(until(&j.exited, 1, DEADLINE_US));
	assert_true(tree_look(j.tree) >= 1);
	tree_kill(j.tree);
	assert_true(until(&j.emptied, 1, DEADLINE_US));
	assert_false(alive(a) || alive(b));
	assert_int_equal(cgroup_remove(path), 0);
	tree_free(j.tree);
	free(path);
	assert_int_equal(rmdir(root.path), 0);
	cgroup_root_clear(&root);
	unlink(note);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_exit_is_told_with_everything),
	    T(test_spawn_failure_leaves_nothing),
	    T(test_free_in_callback),
	    T(test_many_exits_at_once),
	    T(test_survivor_is_found_and_killed),
	    T(test_survivor_that_ends_by_itself),
	    T(test_term_reaches_all),
	    T(test_ignoring_term),
	    T(test_double_fork_setsid_no_environment),
	    T(test_unidentified_orphan),
	    T(test_service_shields_nothing),
	    T(test_orphan_of_living_leader_by_environment),
	    T(test_leave_children),
	    T(test_kill_beats_leave_children),
	    T(test_storm_of_short_orphans),
	    T(test_multiplying_tree_is_killed),
	    T(test_unkillable_keeps_it_open),
	    T(test_forgotten_tree_is_cleaned_up),
	    T(test_earlier_children_are_not_ours),
	    T(test_cgroup),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
