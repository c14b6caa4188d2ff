/*
 * test_stream.c - the supervisor's ends of pipes: fair reading, draining what
 * is left, writing through full pipes and vanished readers.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/macros.h"
#include "sys/stream.h"

struct fixture {
	struct loop *lp;
};

struct reader {
	struct stream *s;
	struct buf got;
	unsigned calls, ends;
	int err;
	size_t largest;
	bool free_at_data, free_at_end;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(loop_new(&f->lp), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	loop_graveyard_empty(f->lp);
	loop_free(f->lp);
	free(f);
	return 0;
}

static void
turn(struct fixture *f)
{
	loop_wake(f->lp);
	assert_int_equal(loop_turn(f->lp), 0);
	loop_graveyard_empty(f->lp);
	loop_turn_end(f->lp);
}

static void
on_read(void *arg, const char *data, size_t len, int err)
{
	struct reader *r = arg;

	r->calls++;
	assert_int_equal(r->ends, 0);
	if (len == 0) {
		r->ends++;
		r->err = err;
	} else {
		assert_int_equal(err, 0);
		buf_add(&r->got, data, len);
		if (len > r->largest)
			r->largest = len;
	}
	if ((len == 0 && r->free_at_end) || (len > 0 && r->free_at_data)) {
		stream_free(r->s);
		r->s = NULL;
	}
}

/* A pipe whose reading end is watched; returns the writing end. */
static int
reader_init(struct fixture *f, struct reader *r)
{
	int fds[2];

	*r = (struct reader){0};
	buf_init(&r->got, 0);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
	assert_int_equal(
	    stream_reader_new(f->lp, fds[0], on_read, r, &r->s), 0);
	return fds[1];
}

static void
reads_to_the_end(void **state)
{
	struct fixture *f = *state;
	struct reader r;
	int fd = reader_init(f, &r);

	turn(f);
	assert_int_equal(r.calls, 0);
	assert_int_equal(fd_write_all(fd, "hello ", 6), 0);
	turn(f);
	assert_int_equal(fd_write_all(fd, "you", 3), 0);
	turn(f);
	assert_int_equal(r.ends, 0);
	close(fd);
	turn(f);
	turn(f);
	assert_string_equal(buf_str(&r.got), "hello you");
	assert_int_equal(r.ends, 1);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.calls, 3);
	stream_free(r.s);
	stream_free(NULL);
	buf_clear(&r.got);
}

/* A chatterbox gets one read a turn, no more than anybody. */
static void
one_read_a_turn(void **state)
{
	struct fixture *f = *state;
	char *text = malloc(1 << 20);
	struct reader loud, quiet;
	int a = reader_init(f, &loud), b = reader_init(f, &quiet);

	memset(text, 'l', 1 << 20);
	assert_int_equal(fd_write_all(a, text, 1 << 20), 0);
	assert_int_equal(fd_write_all(b, "q", 1), 0);
	turn(f);
	assert_int_equal(loud.got.len, STREAM_READ_BYTES);
	assert_string_equal(buf_str(&quiet.got), "q");
	for (int i = 2; i <= 16; i++) {
		turn(f);
		assert_int_equal(loud.got.len, i * STREAM_READ_BYTES);
	}
	assert_int_equal(loud.largest, STREAM_READ_BYTES);
	close(a);
	close(b);
	stream_free(loud.s);
	stream_free(quiet.s);
	buf_clear(&loud.got);
	buf_clear(&quiet.got);
	free(text);
}

static void
freed_by_its_callback(void **state)
{
	struct fixture *f = *state;
	struct reader r;
	int fd = reader_init(f, &r);

	r.free_at_data = true;
	assert_int_equal(fd_write_all(fd, "x", 1), 0);
	close(fd);
	for (int i = 0; i < 3; i++)
		turn(f);
	assert_int_equal(r.calls, 1);
	assert_null(r.s);
	buf_clear(&r.got);

	fd = reader_init(f, &r);
	r.free_at_end = true;
	close(fd);
	for (int i = 0; i < 3; i++)
		turn(f);
	assert_int_equal(r.ends, 1);
	buf_clear(&r.got);

	/* freed by another callback of the same turn: never called */
	fd = reader_init(f, &r);
	assert_int_equal(fd_write_all(fd, "x", 1), 0);
	stream_free(r.s);
	turn(f);
	assert_int_equal(r.calls, 0);
	close(fd);
	buf_clear(&r.got);
}

static void
drains_what_is_left(void **state)
{
	struct fixture *f = *state;
	char *text = malloc(300000);
	struct reader r;
	int fd = reader_init(f, &r);

	memset(text, 'd', 300000);
	assert_int_equal(fd_write_all(fd, text, 300000), 0);
	/* no more than asked */
	stream_drain(r.s, 100000);
	assert_int_equal(r.got.len, 100000);
	assert_int_equal(r.ends, 0);
	/* nothing is waited for: a writer is still there */
	stream_drain(r.s, 1000000);
	assert_int_equal(r.got.len, 300000);
	assert_int_equal(r.ends, 0);
	assert_int_equal(fd_write_all(fd, text, 10), 0);
	close(fd);
	stream_drain(r.s, 1000000);
	assert_int_equal(r.got.len, 300010);
	assert_int_equal(r.ends, 1);
	/* after the end: silence */
	stream_drain(r.s, 1000000);
	turn(f);
	assert_int_equal(r.ends, 1);
	stream_free(r.s);
	buf_clear(&r.got);
	/* freed by its callback */
	fd = reader_init(f, &r);
	r.free_at_data = true;
	assert_int_equal(fd_write_all(fd, text, 300000), 0);
	stream_drain(r.s, SIZE_MAX);
	assert_int_equal(r.calls, 1);
	close(fd);
	turn(f);
	buf_clear(&r.got);
	free(text);
}

