/*
 * httpd_conn.c - a connection: the bytes that come in, how long they may take,
 * and what is refused.
 *
 * evhttp 2.1 accepts much that it should not and cannot be told, so it never
 * sees what a client sent: the bytes are taken from its input as they arrive,
 * checked (httpd_head.c), and once a whole good request is here, evhttp is
 * shown one that we wrote: method, version and Connection, no more. It does
 * what it does well: replies, keep-alive, closing.
 *
 * Must never give evhttp a byte that it could read as a second request.
 */
#include <config.h>

#include "sys/httpd_internal.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "base/bug.h"
#include "base/xalloc.h"
#include "sys/loop_internal.h"

/* Of what a client sends ahead while its request is answered. */
#define INPUT_MAX ((size_t)65536)
/* How long a refused client may take to read why. */
#define LINGER_US USEC_PER_SEC
/* More memory than this is not kept between requests. */
#define RAW_KEPT ((size_t)16384)
/* conn_state(): as long as it takes. */
#define NO_LIMIT INT64_C(-1)

/* ---- states ---- */

static void
conn_state(struct httpd_conn *c, enum conn_state state, int64_t time_us)
{
	c->state = state;
	list_remove(&c->place);
	/* These may be closed to make room. */
	if (state == CONN_IDLE || state == CONN_REFUSED)
		list_append(&c->h->idle, &c->place);
	if (time_us == NO_LIMIT)
		timer_clear(c->h->lp, &c->deadline);
	else
		timer_set(
		    c->h->lp, &c->deadline, loop_boot_us(c->h->lp) + time_us);
}

static void
conn_late(void *arg)
{
	struct httpd_conn *c = arg;

	if (c->state == CONN_READING)
		httpd_conn_refuse(c, 408);
	else
		httpd_conn_kill(c);
}

void
httpd_conn_kill(struct httpd_conn *c)
{
	/* Comes back through conn_closed(). */
	evhttp_connection_free(c->evcon);
}

/* Little enough for any socket buffer; what does not fit is not worth more. */
static void
conn_send(struct httpd_conn *c, const char *text, size_t len)
{
	ssize_t n = send(c->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	(void)n;
}

void
httpd_conn_refuse(struct httpd_conn *c, int status)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);
	struct buf text;

	buf_init(&text, 2048);
	httpd_refusal(&text, status);
	/* evhttp has no request of this connection, so nothing to send. */
	conn_send(c, buf_str(&text), text.len);
	buf_clear(&text);
	(void)shutdown(c->fd, SHUT_WR);
	buf_clear(&c->raw);
	c->off = 0;
	(void)evbuffer_drain(input, evbuffer_get_length(input));
	conn_state(c, CONN_REFUSED, LINGER_US);
}

/* ---- bytes in ---- */

/* Take over what arrived, as far as one request may be long. */
static void
conn_pull(struct httpd_conn *c)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);
	size_t len = evbuffer_get_length(input);
	size_t room;
	char *to;
	int n;

	if (c->off > 0) {
		buf_consume(&c->raw, c->off);
		c->off = 0;
	}
	if (c->raw.len == 0 && c->raw.cap > RAW_KEPT)
		buf_clear(&c->raw);
	room = buf_room(&c->raw);
	if (len > room)
		len = room;
	if (len == 0)
		return;
	to = buf_reserve(&c->raw, len);
	if (to == NULL)
		BUG("no room for %zu bytes of a request", len);
	n = evbuffer_remove(input, to, len);
	if (n > 0)
		buf_commit(&c->raw, (size_t)n);
}

static bool
host_is_ours(const struct httpd_conn *c)
{
	static const char *const local[] = {"localhost", "127.0.0.1", "[::1]"};
	const char *const *hosts = c->h->opts.hosts;
	const char *value;

	if (c->peer.is_unix)
		return true;
	if (c->head.host < 0)
		return false;
	value = c->raw.data + c->off + c->head.headers[c->head.host].value;
	for (size_t i = 0; i < ARRAY_SIZE(local); i++)
		if (httpd_host_is(value, local[i]))
			return true;
	if (c->host[0] != '\0' && httpd_host_is(value, c->host))
		return true;
	for (; hosts != NULL && *hosts != NULL; hosts++)
		if (httpd_host_is(value, *hosts))
			return true;
	return false;
}

/*
 * Look for a whole head in raw[off..]. Returns 0 when it is there or more must
 * come, else the status to refuse with.
 */
static int
conn_head(struct httpd_conn *c)
{
	char *text = c->raw.data + c->off;
	size_t have = c->raw.len - c->off;
	size_t max = c->h->opts.max_header_bytes;
	ssize_t len = httpd_head_end(text, have, &c->scanned);
	int status;

	if (len < 0)
		return 400;
	if ((len == 0 && have >= max) || (size_t)len > max)
		return 431;
	if (len == 0)
		return 0;
	status = httpd_head_parse(
	    text, (size_t)len, c->h->opts.max_body_bytes, &c->head);
	if (status != 0)
		return status;
	if (!host_is_ours(c))
		return 421;
	c->head_len = (size_t)len;
	return 0;
}

