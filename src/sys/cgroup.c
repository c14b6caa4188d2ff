/*
 * cgroup.c - cgroups (v2) for attempts that ask for one: make, limit, kill,
 * remove. Where our root is: cgroup_root.c. All is files, cgroups(7) and the
 * kernel's admin-guide/cgroup-v2.
 */
#include <config.h>

#include "sys/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/xalloc.h"
#include "sys/cgroup_internal.h"

#define FILE_MAX_BYTES (1024 * 1024)
#define CPU_PERIOD_US  100000
#define DEPTH_MAX      32 /* cgroups a job made within its own */

/* ---- files of a cgroup ---- */

int
cgroup_file_write(const char *dir, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	int fd, r = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	fd_close(&fd);
	return r;
}

int
cgroup_file_read(const char *dir, const char *name, struct buf *out)
{
	char *path = xasprintf("%s/%s", dir, name), part[1024];
	ssize_t n;
	int fd, r = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_add(out, part, (size_t)n);
	if (n < 0)
		r = -errno;
	fd_close(&fd);
	return r;
}

/* The number after `key ` at the beginning of a line: 0 when absent. */
static long long
keyed_number(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text != NULL && *text != '\0') {
		if (strncmp(text, key, len) == 0 && text[len] == ' ')
			return strtoll(text + len + 1, NULL, 10);
		text = strchr(text, '\n');
		if (text != NULL)
			text++;
	}
	return 0;
}

/* ---- making ---- */

static int
set_number(const char *path, const char *name, int64_t value)
{
	char text[64];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	return cgroup_file_write(path, name, text);
}

static int
limit_memory(const char *path, int64_t bytes)
{
	int r;

	r = set_number(path, "memory.max", bytes);
	if (r < 0)
		return r;
	/* All of the attempt goes, not only its largest process. */
	r = cgroup_file_write(path, "memory.oom.group", "1");
	return r == -ENOENT ? 0 : r; /* before Linux 4.19 */
}

static int
limit_cpu(const char *path, int64_t percent)
{
	char text[64];

	if (percent > INT64_MAX / CPU_PERIOD_US)
		return -ERANGE;
	snprintf(text, sizeof(text), "%lld %d",
	    (long long)(percent * CPU_PERIOD_US / 100), CPU_PERIOD_US);
	return cgroup_file_write(path, "cpu.max", text);
}

static int
set_limits(const struct cgroup_root *root, const char *path,
    const struct cgroup_limits *l)
{
	int r = 0;

	if ((l->memory_max_bytes > 0 && !root->memory) ||
	    (l->pids_max > 0 && !root->pids) ||
	    (l->cpu_percent > 0 && !root->cpu))
		return -EOPNOTSUPP; /* never silently weaker */
	if (l->memory_max_bytes > 0)
		r = limit_memory(path, l->memory_max_bytes);
	if (r == 0 && l->pids_max > 0)
		r = set_number(path, "pids.max", l->pids_max);
	if (r == 0 && l->cpu_percent > 0)
		r = limit_cpu(path, l->cpu_percent);
	return r;
}

/* A name of one component that no control file has. */
static bool
is_good_id(const char *id)
{
	return id[0] != '\0' && id[0] != '.' && strchr(id, '/') == NULL &&
	       strchr(id, '\n') == NULL && strncmp(id, "cgroup.", 7) != 0;
}

int
cgroup_make(const struct cgroup_root *root, const char *id,
    const struct cgroup_limits *limits, char **ret_path, int *ret_fd)
{
	char *path;
	int fd = -1, r = 0;

	if (root->path == NULL)
		return -EOPNOTSUPP;
	if (!is_good_id(id))
		return -EINVAL;
	path = xasprintf("%s/%s", root->path, id);
	if (mkdir(path, 0755) < 0) {
		r = -errno;
		free(path);
		return r;
	}
	if (limits != NULL)
		r = set_limits(root, path, limits);
	if (r == 0) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			r = -errno;
	}
	if (r < 0) {
		rmdir(path);
		free(path);
		return r;
	}
	*ret_path = path;
	*ret_fd = fd;
	return 0;
}

/* ---- looking ---- */

int
cgroup_populated(const char *path)
{
	struct buf text;
	int r;

	buf_init(&text, FILE_MAX_BYTES);
	r = cgroup_file_read(path, "cgroup.events", &text);
	if (r == 0)
		r = keyed_number(buf_str(&text), "populated") != 0;
	else if (r == -ENOENT || r == -ENODEV)
		r = 0;
	buf_clear(&text);
	return r;
}

bool
cgroup_saw_oom(const char *path)
{
	struct buf text;
	bool saw = false;

	buf_init(&text, FILE_MAX_BYTES);
	if (cgroup_file_read(path, "memory.events", &text) == 0)
		saw = keyed_number(buf_str(&text), "oom_kill") > 0;
	buf_clear(&text);
	return saw;
}

/* ---- subdirectories: cgroups that the job made itself ---- */

typedef int dir_fn(const char *path, unsigned depth);

static int
each_subdirectory(const char *path, unsigned depth, dir_fn *fn)
{
	struct dirent *de;
	char *sub;
	int r = 0;
	DIR *d;

	if (depth == DEPTH_MAX)
		return -ELOOP;
	d = opendir(path);
	if (d == NULL)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (de = readdir(d)) != NULL) {
		if (de->d_type != DT_DIR || de->d_name[0] == '.')
			continue;
		sub = xasprintf("%s/%s", path, de->d_name);
		r = fn(sub, depth + 1);
		free(sub);
	}
	closedir(d);
	return r;
}

/* ---- killing ---- */

static bool
lists_pid(const struct buf *procs, long pid)
{
	const char *at = buf_str(procs);
	char *end;
	long v;

	for (;;) {
		v = strtol(at, &end, 10);
		if (end == at)
			return false;
		if (v == pid)
			return true;
		at = end;
	}
}

/* The pidfd first, then: is it still in there? */
static void
kill_if_inside(const char *path, long pid)
{
	struct buf now;
	int pidfd;

	pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (pidfd < 0)
		return;
	buf_init(&now, FILE_MAX_BYTES);
	if (cgroup_file_read(path, "cgroup.procs", &now) == 0 &&
	    lists_pid(&now, pid))
		(void)!syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	buf_clear(&now);
	fd_close(&pidfd);
}

static int
kill_one_by_one(const char *path, unsigned depth)
{
	struct buf procs;
	const char *at;
	char *end;
	long pid;
	int r;

	buf_init(&procs, FILE_MAX_BYTES);
	r = cgroup_file_read(path, "cgroup.procs", &procs);
	at = buf_str(&procs);
	while (r == 0 && (pid = strtol(at, &end, 10)) > 0 && end != at) {
		kill_if_inside(path, pid);
		at = end;
	}
	buf_clear(&procs);
	if (r == -ENOENT || r == -ENODEV)
		return 0;
	return r < 0 ? r : each_subdirectory(path, depth, kill_one_by_one);
}

int
cgroup_kill(const char *path)
{
	int r;

	r = cgroup_file_write(path, "cgroup.kill", "1");
	if (r == -ENODEV)
		return 0;
	if (r == -ENOENT)
		return kill_one_by_one(path, 0);
	return r;
}

/* ---- removing ---- */

static int
remove_below(const char *path, unsigned depth)
{
	int r;

	r = each_subdirectory(path, depth, remove_below);
	if (r == 0 && rmdir(path) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

int
cgroup_remove(const char *path)
{
	if (rmdir(path) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY || cgroup_populated(path) == 1)
		return -errno;
	return remove_below(path, 0);
}
