/*
 * test_httpd_hostile.c - what the HTTP server does for clients that mean ill:
 * each is refused or outlived, and the next good client is served.
 */
#include <config.h>

#include "httpd_fixture.h"

#include <sys/resource.h>

struct attack {
	const char *text;
	int status;
	size_t len; /* 0: strlen(text) */
};

#define H "Host: localhost\r\n"

static const struct attack attacks[] = {
    /* Host */
    {"GET / HTTP/1.1\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H H "\r\n", 400, 0},
    {"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, 0},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 421, 0},
    {"GET / HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", 421, 0},
    {"GET / HTTP/1.1\r\nHost: localhost:80:80\r\n\r\n", 421, 0},
    {"GET / HTTP/1.1\r\nHost: localhost:x\r\n\r\n", 421, 0},
    {"GET / HTTP/1.0\r\n\r\n", 421, 0},
    /* header lines */
    {"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n X: a\r\n" H "\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "\tX: a\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\n" H "\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "X: a\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n", 400, 43},
    {"GET / HTTP/1.1\r\n" H "X: a\x1b[31m\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "no colon\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H ": empty\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "X\xc3\xa4: a\r\n\r\n", 400, 0},
    /* lengths */
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n"
     "\r\nx",
	400, 0},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 2\r\n"
     "\r\nxy",
	400, 0},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\nx", 400, 0},
    {"POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", 400, 0},
    {"POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\nx", 400, 0},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n\r\nx", 400, 0},
    {"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400, 0},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 262145\r\n\r\n", 413, 0},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 99999999999\r\n\r\n", 413, 0},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551617\r\n\r\n",
	413, 0},
    {"GET / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nGET /", 400, 0},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
     "Content-Length: 3\r\n\r\n0\r\n\r\n",
	400, 0},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411,
	0},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", 411, 0},
    {"POST / HTTP/1.1\r\n" H "Expect: a pony\r\n\r\n", 417, 0},
    /* targets */
    {"GET http://localhost/ HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET * HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET localhost:80 HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /%00 HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /%0a HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /%7F HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /% HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /%4 HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /%4g HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /%ff HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /%ed%a0%80 HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /a#b HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /?q=%00 HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /?%00=q HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /?q=%c3 HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /\0 HTTP/1.1\r\n" H "\r\n", 400, 36},
    {"GET /\t HTTP/1.1\r\n" H "\r\n", 400, 0},
    /* request lines */
    {"GET  / HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET / HTTP/1.1 \r\n" H "\r\n", 400, 0},
    {"GET /\r\n" H "\r\n", 400, 0},
    {"GET\r\n\r\n", 400, 0},
    {"\r\nGET / HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET / HTTP/1.2\r\n" H "\r\n", 505, 0},
    {"GET / HTTP/2.0\r\n" H "\r\n", 505, 0},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, 0},
    {"GET / HTTP/11\r\n" H "\r\n", 400, 0},
    {"GET / http/1.1\r\n" H "\r\n", 400, 0},
    {"get / HTTP/1.1\r\n" H "\r\n", 501, 0},
    {"GETS / HTTP/1.1\r\n" H "\r\n", 501, 0},
    {"PUT / HTTP/1.1\r\n" H "\r\n", 405, 0},
    {"DELETE / HTTP/1.1\r\n" H "\r\n", 405, 0},
    {"OPTIONS * HTTP/1.1\r\n" H "\r\n", 405, 0},
    {"CONNECT x:1 HTTP/1.1\r\n" H "\r\n", 405, 0},
    {"G@T / HTTP/1.1\r\n" H "\r\n", 400, 0},
    /* other tongues */
    {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, 11},
    {"\x00", 400, 1},
};

/* The next good client is served. */
static void
still_serves(struct server *s)
{
	struct buf b;
	int fd = connect_tcp(s);

	buf_init(&b, 0);
	say(s, fd, GET("/good"));
	hear_reply(s, fd, &b);
	assert_int_equal(status_of(&b), 200);
	close(fd);
	buf_clear(&b);
}

