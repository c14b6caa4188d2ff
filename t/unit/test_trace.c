/*
 * test_trace.c - tree_trace_kill(): what an attempt of a crashed daemon left
 * is found by name, by session, by descent; and a bystander who got a
 * recorded pid or session number is never hit.
 */
#include "config.h"

#include "sys/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sys/procfs.h"

#define DEADLINE_US (10 * USEC_PER_SEC)
#define LIFE	    "20" /* seconds, if nobody ends it */
/* Literals are const here; exec(3) wishes them not to be. */
#define VEC(v) ((char *const *)(uintptr_t)(v))

/*
 * An attempt's id, and its entry in an environment: with our pid, because the
 * whole machine is searched, where this test may run twice.
 */
static const char *
id_of(const char *prefix, int n)
{
	static char bufs[8][64];
	static unsigned turn;
	char *buf = bufs[turn++ % 8];

	snprintf(buf, sizeof(bufs[0]), "%sr%d-%d/1", prefix, n, (int)getpid());
	return buf;
}

#define ID(n)	 id_of("", n)
#define ENTRY(n) id_of("REEVE_ATTEMPT_ID=", n)

/* Say "here" by closing the pipe in exec. */
static void
become_sleeper(const char *entry)
{
	const char *const argv[] = {"sleep", LIFE, NULL};
	const char *const envp[] = {entry, NULL};

	execve("/bin/sleep", VEC(argv), VEC(envp));
	_exit(1);
}

static void
wait_for_exec(int fds[2])
{
	char c;

	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 0);
	close(fds[0]);
}

enum {
	SAME_SESSION,
	OWN_SESSION
};

static pid_t
sleeper(const char *entry, int session)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (session == OWN_SESSION)
			setsid();
		become_sleeper(entry);
	}
	wait_for_exec(fds);
	return pid;
}

/* A session leader (environment `entry`) with a child (`child_entry`). */
static pid_t
family(const char *entry, const char *child_entry, bool child_leaves,
    pid_t *ret_child)
{
	int fds[2], tell[2];
	pid_t pid, child;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		setsid();
		child = fork();
		if (child == 0) {
			if (child_leaves)
				setsid();
			become_sleeper(child_entry);
		}
		(void)!write(tell[1], &child, sizeof(child));
		become_sleeper(entry);
	}
	wait_for_exec(fds);
	assert_int_equal(
	    read(tell[0], ret_child, sizeof(*ret_child)), sizeof(*ret_child));
	close(tell[0]);
	close(tell[1]);
	return pid;
}

static uint64_t
ticks_of(pid_t pid)
{
	struct procfs_stat st;

	assert_int_equal(procfs_stat(pid, &st), 0);
	return st.start_ticks;
}

