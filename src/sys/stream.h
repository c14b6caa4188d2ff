/*
 * stream.h - the supervisor's ends of a worker's pipes: reads what it writes
 * (a bounded amount a turn, into one buffer that all streams share), writes
 * its stdin. Never blocks; knows nothing of lines or of runs.
 */
#ifndef REEVE_SYS_STREAM_H
#define REEVE_SYS_STREAM_H

#include <stddef.h>

#include "base/macros.h"
#include "sys/loop.h"

struct stream;
/*
 * `len` bytes arrived (borrowed until return, or until fn itself drains some
 * stream), or the stream ended: len 0, `err` 0 at end of file, else errno.
 * Nothing is called after the end. fn may free the stream.
 */
typedef void stream_read_fn(void *arg, const char *data, size_t len, int err);

#define STREAM_READ_BYTES ((size_t)65536) /* at most, a callback */

/* Takes `fd` (made non-blocking), also on error. Returns 0 or -errno. */
MUSTUSE int stream_reader_new(struct loop *lp, int fd, stream_read_fn *fn,
    void *arg, struct stream **ret);
/*
 * Read what is there now, at most `max_bytes`, outside the loop: for the last
 * bytes of a pipe whose writer is dead. May call fn with data and the end.
 */
void stream_drain(struct stream *s, size_t max_bytes);

/*
 * Takes `fd` and `data` (malloc'ed), also on error; writes it all, then
 * closes. A reader that went away (EPIPE) is no error; SIGPIPE must be
 * ignored. `done` (may be NULL) is called once, from the loop; it may free
 * the stream.
 */
typedef void stream_done_fn(void *arg);
MUSTUSE int stream_writer_new(struct loop *lp, int fd, char *data, size_t len,
    stream_done_fn *done, void *arg, struct stream **ret);

/* Closes and frees (through the graveyard): no callback after this. NULL is
 * fine. */
void stream_free(struct stream *s);

#endif