static void
bad_requests_are_refused(void **state)
{
	struct server *s = *state;
	struct buf b;

	server_start(s);
	buf_init(&b, 0);
	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++) {
		const struct attack *a = &attacks[i];
		size_t len = a->len != 0 ? a->len : strlen(a->text);
		int fd = connect_tcp(s);

		say_bytes(s, fd, a->text, len);
		/* a good one right behind must not be heard */
		say(s, fd, GET("/smuggled"));
		hear_end(s, fd, &b);
		if (status_of(&b) != a->status)
			fail_msg("%d, not %d: %s", status_of(&b), a->status,
			    a->text);
		assert_non_null(
		    strstr(buf_str(&b), "\r\nConnection: close\r\n"));
		assert_non_null(
		    strstr(buf_str(&b), "\r\n\r\n{\"error\":{\"code\":\""));
		/* one reply only, and none of the client's words */
		assert_null(strstr(buf_str(&b), "\nHTTP/1.1 "));
		assert_null(strstr(buf_str(&b), "evil"));
		close(fd);
	}
	assert_int_equal(s->requests, 0);
	still_serves(s);
	wait_connections(s, 0);
	buf_clear(&b);
}

/* However the bytes are cut, the outcome is the same. */
static void
any_cut_of_the_bytes(void **state)
{
	static const char good[] =
	    "POST /a%20b?q=%41 HTTP/1.1\r\n" H "X-Test: v\r\n"
	    "Content-Length: 5\r\n\r\nhello"
	    "GET /last HTTP/1.1\r\n" H "Connection: close\r\n\r\n";
	static const char bad[] = "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n";
	struct server *s = *state;
	struct buf b;

	server_start(s);
	buf_init(&b, 0);
	for (size_t cut = 1; cut < sizeof(good) - 1; cut++) {
		int fd = connect_tcp(s);

		s->requests = 0;
		say_bytes(s, fd, good, cut);
		turn(s);
		turn(s);
		turn(s);
		say_bytes(s, fd, good + cut, sizeof(good) - 1 - cut);
		hear_end(s, fd, &b);
		assert_int_equal(s->requests, 2);
		assert_string_equal(s->path, "/last");
		close(fd);
	}
	for (size_t cut = 1; cut < sizeof(bad) - 1; cut++) {
		int fd = connect_tcp(s);

		say_bytes(s, fd, bad, cut);
		turn(s);
		turn(s);
		turn(s);
		say_bytes(s, fd, bad + cut, sizeof(bad) - 1 - cut);
		hear_end(s, fd, &b);
		assert_int_equal(status_of(&b), 400);
		close(fd);
	}
	wait_connections(s, 0);
	buf_clear(&b);
}

static void
a_byte_at_a_time(void **state)
{
	static const char text[] =
	    "POST /slow?q=z HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc";
	struct server *s = *state;
	struct buf b;
	int fd;

	server_start(s);
	buf_init(&b, 0);
	fd = connect_tcp(s);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		say_bytes(s, fd, text + i, 1);
		turn(s);
	}
	hear_reply(s, fd, &b);
	assert_string_equal(s->body, "abc");
	assert_string_equal(s->query, "z");
	close(fd);
	buf_clear(&b);
}

