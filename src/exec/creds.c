/*
 * creds.c - give a directory of secrets to the job's user. Runs as root in a
 * tree that root made: yet each object is opened without following links and
 * changed through its descriptor, so that nothing outside can be hit.
 */
#include <config.h>

#include "exec/creds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define DEPTH_MAX 4

static int give_below(int dirfd, unsigned depth, uid_t uid, gid_t gid);

static int
give_fd(int fd, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	/* Not root: it is ours already, or it will not become the user's. */
	if ((st.st_uid != uid || st.st_gid != gid) && fchown(fd, uid, gid) < 0)
		return -errno;
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

static int
give_one(int dirfd, const char *name, unsigned depth, uid_t uid, gid_t gid)
{
	struct stat st;
	int fd, r;

	fd =
	    openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP ? -EPERM : -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (S_ISDIR(st.st_mode))
		r = give_below(fd, depth + 1, uid, gid);
	else if (S_ISREG(st.st_mode) && st.st_nlink == 1)
		r = give_fd(fd, uid, gid, 0400);
	else
		r = -EPERM;
	fd_close(&fd);
	return r;
}

static bool
is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* What is inside first: afterwards the directory is another's. */
static int
give_below(int dirfd, unsigned depth, uid_t uid, gid_t gid)
{
	struct dirent *de;
	int copy, r = 0;
	DIR *d;

	if (depth > DEPTH_MAX)
		return -ELOOP;
	copy = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	d = copy < 0 ? NULL : fdopendir(copy);
	if (d == NULL) {
		r = -errno;
		fd_close(&copy);
		return r;
	}
	while (r == 0 && (de = readdir(d)) != NULL) {
		if (!is_dot(de->d_name))
			r = give_one(dirfd, de->d_name, depth, uid, gid);
	}
	closedir(d);
	return r < 0 ? r : give_fd(dirfd, uid, gid, 0500);
}

int
creds_give(const char *path, uid_t uid, gid_t gid)
{
	int fd, r;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = give_below(fd, 0, uid, gid);
	fd_close(&fd);
	return r;
}