/* Show evhttp the request that we make of what was checked. */
static void
conn_feed(struct httpd_conn *c)
{
	const struct httpd_head *h = &c->head;
	struct buf text;

	buf_init(&text, 256);
	buf_addf(&text, "%s / HTTP/1.%u\r\n",
	    h->method == HTTP_HEAD ? "HEAD" : "GET", h->minor);
	if (h->keep_alive != (h->minor == 1))
		buf_addf(&text, "Connection: %s\r\n",
		    h->keep_alive ? "keep-alive" : "close");
	buf_addstr(&text, "\r\n");
	c->feeding = true;
	if (evbuffer_prepend(
		bufferevent_get_input(c->bev), text.data, text.len) < 0)
		BUG("evhttp's input cannot be written");
	c->feeding = false;
	buf_clear(&text);
}

/* Not all of the request is here. */
static void
conn_wait(struct httpd_conn *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (c->raw.len == 0) {
		if (c->state != CONN_IDLE)
			conn_state(c, CONN_IDLE, c->h->opts.idle_us);
		return;
	}
	if (c->state != CONN_READING)
		conn_state(c, CONN_READING, c->h->opts.request_deadline_us);
	if (c->head_len > 0 && c->head.expect_continue) {
		c->head.expect_continue = false;
		if (c->raw.len == c->head_len)
			conn_send(c, go_on, sizeof(go_on) - 1);
	}
}

/* Is a whole request in raw[off..]? */
static bool
conn_is_whole(const struct httpd_conn *c)
{
	return c->head_len > 0 &&
	       c->raw.len - c->off >= c->head_len + c->head.body_len;
}

/* evhttp waits for a request: make progress with what is here. */
static void
conn_process(struct httpd_conn *c)
{
	int status = 0;

	/* What is behind the last request may be one already. */
	if (c->raw.len > c->off && c->head_len == 0)
		status = conn_head(c);
	if (status == 0 && !conn_is_whole(c)) {
		conn_pull(c);
		if (c->raw.len > 0 && c->head_len == 0)
			status = conn_head(c);
	}
	if (status != 0) {
		httpd_conn_refuse(c, status);
		return;
	}
	if (!conn_is_whole(c)) {
		conn_wait(c);
		return;
	}
	/* However long the answer takes: the client has done its part. */
	conn_state(c, CONN_BUSY, NO_LIMIT);
	conn_feed(c);
}

static void
conn_input(
    struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
	struct httpd_conn *c = arg;

	if (info->n_added == 0 || c->feeding)
		return;
	loop_note_begin(c->h->lp);
	switch (c->state) {
	case CONN_IDLE:
	case CONN_READING:
		conn_process(c);
		break;
	case CONN_BUSY:
		break; /* stays, up to INPUT_MAX */
	case CONN_REFUSED:
		(void)evbuffer_drain(input, evbuffer_get_length(input));
		break;
	}
}

/* ---- requests ---- */

/* The reply is in the kernel's hands. */
static void
conn_sent(struct evhttp_request *ev UNUSED, void *arg)
{
	struct httpd_conn *c = arg;

	c->req = (struct http_req){.conn = c};
	c->off += c->head_len + c->head.body_len;
	c->head_len = c->scanned = 0;
	/* Else evhttp closes it now. */
	if (c->head.keep_alive)
		conn_process(c);
}

void
httpd_conn_request(struct evhttp_request *ev, void *listener)
{
	struct httpd *h = ((struct httpd_listener *)listener)->h;
	struct bufferevent *bev = evhttp_connection_get_bufferevent(
	    evhttp_request_get_connection(ev));
	struct httpd_conn *c = h->by_fd[bufferevent_getfd(bev)];
	bufferevent_event_cb event_cb;
	bufferevent_data_cb write_cb;
	void *evcon;

	if (c == NULL || c->bev != bev || c->state != CONN_BUSY)
		BUG("evhttp has a request that nobody gave it");
	/* Reading goes on to notice that the client goes away, but evhttp
	 * dies of a byte that arrives now. */
	bufferevent_getcb(bev, NULL, &write_cb, &event_cb, &evcon);
	bufferevent_setcb(bev, NULL, write_cb, event_cb, evcon);
	(void)bufferevent_enable(bev, EV_READ);
	evhttp_request_set_on_complete_cb(ev, conn_sent, c);
	c->req = (struct http_req){.conn = c, .ev = ev, .open = true};
	h->handler(h->arg, &c->req);
	loop_note_bulk(h->lp);
}