static void
long_heads_are_cut_off(void **state)
{
	struct server *s = *state;
	char *text = malloc(1 << 20);
	struct buf b;
	int fd;

	server_start(s);
	buf_init(&b, 0);
	memset(text, 'a', 1 << 20);
	/* one endless line, of any part */
	fd = connect_tcp(s);
	say(s, fd, "GET /");
	say_bytes(s, fd, text, 1 << 20);
	hear_end(s, fd, &b);
	assert_int_equal(status_of(&b), 431);
	close(fd);
	fd = connect_tcp(s);
	say(s, fd, "GET / HTTP/1.1\r\n" H "X: ");
	say_bytes(s, fd, text, 1 << 20);
	hear_end(s, fd, &b);
	assert_int_equal(status_of(&b), 431);
	close(fd);
	/* many short ones */
	fd = connect_tcp(s);
	say(s, fd, "GET / HTTP/1.1\r\n" H);
	for (int i = 0; i < 65; i++)
		say(s, fd, "A: b\r\n");
	say(s, fd, "\r\n");
	hear_end(s, fd, &b);
	assert_int_equal(status_of(&b), 431);
	close(fd);
	/* exactly as long as allowed, and one byte more */
	for (size_t extra = 0; extra < 2; extra++) {
		static const char begin[] = "GET / HTTP/1.1\r\n" H "X: ";
		size_t fill = 8192 - (sizeof(begin) - 1) - 4 + extra;

		fd = connect_tcp(s);
		say(s, fd, begin);
		say_bytes(s, fd, text, fill);
		say(s, fd, "\r\n\r\n");
		if (extra == 0)
			hear_reply(s, fd, &b);
		else
			hear_end(s, fd, &b);
		assert_int_equal(status_of(&b), extra == 0 ? 200 : 431);
		close(fd);
	}
	still_serves(s);
	free(text);
	buf_clear(&b);
}

static void
a_slow_drip_meets_its_deadline(void **state)
{
	static const char drip[] = "GET / HTTP/1.1\r\nX: aaaaaaaaaaaaaaaaaaa";
	static const char body[] =
	    "POST / HTTP/1.1\r\n" H "Content-Length: 100\r\n\r\n";
	struct server *s = *state;
	struct buf b;

	s->opts.request_deadline_us = 200 * USEC_PER_MSEC;
	server_start(s);
	buf_init(&b, 0);
	for (int kind = 0; kind < 2; kind++) {
		int fd = connect_tcp(s);
		int64_t began = clock_boot_us();

		if (kind == 1)
			say(s, fd, body);
		for (size_t i = 0;; i++) {
			char c = kind == 1 ? 'x' : drip[i % 20];

			if (send(fd, &c, 1, MSG_NOSIGNAL) < 0 ||
			    !hear_some(fd, &b))
				break;
			assert_true(clock_boot_us() - began < PATIENCE_US);
			turn(s);
			poll(NULL, 0, 10);
		}
		assert_in_range(clock_boot_us() - began, 200 * USEC_PER_MSEC,
		    5 * USEC_PER_SEC);
		assert_int_equal(status_of(&b), 408);
		buf_reset(&b);
		close(fd);
	}
	still_serves(s);
	buf_clear(&b);
}

static void
idle_connections_are_closed(void **state)
{
	struct server *s = *state;
	struct buf b;
	int fd, silent;

	s->opts.request_deadline_us = 100 * USEC_PER_MSEC;
	s->opts.idle_us = 150 * USEC_PER_MSEC;
	server_start(s);
	buf_init(&b, 0);
	silent = connect_tcp(s);
	fd = connect_tcp(s);
	say(s, fd, GET("/"));
	hear_reply(s, fd, &b);
	hear_end(s, fd, &b);
	assert_int_equal(b.len, 0);
	hear_end(s, silent, &b);
	assert_int_equal(b.len, 0);
	wait_connections(s, 0);
	close(fd);
	close(silent);
	buf_clear(&b);
}

/* One who does not read his reply. */
static void
a_deaf_client_is_dropped(void **state)
{
	struct server *s = *state;
	struct buf b;
	int small = 4096;
	int fd;

	s->opts.idle_us = 200 * USEC_PER_MSEC;
	s->reply_bytes = 4 * 1024 * 1024;
	server_start(s);
	buf_init(&b, 0);
	fd = connect_tcp(s);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say(s, fd, GET("/big"));
	wait_connections(s, 1);
	wait_connections(s, 0);
	close(fd);
	/* one who does gets all of it */
	fd = connect_tcp(s);
	say(s, fd, GET("/big"));
	hear_reply(s, fd, &b);
	assert_true(b.len > s->reply_bytes);
	close(fd);
	buf_clear(&b);
}

