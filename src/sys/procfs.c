/*
 * procfs.c - what /proc says about processes (proc(5)). Read-only: never
 * signals, never caches. Every answer may be old when it arrives; whoever acts
 * on one holds a pidfd first and asks again.
 */
#include <config.h>

#include "sys/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/xalloc.h"

#define PATH_BYTES   64 /* "/proc/PID/task/TID/children" with 10 digits each */
#define STAT_BYTES   1024
#define CHILDREN_MAX (16 * 1024 * 1024)
#define ENVIRON_MAX  (8 * 1024 * 1024) /* above what execve(2) takes */

struct pids {
	pid_t *list;
	size_t count, cap;
};

static void
pids_add(struct pids *p, pid_t pid)
{
	if (p->count == p->cap) {
		p->cap = p->cap == 0 ? 64 : p->cap * 2;
		p->list = xreallocarray(p->list, p->cap, sizeof(*p->list));
	}
	p->list[p->count++] = pid;
}

/* A process that is gone: ENOENT at open, ESRCH at read. */
static int
gone(int err)
{
	return err == ENOENT ? -ESRCH : -err;
}

static ssize_t
read_again(int fd, void *data, size_t len)
{
	ssize_t n;

	do
		n = read(fd, data, len);
	while (n < 0 && errno == EINTR);
	return n;
}

/* Read a whole file of /proc, its size unknown. */
static int
read_proc(const char *path, struct buf *out)
{
	char part[4096];
	ssize_t n;
	int fd, r = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return gone(errno);
	while ((n = read_again(fd, part, sizeof(part))) > 0)
		buf_add(out, part, (size_t)n);
	if (n < 0)
		r = gone(errno);
	fd_close(&fd);
	return r;
}

/* ---- stat ---- */

/* Number of the next field; moves *at behind it. */
static int
next_field(char **at, long long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoll(*at, &end, 10);
	if (end == *at || errno != 0)
		return -EIO;
	*at = end;
	return 0;
}

/*
 * "PID (COMM) S PPID PGRP SESSION …": COMM may hold anything, also ')', so the
 * last one ends it. Fields are counted as in proc(5).
 */
static int
parse_stat(char *text, struct procfs_stat *ret, long long *ret_threads)
{
	char *at = strrchr(text, ')');
	long long v;
	int field;

	if (at == NULL || at[1] != ' ' || at[2] == '\0')
		return -EIO;
	ret->state = at[2];
	at += 3;
	for (field = 4; field <= 22; field++) {
		if (next_field(&at, &v) < 0)
			return -EIO;
		if (field == 4)
			ret->ppid = (pid_t)v;
		else if (field == 6)
			ret->session = (pid_t)v;
		else if (field == 20)
			*ret_threads = v;
		else if (field == 22)
			ret->start_ticks = (uint64_t)v;
	}
	return 0;
}

static int
stat_and_threads(pid_t pid, struct procfs_stat *ret, long long *ret_threads)
{
	char path[PATH_BYTES], text[STAT_BYTES];
	struct procfs_stat st = {.pid = pid};
	ssize_t n;
	int fd, r;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return gone(errno);
	n = read_again(fd, text, sizeof(text) - 1);
	r = n < 0 ? gone(errno) : 0;
	fd_close(&fd);
	if (r < 0)
		return r;
	text[n] = '\0';
	r = parse_stat(text, &st, ret_threads);
	if (r == 0)
		*ret = st;
	return r;
}

int
procfs_stat(pid_t pid, struct procfs_stat *ret)
{
	long long threads;

	return stat_and_threads(pid, ret, &threads);
}

/* ---- lists of processes ---- */

static pid_t
name_to_pid(const char *name)
{
	char *end;
	long v;

	if (!isdigit((unsigned char)name[0]))
		return -1;
	v = strtol(name, &end, 10);
	return *end == '\0' && v > 0 && v <= INT32_MAX ? (pid_t)v : -1;
}

/* All entries of a directory whose names are numbers. */
static int
list_numbers(const char *path, struct pids *out)
{
	struct dirent *de;
	pid_t pid;
	DIR *d;
	int r;

	d = opendir(path);
	if (d == NULL)
		return gone(errno);
	errno = 0;
	while ((de = readdir(d)) != NULL) {
		pid = name_to_pid(de->d_name);
		if (pid > 0)
			pids_add(out, pid);
		errno = 0;
	}
	r = gone(errno);
	closedir(d);
	return r;
}