static void
count_done(void *arg)
{
	++*(int *)arg;
}

static char *
text_of(char c, size_t len)
{
	char *text = malloc(len);

	assert_non_null(text);
	memset(text, c, len);
	return text;
}

static void
writes_through_a_full_pipe(void **state)
{
	enum {
		LEN = 1000000
	};
	struct fixture *f = *state;
	int64_t until = clock_boot_us() + 10 * USEC_PER_SEC;
	struct stream *s;
	struct buf got;
	int done = 0;
	int fds[2];
	bool open = true;

	buf_init(&got, 0);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fd_set_nonblock(fds[0], true), 0);
	assert_int_equal(stream_writer_new(f->lp, fds[1], text_of('w', LEN),
			     LEN, count_done, &done, &s),
	    0);
	assert_int_equal(done, 0);
	while (open && clock_boot_us() < until) {
		char chunk[5000];
		ssize_t n = read(fds[0], chunk, sizeof(chunk));

		turn(f);
		if (n > 0)
			buf_add(&got, chunk, (size_t)n);
		open = n != 0;
	}
	/* all of it, and closed, and told once */
	assert_int_equal(got.len, LEN);
	turn(f);
	assert_int_equal(done, 1);
	stream_free(s);
	close(fds[0]);
	buf_clear(&got);
}

static void
small_writes_are_done_at_once(void **state)
{
	struct fixture *f = *state;
	struct stream *s;
	char got[8];
	int done = 0;
	int fds[2];

	for (size_t len = 0; len <= 3; len += 3) {
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		assert_int_equal(
		    stream_writer_new(f->lp, fds[1], text_of('s', 3), len,
			count_done, &done, &s),
		    0);
		/* told from the loop, not from within the call */
		assert_int_equal(done, len / 3);
		assert_int_equal(read(fds[0], got, sizeof(got)), len);
		assert_int_equal(read(fds[0], got, sizeof(got)), 0);
		turn(f);
		assert_int_equal(done, len / 3 + 1);
		turn(f);
		assert_int_equal(done, len / 3 + 1);
		stream_free(s);
		close(fds[0]);
	}
	/* nobody wants to know; freed before it could be told */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(stream_writer_new(f->lp, fds[1], text_of('s', 3), 3,
			     count_done, &done, &s),
	    0);
	stream_free(s);
	close(fds[0]);
	turn(f);
	assert_int_equal(done, 2);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(stream_writer_new(
			     f->lp, fds[1], text_of('s', 3), 3, NULL, NULL, &s),
	    0);
	turn(f);
	stream_free(s);
	close(fds[0]);
}

static void
a_vanished_reader_is_no_error(void **state)
{
	enum {
		LEN = 1000000
	};
	struct fixture *f = *state;
	struct stream *s;
	int done = 0;
	int fds[2];

	/* before */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	assert_int_equal(stream_writer_new(f->lp, fds[1], text_of('v', 10), 10,
			     count_done, &done, &s),
	    0);
	turn(f);
	assert_int_equal(done, 1);
	stream_free(s);
	/* in the middle */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(stream_writer_new(f->lp, fds[1], text_of('v', LEN),
			     LEN, count_done, &done, &s),
	    0);
	turn(f);
	assert_int_equal(done, 1);
	close(fds[0]);
	turn(f);
	assert_int_equal(done, 2);
	stream_free(s);
	/* given up in the middle */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(stream_writer_new(f->lp, fds[1], text_of('v', LEN),
			     LEN, count_done, &done, &s),
	    0);
	stream_free(s);
	turn(f);
	assert_int_equal(done, 2);
	close(fds[0]);
}

static void
bad_descriptors(void **state)
{
	struct fixture *f = *state;
	struct stream *s;
	struct reader r = {0};
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	/* cannot be polled; taken all the same */
	assert_int_equal(stream_reader_new(f->lp, fd, on_read, &r, &s), -EPERM);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(stream_reader_new(f->lp, fd, on_read, &r, &s), -EBADF);
	assert_int_equal(
	    stream_writer_new(f->lp, fd, text_of('b', 10), 10, NULL, NULL, &s),
	    -EBADF);
	turn(f);
	assert_int_equal(r.calls, 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(reads_to_the_end),
	    T(one_read_a_turn),
	    T(freed_by_its_callback),
	    T(drains_what_is_left),
	    T(writes_through_a_full_pipe),
	    T(small_writes_are_done_at_once),
	    T(a_vanished_reader_is_no_error),
	    T(bad_descriptors),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
