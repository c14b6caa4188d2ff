/*
 * xalloc.h - allocation of small things that must succeed. Dies when memory
 * is gone: a crash is safe, the ledger replays. Whatever an outsider sizes
 * goes through buf.h, which has a cap.
 */
#ifndef REEVE_BASE_XALLOC_H
#define REEVE_BASE_XALLOC_H

#include <stddef.h>

#include "base/macros.h"

/* Each gives memory that the caller frees with free(); none returns NULL. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
/* Resizes to count * size bytes with an overflow check. */
void *xreallocarray(void *ptr, size_t count, size_t size);
char *xstrdup(const char *text);
/* NULL gives NULL. */
char *xstrdup_null(const char *text);
char *xstrndup(const char *text, size_t max);
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
