/*
 * test_procfs.c - sys/procfs: names made to confuse a parser, children of
 * threads, environments of our own and of processes that are gone.
 */
#include <config.h>

#include "sys/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Literals are const here; exec(3) wishes them not to be. */
#define VEC(v) ((char *const *)(uintptr_t)(v))

/* A child that calls `prepare`, says so, and waits to be killed. */
static pid_t
child(void (*prepare)(void))
{
	int fds[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (prepare != NULL)
			prepare();
		(void)!write(fds[1], "x", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	close(fds[1]);
	return pid;
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
nasty_name(void)
{
	prctl(PR_SET_NAME, "a) R 1 (2\n) Z");
	setsid();
}

static void
test_stat(void **state)
{
	struct procfs_stat st, again;
	pid_t pid = child(nasty_name);

	(void)state;
	assert_int_equal(procfs_stat(pid, &st), 0);
	assert_int_equal(st.pid, pid);
	assert_int_equal(st.ppid, getpid());
	assert_int_equal(st.session, pid);
	assert_true(st.state == 'S' || st.state == 'R');
	assert_true(st.start_ticks > 0);
	assert_int_equal(procfs_stat(getpid(), &again), 0);
	assert_true(again.start_ticks <= st.start_ticks);

	kill(pid, SIGKILL);
	assert_int_equal(
	    waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	assert_int_equal(procfs_stat(pid, &again), 0);
	assert_int_equal(again.state, 'Z');
	assert_true(again.start_ticks == st.start_ticks);
	end(pid);
	assert_int_equal(procfs_stat(pid, &st), -ESRCH);
	assert_int_equal(procfs_stat(-1, &st), -ESRCH);
}

static bool
has(const pid_t *list, int n, pid_t pid)
{
	int i;

	for (i = 0; i < n; i++) {
		if (list[i] == pid)
			return true;
	}
	return false;
}

static void
test_own_children(void **state)
{
	pid_t a, b, *list = NULL;
	int n;

	(void)state;
	n = procfs_children(getpid(), &list);
	assert_int_equal(n, 0);
	free(list);
	a = child(NULL);
	b = child(NULL);
	n = procfs_children(getpid(), &list);
	assert_int_equal(n, 2);
	assert_true(has(list, n, a) && has(list, n, b));
	free(list);

	/* what is dead but not reaped is still a child */
	kill(a, SIGKILL);
	waitid(P_PID, (id_t)a, &(siginfo_t){0}, WEXITED | WNOWAIT);
	n = procfs_children(getpid(), &list);
	assert_int_equal(n, 2);
	free(list);
	end(a);
	end(b);
}

static void
two_children(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
}

static void
test_other_children(void **state)
{
	struct procfs_stat st;
	pid_t pid = child(two_children), *list = NULL;
	int n;

	(void)state;
	n = procfs_children(pid, &list);
	assert_int_equal(n, 2);
	assert_int_equal(procfs_stat(list[0], &st), 0);
	assert_int_equal(st.ppid, pid);
	/* their own request to die with it may come too late */
	kill(list[0], SIGKILL);
	kill(list[1], SIGKILL);
	free(list);
	end(pid);
	list = NULL;
	assert_int_equal(procfs_children(pid, &list), -ESRCH);
	assert_null(list);
}

static void
test_all(void **state)
{
	pid_t *list = NULL;
	int n;

	(void)state;
	n = procfs_all(&list);
	assert_true(n >= 2);
	assert_true(has(list, n, getpid()));
	assert_true(has(list, n, 1));
	free(list);
}

static pid_t
with_env(const char *const *envp)
{
	const char *const argv[] = {"sleep", "100", NULL};
	int fds[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		execve("/bin/sleep", VEC(argv), VEC(envp));
		_exit(1);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 0); /* exec closed it */
	close(fds[0]);
	return pid;
}

static void
test_environ(void **state)
{
	const char *const envp[] = {
	    "XID=no", "ID=run/1", "E=", "ID2=run/12", NULL};
	pid_t pid = with_env(envp);
	char out[16];

	(void)state;
	assert_int_equal(procfs_environ_has(pid, "ID=run/1"), 1);
	assert_int_equal(procfs_environ_has(pid, "ID=run/12"), 0);
	assert_int_equal(procfs_environ_has(pid, "ID=run/"), 0);
	assert_int_equal(procfs_environ_has(pid, "D=run/1"), 0);
	assert_int_equal(procfs_environ_get(pid, "ID", out, sizeof(out)), 1);
	assert_string_equal(out, "run/1");
	assert_int_equal(procfs_environ_get(pid, "E", out, sizeof(out)), 1);
	assert_string_equal(out, "");
	assert_int_equal(procfs_environ_get(pid, "I", out, sizeof(out)), 0);
	assert_int_equal(procfs_environ_get(pid, "ID", out, 6), 1);
	assert_int_equal(procfs_environ_get(pid, "ID", out, 5), -ENAMETOOLONG);
	end(pid);
	assert_int_equal(procfs_environ_has(pid, "ID=run/1"), -ESRCH);
}

static void
test_no_environ(void **state)
{
	const char *const none[] = {NULL};
	pid_t pid = with_env(none);
	char out[16];

	(void)state;
	assert_int_equal(procfs_environ_has(pid, "ID=x"), 0);
	assert_int_equal(procfs_environ_get(pid, "ID", out, sizeof(out)), 0);
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
	assert_true(procfs_environ_has(pid, "ID=x") <= 0); /* a zombie */
	end(pid);
}

static void
test_large_environ(void **state)
{
	char *big = malloc(100001);
	const char *const envp[] = {big, "ID=behind", NULL};
	pid_t pid;

	(void)state;
	memset(big, 'x', 100000);
	big[100000] = '\0';
	big[3] = '=';
	pid = with_env(envp);
	assert_int_equal(procfs_environ_has(pid, "ID=behind"), 1);
	end(pid);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stat),
	    cmocka_unit_test(test_own_children),
	    cmocka_unit_test(test_other_children),
	    cmocka_unit_test(test_all),
	    cmocka_unit_test(test_environ),
	    cmocka_unit_test(test_no_environ),
	    cmocka_unit_test(test_large_environ),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
