/*
 * zonefile.c - from the name of a zone to the bytes of its file. The name is
 * an outsider's (a configuration, an API request): it is checked before any
 * path is made of it. Never interprets the bytes.
 */
#include <config.h>

#include "sys/zonefile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/xalloc.h"

#define ZONE_DIR       "/usr/share/zoneinfo"
#define ZONE_BYTES_MAX ((size_t)1 << 20)
/* The longest in use has 32 characters. */
#define ZONE_NAME_MAX 128

static bool
is_name_char(char c)
{
	/* No isalnum(): a name means the same in every locale. */
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '_';
}

/* Parts of letters, digits, + - _ with single slashes between them: no dot
 * at all, so neither "." nor "..". */
static bool
is_name(const char *name)
{
	const char *c;

	if (strlen(name) > ZONE_NAME_MAX)
		return false;
	for (c = name; *c != '\0'; c++) {
		if (is_name_char(*c))
			continue;
		if (*c != '/' || c == name || c[-1] == '/' || c[1] == '\0')
			return false;
	}
	return c != name;
}

int
zonefile_read(const char *name, struct buf *ret)
{
	const char *dir = getenv("TZDIR");
	char *path;
	int r;

	if (!is_name(name))
		return -EINVAL;
	if (dir == NULL || dir[0] == '\0')
		dir = ZONE_DIR;
	path = xasprintf("%s/%s", dir, name);
	r = fd_read_file(path, ZONE_BYTES_MAX, false, ret);
	free(path);
	return r;
}
