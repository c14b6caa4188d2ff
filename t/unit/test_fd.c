/*
 * test_fd.c - whole files in a directory of our own, and what must be refused.
 */
#include <config.h>

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* Each test has an empty directory as its working directory. */
static int
enter_directory(void **state)
{
	static char dir[64];

	snprintf(dir, sizeof(dir), "/tmp/reeve-fd.XXXXXX");
	if (mkdtemp(dir) == NULL || chdir(dir) < 0)
		return -1;
	*state = dir;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
leave_directory(void **state)
{
	return chdir("/") < 0 ||
	       nftw((char *)*state, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0;
}

static void
put(const char *path, const char *text, mode_t mode)
{
	int fd;

	/* one that was read-only before is replaced all the same */
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int
read_into(const char *path, size_t max, bool trusted, const char *expect)
{
	struct buf b;
	int r;

	buf_init(&b, 0);
	buf_addstr(&b, "before");
	r = fd_read_file(path, max, trusted, &b);
	assert_memory_equal(b.data, "before", 6);
	assert_string_equal(b.data + 6, r == 0 ? expect : "");
	assert_int_equal(b.len, strlen(b.data));
	buf_clear(&b);
	return r;
}

static void
test_close(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), old = fd;

	(void)state;
	errno = ENOENT;
	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(old, F_GETFD), -1);
	errno = ENOENT;
	fd_close(&fd);
	assert_int_equal(errno, ENOENT);
	fd = 12345;
	fd_close(&fd); /* not open: errno would be EBADF */
	assert_int_equal(errno, ENOENT);
}

static void
test_nonblock(void **state)
{
	int p[2];
	char c;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(fd_set_nonblock(p[0], true), 0);
	assert_int_equal(read(p[0], &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fd_set_nonblock(p[0], false), 0);
	assert_int_equal(fcntl(p[0], F_GETFL) & O_NONBLOCK, 0);
	close(p[0]);
	close(p[1]);
	assert_int_equal(fd_set_nonblock(p[0], true), -EBADF);
	assert_int_equal(fd_write_all(p[1], "x", 1), -EBADF);
}

static void
test_read(void **state)
{
	(void)state;
	put("empty", "", 0644);
	put("file", "0123456789", 0644);
	assert_int_equal(read_into("empty", 10, false, ""), 0);
	assert_int_equal(read_into("empty", 0, false, ""), 0);
	assert_int_equal(read_into("file", 100, false, "0123456789"), 0);
	assert_int_equal(read_into("file", 10, false, "0123456789"), 0);
	assert_int_equal(read_into("file", 9, false, ""), -EFBIG);
	assert_int_equal(read_into("file", 0, false, ""), -EFBIG);
	assert_int_equal(read_into("none", 10, false, ""), -ENOENT);
	assert_int_equal(symlink("file", "link"), 0);
	assert_int_equal(read_into("link", 10, true, "0123456789"), 0);
}

static void
test_read_large(void **state)
{
	size_t len = 100000, i;
	char *text = malloc(len + 1);
	struct buf b;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < len; i++)
		text[i] = (char)('a' + i % 23);
	text[len] = '\0';
	put("large", text, 0600);
	assert_int_equal(read_into("large", len, true, text), 0);
	assert_int_equal(read_into("large", len - 1, true, ""), -EFBIG);
	/* the buffer's own cap */
	buf_init(&b, len);
	assert_int_equal(fd_read_file("large", len * 2, true, &b), 0);
	assert_int_equal(b.len, len);
	buf_clear(&b);
	buf_init(&b, len - 1);
	assert_int_equal(fd_read_file("large", len * 2, true, &b), -EFBIG);
	assert_int_equal(b.len, 0);
	buf_clear(&b);
	free(text);
}

/* A file whose size fstat gives as 0. */
static void
test_read_proc(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(
	    fd_read_file("/proc/self/status", 100000, true, &b), 0);
	assert_memory_equal(b.data, "Name:", 5);
	buf_clear(&b);
}

static void
test_read_refuses_what_is_no_file(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = "sock"};
	int fd;

	(void)state;
	/* a FIFO must not be waited for: the test would hang */
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(read_into("fifo", 10, false, ""), -EINVAL);
	assert_int_equal(read_into(".", 10, false, ""), -EINVAL);
	assert_int_equal(read_into("/dev/zero", 10, false, ""), -EINVAL);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(read_into("sock", 10, false, ""), -ENXIO);
	close(fd);
}

static void
test_trust(void **state)
{
	static const struct {
		mode_t mode;
		int result;
	} cases[] = {{0600, 0}, {0644, 0}, {0444, 0}, {0755, 0}, {0620, -EPERM},
	    {0602, -EPERM}, {0666, -EPERM}};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		put("file", "x", cases[i].mode);
		assert_int_equal(
		    read_into("file", 9, true, "x"), cases[i].result);
		assert_int_equal(read_into("file", 9, false, "x"), 0);
	}
}

