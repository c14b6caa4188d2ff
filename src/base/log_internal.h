/*
 * log_internal.h - where log lines go: one open descriptor that is never
 * waited for. Only log*.c may include this.
 */
#ifndef REEVE_BASE_LOG_INTERNAL_H
#define REEVE_BASE_LOG_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"

/* The longest line, with its newline. */
#define LOG_LINE_MAX ((size_t)64 * 1024)
/* What may wait for a sink that takes nothing. */
#define LOG_PENDING_MAX ((size_t)256 * 1024)

/* How a write to the descriptor is kept from blocking. */
enum log_sink_mode {
	LOG_SINK_NONE, /* not open: everything is dropped */
	LOG_SINK_PLAIN, /* a write cannot block for long, or is O_NONBLOCK */
	LOG_SINK_SOCKET, /* send with MSG_DONTWAIT */
	LOG_SINK_POLL, /* blocking and shared: ask before each write */
};

struct log_sink {
	int fd;
	bool own; /* the descriptor is the sink's, to be closed */
	enum log_sink_mode mode;
	struct buf pending; /* whole lines, the first maybe begun already */
	bool mid_line; /* a part of the first pending line is out */
	uint64_t untold; /* lines dropped that no line has told of yet */
};

/* A sink that drops everything. */
void log_sink_init(struct log_sink *s);
/*
 * Write to standard descriptor `fd`, through a description of our own where
 * the kernel gives one, because O_NONBLOCK on the shared one would hit
 * everybody who has it. Borrows `fd`.
 */
void log_sink_attach(struct log_sink *s, int fd);
/* Append to a file. Returns 0, or -errno with the sink as it was. */
MUSTUSE int log_sink_open(struct log_sink *s, const char *path);
/* Closes; gives up what waits. Returns how many whole lines that were. */
uint64_t log_sink_close(struct log_sink *s);
/*
 * Take over the waiting lines of `from`, which is closed. A line that was
 * begun there is given up, as its other half is elsewhere. Returns how many
 * lines were lost (0 or 1).
 */
MUSTUSE uint64_t log_sink_inherit(struct log_sink *s, struct log_sink *from);
/* Write what waits, as far as it goes. True when nothing waits any more. */
bool log_sink_flush(struct log_sink *s);
/* The same, waiting for room until an instant of the boot clock. */
void log_sink_drain(struct log_sink *s, int64_t until_boot_us);
/* Write or keep one line with its newline. False: dropped, and counted. */
bool log_sink_put(struct log_sink *s, const char *line, size_t len);

#endif
