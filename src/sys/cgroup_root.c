/*
 * cgroup_root.c - find the place for our cgroups, once at start: the cgroup2
 * mount (alone or beside v1), our own cgroup in it, the controllers.
 *
 * A cgroup that has processes cannot give controllers to its children (the
 * root excepted). So we move ourselves to a leaf beside, but only if there
 * is a controller to be had by it.
 */
#include <config.h>

#include "sys/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "sys/cgroup_internal.h"

#define PROC_FILE_MAX (1024 * 1024)
#define LEAF_SUFFIX   ".daemon"

static const char *const wanted[] = {"memory", "pids", "cpu"};

/* ---- where ---- */

struct mount {
	char *root; /* which part of the hierarchy is mounted */
	char *point;
};

/* \040 and the like, in place. */
static void
unescape_octal(char *text)
{
	char *out = text;

	while (*text != '\0') {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
		    text[2] >= '0' && text[2] <= '7' && text[3] >= '0' &&
		    text[3] <= '7') {
			*out++ = (char)((text[1] - '0') * 64 +
					(text[2] - '0') * 8 + (text[3] - '0'));
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* "36 35 98:0 ROOT POINT OPTIONS OPTIONAL… - TYPE SOURCE OPTIONS" */
static bool
parse_mount(const char *line, struct mount *ret)
{
	char *root = NULL, *point = NULL;
	const char *type = strstr(line, " - ");

	if (type == NULL || strncmp(type, " - cgroup2 ", 11) != 0)
		return false;
	if (sscanf(line, "%*d %*d %*s %ms %ms", &root, &point) != 2) {
		free(root);
		return false;
	}
	unescape_octal(root);
	unescape_octal(point);
	ret->root = root;
	ret->point = point;
	return true;
}

/* Call fn for each line until it says true. */
static bool
find_line(struct buf *text, bool (*fn)(const char *line, void *arg), void *arg)
{
	char *save = NULL, *line;

	if (text->len == 0)
		return false;
	for (line = strtok_r(text->data, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (fn(line, arg))
			return true;
	}
	return false;
}

static bool
is_our_mount(const char *line, void *arg)
{
	return parse_mount(line, arg);
}

static bool
is_our_path(const char *line, void *arg)
{
	char **ret = arg;

	if (strncmp(line, "0::/", 4) != 0)
		return false;
	*ret = xstrdup(line + 3);
	return true;
}

static int
search_file(
    const char *name, bool (*fn)(const char *line, void *arg), void *arg)
{
	struct buf text;
	int r;

	buf_init(&text, PROC_FILE_MAX);
	r = cgroup_file_read("/proc/self", name, &text);
	if (r == 0 && !find_line(&text, fn, arg))
		r = -EOPNOTSUPP;
	buf_clear(&text);
	return r;
}

/* `path` seen from the mount's root: "" or "/a/b"; NULL: not below it. */
static const char *
below(const char *path, const char *root)
{
	size_t len = strlen(root);

	if (strcmp(root, "/") == 0)
		return strcmp(path, "/") == 0 ? "" : path;
	if (strncmp(path, root, len) != 0)
		return NULL;
	return path[len] == '\0' || path[len] == '/' ? path + len : NULL;
}

/* After an exec we are already in the leaf: our place is its parent. */
static void
leave_leaf(char *dir, const char *name)
{
	char *leaf = xasprintf("/%s" LEAF_SUFFIX, name);
	size_t len = strlen(dir), leaf_len = strlen(leaf);

	if (len > leaf_len && strcmp(dir + len - leaf_len, leaf) == 0)
		dir[len - leaf_len] = '\0';
	free(leaf);
}

/* Our own cgroup's directory. Gives it. */
static int
own_directory(const char *name, char **ret)
{
	struct mount m = {NULL, NULL};
	char *path = NULL;
	const char *rest;
	int r;

	r = search_file("mountinfo", is_our_mount, &m);
	if (r == 0)
		r = search_file("cgroup", is_our_path, &path);
	if (r == 0) {
		rest = below(path, m.root);
		if (rest == NULL) {
			r = -EOPNOTSUPP; /* a mount of somebody else's part */
		} else {
			*ret = xasprintf("%s%s", m.point, rest);
			leave_leaf(*ret, name);
		}
	}
	free(m.root);
	free(m.point);
	free(path);
	return r;
}

/* ---- controllers ---- */

/* Is `word` in the list of words in this file? */
static bool
file_lists(const char *dir, const char *file, const char *word)
{
	struct buf text;
	bool found = false;
	char *save = NULL, *at;

	buf_init(&text, PROC_FILE_MAX);
	if (cgroup_file_read(dir, file, &text) == 0 && text.len > 0) {
		at = strtok_r(text.data, " \n", &save);
		for (; at != NULL && !found; at = strtok_r(NULL, " \n", &save))
			found = strcmp(at, word) == 0;
	}
	buf_clear(&text);
	return found;
}

static int
enable(const char *dir, const char *controller)
{
	char text[32];

	if (file_lists(dir, "cgroup.subtree_control", controller))
		return 0;
	if (!file_lists(dir, "cgroup.controllers", controller))
		return -ENOENT;
	snprintf(text, sizeof(text), "+%s", controller);
	return cgroup_file_write(dir, "cgroup.subtree_control", text);
}

static int
move_to_leaf(const char *dir, const char *name)
{
	char *leaf = xasprintf("%s/%s" LEAF_SUFFIX, dir, name);
	int r = 0;

	if (mkdir(leaf, 0755) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0)
		r = cgroup_file_write(leaf, "cgroup.procs", "0");
	free(leaf);
	return r;
}

/* Whatever can be had: what cannot is reported by the flags in `ret`. */
static void
enable_all(const char *dir, const char *name, const struct cgroup_root *ret)
{
	bool moved = false;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		r = enable(dir, wanted[i]);
		if (r == -EBUSY && !moved) {
			moved = true;
			if (move_to_leaf(dir, name) == 0)
				r = enable(dir, wanted[i]);
		}
		if (r == 0)
			r = enable(ret->path, wanted[i]);
		(void)r;
	}
}

int
cgroup_root_open(const char *name, struct cgroup_root *ret)
{
	char *dir = NULL;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = own_directory(name, &dir);
	if (r < 0)
		return r;
	ret->path = xasprintf("%s/%s", dir, name);
	if (mkdir(ret->path, 0755) < 0 && errno != EEXIST)
		r = -errno;
	else if (access(ret->path, W_OK | X_OK) < 0)
		r = -errno;
	if (r < 0) {
		cgroup_root_clear(ret);
	} else {
		enable_all(dir, name, ret);
		ret->memory =
		    file_lists(ret->path, "cgroup.subtree_control", "memory");
		ret->pids =
		    file_lists(ret->path, "cgroup.subtree_control", "pids");
		ret->cpu =
		    file_lists(ret->path, "cgroup.subtree_control", "cpu");
	}
	free(dir);
	return r;
}

void
cgroup_root_clear(struct cgroup_root *root)
{
	free(root->path);
	memset(root, 0, sizeof(*root));
}
