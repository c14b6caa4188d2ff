/*
 * buf.h - a growing byte string with a hard cap: the only way bytes whose
 * number an outsider chooses are ever held.
 */
#ifndef REEVE_BASE_BUF_H
#define REEVE_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

#include "base/macros.h"

struct buf {
	char *data; /* always NUL-terminated once something was added */
	size_t len;
	size_t cap;
	size_t max; /* 0: the default cap of 1 GiB */
	bool truncated; /* something did not fit and was left out */
};

/* A buffer that never holds more than `max_bytes`. Allocates nothing. */
void buf_init(struct buf *b, size_t max_bytes);
/* Frees the bytes and makes it an empty buffer with the same cap. */
void buf_clear(struct buf *b);
/* Empties it but keeps the memory. */
void buf_reset(struct buf *b);

/* For buf_add() alone. */
void buf_add_slow(struct buf *b, const void *data, size_t len);
/*
 * Add bytes, which are not of the buffer itself. What goes beyond the cap is
 * left out and `truncated` is set; nothing else fails.
 */
static inline void
buf_add(struct buf *b, const void *data, size_t len)
{
	/* the memory is never larger than the cap and its NUL; NULL with 0
	 * is no argument for memcpy */
	if (len == 0 || len >= b->cap - b->len) {
		buf_add_slow(b, data, len);
		return;
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

static inline void
buf_addstr(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

static inline void
buf_addch(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

/* How many bytes the cap still allows. */
size_t buf_room(const struct buf *b);
/*
 * For writers that place bytes themselves: memory for at least `len` more
 * bytes, then buf_commit() of how many (at most `len`) were placed. NULL, and
 * nothing changed, when the cap does not allow so many.
 */
char *buf_reserve(struct buf *b, size_t len);
void buf_commit(struct buf *b, size_t len);

/* Drop the first `len` bytes. `len` is at most b->len. */
void buf_consume(struct buf *b, size_t len);

/* The text, "" when empty. Borrowed until the next change. */
const char *buf_str(const struct buf *b);

/* Gives the text to the caller, who frees it; the buffer is empty after. */
char *buf_steal(struct buf *b);

#endif