static bool
alive(pid_t pid)
{
	struct procfs_stat st;

	return procfs_stat(pid, &st) == 0 && st.state != 'Z';
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* As recovery does: again until it says 0. */
static void
kill_all(const struct tree_trace *tr)
{
	int64_t deadline = clock_boot_us() + DEADLINE_US;
	int left;

	do {
		left = tree_trace_kill(tr);
		assert_true(left >= 0);
	} while (left > 0 && clock_boot_us() < deadline);
	assert_int_equal(left, 0);
}

static void
reap(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
reap_rest(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static struct tree_trace
trace_of(pid_t pid, const char *id)
{
	struct tree_trace tr = {
	    .attempt_id = id,
	    .pid = pid,
	    .start_ticks = ticks_of(pid),
	    .session = pid,
	    .boot_id = clock_boot_id(),
	};

	return tr;
}

static void
next_tick(uint64_t after)
{
	int64_t deadline = clock_boot_us() + DEADLINE_US;
	uint64_t ticks;
	pid_t pid;

	do {
		pid = sleeper("A=b", SAME_SESSION);
		ticks = ticks_of(pid);
		end(pid);
	} while (ticks <= after && clock_boot_us() < deadline);
	assert_true(ticks > after);
}

/* ---- who is found ---- */

static void
test_nothing_left(void **state)
{
	struct tree_trace tr = {.attempt_id = "none/1"};

	(void)state;
	assert_int_equal(tree_trace_kill(&tr), 0);
	tr.cgroup = "/sys/fs/cgroup/nonexistent/x";
	assert_int_equal(tree_trace_kill(&tr), 0);
	assert_true(clock_boot_id()[0] != '\0');
}

static void
test_by_environment(void **state)
{
	struct tree_trace tr = {.attempt_id = ID(7), .boot_id = "other"};
	pid_t hit = sleeper(ENTRY(7), OWN_SESSION);
	pid_t other = sleeper(ENTRY(712), OWN_SESSION);

	(void)state;
	assert_int_equal(tree_trace_kill(&tr), 1);
	kill_all(&tr);
	reap(hit);
	assert_true(alive(other));
	end(other);
}

static void
test_what_it_started(void **state)
{
	struct tree_trace tr = {.attempt_id = ID(8)};
	pid_t child, pid;

	(void)state;
	pid = family(ENTRY(8), "A=b", true, &child);
	assert_int_equal(tree_trace_kill(&tr), 2);
	kill_all(&tr);
	reap(pid);
	reap(child); /* we are a subreaper */
}

static void
test_by_pid_and_start(void **state)
{
	pid_t pid = sleeper("A=b", OWN_SESSION);
	struct tree_trace tr = trace_of(pid, ID(9));

	(void)state;
	assert_int_equal(tree_trace_kill(&tr), 1);
	kill_all(&tr);
	reap(pid);
}

static void
test_by_session_of_dead_leader(void **state)
{
	struct tree_trace tr;
	pid_t child, pid;

	(void)state;
	pid = family("A=b", "C=d", false, &child);
	tr = trace_of(pid, ID(10));
	end(pid);
	assert_true(alive(child));
	kill_all(&tr);
	reap(child);
}

static void
test_zombie_is_dead(void **state)
{
	pid_t pid = sleeper(ENTRY(11), OWN_SESSION);
	struct tree_trace tr = trace_of(pid, ID(11));

	(void)state;
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
	assert_int_equal(tree_trace_kill(&tr), 0);
	end(pid);
}

/* ---- who is not hit ---- */

static void
survives(const struct tree_trace *tr, pid_t pid)
{
	assert_int_equal(tree_trace_kill(tr), 0);
	assert_true(alive(pid));
}

static void
test_other_boot(void **state)
{
	pid_t pid = sleeper("A=b", OWN_SESSION);
	struct tree_trace tr = trace_of(pid, ID(12));

	(void)state;
	tr.boot_id = "00000000-0000-0000-0000-000000000000";
	survives(&tr, pid);
	tr.boot_id = "";
	survives(&tr, pid);
	tr.boot_id = NULL;
	survives(&tr, pid);
	end(pid);
}

static void
test_nothing_recorded(void **state)
{
	pid_t pid = sleeper("A=b", OWN_SESSION);
	struct tree_trace tr = {
	    .attempt_id = ID(13),
	    .boot_id = clock_boot_id(),
	};

	(void)state;
	survives(&tr, pid);
	tr.session = pid; /* without a process it proves nothing */
	survives(&tr, pid);
	end(pid);
}

static void
test_ourselves(void **state)
{
	struct tree_trace tr = trace_of(getpid(), ID(14));

	(void)state;
	tr.session = 0;
	assert_int_equal(tree_trace_kill(&tr), 0);
}

/* A process with exactly this pid: clone3 with set_tid (root only). */
static pid_t
bystander(pid_t pid, const char *entry, bool with_child, pid_t *ret_child)
{
	struct clone_args args = {
	    .exit_signal = SIGCHLD,
	    .set_tid = (uint64_t)(uintptr_t)&pid,
	    .set_tid_size = 1,
	};
	int fds[2], tell[2];
	pid_t child = -1;
	long got;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
	got = syscall(SYS_clone3, &args, sizeof(args));
	if (got == 0) {
		setsid();
		child = with_child ? fork() : -1;
		if (child == 0)
			become_sleeper(entry);
		(void)!write(tell[1], &child, sizeof(child));
		become_sleeper(entry);
	}
	wait_for_exec(fds);
	if (got > 0)
		assert_int_equal(
		    read(tell[0], &child, sizeof(child)), sizeof(child));
	if (ret_child != NULL)
		*ret_child = child;
	close(tell[0]);
	close(tell[1]);
	return (pid_t)got;
}

static void
test_recycled_pid(void **state)
{
	pid_t pid = sleeper("A=b", OWN_SESSION), again;
	struct tree_trace tr = trace_of(pid, ID(15));

	(void)state;
	end(pid);
	next_tick(tr.start_ticks);
	again = bystander(pid, "A=b", false, NULL);
	if (again < 0)
		skip();
	assert_int_equal(again, pid);
	survives(&tr, pid);
	end(pid);
}

static void
test_recycled_session(void **state)
{
	pid_t pid = sleeper("A=b", OWN_SESSION), again, child;
	struct tree_trace tr = trace_of(pid, ID(16));

	(void)state;
	end(pid);
	next_tick(tr.start_ticks);
	again = bystander(pid, "A=b", true, &child);
	if (again < 0)
		skip();
	survives(&tr, pid);
	assert_true(alive(child));
	end(pid);
	/* its leader is gone too, but it is known to be another attempt's */
	end(child);
	again = bystander(pid, ENTRY(17), true, &child);
	assert_int_equal(again, pid);
	end(pid);
	survives(&tr, child);
	end(child);
}

static void
test_older_member_of_session(void **state)
{
	struct tree_trace tr;
	pid_t child, pid;

	(void)state;
	pid = family("A=b", "C=d", false, &child);
	tr = trace_of(pid, ID(18));
	end(pid);
	tr.start_ticks = ticks_of(child) + 1;
	survives(&tr, child);
	end(child);
}

static int
setup(void **state)
{
	(void)state;
	return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int
no_child_left(void **state)
{
	pid_t *list = NULL;
	int n = procfs_children(getpid(), &list), i;

	(void)state;
	for (i = 0; i < n; i++)
		kill(list[i], SIGKILL);
	free(list);
	reap_rest();
	return n == 0 ? 0 : -1;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, no_child_left)
	const struct CMUnitTest tests[] = {
	    T(test_nothing_left),
	    T(test_by_environment),
	    T(test_what_it_started),
	    T(test_by_pid_and_start),
	    T(test_by_session_of_dead_leader),
	    T(test_zombie_is_dead),
	    T(test_other_boot),
	    T(test_nothing_recorded),
	    T(test_ourselves),
	    T(test_recycled_pid),
	    T(test_recycled_session),
	    T(test_older_member_of_session),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
