/*
 * lockfile.c - one daemon per state directory, by flock(2): the kernel drops
 * the lock with the process, so there is no stale one.
 *
 * The file may be unlinked by the one who held it between our open and our
 * lock; then we would hold a lock that nobody else can see.
 */
#include <config.h>

#include "sys/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"

/* The number in the file, 0 when there is none. Nothing more than a hint. */
static pid_t
read_holder(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	int64_t pid;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (text_parse_int(text, 1, INT32_MAX, &pid) < 0)
		return 0;
	return (pid_t)pid;
}

static int
write_pid(int fd)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (n < 0 || ftruncate(fd, 0) < 0)
		return -errno;
	return fd_write_all(fd, text, (size_t)n);
}

/* Is `path` still the file that is open? */
static bool
is_current(const char *path, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int
open_and_lock(const char *path, pid_t *ret_holder)
{
	for (;;) {
		int fd = open(path,
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY |
			O_NONBLOCK,
		    0644);
		struct stat st;
		int r = 0;

		if (fd < 0)
			return -errno;
		if (fstat(fd, &st) < 0)
			r = -errno;
		else if (!S_ISREG(st.st_mode))
			r = -EINVAL;
		else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			r = -errno;
		if (r == 0 && is_current(path, fd))
			return fd;
		if (r == -EWOULDBLOCK)
			*ret_holder = read_holder(fd);
		fd_close(&fd);
		if (r < 0 && r != -EINTR)
			return r;
	}
}

int
lockfile_take(const char *path, int *ret_fd, pid_t *ret_holder)
{
	int fd, r;

	*ret_holder = 0;
	fd = open_and_lock(path, ret_holder);
	if (fd < 0)
		return fd;
	r = write_pid(fd);
	if (r < 0) {
		fd_close(&fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

void
lockfile_release(const char *path, int *fd)
{
	if (*fd < 0)
		return;
	if (is_current(path, *fd))
		(void)unlink(path);
	fd_close(fd);
}