void
httpd_conn_replied(struct httpd_conn *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	c->req.open = false;
	conn_state(c, CONN_BUSY, c->h->opts.idle_us);
	/* Send at once, also to a client that has closed its sending half:
	 * its end of file would come first. evhttp learns that nothing is
	 * left when the socket is writable, as always. */
	(void)evbuffer_unfreeze(out, 1);
	(void)evbuffer_write(out, c->fd);
	(void)evbuffer_freeze(out, 1);
}

/* ---- life ---- */

/* The client went away while a reply was owed. */
static void
conn_gone(struct httpd_conn *c)
{
	struct http_req *r = &c->req;

	r->open = false;
	/* When evhttp took it off the connection it is ours to free; else
	 * evhttp does that now. */
	if (evhttp_request_get_connection(r->ev) == NULL)
		evhttp_request_free(r->ev);
	r->ev = NULL;
	if (r->gone_fn != NULL)
		r->gone_fn(r->gone_arg);
}

static void
conn_free(struct httpd_conn *c)
{
	struct httpd *h = c->h;

	(void)evbuffer_remove_cb(bufferevent_get_input(c->bev), conn_input, c);
	timer_clear(h->lp, &c->deadline);
	list_remove(&c->link);
	list_remove(&c->place);
	h->nconns--;
	if (c->fd >= 0)
		h->by_fd[c->fd] = NULL;
	buf_clear(&c->raw);
	loop_bury(h->lp, free, c);
}

/* evhttp closes it, for whatever reason. */
static void
conn_closed(struct evhttp_connection *evcon UNUSED, void *arg)
{
	struct httpd_conn *c = arg;

	loop_note_begin(c->h->lp);
	if (c->req.open)
		conn_gone(c);
	conn_free(c);
}

struct httpd_conn *
httpd_conn_new(struct httpd_listener *l, struct event_base *base)
{
	struct httpd_conn *c = xcalloc(1, sizeof(*c));
	struct httpd *h = l->h;

	c->h = h;
	c->listener = l;
	c->fd = -1;
	c->req.conn = c;
	list_init(&c->place);
	buf_init(&c->raw, h->opts.max_header_bytes + h->opts.max_body_bytes);
	timer_init(&c->deadline, TIMER_BOOT, conn_late, c);
	c->bev = bufferevent_socket_new(base, -1, 0);
	if (c->bev == NULL ||
	    bufferevent_priority_set(c->bev, LOOP_PRIO_BULK) < 0 ||
	    evbuffer_add_cb(bufferevent_get_input(c->bev), conn_input, c) ==
		NULL)
		BUG("no memory for a connection");
	bufferevent_setwatermark(c->bev, EV_READ, 0, INPUT_MAX);
	list_append(&h->conns, &c->link);
	list_append(&h->fresh, &c->place);
	h->nconns++;
	return c;
}

static void
by_fd_set(struct httpd *h, int fd, struct httpd_conn *c)
{
	size_t need = (size_t)fd + 1;

	if (need > h->by_fd_len) {
		if (need < h->by_fd_len * 2)
			need = h->by_fd_len * 2;
		h->by_fd =
		    xreallocarray(h->by_fd, need, sizeof(struct httpd_conn *));
		memset(h->by_fd + h->by_fd_len, 0,
		    (need - h->by_fd_len) * sizeof(struct httpd_conn *));
		h->by_fd_len = need;
	}
	h->by_fd[fd] = c;
}

static void
conn_who(struct httpd_conn *c)
{
	union {
		struct sockaddr sa;
		struct sockaddr_storage any;
	} local = {.sa = {.sa_family = AF_UNSPEC}};
	socklen_t local_len = sizeof(local);
	struct ucred cred = {.uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t cred_len = sizeof(cred);
	int on = 1;

	c->peer.is_unix = c->listener->is_unix;
	c->peer.loopback = c->listener->loopback;
	if (c->peer.is_unix) {
		(void)getsockopt(
		    c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len);
	} else {
		(void)setsockopt(
		    c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (getsockname(c->fd, &local.sa, &local_len) == 0)
			httpd_host_of(&local.sa, c->host);
	}
	c->peer.uid = cred.uid;
	c->peer.gid = cred.gid;
	c->peer.pid = cred.pid;
}

bool
httpd_conn_adopt(struct httpd_conn *c)
{
	void *evcon = NULL;

	/* evhttp makes its connection the argument of its callbacks; this is
	 * the only way to it before the first request. */
	bufferevent_getcb(c->bev, NULL, NULL, NULL, &evcon);
	if (evcon == NULL || bufferevent_getfd(c->bev) < 0) {
		struct bufferevent *bev = c->bev;

		conn_free(c);
		bufferevent_free(bev);
		return false;
	}
	c->evcon = evcon;
	c->fd = bufferevent_getfd(c->bev);
	evhttp_connection_set_closecb(c->evcon, conn_closed, c);
	by_fd_set(c->h, c->fd, c);
	conn_who(c);
	conn_state(c, CONN_IDLE, c->h->opts.request_deadline_us);
	return true;
}
