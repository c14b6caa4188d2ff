/*
 * environ.h - an environment in the making, and the files that add to it.
 */
#ifndef REEVE_EXEC_ENVIRON_H
#define REEVE_EXEC_ENVIRON_H

#include <stddef.h>

#include "base/macros.h"

struct env {
	char **list; /* NULL-ended, for execve(2) */
	size_t count, cap;
};

/* Copies `from`. Lives until exec or exit: there is no clear. */
void env_init(struct env *env, char *const *from);
/* Replaces what is there under the name. Copies. */
void env_set(struct env *env, const char *name, const char *value);
void env_unset(struct env *env, const char *name);
/* Borrowed, or NULL. */
const char *env_get(const struct env *env, const char *name);

/*
 * Add the assignments of a file, as systemd.exec(5) has them for
 * EnvironmentFile=: a NAME=VALUE a line; empty lines and lines that begin
 * with # or ; are left out; '…' is literal, "…" knows \" \\ \$ \`; outside a
 * \ takes the next character as it is, and joins lines at their end; quotes
 * begin where a word does and may span lines; blanks at both ends of an
 * unquoted value go. No expansion.
 * Names that Reeve sets itself (REEVE_*, CREDENTIALS_DIRECTORY) are left out.
 * `path` with a "-" before it may be missing.
 * Returns 0, -EINVAL when a line is no assignment or a quote is not closed,
 * -EFBIG beyond 256 KiB, else -errno.
 */
MUSTUSE int env_read_file(struct env *env, const char *path);
/* The same from text. */
MUSTUSE int env_parse(struct env *env, const char *text, size_t len);

#endif
