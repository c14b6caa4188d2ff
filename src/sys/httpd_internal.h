/*
 * httpd_internal.h - what the files of the HTTP server share.
 *
 *   httpd.c         the server: life, accepting, the cap
 *   httpd_listen.c  addresses and listening sockets
 *   httpd_conn.c    a connection: bytes in, deadlines, refusals
 *   httpd_head.c    the text of a request's head: strict, pure
 *   httpd_reply.c   what handlers ask of a request, and replies
 */
#ifndef REEVE_SYS_HTTPD_INTERNAL_H
#define REEVE_SYS_HTTPD_INTERNAL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/macros.h"
#include "sys/httpd.h"
#include "sys/loop.h"

struct bufferevent;
struct event;
struct event_base;
struct evhttp;
struct evhttp_bound_socket;
struct evhttp_connection;
struct evhttp_request;
struct sockaddr;

/* ---- the head of a request ---- */

#define HTTPD_HEADERS_MAX 64
#define HTTPD_PARAMS_MAX  32

/* A name and a value: offsets of NUL-terminated texts in the head. */
struct httpd_pair {
	uint32_t name, value;
};

struct httpd_head {
	enum http_method method;
	unsigned minor; /* HTTP/1.minor */
	bool keep_alive;
	bool expect_continue;
	size_t body_len;
	uint32_t path; /* offset */
	int host; /* index of its header, or -1 */
	unsigned nheaders, nparams;
	struct httpd_pair headers[HTTPD_HEADERS_MAX];
	struct httpd_pair params[HTTPD_PARAMS_MAX];
};

/*
 * Parse and check `text`: a whole head including its empty line. It is changed
 * in place (texts are decoded and NUL-terminated). Returns 0, or the HTTP
 * status to refuse it with.
 */
MUSTUSE int httpd_head_parse(
    char *text, size_t len, size_t max_body_bytes, struct httpd_head *ret);
/*
 * Where the head ends: its length with the empty line, 0 when more must come
 * (*scanned is then how far was looked), or -1 when it can't become one.
 */
ssize_t httpd_head_end(const char *text, size_t len, size_t *scanned);
/* Is `value` of a Host header `name`, with any port or none? */
bool httpd_host_is(const char *value, const char *name);

/* ---- listening sockets ---- */

#define HTTPD_ADDRESS_BYTES 128
#define HTTPD_HOST_BYTES    64

struct httpd_listener {
	struct list link;
	struct httpd *h;
	struct evhttp *http; /* one each: its bevcb tells who accepted */
	struct evhttp_bound_socket *bound; /* NULL: stopped */
	struct loop_io *io; /* somebody knocks */
	char address[HTTPD_ADDRESS_BYTES];
	bool is_unix, loopback;
	/* of the socket file, to unlink only our own */
	dev_t dev;
	ino_t ino;
};

/* Open the socket of `address`; fills what is known about it. Gives *ret_fd. */
MUSTUSE int httpd_socket_open(const char *address, mode_t mode, gid_t gid,
    struct httpd_listener *l, int *ret_fd);
/* The address as in a Host header: "127.0.0.1", "[::1]"; "" for unix. */
void httpd_host_of(const struct sockaddr *sa, char out[HTTPD_HOST_BYTES]);
/* Unlink the socket file if it is still ours. */
void httpd_socket_unlink(const struct httpd_listener *l);

/* ---- the server ---- */

struct httpd {
	struct loop *lp;
	struct httpd_opts opts;
	httpd_fn *handler;
	void *arg;
	struct list listeners; /* struct httpd_listener */
	struct list conns; /* all of them */
	struct list idle; /* those that may be closed, longest first */
	struct list fresh; /* accepted, not yet adopted */
	unsigned nconns;
	struct httpd_conn **by_fd;
	size_t by_fd_len;
	struct event *adopt_ev;
	struct timer resume; /* listeners are paused until then */
	unsigned batch; /* accepted since the listeners were let go */
};

/* Let no listener accept until one of them is ready again. */
void httpd_hold(struct httpd *h);

/* ---- connections ---- */

enum conn_state {
	CONN_IDLE, /* nothing of a request is here */
	CONN_READING, /* a part of one is */
	CONN_BUSY, /* the handler has it, or the reply is being sent */
	CONN_REFUSED, /* an error was sent; what comes is thrown away */
};

struct http_req {
	struct httpd_conn *conn;
	struct evhttp_request *ev; /* NULL: evhttp does not have it yet */
	bool open; /* the handler has it and owes a reply */
	http_gone_fn *gone_fn;
	void *gone_arg;
};

struct httpd_conn {
	struct httpd *h;
	struct httpd_listener *listener; /* lives as long as h */
	struct list link; /* h->conns */
	struct list place; /* h->fresh or h->idle, else of its own */
	struct bufferevent *bev;
	struct evhttp_connection *evcon; /* NULL until adopted */
	int fd;
	enum conn_state state;
	struct http_peer peer;
	char host[HTTPD_HOST_BYTES]; /* our address, as in a Host header */
	struct timer deadline;
	/* raw[off..] is of the request at hand and what follows it */
	struct buf raw;
	size_t off;
	size_t head_len; /* 0: not whole yet */
	size_t scanned;
	bool feeding; /* the bytes that arrive are ours */
	struct httpd_head head;
	struct http_req req;
};

/* For evhttp's bevcb: a connection whose descriptor comes later. */
struct httpd_conn *httpd_conn_new(
    struct httpd_listener *l, struct event_base *base);
/* evhttp has it: learn the descriptor and who is there. False: it had not,
 * and the connection is gone. */
MUSTUSE bool httpd_conn_adopt(struct httpd_conn *c);
/* Close now. Not from within its own input. */
void httpd_conn_kill(struct httpd_conn *c);
/* Send an error and close it once the client has had a moment to read it. */
void httpd_conn_refuse(struct httpd_conn *c, int status);
/* A whole request came out of evhttp. */
void httpd_conn_request(struct evhttp_request *ev, void *listener);
/* The handler has answered: the reply must be taken in time. */
void httpd_conn_replied(struct httpd_conn *c);

const char *httpd_reason(int status);
/* The whole reply with which httpd itself refuses, appended. */
void httpd_refusal(struct buf *out, int status);

#endif
