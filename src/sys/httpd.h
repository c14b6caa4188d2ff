/*
 * httpd.h - HTTP server: the sole owner of evhttp, and of what evhttp does
 * not do (all measured on 2.1.12): size limits, accept errors (EMFILE stops
 * the listener for 200 ms instead of burning the processor), a connection
 * cap, a whole-request deadline that a slow drip cannot escape, refusal of
 * duplicate Host or Content-Length, "Host :", folded headers, %00, control
 * bytes, bare LF, absolute-form targets, a body on GET, any
 * Transfer-Encoding (411; with Content-Length 400).
 * A refused request gets an error reply, {"error":{"code","message"}} with
 * fixed texts, and its connection is closed.
 * Knows nothing of routes, tokens or jobs.
 */
#ifndef REEVE_SYS_HTTPD_H
#define REEVE_SYS_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/macros.h"
#include "sys/loop.h"

struct httpd;
struct http_req;

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
};

struct httpd_opts {
	size_t max_header_bytes; /* 8 KiB */
	size_t max_body_bytes; /* 256 KiB */
	unsigned max_connections; /* 1024 over all listeners; then the one
		idle for longest makes room, or the new one gets 503 */
	int64_t request_deadline_us; /* 10 s from first byte to last; also for
		the first byte of a new connection */
	int64_t idle_us; /* 60 s keep-alive; also for reading our reply */
	/* Host header values accepted on TCP, with any port or none, besides
	 * localhost, 127.0.0.1, [::1] and the address listened on; else 421.
	 * NULL-ended, kept until httpd_set_hosts(). May be NULL. */
	const char *const *hosts;
};

/* Who is at the other end. */
struct http_peer {
	bool is_unix;
	uid_t uid; /* SO_PEERCRED, of a unix socket */
	gid_t gid;
	pid_t pid;
	bool loopback; /* of the listener's own address */
};

/*
 * A whole, well-formed request. The handler replies once: now, or later with
 * the same `req`. Called from the loop at LOOP_PRIO_BULK.
 */
typedef void httpd_fn(void *arg, struct http_req *req);

MUSTUSE int httpd_new(struct loop *lp, const struct httpd_opts *opts,
    httpd_fn *handler, void *arg, struct httpd **ret);
/* "unix:/path" or "ADDR:PORT", "[ADDR]:PORT" (numeric; port 0: any). The
 * socket file gets `mode` and group `gid` ((gid_t)-1: ours); a stale one is
 * replaced, a live one is -EADDRINUSE. Returns 0 or -errno. */
MUSTUSE int httpd_listen(
    struct httpd *h, const char *address, mode_t mode, gid_t gid);
/* The address of the nth listener, with the real port, or NULL. */
const char *httpd_address(const struct httpd *h, unsigned n);
/* Other hosts than those of the opts, from now on. Keeps them. */
void httpd_set_hosts(struct httpd *h, const char *const *hosts);
/* Stop accepting; open requests are answered with 503 by the caller. */
void httpd_stop(struct httpd *h);
/* Closes all; replies still owed are dropped (their on_gone is called). Not
 * from a handler. NULL is fine. */
void httpd_free(struct httpd *h);
unsigned httpd_connections(const struct httpd *h);

enum http_method http_req_method(const struct http_req *r);
/* Decoded path, valid UTF-8, without query. Borrowed until the reply. */
const char *http_req_path(const struct http_req *r);
/* Decoded query parameter (the first of that name), or NULL; "" when it has no
 * value. Valid UTF-8 without control bytes. Borrowed until the reply. */
const char *http_req_query(const struct http_req *r, const char *name);
/* Header by name (case-blind; the first), or NULL. Borrowed until the reply. */
const char *http_req_header(const struct http_req *r, const char *name);
/* The body; *ret_len is 0 when there is none. Borrowed until the reply. */
const char *http_req_body(const struct http_req *r, size_t *ret_len);
const struct http_peer *http_req_peer(const struct http_req *r);

/* Called instead of a later reply's end when the client went away before it:
 * the req is dead then, and must not be answered any more. */
typedef void http_gone_fn(void *arg);
void http_req_on_gone(struct http_req *r, http_gone_fn *fn, void *arg);

/* One more header for the reply, also in place of a default one; values with
 * control bytes are a BUG. */
void http_req_add_header(
    struct http_req *r, const char *name, const char *value);
/*
 * Answer and end: takes the request. `body` is borrowed (sent by copy). HEAD
 * sends no body. Adds nosniff, no-store, CSP and Content-Type.
 */
void http_reply(struct http_req *r, int code, const char *content_type,
    const void *body, size_t len);
/*
 * The same without a copy: keeps `body` until release(arg) is called, once it
 * is sent or the client is gone; perhaps before this returns.
 */
typedef void http_release_fn(void *arg);
void http_reply_ref(struct http_req *r, int code, const char *content_type,
    const void *body, size_t len, http_release_fn *release, void *arg);
/* The reply in the shape {"error":{"code":"…","message":"…"}}. */
void http_reply_error(
    struct http_req *r, int http_code, const char *code, const char *message);

#endif
