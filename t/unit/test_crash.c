/*
 * test_crash.c - how the program ends itself: by a bug, and where a test
 * asks for it.
 */
#include <config.h>

#include "base/crash.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/fd.h"

typedef void child_fn(void);

/* Run `fn` in a child with its standard error in `err`; its wait status. */
static int
run(child_fn *fn, struct buf *err)
{
	const struct rlimit no_core = {0, 0};
	char chunk[4096];
	int p[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* the sanitizer and cmocka have handlers of their own */
		signal(SIGABRT, SIG_DFL);
		if (setrlimit(RLIMIT_CORE, &no_core) < 0 || dup2(p[1], 2) < 0)
			_exit(9);
		fn();
		_exit(0);
	}
	close(p[1]);
	buf_init(err, 0);
	while ((n = read(p[0], chunk, sizeof(chunk))) > 0)
		buf_add(err, chunk, (size_t)n);
	close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
a_bug(void)
{
	BUG("two\nlines of %d", 7);
}

static void
a_long_bug(void)
{
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	BUG("%s", text);
}

static void
test_bug(void **state)
{
	struct buf err;
	int status;

	(void)state;
	status = run(a_bug, &err);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_memory_equal(buf_str(&err), "BUG at ", 7);
	assert_non_null(strstr(err.data, "test_crash.c:"));
	assert_non_null(strstr(err.data, ": two lines of 7\n"));
	assert_ptr_equal(strchr(err.data, '\n'), err.data + err.len - 1);
	buf_clear(&err);
	status = run(a_long_bug, &err);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_ptr_equal(strchr(err.data, '\n'), err.data + err.len - 1);
	buf_clear(&err);
}

#ifdef REEVE_DEBUG

static void
pass_points(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		CRASH_POINT("first");
		CRASH_POINT("first-b");
		CRASH_POINT("second");
	}
}

/* Points passed before the end, and how it ended. */
static void
assert_points(const char *spec, int signal_wanted, const char *passed)
{
	char path[] = "/tmp/reeve-crash.XXXXXX";
	int fd = mkstemp(path), status;
	struct buf b;

	assert_true(fd >= 0);
	close(fd);
	setenv("REEVE_CRASH_LIST", path, 1);
	if (spec != NULL)
		setenv("REEVE_CRASH_POINT", spec, 1);
	status = run(pass_points, &b);
	buf_clear(&b);
	unsetenv("REEVE_CRASH_LIST");
	unsetenv("REEVE_CRASH_POINT");
	assert_int_equal(fd_read_file(path, 4096, false, &b), 0);
	unlink(path);
	assert_string_equal(buf_str(&b), passed);
	buf_clear(&b);
	if (signal_wanted == 0)
		assert_int_equal(status, 0);
	else
		assert_true(
		    WIFSIGNALED(status) && WTERMSIG(status) == signal_wanted);
}

static void
test_points(void **state)
{
	static const char all[] = "first\nfirst-b\nsecond\n";

	(void)state;
	assert_points(NULL, 0, all);
	assert_points("first", SIGKILL, "first\n");
	assert_points("first-b", SIGKILL, "first\nfirst-b\n");
	assert_points("first:1", SIGKILL, "first\n");
	assert_points("first:2", SIGKILL, all);
	assert_points("second:3", SIGKILL, all);
	assert_points("second:4", 0, all);
	assert_points("second:", 0, all);
	assert_points("second:0", 0, all);
	assert_points("sec", 0, all);
	assert_points("unknown", 0, all);
}

#else

static void
test_points(void **state)
{
	(void)state;
	/* nothing at all in this build */
	CRASH_POINT("never declared");
}

#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bug),
	    cmocka_unit_test(test_points),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