static void
test_trust_owner(void **state)
{
	(void)state;
	/* cmocka's skip() is a failure in TAP */
	if (geteuid() != 0)
		return;
	put("file", "x", 0644);
	assert_int_equal(chown("file", 65534, 0), 0);
	assert_int_equal(read_into("file", 9, true, ""), -EPERM);
	assert_int_equal(read_into("file", 9, false, "x"), 0);
	/* its own file and root's are fine for another user */
	put("root", "y", 0644);
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(read_into("file", 9, true, "x"), 0);
	assert_int_equal(read_into("root", 9, true, "y"), 0);
	assert_int_equal(seteuid(0), 0);
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
test_replace(void **state)
{
	mode_t mask = umask(077);

	(void)state;
	assert_int_equal(fd_replace_file("new", "first", 5, 0644), 0);
	assert_int_equal(mode_of("new"), 0644);
	assert_int_equal(read_into("new", 99, true, "first"), 0);
	assert_int_equal(fd_replace_file("new", "2", 1, 0600), 0);
	assert_int_equal(mode_of("new"), 0600);
	assert_int_equal(read_into("new", 99, true, "2"), 0);
	assert_int_equal(fd_replace_file("./new", NULL, 0, 0400), 0);
	assert_int_equal(read_into("new", 99, true, ""), 0);
	umask(mask);
}

static void
test_replace_failing_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(mkdir("dir", 0700), 0);
	assert_int_equal(mkdir("dir/sub", 0700), 0);
	assert_int_equal(fd_replace_file("dir/sub", "x", 1, 0600), -EISDIR);
	assert_int_equal(fd_replace_file("none/x", "x", 1, 0600), -ENOENT);
	/* the directory is empty but for what was there */
	assert_int_equal(rmdir("dir/sub"), 0);
	assert_int_equal(rmdir("dir"), 0);
}

static void
test_replace_keeps_readers(void **state)
{
	char text[8] = {0};
	int fd;

	(void)state;
	put("file", "old", 0600);
	fd = open("file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd_replace_file("file", "new", 3, 0600), 0);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "old");
	close(fd);
}

static void
test_mkdirs(void **state)
{
	char path[128];
	mode_t mask = umask(0);

	assert_int_equal(fd_mkdirs("a/b//c", 0700), 0);
	assert_int_equal(mode_of("a"), 0755);
	assert_int_equal(mode_of("a/b"), 0755);
	assert_int_equal(mode_of("a/b/c"), 0700);
	assert_int_equal(fd_mkdirs("a/b/c", 0777), 0);
	assert_int_equal(mode_of("a/b/c"), 0700);
	assert_int_equal(fd_mkdirs("one/", 0711), 0);
	assert_int_equal(mode_of("one"), 0711);
	snprintf(path, sizeof(path), "%s/x/y", (char *)*state);
	assert_int_equal(fd_mkdirs(path, 0750), 0);
	assert_int_equal(mode_of("x/y"), 0750);
	assert_int_equal(fd_mkdirs("/", 0700), 0);
	assert_int_equal(symlink("a", "link"), 0);
	assert_int_equal(fd_mkdirs("link/d", 0700), 0);
	assert_int_equal(mode_of("a/d"), 0700);
	put("file", "", 0600);
	assert_int_equal(fd_mkdirs("file", 0700), -ENOTDIR);
	assert_int_equal(fd_mkdirs("file/sub", 0700), -ENOTDIR);
	assert_int_equal(fd_mkdirs("", 0700), -ENOENT);
	umask(mask);
}

static void
test_count_open(void **state)
{
	int before = fd_count_open(), p[2];

	(void)state;
	assert_true(before >= 3);
	assert_int_equal(fd_count_open(), before);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(fd_count_open(), before + 2);
	fd_close(&p[0]);
	fd_close(&p[1]);
	assert_int_equal(fd_count_open(), before);
}

int
main(void)
{
#define IN_DIRECTORY(f) \
	cmocka_unit_test_setup_teardown(f, enter_directory, leave_directory)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_close),
	    cmocka_unit_test(test_nonblock),
	    IN_DIRECTORY(test_read),
	    IN_DIRECTORY(test_read_large),
	    cmocka_unit_test(test_read_proc),
	    IN_DIRECTORY(test_read_refuses_what_is_no_file),
	    IN_DIRECTORY(test_trust),
	    IN_DIRECTORY(test_trust_owner),
	    IN_DIRECTORY(test_replace),
	    IN_DIRECTORY(test_replace_failing_leaves_nothing),
	    IN_DIRECTORY(test_replace_keeps_readers),
	    IN_DIRECTORY(test_mkdirs),
	    cmocka_unit_test(test_count_open),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
