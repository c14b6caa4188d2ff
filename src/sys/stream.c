/*
 * stream.c - the supervisor's ends of a worker's pipes.
 *
 * A reader gives a worker at most one read() a turn, so one that writes
 * gigabytes takes no more of the loop than one that whispers. Must never
 * block, and never keep what was read.
 */
#include <config.h>

#include "sys/stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "sys/loop_internal.h"

struct stream {
	struct loop *lp;
	struct loop_io *io; /* NULL: nothing to wait for any more */
	int fd; /* -1: ended */
	bool freed; /* waits in the graveyard */
	void *arg;
	/* a reader */
	stream_read_fn *read_fn;
	/* a writer */
	char *data;
	size_t len, sent;
	stream_done_fn *done_fn;
	struct timer done_timer; /* to call done_fn from the loop */
};

static struct stream *
stream_new(struct loop *lp, int fd, void *arg)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	s->lp = lp;
	s->fd = fd;
	s->arg = arg;
	return s;
}

static void
stream_close(struct stream *s)
{
	loop_io_free(s->io);
	s->io = NULL;
	fd_close(&s->fd);
}

void
stream_free(struct stream *s)
{
	if (s == NULL || s->freed)
		return;
	s->freed = true;
	stream_close(s);
	timer_clear(s->lp, &s->done_timer);
	free(s->data);
	s->data = NULL;
	loop_bury(s->lp, free, s);
}

/* ---- readers ---- */

/*
 * One read of at most `max` bytes, and tell. Returns how many came; 0 when
 * there are none now or never more.
 */
static size_t
read_once(struct stream *s, size_t max)
{
	char *scratch = s->lp->scratch;
	ssize_t n;
	int err;

	if (max > STREAM_READ_BYTES)
		max = STREAM_READ_BYTES;
	do {
		n = read(s->fd, scratch, max);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		s->read_fn(s->arg, scratch, (size_t)n, 0);
		return (size_t)n;
	}
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	err = n < 0 ? errno : 0;
	stream_close(s);
	s->read_fn(s->arg, scratch, 0, err);
	return 0;
}

static void
reader_ready(void *arg, int fd UNUSED, unsigned ready UNUSED)
{
	(void)read_once(arg, STREAM_READ_BYTES);
}

int
stream_reader_new(
    struct loop *lp, int fd, stream_read_fn *fn, void *arg, struct stream **ret)
{
	struct stream *s = stream_new(lp, fd, arg);
	int r;

	s->read_fn = fn;
	r = fd_set_nonblock(fd, true);
	if (r == 0)
		r = loop_io_new(
		    lp, fd, LOOP_READ, LOOP_PRIO_BULK, reader_ready, s, &s->io);
	if (r < 0) {
		fd_close(&s->fd);
		free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void
stream_drain(struct stream *s, size_t max_bytes)
{
	while (max_bytes > 0 && s->fd >= 0) {
		size_t n = read_once(s, max_bytes);

		if (n == 0)
			return;
		max_bytes -= n;
	}
}

/* ---- writers ---- */

static void
writer_done(void *arg)
{
	struct stream *s = arg;

	/* s may be freed in it. */
	s->done_fn(s->arg);
}

/* Write what fits. True when there is nothing more to do. */
static bool
write_some(struct stream *s)
{
	while (s->sent < s->len) {
		ssize_t n = write(s->fd, s->data + s->sent, s->len - s->sent);

		if (n >= 0) {
			s->sent += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return false;
		if (errno != EPIPE)
			log_debug("Stream", "write failed",
			    LF_INT("errno", errno), LF_INT("fd", s->fd));
		return true;
	}
	return true;
}

static void
writer_ready(void *arg, int fd UNUSED, unsigned ready UNUSED)
{
	struct stream *s = arg;

	if (!write_some(s))
		return;
	stream_close(s);
	if (s->done_fn != NULL)
		s->done_fn(s->arg);
}

/* Nearly always all fits into the pipe at once and nothing is watched. */
static int
writer_start(struct stream *s)
{
	int r = fd_set_nonblock(s->fd, true);

	if (r < 0)
		return r;
	if (!write_some(s))
		return loop_io_new(s->lp, s->fd, LOOP_WRITE, LOOP_PRIO_BULK,
		    writer_ready, s, &s->io);
	stream_close(s);
	if (s->done_fn != NULL)
		timer_set(s->lp, &s->done_timer, loop_boot_us(s->lp));
	return 0;
}

int
stream_writer_new(struct loop *lp, int fd, char *data, size_t len,
    stream_done_fn *done, void *arg, struct stream **ret)
{
	struct stream *s = stream_new(lp, fd, arg);
	int r;

	s->data = data;
	s->len = len;
	s->done_fn = done;
	timer_init(&s->done_timer, TIMER_BOOT, writer_done, s);
	r = writer_start(s);
	if (r < 0) {
		fd_close(&s->fd);
		free(s->data);
		free(s);
		return r;
	}
	*ret = s;
	return 0;
}
