/*
 * credentials.c - the one file of flow/ that sees the values of secrets.
 * Must never log one, nor keep one longer than it takes to write it.
 */
#include <config.h>

#include "flow/credentials.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/xalloc.h"

#define MOST_BYTES ((size_t)64 * 1024)

static int
read_env(const char *name, struct buf *ret)
{
	const char *value = getenv(name);

	if (value == NULL)
		return -ENOENT;
	buf_addstr(ret, value);
	return 0;
}

int
credentials_read(const struct secret *s, struct buf *ret)
{
	int rc = s->file != NULL ? fd_read_file(s->file, MOST_BYTES, true, ret)
				 : read_env(s->env, ret);

	if (rc != 0)
		return rc;
	if (ret->len > 0 && ret->data[ret->len - 1] == '\n')
		ret->data[--ret->len] = '\0';
	return ret->len == 0 ? -ENODATA : 0;
}

static void
wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_clear(b);
}

static int
write_one(const char *dir, const struct secret *s)
{
	char *path = xasprintf("%s/%s", dir, s->name);
	struct buf value;
	int fd = -1, rc;

	buf_init(&value, MOST_BYTES);
	rc = credentials_read(s, &value);
	if (rc != 0)
		goto out;
	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
	rc = fd < 0 ? -errno : fd_write_all(fd, value.data, value.len);
out:
	fd_close(&fd);
	wipe(&value);
	free(path);
	return rc;
}

int
credentials_make(const char *run_dir, const struct job *job,
    const char *attempt_id, char **ret_dir, const char **ret_name)
{
	char *parent, *dir;
	int rc;

	*ret_dir = NULL;
	*ret_name = "directory";
	if (job->secrets.count == 0)
		return 0;
	parent = xasprintf("%s/credentials", run_dir);
	dir = xasprintf("%s/%s", parent, attempt_id);
	/* Others may pass through it to the one that becomes theirs. */
	rc = fd_mkdirs(parent, 0711);
	if (rc == 0 && mkdir(dir, 0700) != 0)
		rc = -errno;
	for (unsigned i = 0; rc == 0 && i < job->secrets.count; i++) {
		*ret_name = job->secrets.items[i].name;
		rc = write_one(dir, &job->secrets.items[i]);
	}
	free(parent);
	if (rc != 0) {
		credentials_remove(dir);
		free(dir);
		return rc;
	}
	*ret_dir = dir;
	return 0;
}

/* Calls fn for each entry but . and .. */
static void
each_entry(const char *dir, void (*fn)(const char *path))
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		char *path;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		path = xasprintf("%s/%s", dir, e->d_name);
		fn(path);
		free(path);
	}
	closedir(d);
}

static void
unlink_path(const char *path)
{
	(void)unlink(path);
}

void
credentials_remove(const char *dir)
{
	if (dir == NULL)
		return;
	each_entry(dir, unlink_path);
	(void)rmdir(dir);
}

void
credentials_sweep(const char *run_dir)
{
	char *parent = xasprintf("%s/credentials", run_dir);

	each_entry(parent, credentials_remove);
	free(parent);
}
