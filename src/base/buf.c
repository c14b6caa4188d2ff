/*
 * buf.c - a growing byte string with a hard cap.
 *
 * Must never hold more than its cap, and never fail: what does not fit is
 * left out and `truncated` tells so.
 */
#include <config.h>

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/xalloc.h"

#define BUF_DEFAULT_MAX ((size_t)1 << 30)
#define BUF_FIRST	((size_t)64)

static size_t
max_of(const struct buf *b)
{
	return b->max > 0 ? b->max : BUF_DEFAULT_MAX;
}

/* Make the memory hold `len` bytes and a NUL. `len` is within the cap. */
static void
grow(struct buf *b, size_t len)
{
	size_t most = max_of(b) + 1;
	size_t cap = b->cap > 0 ? b->cap : BUF_FIRST;

	while (cap < len + 1)
		cap *= 2;
	if (cap > most)
		cap = most;
	b->data = xreallocarray(b->data, cap, 1);
	b->cap = cap;
}

/* How much of `len` may be added; makes the memory for it. */
static size_t
admit(struct buf *b, size_t len)
{
	size_t room = max_of(b) - b->len;

	if (len > room) {
		b->truncated = true;
		len = room;
	}
	if (b->len + len + 1 > b->cap)
		grow(b, b->len + len);
	return len;
}

void
buf_init(struct buf *b, size_t max_bytes)
{
	memset(b, 0, sizeof(*b));
	b->max = max_bytes;
}

void
buf_clear(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->truncated = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

size_t
buf_room(const struct buf *b)
{
	return max_of(b) - b->len;
}

char *
buf_reserve(struct buf *b, size_t len)
{
	if (len > buf_room(b))
		return NULL;
	if (b->len + len + 1 > b->cap)
		grow(b, b->len + len);
	return b->data + b->len;
}

void
buf_commit(struct buf *b, size_t len)
{
	BUG_ON(len >= b->cap - b->len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_add_slow(struct buf *b, const void *data, size_t len)
{
	len = admit(b, len);
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	size_t len, wanted;
	int n;

	if (b->cap == 0)
		admit(b, 0);
	va_copy(again, ap);
	n = vsnprintf(b->data + b->len, b->cap - b->len, fmt, ap);
	BUG_ON(n < 0);
	wanted = (size_t)n;
	/* the memory is never larger than the cap and its NUL */
	if (wanted >= b->cap - b->len) {
		len = admit(b, wanted);
		n = vsnprintf(b->data + b->len, len + 1, fmt, again);
		BUG_ON(n < 0 || (size_t)n != wanted);
	} else {
		len = wanted;
	}
	va_end(again);
	b->len += len;
}

void
buf_consume(struct buf *b, size_t len)
{
	BUG_ON(len > b->len);
	if (len == 0)
		return;
	memmove(b->data, b->data + len, b->len - len + 1);
	b->len -= len;
}

const char *
buf_str(const struct buf *b)
{
	return b->data != NULL ? b->data : "";
}

char *
buf_steal(struct buf *b)
{
	char *text = b->data != NULL ? b->data : xstrdup("");

	buf_init(b, b->max);
	return text;
}
