/*
 * lines.c - the line cutter. A line that lies whole in one chunk is handed out
 * where it stands; only a begin without its end is copied. Once a line is too
 * long its pieces pass through without being held.
 *
 * It must never hold more than one line's cap, nor look at a byte twice.
 */
#include <config.h> /* not the one of this folder */

#include "model/lines.h"

#include <string.h>

#include "reeve/worker.h"

#define LINE_MAX_BYTES ((size_t)REEVE_MAX_MESSAGE_LINE)

void
line_cutter_init(struct line_cutter *c)
{
	memset(c, 0, sizeof(*c));
	buf_init(&c->pending, LINE_MAX_BYTES);
}

void
line_cutter_clear(struct line_cutter *c)
{
	buf_clear(&c->pending);
	c->overlong = false;
}

static void
give_line(const char *line, size_t len, line_fn *fn, void *arg)
{
	if (len > 0 && line[len - 1] == '\r')
		len--;
	fn(arg, line, len, false);
}

/* Pass on bytes of a line that is too long to be held. */
static void
feed_overlong(struct line_cutter *c, const char *data, size_t len, bool ended,
    line_fn *fn, void *arg)
{
	while (len > LINE_MAX_BYTES) {
		fn(arg, data, LINE_MAX_BYTES, true);
		data += LINE_MAX_BYTES;
		len -= LINE_MAX_BYTES;
	}
	if (ended)
		give_line(data, len, fn, arg);
	else if (len > 0)
		fn(arg, data, len, true);
	if (ended)
		c->overlong = false;
}

/* `data` has no newline; `ended` tells that one follows it. */
static void
feed_piece(struct line_cutter *c, const char *data, size_t len, bool ended,
    line_fn *fn, void *arg)
{
	if (!c->overlong && len > LINE_MAX_BYTES - c->pending.len) {
		size_t room = LINE_MAX_BYTES - c->pending.len;

		buf_add(&c->pending, data, room);
		fn(arg, c->pending.data, c->pending.len, true);
		buf_clear(&c->pending);
		c->overlong = true;
		data += room;
		len -= room;
	}
	if (c->overlong) {
		feed_overlong(c, data, len, ended, fn, arg);
	} else if (!ended) {
		buf_add(&c->pending, data, len);
	} else if (c->pending.len == 0) {
		give_line(data, len, fn, arg);
	} else {
		buf_add(&c->pending, data, len);
		give_line(c->pending.data, c->pending.len, fn, arg);
		buf_reset(&c->pending);
	}
}

void
line_cutter_feed(
    struct line_cutter *c, const char *data, size_t len, line_fn *fn, void *arg)
{
	const char *end = data + len;

	while (data < end) {
		const char *nl = memchr(data, '\n', (size_t)(end - data));
		const char *stop = nl != NULL ? nl : end;

		feed_piece(c, data, (size_t)(stop - data), nl != NULL, fn, arg);
		data = nl != NULL ? nl + 1 : end;
	}
}

void
line_cutter_end(struct line_cutter *c, line_fn *fn, void *arg)
{
	if (c->overlong) {
		fn(arg, "", 0, false);
		c->overlong = false;
	} else if (c->pending.len > 0) {
		fn(arg, c->pending.data, c->pending.len, false);
	}
	buf_clear(&c->pending);
}
