/*
 * log_sink.c - getting log lines out without ever waiting.
 *
 * Must never change the flags of a descriptor that others share, never write
 * a piece of a line between the pieces of another, and never keep more than
 * its cap.
 */
#include <config.h>

#include "base/log_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/fd.h"

#define LOG_FILE_MODE 0640

void
log_sink_init(struct log_sink *s)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	buf_init(&s->pending, LOG_PENDING_MAX);
}

/* A private, non-blocking description of what `fd` is open on, or -errno. */
static int
reopen(int fd)
{
	char path[32];
	int n, own;

	n = snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	BUG_ON(n < 0 || (size_t)n >= sizeof(path));
	own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own < 0 ? -errno : own;
}

void
log_sink_attach(struct log_sink *s, int fd)
{
	struct stat st;
	int own;

	log_sink_init(s);
	if (fstat(fd, &st) < 0)
		return;
	s->fd = fd;
	if (S_ISSOCK(st.st_mode)) {
		s->mode = LOG_SINK_SOCKET;
		return;
	}
	/* a description of our own would have an offset of its own */
	if (S_ISREG(st.st_mode)) {
		s->mode = LOG_SINK_PLAIN;
		return;
	}
	own = reopen(fd);
	if (own < 0) {
		/* another user's pipe or terminal */
		s->mode = LOG_SINK_POLL;
		return;
	}
	s->fd = own;
	s->own = true;
	s->mode = LOG_SINK_PLAIN;
}

int
log_sink_open(struct log_sink *s, const char *path)
{
	int fd;

	fd = open(path,
	    O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
	    LOG_FILE_MODE);
	if (fd < 0)
		return -errno;
	log_sink_init(s);
	s->fd = fd;
	s->own = true;
	s->mode = LOG_SINK_PLAIN;
	return 0;
}

static uint64_t
count_lines(const struct buf *b)
{
	const char *p = buf_str(b), *end = p + b->len;
	uint64_t count = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		count++;
		p++;
	}
	return count;
}

uint64_t
log_sink_close(struct log_sink *s)
{
	uint64_t lost = count_lines(&s->pending);

	buf_clear(&s->pending);
	if (s->own)
		fd_close(&s->fd);
	log_sink_init(s);
	return lost;
}

uint64_t
log_sink_inherit(struct log_sink *s, struct log_sink *from)
{
	uint64_t lost = 0;
	const char *end;

	if (from->mid_line) {
		end = memchr(from->pending.data, '\n', from->pending.len);
		BUG_ON(end == NULL);
		buf_consume(
		    &from->pending, (size_t)(end + 1 - from->pending.data));
		lost = 1;
	}
	buf_add(&s->pending, buf_str(&from->pending), from->pending.len);
	s->untold += from->untold + lost;
	buf_reset(&from->pending);
	log_sink_close(from);
	return lost;
}

/* One write that does not wait: the number of bytes, or -errno. */
static ssize_t
write_now(const struct log_sink *s, const char *data, size_t len)
{
	struct pollfd p = {.fd = s->fd, .events = POLLOUT};
	ssize_t n;

	switch (s->mode) {
	case LOG_SINK_NONE:
		return -EBADF;
	case LOG_SINK_SOCKET:
		n = send(s->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case LOG_SINK_POLL:
		/* a pipe that polls writable takes PIPE_BUF bytes at least */
		if (poll(&p, 1, 0) != 1 || (p.revents & POLLOUT) == 0)
			return -EAGAIN;
		n = write(s->fd, data, len < PIPE_BUF ? len : PIPE_BUF);
		break;
	case LOG_SINK_PLAIN:
	default:
		n = write(s->fd, data, len);
		break;
	}
	return n < 0 ? -errno : n;
}

/*
 * How much to write at once: as many whole lines as a pipe takes in one
 * piece, so that another writer's lines cannot come between; or one longer
 * line.
 */
static size_t
chunk(const char *data, size_t len)
{
	const char *end;

	if (len <= PIPE_BUF)
		return len;
	end = memrchr(data, '\n', PIPE_BUF);
	if (end == NULL)
		end = memchr(data, '\n', len);
	BUG_ON(end == NULL);
	return (size_t)(end + 1 - data);
}

/* Write lines as far as it goes; returns how many bytes went. */
static size_t
write_lines(struct log_sink *s, const char *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = write_now(s, data + done, chunk(data + done, len - done));
		if (n == -EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
		s->mid_line = data[done - 1] != '\n';
	}
	return done;
}

bool
log_sink_flush(struct log_sink *s)
{
	size_t done;

	if (s->pending.len == 0)
		return true;
	done = write_lines(s, s->pending.data, s->pending.len);
	buf_consume(&s->pending, done);
	return s->pending.len == 0;
}

void
log_sink_drain(struct log_sink *s, int64_t until_boot_us)
{
	struct pollfd p = {.fd = s->fd, .events = POLLOUT};
	int64_t left;
	size_t before;

	while (!log_sink_flush(s)) {
		left = until_boot_us - clock_boot_us();
		if (left <= 0)
			return;
		before = s->pending.len;
		if (poll(&p, 1, (int)(left / USEC_PER_MSEC) + 1) != 1)
			return;
		/* it says there is room and takes nothing: a full disk */
		if (log_sink_flush(s) || s->pending.len == before)
			return;
	}
}

bool
log_sink_put(struct log_sink *s, const char *line, size_t len)
{
	size_t done = 0;

	if (s->mode == LOG_SINK_NONE) {
		s->untold++;
		return false;
	}
	if (log_sink_flush(s)) {
		done = write_lines(s, line, len);
	} else if (s->untold > 0 || len > buf_room(&s->pending)) {
		/* once one was dropped, so are all until there is room: the
		 * line that tells of them stands where they are missing */
		s->untold++;
		return false;
	}
	buf_add(&s->pending, line + done, len - done);
	return true;
}
