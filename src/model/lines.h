/*
 * lines.h - cuts a stream of bytes into lines with bounded memory. Pure.
 */
#ifndef REEVE_MODEL_LINES_H
#define REEVE_MODEL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * A line longer than REEVE_MAX_MESSAGE_LINE is handed out in pieces: it must
 * not be understood, only passed on. Plain data; `overlong` may be read in the
 * callback.
 */
struct line_cutter {
	struct buf pending; /* the begin of a line, at most one line's cap */
	bool overlong; /* this piece goes on with a line begun earlier */
};

/*
 * Handed a line without its newline, and without one carriage return before
 * it. `part`: more of the same line comes. So a piece is a whole line when it
 * is neither `part` nor `overlong`, and the first piece of a long one when it
 * is `part` and not `overlong`. Borrows `line`, which is not NUL-terminated;
 * must not touch the cutter.
 */
typedef void line_fn(void *arg, const char *line, size_t len, bool part);

/* Allocates nothing yet. */
void line_cutter_init(struct line_cutter *c);

/*
 * More bytes came; calls `fn` for each line that ends in them. Each byte is
 * looked at once, however long its line is. Borrows `data`.
 */
void line_cutter_feed(struct line_cutter *c, const char *data, size_t len,
    line_fn *fn, void *arg);

/*
 * The end of the stream, which ends a last line as a newline would: hands out
 * what is pending, if anything is.
 */
void line_cutter_end(struct line_cutter *c, line_fn *fn, void *arg);

/* Frees what is held; ready for another stream after. */
void line_cutter_clear(struct line_cutter *c);

#endif
