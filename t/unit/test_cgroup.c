/*
 * test_cgroup.c - sys/cgroup on the real hierarchy where we may, and on
 * directories that look like one for what this kernel does not grant.
 */
#include "config.h"

#include "sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a directory that looks like a cgroup ---- */

static char fake[64];

static void
fake_new(void)
{
	snprintf(fake, sizeof(fake), "/tmp/reeve-cgroup-XXXXXX");
	assert_non_null(mkdtemp(fake));
}

static void
fake_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", fake, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
fake_unlink(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", fake, name);
	assert_int_equal(unlink(path), 0);
}

static pid_t
pausing_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		for (;;)
			pause();
	}
	return pid;
}

static void
test_populated_and_oom(void **state)
{
	(void)state;
	fake_new();
	assert_int_equal(cgroup_populated("/nonexistent/x"), 0);
	assert_int_equal(cgroup_populated(fake), 0);
	fake_file("cgroup.events", "populated 1\nfrozen 0\n");
	assert_int_equal(cgroup_populated(fake), 1);
	fake_file("cgroup.events", "xpopulated 1\npopulated 0\nfrozen 1\n");
	assert_int_equal(cgroup_populated(fake), 0);

	assert_false(cgroup_saw_oom(fake));
	fake_file("memory.events", "low 0\noom 3\noom_kill 0\n");
	assert_false(cgroup_saw_oom(fake));
	fake_file("memory.events", "low 0\noom 3\noom_kill 2\n");
	assert_true(cgroup_saw_oom(fake));
	fake_unlink("memory.events");
	fake_unlink("cgroup.events");
	assert_int_equal(cgroup_remove(fake), 0);
	assert_int_equal(cgroup_remove(fake), 0);
}

/* Before Linux 5.14 there is no cgroup.kill. */
static void
test_kill_one_by_one(void **state)
{
	pid_t a = pausing_child(), b = pausing_child(), spared;
	char text[64];
	int status;

	(void)state;
	spared = pausing_child();
	fake_new();
	snprintf(text, sizeof(text), "%d\n%d\n", (int)a, (int)b);
	fake_file("cgroup.procs", text);
	assert_int_equal(cgroup_kill(fake), 0);
	assert_int_equal(waitpid(a, &status, 0), a);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(waitpid(b, &status, 0), b);
	assert_int_equal(waitpid(spared, &status, WNOHANG), 0);
	kill(spared, SIGKILL);
	waitpid(spared, &status, 0);
	fake_unlink("cgroup.procs");
	assert_int_equal(rmdir(fake), 0);
	assert_int_equal(cgroup_kill(fake), 0); /* gone: nothing to kill */
}

static void
test_limits_are_never_weaker(void **state)
{
	const struct cgroup_limits limits[] = {
	    {.memory_max_bytes = 1 << 20},
	    {.pids_max = 5},
	    {.cpu_percent = 50},
	};
	struct cgroup_root root = {.path = fake};
	char *path = NULL;
	int fd = -1;
	size_t i;

	(void)state;
	fake_new();
	for (i = 0; i < 3; i++)
		assert_int_equal(
		    cgroup_make(&root, "a", &limits[i], &path, &fd),
		    -EOPNOTSUPP);
	root.memory = root.pids = root.cpu = true;
	for (i = 0; i < 3; i++) /* granted, but the file is not there */
		assert_int_equal(
		    cgroup_make(&root, "a", &limits[i], &path, &fd), -ENOENT);
	assert_int_equal(rmdir(fake), 0); /* and nothing was left in it */
}

static void
test_names(void **state)
{
	static const char *const bad[] = {
	    "", ".", "..", "a/b", "../x", "cgroup.procs", "a\nb"};
	struct cgroup_root root = {.path = fake};
	char *path = NULL;
	int fd = -1;
	size_t i;

	(void)state;
	fake_new();
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(
		    cgroup_make(&root, bad[i], NULL, &path, &fd), -EINVAL);
	assert_int_equal(cgroup_make(&root, "a", NULL, &path, &fd), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	fd = -1;
	assert_int_equal(
	    cgroup_make(&root, "a", NULL, &(char *){NULL}, &fd), -EEXIST);
	assert_int_equal(cgroup_remove(path), 0);
	free(path);
	root.path = NULL;
	assert_int_equal(
	    cgroup_make(&root, "a", NULL, &path, &fd), -EOPNOTSUPP);
	assert_int_equal(rmdir(fake), 0);
}

/* ---- the real one ---- */

static void
put_self(const char *dir)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(1);
	close(fd);
}

/* A process in `dir` and one below it, in a cgroup of the job's own. */
static pid_t
populate(const char *dir)
{
	char sub[256];
	int fds[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		put_self(dir);
		snprintf(sub, sizeof(sub), "%s/sub", dir);
		mkdir(sub, 0755);
		if (fork() == 0)
			put_self(sub);
		(void)!write(fds[1], "x", 1);
		alarm(20);
		for (;;)
			pause();
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	close(fds[1]);
	return pid;
}

static void
test_real(void **state)
{
	struct cgroup_root root, again;
	char name[32], *path = NULL;
	int fd = -1, tries, r = -1;
	pid_t pid;

	(void)state;
	snprintf(name, sizeof(name), "reeve-test-%d", (int)getpid());
	if (cgroup_root_open(name, &root) < 0) {
		assert_null(root.path);
		skip();
	}
	assert_true(root.path != NULL && strstr(root.path, name) != NULL);
	assert_int_equal(cgroup_root_open(name, &again), 0);
	assert_string_equal(root.path, again.path);
	cgroup_root_clear(&again);
	assert_null(again.path);

	assert_int_equal(cgroup_make(&root, "job", NULL, &path, &fd), 0);
	close(fd);
	assert_int_equal(cgroup_populated(path), 0);
	pid = populate(path);
	assert_int_equal(cgroup_populated(path), 1);
	assert_int_equal(cgroup_remove(path), -EBUSY);
	assert_int_equal(cgroup_kill(path), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* the grandchild is init's to reap, but dead it does not count */
	for (tries = 0; tries < 100 && r != 0; tries++) {
		r = cgroup_populated(path);
		poll(NULL, 0, r == 0 ? 0 : 50);
	}
	assert_int_equal(r, 0);
	assert_int_equal(cgroup_remove(path), 0); /* with what it made */
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(cgroup_kill(path), 0);
	free(path);
	assert_int_equal(rmdir(root.path), 0);
	cgroup_root_clear(&root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_populated_and_oom),
	    cmocka_unit_test(test_kill_one_by_one),
	    cmocka_unit_test(test_limits_are_never_weaker),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_real),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