static int
give(struct pids *p, int r, pid_t **ret)
{
	if (r < 0) {
		free(p->list);
		return r;
	}
	*ret = p->list;
	return (int)p->count;
}

int
procfs_all(pid_t **ret)
{
	struct pids p = {0};
	int r;

	r = list_numbers("/proc", &p);
	return give(&p, r, ret);
}

/* "12 15 17 " */
static void
parse_children(const char *text, struct pids *out)
{
	char *end;
	long v;

	for (;;) {
		v = strtol(text, &end, 10);
		if (end == text)
			return;
		pids_add(out, (pid_t)v);
		text = end;
	}
}

static int
thread_children(pid_t pid, pid_t tid, struct pids *out)
{
	char path[PATH_BYTES];
	struct buf text;
	int r;

	buf_init(&text, CHILDREN_MAX);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
	    (int)tid);
	r = read_proc(path, &text);
	if (r == 0)
		parse_children(buf_str(&text), out);
	buf_clear(&text);
	return r;
}

/* A thread may be gone by now: then its children are another's. */
static int
all_threads_children(pid_t pid, struct pids *out)
{
	char path[PATH_BYTES];
	struct pids tids = {0};
	size_t i;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	r = list_numbers(path, &tids);
	for (i = 0; r == 0 && i < tids.count; i++) {
		r = thread_children(pid, tids.list[i], out);
		if (r == -ESRCH)
			r = 0;
	}
	free(tids.list);
	return r;
}

/* Kernels without CONFIG_PROC_CHILDREN: ask every process for its parent. */
static int
children_by_ppid(pid_t pid, struct pids *out)
{
	struct procfs_stat st = {0};
	pid_t *all = NULL;
	int n, i;

	n = procfs_all(&all);
	if (n < 0)
		return n;
	for (i = 0; i < n; i++) {
		if (procfs_stat(all[i], &st) == 0 && st.ppid == pid)
			pids_add(out, st.pid);
	}
	free(all);
	return 0;
}

int
procfs_children(pid_t pid, pid_t **ret)
{
	struct procfs_stat st;
	struct pids p = {0};
	long long threads = 1;
	int r = 0;

	if (pid != getpid())
		r = stat_and_threads(pid, &st, &threads);
	if (r == 0 && threads > 1)
		r = all_threads_children(pid, &p);
	else if (r == 0)
		r = thread_children(pid, pid, &p);
	if (r == -ESRCH && procfs_stat(pid, &st) == 0)
		r = children_by_ppid(pid, &p);
	return give(&p, r, ret);
}

/* ---- environment ---- */

/*
 * The entry that begins with `prefix`, or NULL. Kernel threads, zombies and
 * processes in the middle of an exec have none at all.
 */
static const char *
find_entry(const struct buf *env, const char *prefix)
{
	const char *at = buf_str(env), *end = at + env->len;
	size_t len = strlen(prefix);

	while (at < end) {
		if (strncmp(at, prefix, len) == 0)
			return at;
		at += strlen(at) + 1;
	}
	return NULL;
}

static int
read_environ(pid_t pid, struct buf *out)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	return read_proc(path, out);
}

int
procfs_environ_has(pid_t pid, const char *entry)
{
	const char *at, *end;
	struct buf env;
	int r;

	buf_init(&env, ENVIRON_MAX);
	r = read_environ(pid, &env);
	at = buf_str(&env);
	end = at + env.len;
	while (r == 0 && at < end) {
		if (strcmp(at, entry) == 0)
			r = 1;
		at += strlen(at) + 1;
	}
	buf_clear(&env);
	return r;
}

int
procfs_environ_get(pid_t pid, const char *name, char *out, size_t out_bytes)
{
	char *prefix = xasprintf("%s=", name);
	const char *value;
	struct buf env;
	size_t len;
	int r;

	buf_init(&env, ENVIRON_MAX);
	r = read_environ(pid, &env);
	value = r == 0 ? find_entry(&env, prefix) : NULL;
	if (value != NULL) {
		value += strlen(prefix);
		len = strlen(value);
		if (len < out_bytes) {
			memcpy(out, value, len + 1);
			r = 1;
		} else {
			r = -ENAMETOOLONG;
		}
	}
	buf_clear(&env);
	free(prefix);
	return r;
}
