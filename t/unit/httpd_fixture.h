/*
 * httpd_fixture.h - a server in the test's own loop and raw clients beside it,
 * all in one thread: the loop is turned while a client waits.
 */
#ifndef REEVE_T_HTTPD_FIXTURE_H
#define REEVE_T_HTTPD_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/macros.h"
#include "sys/httpd.h"
#include "sys/loop.h"

#define PATIENCE_US (10 * USEC_PER_SEC)

struct server {
	struct loop *lp;
	struct httpd *h;
	struct httpd_opts opts;
	uint16_t port;
	char dir[40], unix_path[64];
	/* what the handler saw last */
	unsigned requests;
	enum http_method method;
	char path[256], query[256], header[256], body[512];
	size_t body_len;
	struct http_peer peer;
	/* for later replies */
	struct http_req *held;
	unsigned gone;
	size_t reply_bytes; /* of /big */
	char *big;
};

static inline void
remember(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text != NULL ? text : "(none)");
}

static inline void
on_gone(void *arg)
{
	struct server *s = arg;

	s->gone++;
	s->held = NULL;
}

/* /later is kept, /big answers reply_bytes, /bye closes, others say ok. */
static inline void
handle(void *arg, struct http_req *r)
{
	struct server *s = arg;
	const char *body = http_req_body(r, &s->body_len);
	size_t len = s->body_len < sizeof(s->body) - 1 ? s->body_len
						       : sizeof(s->body) - 1;

	s->requests++;
	s->method = http_req_method(r);
	s->peer = *http_req_peer(r);
	remember(s->path, sizeof(s->path), http_req_path(r));
	remember(s->query, sizeof(s->query), http_req_query(r, "q"));
	remember(s->header, sizeof(s->header), http_req_header(r, "x-test"));
	memcpy(s->body, body, len);
	s->body[len] = '\0';
	if (strcmp(s->path, "/later") == 0) {
		s->held = r;
		http_req_on_gone(r, on_gone, s);
	} else if (strcmp(s->path, "/big") == 0) {
		http_reply(r, 200, "text/plain", s->big, s->reply_bytes);
	} else if (strcmp(s->path, "/missing") == 0) {
		http_reply_error(r, 404, "NOT_THERE", "no such thing");
	} else {
		http_reply(r, 200, "application/json", "{\"ok\":true}", 11);
	}
}

static inline void
turn(struct server *s)
{
	loop_wake(s->lp);
	assert_int_equal(loop_turn(s->lp), 0);
	loop_graveyard_empty(s->lp);
	loop_turn_end(s->lp);
}

/* Call after the options are set as the test wants them. */
static inline void
server_start(struct server *s)
{
	char address[128];
	const char *colon;

	assert_int_equal(loop_new(&s->lp), 0);
	assert_int_equal(httpd_new(s->lp, &s->opts, handle, s, &s->h), 0);
	assert_int_equal(httpd_listen(s->h, "127.0.0.1:0", 0, (gid_t)-1), 0);
	colon = strrchr(httpd_address(s->h, 0), ':');
	s->port = (uint16_t)strtoul(colon + 1, NULL, 10);
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/reeve-httpd-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->unix_path, sizeof(s->unix_path), "%s/sock", s->dir);
	(void)snprintf(address, sizeof(address), "unix:%s", s->unix_path);
	assert_int_equal(httpd_listen(s->h, address, 0660, (gid_t)-1), 0);
}

static inline int
server_setup(void **state)
{
	struct server *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->opts = (struct httpd_opts){
	    .max_header_bytes = 8192,
	    .max_body_bytes = 262144,
	    .max_connections = 64,
	    .request_deadline_us = 10 * USEC_PER_SEC,
	    .idle_us = 60 * USEC_PER_SEC,
	};
	s->reply_bytes = 20480;
	s->big = malloc(4 * 1024 * 1024);
	assert_non_null(s->big);
	memset(s->big, 'x', 4 * 1024 * 1024);
	(void)signal(SIGPIPE, SIG_IGN);
	*state = s;
	return 0;
}

static inline int
server_teardown(void **state)
{
	struct server *s = *state;

	httpd_free(s->h);
	/* The socket file goes with its listener. */
	assert_int_not_equal(access(s->unix_path, F_OK), 0);
	loop_free(s->lp);
	(void)rmdir(s->dir);
	free(s->big);
	free(s);
	return 0;
}

/* ---- clients ---- */

static inline int
connect_tcp(struct server *s)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET,
	    .sin_port = htons(s->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	/* The kernel finishes the handshake; nobody needs to accept yet. */
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(fd_set_nonblock(fd, true), 0);
	return fd;
}

static inline int
connect_unix(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(fd_set_nonblock(fd, true), 0);
	return fd;
}

/* Send all, turning the loop while the socket is full. */
static inline void
say_bytes(struct server *s, int fd, const void *text, size_t len)
{
	const char *p = text;
	int64_t until = clock_boot_us() + PATIENCE_US;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return; /* refused already: seen by the reader */
		if (n > 0) {
			p += n;
			len -= (size_t)n;
			continue;
		}
		assert_int_equal(errno, EAGAIN);
		assert_true(clock_boot_us() < until);
		turn(s);
	}
}

static inline void
say(struct server *s, int fd, const char *text)
{
	say_bytes(s, fd, text, strlen(text));
}

/* Take what is there now. False at the end of the connection. */
static inline bool
hear_some(int fd, struct buf *b)
{
	for (;;) {
		char chunk[65536];
		ssize_t n = recv(fd, chunk, sizeof(chunk), 0);

		if (n > 0)
			buf_add(b, chunk, (size_t)n);
		else if (n < 0 && errno == EAGAIN)
			return true;
		else
			return false;
	}
}

/* A whole reply (by its Content-Length), or fails. `b` is emptied before. */
static inline void
hear_reply(struct server *s, int fd, struct buf *b)
{
	int64_t until = clock_boot_us() + PATIENCE_US;

	buf_reset(b);
	for (;;) {
		bool open = hear_some(fd, b);
		const char *end = strstr(buf_str(b), "\r\n\r\n");
		const char *len = strcasestr(buf_str(b), "\r\nContent-Length:");

		if (end != NULL && len != NULL && len < end &&
		    b->len >= (size_t)(end + 4 - b->data) +
				  strtoul(len + 17, NULL, 10))
			return;
		if (!open)
			fail_msg("closed after: %s", buf_str(b));
		if (clock_boot_us() > until)
			fail_msg("no reply, but: %s", buf_str(b));
		turn(s);
	}
}

/* Everything until the server closes. */
static inline void
hear_end(struct server *s, int fd, struct buf *b)
{
	int64_t until = clock_boot_us() + PATIENCE_US;

	buf_reset(b);
	while (hear_some(fd, b)) {
		if (clock_boot_us() > until)
			fail_msg("not closed; heard: %s", buf_str(b));
		turn(s);
	}
}

static inline int
status_of(const struct buf *b)
{
	if (b->len < 12 || strncmp(buf_str(b), "HTTP/1.", 7) != 0)
		return 0;
	return (int)strtol(buf_str(b) + 9, NULL, 10);
}

static inline void
wait_connections(struct server *s, unsigned n)
{
	int64_t until = clock_boot_us() + PATIENCE_US;

	while (httpd_connections(s->h) != n) {
		if (clock_boot_us() > until)
			fail_msg("%u connections, not %u",
			    httpd_connections(s->h), n);
		turn(s);
	}
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

#endif