static void
pipelines_are_answered_in_order(void **state)
{
	enum {
		N = 10000
	};
	static const char one[] = "GET /p HTTP/1.1\r\n" H "\r\n";
	struct server *s = *state;
	int64_t until = clock_boot_us() + 3 * PATIENCE_US;
	size_t left = N * (sizeof(one) - 1), sent = 0;
	unsigned replies = 0;
	char *text = malloc(left);
	struct buf b;
	int fd;

	server_start(s);
	buf_init(&b, 0);
	for (size_t i = 0; i < N; i++)
		memcpy(text + i * (sizeof(one) - 1), one, sizeof(one) - 1);
	fd = connect_tcp(s);
	while (replies < N) {
		ssize_t n =
		    left > 0 ? send(fd, text + sent, left, MSG_NOSIGNAL) : 0;
		char *at;

		if (n > 0) {
			sent += (size_t)n;
			left -= (size_t)n;
		}
		turn(s);
		assert_true(hear_some(fd, &b));
		while ((at = strstr(buf_str(&b), "{\"ok\":true}")) != NULL) {
			buf_consume(&b, (size_t)(at - b.data) + 11);
			replies++;
		}
		assert_true(clock_boot_us() < until);
	}
	assert_int_equal(s->requests, N);
	close(fd);
	free(text);
	buf_clear(&b);
}

/* Bytes that come while a reply is owed: as many as the kernel takes. */
static void
junk_while_a_reply_is_owed(void **state)
{
	struct server *s = *state;
	char *text = malloc(1 << 20);
	struct buf b;
	int fd;

	server_start(s);
	buf_init(&b, 0);
	memset(text, 'j', 1 << 20);
	fd = connect_tcp(s);
	say(s, fd, GET("/later"));
	for (int i = 0; i < 200; i++) {
		(void)!send(fd, text, 1 << 20, MSG_NOSIGNAL);
		turn(s);
	}
	assert_non_null(s->held);
	http_reply(s->held, 200, "text/plain", "x", 1);
	hear_end(s, fd, &b);
	assert_int_equal(status_of(&b), 200);
	/* and then the junk is judged for what it is */
	assert_non_null(strstr(buf_str(&b), "HTTP/1.1 431 "));
	close(fd);
	still_serves(s);
	free(text);
	buf_clear(&b);
}

static void
the_cap_holds_and_the_idle_make_room(void **state)
{
	enum {
		CAP = 8
	};
	struct server *s = *state;
	int fds[CAP], extra, newcomer;
	struct buf b;

	s->opts.max_connections = CAP;
	server_start(s);
	buf_init(&b, 0);
	/* all in the middle of a request: nobody can go */
	for (int i = 0; i < CAP; i++) {
		fds[i] = connect_tcp(s);
		say(s, fds[i], "GET / HT");
	}
	wait_connections(s, CAP);
	for (int i = 0; i < 20; i++)
		turn(s);
	extra = connect_tcp(s);
	hear_end(s, extra, &b);
	assert_int_equal(status_of(&b), 503);
	assert_int_equal(httpd_connections(s->h), CAP);
	close(extra);
	/* two become idle: the one that is so for longest goes */
	say(s, fds[3], "TP/1.1\r\n" H "\r\n");
	hear_reply(s, fds[3], &b);
	say(s, fds[5], "TP/1.1\r\n" H "\r\n");
	hear_reply(s, fds[5], &b);
	newcomer = connect_unix(s->unix_path);
	say(s, newcomer, GET("/admin"));
	hear_reply(s, newcomer, &b);
	assert_int_equal(status_of(&b), 200);
	hear_end(s, fds[3], &b);
	assert_int_equal(b.len, 0);
	say(s, fds[5], GET("/still"));
	hear_reply(s, fds[5], &b);
	assert_int_equal(httpd_connections(s->h), CAP);
	for (int i = 0; i < CAP; i++)
		close(fds[i]);
	close(newcomer);
	wait_connections(s, 0);
	buf_clear(&b);
}

