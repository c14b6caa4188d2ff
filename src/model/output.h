/*
 * output.h - what is kept of a worker's output: head and tail up to a cap,
 * with a mark where it was cut. Pure; memory is at most the cap, whatever is
 * fed, and a chunk costs at most one copy of the part that is kept.
 */
#ifndef REEVE_MODEL_OUTPUT_H
#define REEVE_MODEL_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct output {
	size_t max_bytes; /* head and tail get one half each */
	struct buf head;
	char *tail; /* grows up to its half, then a ring */
	size_t tail_cap; /* bytes allocated */
	size_t tail_len, tail_pos; /* bytes held; where the next one goes */
	uint64_t total; /* bytes fed */
};

/* Longest line output_last_line() gives, in bytes. */
#define OUTPUT_LAST_LINE_BYTES 512

/* Allocates nothing yet. `max_bytes` 0: keeps nothing. */
void output_init(struct output *o, size_t max_bytes);

/* More output came. Borrows `data`; any bytes will do. */
void output_feed(struct output *o, const char *data, size_t len);

/*
 * The text as it is stored, appended to `out`: valid UTF-8 without NUL, and
 * "\n[... 1234 bytes cut ...]\n" between head and tail when something is
 * missing; both sides of the mark are cut at whole characters. An invalid
 * byte takes three as U+FFFD, so binary output is cut earlier: what is
 * appended is never longer than max_bytes and one mark. The number counts the
 * worker's bytes.
 */
void output_render(const struct output *o, struct buf *out);

/*
 * The last line that is not blank (carriage returns end lines too, as those of
 * a progress bar do), scrubbed as above and cut to OUTPUT_LAST_LINE_BYTES; of a
 * line whose begin is gone, what is kept. Gives it to the caller, who frees
 * it; NULL when there is none.
 */
char *output_last_line(const struct output *o);

/* Frees what is held; an empty output with the same cap after. */
void output_clear(struct output *o);

#endif
