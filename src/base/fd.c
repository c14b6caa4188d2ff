/*
 * fd.c - file descriptors and whole files.
 *
 * Must never open anything that stays open in a child, and never look at a
 * path twice: what is checked is the opened descriptor.
 */
#include <config.h>

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"

#define READ_STEP   ((size_t)16384)
#define PARENT_MODE 0755

void
fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		/* not repeated after EINTR: Linux has closed it already */
		close(*fd);
	*fd = -1;
	errno = saved;
}

int
fd_set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);
	int wanted;

	if (flags < 0)
		return -errno;
	wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	if (wanted != flags && fcntl(fd, F_SETFL, wanted) < 0)
		return -errno;
	return 0;
}

int
fd_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Is this a regular file, and if it matters, one that only we can change? */
static int
check_file(int fd, bool trusted)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (!trusted)
		return 0;
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return -EPERM;
	/* an ACL that lets others write shows in the group bits, its mask */
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return -EPERM;
	return 0;
}

/* One read to the end of `b`, at most `most` bytes: their number or -errno. */
static ssize_t
read_some(int fd, struct buf *b, size_t most)
{
	char *p = buf_reserve(b, most);
	ssize_t n;

	if (p == NULL)
		return -EFBIG;
	do {
		n = read(fd, p, most);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf_commit(b, (size_t)n);
	return n;
}

/* To the end of the file; the size that fstat tells is not believed. */
static int
read_to_end(int fd, size_t max_bytes, struct buf *ret)
{
	size_t left = max_bytes, most;
	ssize_t n;
	char beyond;

	while (left > 0) {
		most = left < READ_STEP ? left : READ_STEP;
		if (most > buf_room(ret))
			most = buf_room(ret);
		if (most == 0)
			break;
		n = read_some(fd, ret, most);
		if (n <= 0)
			return (int)n;
		left -= (size_t)n;
	}
	do {
		n = read(fd, &beyond, 1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? 0 : -EFBIG;
}

int
fd_read_file(const char *path, size_t max_bytes, bool trusted, struct buf *ret)
{
	size_t before = ret->len;
	int fd, r;

	/* non-blocking: a FIFO without a writer must not stop us here */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = check_file(fd, trusted);
	if (r == 0)
		r = read_to_end(fd, max_bytes, ret);
	if (r < 0 && ret->len > before) {
		ret->len = before;
		ret->data[before] = '\0';
	}
	fd_close(&fd);
	return r;
}

/* Gives the directory part of `path`, "." when it has none. */
static char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return xstrdup(".");
	if (slash == path)
		return xstrdup("/");
	return xstrndup(path, (size_t)(slash - path));
}

static int
sync_directory(const char *path)
{
	char *dir = directory_of(path);
	int fd, r = 0;

	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		r = -errno;
	/* EINVAL: a file system that knows no such thing */
	else if (fsync(fd) < 0 && errno != EINVAL)
		r = -errno;
	fd_close(&fd);
	free(dir);
	return r;
}

/* Bytes and mode into an open file, down to the disk. */
static int
fill(int fd, const void *data, size_t len, mode_t mode)
{
	int r = fd_write_all(fd, data, len);

	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int
fd_replace_file(const char *path, const void *data, size_t len, mode_t mode)
{
	char *temp = xasprintf("%s.XXXXXX", path);
	int fd, r;

	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		goto out;
	}
	r = fill(fd, data, len, mode);
	fd_close(&fd);
	if (r == 0 && rename(temp, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temp);
		goto out;
	}
	r = sync_directory(path);
out:
	free(temp);
	return r;
}

/* Make one directory; one that is there already is fine. */
static int
make_one(const char *path, mode_t mode)
{
	struct stat st;
	int r;

	if (mkdir(path, mode) == 0)
		return 0;
	r = -errno;
	/* also EROFS or EACCES may be said of a directory that is there */
	if (stat(path, &st) < 0)
		return r;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int
fd_mkdirs(const char *path, mode_t mode)
{
	size_t len = strlen(path);
	char *copy, *p;
	int r = 0;

	/* "a/b/" is "a/b", or its last one would get a parent's mode */
	while (len > 1 && path[len - 1] == '/')
		len--;
	copy = xstrndup(path, len);
	for (p = copy + strspn(copy, "/"); r == 0; p += strspn(p, "/")) {
		p = strchr(p, '/');
		if (p == NULL)
			break;
		*p = '\0';
		r = make_one(copy, PARENT_MODE);
		*p = '/';
	}
	if (r == 0)
		r = make_one(copy, mode);
	free(copy);
	return r;
}

int
fd_count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;
	int count = 0;

	if (dir == NULL)
		return -errno;
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			count++;
	closedir(dir);
	return count - 1; /* without the directory's own */
}
