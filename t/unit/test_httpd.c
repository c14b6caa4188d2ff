/*
 * test_httpd.c - what the HTTP server does for clients that mean well.
 */
#include <config.h>

#include "httpd_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

static void
answers_a_get(void **state)
{
	struct server *s = *state;
	struct buf b;
	int fd;

	server_start(s);
	buf_init(&b, 0);
	fd = connect_tcp(s);
	say(s, fd,
	    "GET /api/%C3%A4?q=a+b%26c&x HTTP/1.1\r\nHost: localhost:1\r\n"
	    "X-Test:  seen \r\n\r\n");
	hear_reply(s, fd, &b);
	assert_int_equal(status_of(&b), 200);
	assert_non_null(strstr(buf_str(&b), "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(buf_str(&b), "Cache-Control: no-store\r\n"));
	assert_non_null(
	    strstr(buf_str(&b), "X-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(buf_str(&b), "Content-Security-Policy: "));
	assert_non_null(
	    strstr(buf_str(&b), "Content-Type: application/json\r\n"));
	assert_null(strstr(buf_str(&b), "Connection: close"));
	assert_non_null(strstr(buf_str(&b), "\r\n\r\n{\"ok\":true}"));
	assert_string_equal(s->path, "/api/\xc3\xa4");
	assert_string_equal(s->query, "a b&c");
	assert_string_equal(s->header, "seen");
	assert_int_equal(s->method, HTTP_GET);
	assert_false(s->peer.is_unix);
	assert_true(s->peer.loopback);
	/* the same connection again */
	say(s, fd, GET("/two"));
	hear_reply(s, fd, &b);
	assert_string_equal(s->path, "/two");
	assert_string_equal(s->query, "(none)");
	assert_int_equal(httpd_connections(s->h), 1);
	close(fd);
	wait_connections(s, 0);
	buf_clear(&b);
}

static void
head_has_no_body(void **state)
{
	struct server *s = *state;
	struct buf b;
	int fd;

	server_start(s);
	buf_init(&b, 0);
	fd = connect_tcp(s);
	say(s, fd,
	    "HEAD /big HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	    "Connection: close\r\n\r\n");
	hear_end(s, fd, &b);
	assert_int_equal(status_of(&b), 200);
	assert_int_equal(s->method, HTTP_HEAD);
	assert_non_null(strstr(buf_str(&b), "Content-Length: 20480\r\n"));
	assert_string_equal(strstr(buf_str(&b), "\r\n\r\n"), "\r\n\r\n");
	close(fd);
	buf_clear(&b);
}

static void
post_with_and_without_body(void **state)
{
	struct server *s = *state;
	char *text = malloc(262144);
	struct buf b;
	int fd;

	server_start(s);
	buf_init(&b, 0);
	fd = connect_tcp(s);
	say(s, fd,
	    "POST /p HTTP/1.1\r\nHost: localhost\r\n"
	    "Connection: keep-alive\r\n\r\n");
	hear_reply(s, fd, &b);
	assert_int_equal(status_of(&b), 200);
	assert_int_equal(s->method, HTTP_POST);
	assert_int_equal(s->body_len, 0);
	say(s, fd,
	    "POST /p HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Length: 7\r\n\r\n{\"a\":");
	turn(s);
	assert_int_equal(s->requests, 1);
	say(s, fd, "1}");
	hear_reply(s, fd, &b);
	assert_string_equal(s->body, "{\"a\":1}");
	/* as much as is allowed, byte for byte */
	memset(text, 'b', 262144);
	say(s, fd,
	    "POST /p HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Length: 262144\r\n\r\n");
	say_bytes(s, fd, text, 262144);
	hear_reply(s, fd, &b);
	assert_int_equal(s->body_len, 262144);
	say(s, fd, GET("/after"));
	hear_reply(s, fd, &b);
	assert_string_equal(s->path, "/after");
	assert_int_equal(s->body_len, 0);
	close(fd);
	free(text);
	buf_clear(&b);
}

static void
expect_continue_is_met(void **state)
{
	struct server *s = *state;
	int64_t until = clock_boot_us() + PATIENCE_US;
	struct buf b;
	int fd;

	server_start(s);
	buf_init(&b, 0);
	fd = connect_tcp(s);
	say(s, fd,
	    "POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
	    "Expect: 100-continue\r\n\r\n");
	while (b.len == 0 && clock_boot_us() < until) {
		turn(s);
		assert_true(hear_some(fd, &b));
	}
	assert_string_equal(buf_str(&b), "HTTP/1.1 100 Continue\r\n\r\n");
	say(s, fd, "hi");
	hear_reply(s, fd, &b);
	assert_int_equal(status_of(&b), 200);
	assert_string_equal(s->body, "hi");
	close(fd);
	buf_clear(&b);
}

static void
http_1_0_closes_unless_asked(void **state)
{
	struct server *s = *state;
	struct buf b;
	int fd;

	server_start(s);
	buf_init(&b, 0);
	fd = connect_tcp(s);
	say(s, fd, "GET /old HTTP/1.0\r\nHost: localhost\r\n\r\n");
	hear_end(s, fd, &b);
	assert_int_equal(status_of(&b), 200);
	close(fd);
	fd = connect_tcp(s);
	say(s, fd,
	    "GET /old HTTP/1.0\r\nHost: localhost\r\n"
	    "Connection: Keep-Alive\r\n\r\n");
	hear_reply(s, fd, &b);
	say(s, fd,
	    "GET /old HTTP/1.0\r\nHost: localhost\r\n"
	    "Connection: Keep-Alive\r\n\r\n");
	hear_reply(s, fd, &b);
	assert_int_equal(s->requests, 3);
	close(fd);
	buf_clear(&b);
}

static void
unix_socket_knows_its_peer(void **state)
{
	struct server *s = *state;
	struct stat st;
	struct buf b;
	int fd;

	server_start(s);
	buf_init(&b, 0);
	assert_int_equal(stat(s->unix_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	fd = connect_unix(s->unix_path);
	/* any Host: there is no name to rebind */
	say(s, fd, "GET /u HTTP/1.1\r\nHost: whatever\r\n\r\n");
	hear_reply(s, fd, &b);
	assert_int_equal(status_of(&b), 200);
	assert_true(s->peer.is_unix);
	assert_int_equal(s->peer.uid, getuid());
	assert_int_equal(s->peer.gid, getgid());
	assert_int_equal(s->peer.pid, getpid());
	close(fd);
	buf_clear(&b);
}

static void
socket_files_stale_and_live(void **state)
{
	struct server *s = *state;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char address[160], path[104];
	int fd;

	server_start(s);
	/* a live one, also our own */
	(void)snprintf(address, sizeof(address), "unix:%s", s->unix_path);
	assert_int_equal(
	    httpd_listen(s->h, address, 0600, (gid_t)-1), -EADDRINUSE);
	assert_int_equal(access(s->unix_path, F_OK), 0);
	/* one whose owner is gone */
	(void)snprintf(path, sizeof(path), "%s/stale", s->dir);
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
	(void)snprintf(address, sizeof(address), "unix:%s", path);
	assert_int_equal(httpd_listen(s->h, address, 0600, (gid_t)-1), 0);
	fd = connect_unix(path);
	wait_connections(s, 1);
	close(fd);
	/* no socket: never unlinked */
	(void)snprintf(path, sizeof(path), "%s/file", s->dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	(void)snprintf(address, sizeof(address), "unix:%s", path);
	assert_int_equal(
	    httpd_listen(s->h, address, 0600, (gid_t)-1), -EADDRINUSE);
	assert_int_equal(unlink(path), 0);
	assert_string_equal(
	    httpd_address(s->h, 2) + 5 + strlen(s->dir), "/stale");
	assert_null(httpd_address(s->h, 3));
}

static void
addresses_are_numeric(void **state)
{
	static const char *const bad[] = {"localhost:80", "127.0.0.1",
	    "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", ":80", "[::1:80",
	    "::1:80", "[]:80", "[127.0.0.1]:80", "unix:", "unix:relative",
	    "127.0.0.1:80x", ""};
	struct server *s = *state;
	struct httpd *h;

	server_start(s);
	assert_int_equal(httpd_new(s->lp, &s->opts, handle, s, &h), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (httpd_listen(h, bad[i], 0600, (gid_t)-1) >= 0)
			fail_msg("listens on %s", bad[i]);
	assert_null(httpd_address(h, 0));
	assert_int_equal(httpd_listen(h, "127.0.0.2:0", 0600, (gid_t)-1), 0);
	assert_int_equal(strncmp(httpd_address(h, 0), "127.0.0.2:", 10), 0);
	/* taken */
	assert_int_equal(
	    httpd_listen(h, httpd_address(h, 0), 0600, (gid_t)-1), -EADDRINUSE);
	httpd_free(h);
}

static void
a_later_reply_has_no_deadline(void **state)
{
	struct server *s = *state;
	int64_t until;
	struct buf b;
	int fd;

	s->opts.request_deadline_us = s->opts.idle_us = 100 * USEC_PER_MSEC;
	server_start(s);
	buf_init(&b, 0);
	fd = connect_tcp(s);
	say(s, fd,
	    "POST /later HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Length: 2\r\n\r\nhi");
	until = clock_boot_us() + 400 * USEC_PER_MSEC;
	while (clock_boot_us() < until) {
		turn(s);
		poll(NULL, 0, 5);
	}
	assert_non_null(s->held);
	assert_int_equal(s->gone, 0);
	/* what comes meanwhile waits, and kills nobody */
	say(s, fd, GET("/next"));
	turn(s);
	turn(s);
	assert_int_equal(s->requests, 1);
	http_reply(s->held, 200, "text/plain", "late", 4);
	hear_reply(s, fd, &b);
	assert_non_null(strstr(buf_str(&b), "late"));
	until = clock_boot_us() + PATIENCE_US;
	while (s->requests < 2 && clock_boot_us() < until)
		turn(s);
	assert_string_equal(s->path, "/next");
	assert_int_equal(s->gone, 0);
	close(fd);
	buf_clear(&b);
}

static void
a_vanished_client_is_told(void **state)
{
	static const char *const ways[] = {
	    "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n",
	    "POST /later HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Length: 2\r\n\r\nhi"};
	struct server *s = *state;

	server_start(s);
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		int fd = connect_tcp(s);
		int64_t until = clock_boot_us() + PATIENCE_US;

		say(s, fd, ways[i]);
		while (s->held == NULL && clock_boot_us() < until)
			turn(s);
		assert_non_null(s->held);
		close(fd);
		wait_connections(s, 0);
		assert_int_equal(s->gone, i + 1);
		assert_null(s->held);
	}
}

static void
owed_replies_are_dropped_at_the_end(void **state)
{
	struct server *s = *state;
	int64_t until = clock_boot_us() + PATIENCE_US;
	int fd;

	server_start(s);
	fd = connect_tcp(s);
	say(s, fd, GET("/later"));
	while (s->held == NULL && clock_boot_us() < until)
		turn(s);
	httpd_stop(s->h);
	turn(s);
	assert_int_equal(s->gone, 0);
	httpd_free(s->h);
	s->h = NULL;
	assert_int_equal(s->gone, 1);
	close(fd);
}

static void
half_closed_client_gets_its_reply(void **state)
{
	struct server *s = *state;
	struct buf b;

	server_start(s);
	buf_init(&b, 0);
	for (int i = 0; i < 20; i++) {
		int fd = connect_tcp(s);

		say(s, fd, GET("/big"));
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		hear_end(s, fd, &b);
		assert_int_equal(status_of(&b), 200);
		assert_true(b.len > 20480);
		close(fd);
	}
	buf_clear(&b);
}

static void
release_once(void *arg)
{
	++*(int *)arg;
}

static void
ref_reply(void *arg, struct http_req *r)
{
	static char text[100000];
	int *released = arg;

	http_req_add_header(r, "ETag", "\"1\"");
	http_req_add_header(r, "Cache-Control", "no-cache");
	memset(text, 'r', sizeof(text));
	http_reply_ref(
	    r, 200, "text/plain", text, sizeof(text), release_once, released);
}

static void
bodies_by_reference(void **state)
{
	struct server *s = *state;
	struct httpd *h;
	int released = 0;
	struct buf b;
	int fd;

	server_start(s);
	buf_init(&b, 0);
	assert_int_equal(
	    httpd_new(s->lp, &s->opts, ref_reply, &released, &h), 0);
	assert_int_equal(httpd_listen(h, "127.0.0.1:0", 0, (gid_t)-1), 0);
	s->port = (uint16_t)strtoul(httpd_address(h, 0) + 10, NULL, 10);
	fd = connect_tcp(s);
	say(s, fd, GET("/"));
	hear_reply(s, fd, &b);
	assert_non_null(strstr(buf_str(&b), "ETag: \"1\"\r\n"));
	assert_non_null(strstr(buf_str(&b), "Cache-Control: no-cache\r\n"));
	assert_null(strstr(buf_str(&b), "no-store"));
	assert_int_equal(released, 1);
	say(s, fd,
	    "HEAD / HTTP/1.1\r\nHost: localhost\r\n"
	    "Connection: close\r\n\r\n");
	hear_end(s, fd, &b);
	assert_non_null(strstr(buf_str(&b), "Content-Length: 100000\r\n"));
	assert_int_equal(released, 2);
	close(fd);
	/* a client that goes away in the middle */
	fd = connect_tcp(s);
	say(s, fd, GET("/"));
	turn(s);
	close(fd);
	httpd_free(h);
	loop_graveyard_empty(s->lp);
	turn(s);
	buf_clear(&b);
}

static void
many_keep_alive_connections(void **state)
{
	struct server *s = *state;
	int fds[32];
	struct buf b;

	server_start(s);
	buf_init(&b, 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = connect_tcp(s);
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
			say(s, fds[i], GET("/big"));
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
			hear_reply(s, fds[i], &b);
			assert_int_equal(status_of(&b), 200);
			assert_true(b.len > 20480);
		}
	}
	assert_int_equal(httpd_connections(s->h), 32);
	assert_int_equal(s->requests, 32 * 50);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	wait_connections(s, 0);
	buf_clear(&b);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, server_setup, server_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(answers_a_get),
	    T(head_has_no_body),
	    T(post_with_and_without_body),
	    T(expect_continue_is_met),
	    T(http_1_0_closes_unless_asked),
	    T(unix_socket_knows_its_peer),
	    T(socket_files_stale_and_live),
	    T(addresses_are_numeric),
	    T(a_later_reply_has_no_deadline),
	    T(a_vanished_client_is_told),
	    T(owed_replies_are_dropped_at_the_end),
	    T(half_closed_client_gets_its_reply),
	    T(bodies_by_reference),
	    T(many_keep_alive_connections),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
