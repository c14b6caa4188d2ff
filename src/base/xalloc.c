/*
 * xalloc.c - allocation that succeeds or ends the process.
 *
 * Must never be used for sizes that come from outside: buf.c has the cap.
 */
#include <config.h>

#include "base/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

NORETURN static void
out_of_memory(void)
{
	static const char text[] = "out of memory\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		abort();
	abort();
}

void *
xmalloc(size_t size)
{
	void *p = malloc(size > 0 ? size : 1);

	if (p == NULL)
		out_of_memory();
	return p;
}

void *
xcalloc(size_t count, size_t size)
{
	void *p;

	if (count == 0 || size == 0)
		count = size = 1;
	p = calloc(count, size);
	if (p == NULL)
		out_of_memory();
	return p;
}

void *
xreallocarray(void *ptr, size_t count, size_t size)
{
	void *p;

	/* a size of 0 would free, and hand back NULL */
	if (count == 0 || size == 0)
		count = size = 1;
	p = reallocarray(ptr, count, size);
	if (p == NULL)
		out_of_memory();
	return p;
}

char *
xstrdup(const char *text)
{
	return xstrndup(text, strlen(text));
}

char *
xstrdup_null(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

char *
xstrndup(const char *text, size_t max)
{
	size_t len = strnlen(text, max);
	char *p = xmalloc(len + 1);

	memcpy(p, text, len);
	p[len] = '\0';
	return p;
}

char *
xasprintf(const char *fmt, ...)
{
	char *p;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		out_of_memory();
	va_end(ap);
	return p;
}
