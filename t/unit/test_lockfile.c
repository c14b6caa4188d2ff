/*
 * test_lockfile.c - one holder at a time, whatever is in the file or happens
 * to it.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fd.h"
#include "sys/lockfile.h"

struct fixture {
	char dir[40], path[64];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/reeve-lock-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/lock", f->dir);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static void
one_at_a_time(void **state)
{
	struct fixture *f = *state;
	char pid[24];
	struct buf b;
	pid_t holder = -1;
	int fd = -1, other = -1;

	buf_init(&b, 100);
	/* an old, longer content does not show through */
	write_file(f->path, "123456789012345678\nand more\n");
	assert_int_equal(lockfile_take(f->path, &fd, &holder), 0);
	assert_int_equal(holder, 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fd_read_file(f->path, 100, false, &b), 0);
	(void)snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	assert_string_equal(buf_str(&b), pid);
	buf_clear(&b);

	assert_int_equal(lockfile_take(f->path, &other, &holder), -EWOULDBLOCK);
	assert_int_equal(holder, getpid());
	assert_int_equal(other, -1);

	lockfile_release(f->path, &fd);
	assert_int_equal(fd, -1);
	assert_int_equal(access(f->path, F_OK), -1);
	lockfile_release(f->path, &fd);
	assert_int_equal(lockfile_take(f->path, &fd, &holder), 0);
	/* without release, as after a crash */
	close(fd);
	assert_int_equal(lockfile_take(f->path, &fd, &holder), 0);
	lockfile_release(f->path, &fd);
}

static void
content_is_only_a_hint(void **state)
{
	static const char *const texts[] = {"", "nonsense\n", "0\n", "-1\n",
	    "99999999999999999999\n", "12 34\n",
	    "1111111111111111111111111111111111111111111111"};
	struct fixture *f = *state;
	pid_t holder;
	int fd = -1, other;

	assert_int_equal(lockfile_take(f->path, &fd, &holder), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_file(f->path, texts[i]);
		holder = -1;
		assert_int_equal(
		    lockfile_take(f->path, &other, &holder), -EWOULDBLOCK);
		assert_int_equal(holder, 0);
	}
	write_file(f->path, "4711");
	assert_int_equal(lockfile_take(f->path, &other, &holder), -EWOULDBLOCK);
	assert_int_equal(holder, 4711);
	lockfile_release(f->path, &fd);
}

static void
a_replaced_file_is_not_unlinked(void **state)
{
	struct fixture *f = *state;
	pid_t holder;
	int fd = -1, second = -1;

	assert_int_equal(lockfile_take(f->path, &fd, &holder), 0);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(lockfile_take(f->path, &second, &holder), 0);
	lockfile_release(f->path, &fd);
	/* the second one's file is still there, and locked */
	assert_int_equal(access(f->path, F_OK), 0);
	assert_int_equal(lockfile_take(f->path, &fd, &holder), -EWOULDBLOCK);
	lockfile_release(f->path, &second);
}

static void
what_is_no_file(void **state)
{
	struct fixture *f = *state;
	char target[80];
	pid_t holder;
	int fd = -1;

	/* a link is not followed: nothing behind it is truncated */
	(void)snprintf(target, sizeof(target), "%s/target", f->dir);
	write_file(target, "precious");
	assert_int_equal(symlink(target, f->path), 0);
	assert_int_equal(lockfile_take(f->path, &fd, &holder), -ELOOP);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(unlink(target), 0);
	/* a fifo would hang */
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(lockfile_take(f->path, &fd, &holder), -EINVAL);
	assert_int_equal(unlink(f->path), 0);
	(void)snprintf(target, sizeof(target), "%s/none/lock", f->dir);
	assert_int_equal(lockfile_take(target, &fd, &holder), -ENOENT);
	assert_int_equal(fd, -1);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(one_at_a_time),
	    T(content_is_only_a_hint),
	    T(a_replaced_file_is_not_unlinked),
	    T(what_is_no_file),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