/* More connections at once than are let in, again and again. */
static void
floods_of_connections(void **state)
{
	enum {
		FLOOD = 200,
		CAP = 16
	};
	struct server *s = *state;
	int fds[FLOOD];

	s->opts.max_connections = CAP;
	server_start(s);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < FLOOD; i++) {
			fds[i] = connect_tcp(s);
			(void)!send(fds[i], "GET ", 4, MSG_NOSIGNAL);
		}
		for (int i = 0; i < 40; i++) {
			turn(s);
			assert_true(httpd_connections(s->h) <= CAP);
		}
		for (int i = 0; i < FLOOD; i++)
			close(fds[i]);
	}
	wait_connections(s, 0);
	still_serves(s);
}

/* Without descriptors the listener rests instead of spinning. */
static void
no_descriptors_left(void **state)
{
	struct server *s = *state;
	struct rlimit old, tight;
	int fds[4], turns = 0;
	int64_t until;
	struct buf b;

	server_start(s);
	buf_init(&b, 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = connect_tcp(s);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	tight = old;
	tight.rlim_cur = (rlim_t)fds[3] + 2; /* one more fits */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	until = clock_boot_us() + 500 * USEC_PER_MSEC;
	while (clock_boot_us() < until) {
		/* without loop_wake(): as the daemon waits */
		assert_int_equal(loop_turn(s->lp), 0);
		loop_graveyard_empty(s->lp);
		loop_turn_end(s->lp);
		turns++;
	}
	/* every 200 ms a few */
	assert_true(turns < 40);
	assert_true(httpd_connections(s->h) <= 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	wait_connections(s, ARRAY_SIZE(fds));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		say(s, fds[i], GET("/"));
		hear_reply(s, fds[i], &b);
		close(fds[i]);
	}
	buf_clear(&b);
}

/* Clients that go away at every possible moment. */
static void
vanishing_clients(void **state)
{
	static const char text[] = "POST /big HTTP/1.1\r\n" H
				   "Content-Length: 4\r\n\r\nbody" GET("/big");
	struct server *s = *state;

	s->reply_bytes = 1024 * 1024;
	server_start(s);
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		struct linger hard = {.l_onoff = 1};
		int fd = connect_tcp(s);

		say_bytes(s, fd, text, cut);
		for (size_t i = 0; i < cut % 7; i++)
			turn(s);
		if (cut % 2 == 0)
			(void)setsockopt(
			    fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(fd);
	}
	wait_connections(s, 0);
	still_serves(s);
}

static void
configured_hosts(void **state)
{
	static const char *const hosts[] = {"reeve.example", NULL};
	struct server *s = *state;
	struct buf b;
	int fd;

	s->opts.hosts = hosts;
	server_start(s);
	buf_init(&b, 0);
	fd = connect_tcp(s);
	say(s, fd, "GET / HTTP/1.1\r\nHost: Reeve.Example:8787\r\n\r\n");
	hear_reply(s, fd, &b);
	assert_int_equal(status_of(&b), 200);
	say(s, fd, "GET / HTTP/1.1\r\nHost: [::1]:1\r\n\r\n");
	hear_reply(s, fd, &b);
	assert_int_equal(status_of(&b), 200);
	say(s, fd, "GET / HTTP/1.1\r\nHost: www.reeve.example\r\n\r\n");
	hear_end(s, fd, &b);
	assert_int_equal(status_of(&b), 421);
	close(fd);
	buf_clear(&b);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, server_setup, server_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(bad_requests_are_refused),
	    T(any_cut_of_the_bytes),
	    T(a_byte_at_a_time),
	    T(long_heads_are_cut_off),
	    T(a_slow_drip_meets_its_deadline),
	    T(idle_connections_are_closed),
	    T(a_deaf_client_is_dropped),
	    T(pipelines_are_answered_in_order),
	    T(junk_while_a_reply_is_owed),
	    T(the_cap_holds_and_the_idle_make_room),
	    T(floods_of_connections),
	    T(no_descriptors_left),
	    T(vanishing_clients),
	    T(configured_hosts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
