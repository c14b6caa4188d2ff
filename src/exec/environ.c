/*
 * environ.c - an environment in the making, and the files that add to it.
 * Values are taken as they are: nothing is expanded, nothing is executed.
 */
#include <config.h>

#include "exec/environ.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/xalloc.h"
#include "reeve/worker.h"

#define FILE_MAX_BYTES (256 * 1024)

/* ---- the vector ---- */

static void
append(struct env *env, char *entry)
{
	if (env->count + 2 > env->cap) {
		env->cap = env->cap == 0 ? 32 : env->cap * 2;
		env->list =
		    xreallocarray(env->list, env->cap, sizeof(*env->list));
	}
	env->list[env->count++] = entry;
	env->list[env->count] = NULL;
}

void
env_init(struct env *env, char *const *from)
{
	memset(env, 0, sizeof(*env));
	append(env, NULL);
	env->count = 0;
	for (; *from != NULL; from++)
		append(env, xstrdup(*from));
}

static char **
find(const struct env *env, const char *name)
{
	size_t len = strlen(name), i;

	for (i = 0; i < env->count; i++) {
		if (strncmp(env->list[i], name, len) == 0 &&
		    env->list[i][len] == '=')
			return &env->list[i];
	}
	return NULL;
}

void
env_set(struct env *env, const char *name, const char *value)
{
	char *entry = xasprintf("%s=%s", name, value);
	char **at = find(env, name);

	if (at == NULL) {
		append(env, entry);
		return;
	}
	free(*at);
	*at = entry;
}

void
env_unset(struct env *env, const char *name)
{
	char **at = find(env, name);

	if (at == NULL)
		return;
	free(*at);
	*at = env->list[--env->count];
	env->list[env->count] = NULL;
}

const char *
env_get(const struct env *env, const char *name)
{
	char **at = find(env, name);

	return at == NULL ? NULL : *at + strlen(name) + 1;
}

/* ---- files ---- */

struct reader {
	const char *at, *end;
};

static int
peek(const struct reader *r)
{
	return r->at < r->end ? (unsigned char)*r->at : -1;
}

static int
next(struct reader *r)
{
	return r->at < r->end ? (unsigned char)*r->at++ : -1;
}

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
skip_blanks(struct reader *r)
{
	while (is_blank(peek(r)))
		next(r);
}

static void
skip_line(struct reader *r)
{
	int c;

	do
		c = next(r);
	while (c != '\n' && c != -1);
}

static int
read_name(struct reader *r, struct buf *name)
{
	int c = peek(r);

	if (!isalpha(c) && c != '_')
		return -EINVAL;
	while (isalnum(c = peek(r)) || c == '_')
		buf_addch(name, (char)next(r));
	skip_blanks(r);
	return next(r) == '=' ? 0 : -EINVAL;
}

/* Behind the opening quote, up to and with the closing one. */
static int
read_quoted(struct reader *r, int quote, struct buf *value)
{
	int c;

	while ((c = next(r)) != quote) {
		if (c == -1 || c == '\0')
			return -EINVAL;
		if (quote == '"' && c == '\\') {
			c = next(r);
			if (c == '\n')
				continue; /* joined */
			if (c == -1 || c == '\0')
				return -EINVAL;
			if (strchr("\"\\$`", c) == NULL)
				buf_addch(value, '\\');
		}
		buf_addch(value, (char)c);
	}
	return 0;
}

/* `keep`: so much of value was quoted and may end in blanks. */
static void
trim(struct buf *value, size_t keep)
{
	while (value->len > keep &&
	       is_blank((unsigned char)value->data[value->len - 1]))
		value->data[--value->len] = '\0';
}

/* Behind the backslash: the next character as it is, or lines joined. */
static int
read_escaped(struct reader *r, struct buf *value)
{
	int c = next(r);

	if (c == '\0')
		return -EINVAL;
	if (c != '\n' && c != -1)
		buf_addch(value, (char)c);
	return 0;
}

/* Quotes are quotes where a word begins, and characters within one. */
static int
read_value(struct reader *r, struct buf *value)
{
	bool bare = false;
	size_t keep = 0;
	int c, rc = 0;

	skip_blanks(r);
	while (rc == 0 && (c = next(r)) != '\n' && c != -1) {
		if (c == '\0')
			return -EINVAL;
		if (!bare && (c == '\'' || c == '"')) {
			rc = read_quoted(r, c, value);
			keep = value->len;
			skip_blanks(r);
			continue;
		}
		bare = true;
		if (c == '\\') {
			rc = read_escaped(r, value);
			keep = value->len;
			continue;
		}
		buf_addch(value, (char)c);
	}
	trim(value, keep);
	return rc;
}

static bool
is_ours(const char *name)
{
	return strncmp(name, "REEVE_", 6) == 0 ||
	       strcmp(name, REEVE_ENV_CREDENTIALS) == 0;
}

static int
read_assignment(struct reader *r, struct env *env)
{
	struct buf name, value;
	int rc;

	buf_init(&name, FILE_MAX_BYTES);
	buf_init(&value, FILE_MAX_BYTES);
	rc = read_name(r, &name);
	if (rc == 0)
		rc = read_value(r, &value);
	if (rc == 0 && !is_ours(buf_str(&name)))
		env_set(env, buf_str(&name), buf_str(&value));
	buf_clear(&name);
	buf_clear(&value);
	return rc;
}

int
env_parse(struct env *env, const char *text, size_t len)
{
	struct reader r = {text, text + len};
	int c, rc = 0;

	while (rc == 0) {
		skip_blanks(&r);
		c = peek(&r);
		if (c == -1)
			return 0;
		if (c == '\n' || c == '#' || c == ';')
			skip_line(&r);
		else
			rc = read_assignment(&r, env);
	}
	return rc;
}

int
env_read_file(struct env *env, const char *path)
{
	bool optional = path[0] == '-';
	struct buf text;
	int r;

	buf_init(&text, FILE_MAX_BYTES);
	r = fd_read_file(path + optional, FILE_MAX_BYTES, false, &text);
	if (r == 0)
		r = env_parse(env, buf_str(&text), text.len);
	else if (r == -ENOENT && optional)
		r = 0;
	buf_clear(&text);
	return r;
}
