/*
 * httpd_reply.c - what a handler asks of its request, and how it answers.
 *
 * Must never put a byte of the request into a reply.
 */
#include <config.h>

#include "sys/httpd_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "base/bug.h"
#include "base/jsonw.h"
#include "base/xalloc.h"

#define JSON_TYPE "application/json"

/* ---- fixed texts ---- */

struct status {
	int status;
	const char *reason;
	/* With which httpd refuses; NULL: it does not. */
	const char *code, *message;
};

static const struct status statuses[] = {
    {200, "OK", NULL, NULL},
    {202, "Accepted", NULL, NULL},
    {204, "No Content", NULL, NULL},
    {304, "Not Modified", NULL, NULL},
    {400, "Bad Request", "BAD_REQUEST", "the request is malformed"},
    {401, "Unauthorized", NULL, NULL},
    {403, "Forbidden", NULL, NULL},
    {404, "Not Found", NULL, NULL},
    {405, "Method Not Allowed", "METHOD_NOT_ALLOWED",
	"only GET, HEAD and POST are served"},
    {408, "Request Timeout", "REQUEST_TIMEOUT",
	"the request took too long to arrive"},
    {409, "Conflict", NULL, NULL},
    {411, "Length Required", "LENGTH_REQUIRED",
	"a body needs a Content-Length and no Transfer-Encoding"},
    {413, "Content Too Large", "CONTENT_TOO_LARGE", "the body is too large"},
    {415, "Unsupported Media Type", NULL, NULL},
    {417, "Expectation Failed", "EXPECTATION_FAILED",
	"the only expectation served is 100-continue"},
    {421, "Misdirected Request", "MISDIRECTED_REQUEST",
	"the Host header names another server"},
    {429, "Too Many Requests", NULL, NULL},
    {431, "Request Header Fields Too Large", "HEADERS_TOO_LARGE",
	"the headers are too large"},
    {500, "Internal Server Error", NULL, NULL},
    {501, "Unknown Method", "UNKNOWN_METHOD",
	"only GET, HEAD and POST are served"},
    {503, "Service Unavailable", "SERVICE_UNAVAILABLE", "too many connections"},
    {505, "HTTP Version Not Supported", "VERSION_NOT_SUPPORTED",
	"only HTTP/1.0 and HTTP/1.1 are served"},
};

struct header {
	const char *name, *value;
};

/* Of every reply, unless the handler sets its own. */
static const struct header defaults[] = {
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
};

static const struct status *
find_status(int status)
{
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].status == status)
			return &statuses[i];
	return NULL;
}

const char *
httpd_reason(int status)
{
	const struct status *s = find_status(status);

	return s != NULL ? s->reason : "Status";
}

static void
error_body(struct buf *out, const char *code, const char *message)
{
	struct jsonw w;

	jsonw_init(&w, out, false);
	jsonw_object(&w);
	jsonw_key(&w, "error");
	jsonw_object(&w);
	jsonw_kstr(&w, "code", code);
	jsonw_kstr(&w, "message", message);
	jsonw_object_end(&w);
	jsonw_object_end(&w);
	buf_addch(out, '\n');
}

void
httpd_refusal(struct buf *out, int status)
{
	const struct status *s = find_status(status);
	struct buf body;

	if (s == NULL || s->code == NULL)
		BUG("no words for a refusal with %d", status);
	buf_init(&body, 1024);
	error_body(&body, s->code, s->message);
	buf_addf(out, "HTTP/1.1 %d %s\r\n", s->status, s->reason);
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		buf_addf(
		    out, "%s: %s\r\n", defaults[i].name, defaults[i].value);
	if (status == 405 || status == 501)
		buf_addstr(out, "Allow: GET, HEAD, POST\r\n");
	if (status == 503)
		buf_addstr(out, "Retry-After: 1\r\n");
	buf_addf(out,
	    "Content-Type: " JSON_TYPE "\r\nContent-Length: %zu\r\n"
	    "Connection: close\r\n\r\n",
	    body.len);
	buf_add(out, body.data, body.len);
	buf_clear(&body);
}

/* ---- the request ---- */

static void
check_open(const struct http_req *r)
{
	if (!r->open)
		BUG("use of a request that was answered");
}

static const char *
text_at(const struct http_req *r, uint32_t offset)
{
	return r->conn->raw.data + r->conn->off + offset;
}

enum http_method
http_req_method(const struct http_req *r)
{
	check_open(r);
	return r->conn->head.method;
}

const char *
http_req_path(const struct http_req *r)
{
	check_open(r);
	return text_at(r, r->conn->head.path);
}

const char *
http_req_query(const struct http_req *r, const char *name)
{
	const struct httpd_head *h = &r->conn->head;

	check_open(r);
	for (unsigned i = 0; i < h->nparams; i++)
		if (strcmp(text_at(r, h->params[i].name), name) == 0)
			return text_at(r, h->params[i].value);
	return NULL;
}

const char *
http_req_header(const struct http_req *r, const char *name)
{
	const struct httpd_head *h = &r->conn->head;

	check_open(r);
	for (unsigned i = 0; i < h->nheaders; i++)
		if (strcasecmp(text_at(r, h->headers[i].name), name) == 0)
			return text_at(r, h->headers[i].value);
	return NULL;
}

const char *
http_req_body(const struct http_req *r, size_t *ret_len)
{
	check_open(r);
	*ret_len = r->conn->head.body_len;
	return text_at(r, (uint32_t)r->conn->head_len);
}

const struct http_peer *
http_req_peer(const struct http_req *r)
{
	check_open(r);
	return &r->conn->peer;
}

void
http_req_on_gone(struct http_req *r, http_gone_fn *fn, void *arg)
{
	check_open(r);
	r->gone_fn = fn;
	r->gone_arg = arg;
}

/* ---- the reply ---- */

static void
add_header(struct http_req *r, const char *name, const char *value)
{
	if (evhttp_add_header(
		evhttp_request_get_output_headers(r->ev), name, value) < 0)
		BUG("reply header %s refused", name);
}

void
http_req_add_header(struct http_req *r, const char *name, const char *value)
{
	check_open(r);
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			BUG("control byte in reply header %s", name);
	add_header(r, name, value);
}

static void
add_defaults(struct http_req *r, const char *content_type)
{
	struct evkeyvalq *own = evhttp_request_get_output_headers(r->ev);

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		if (evhttp_find_header(own, defaults[i].name) == NULL)
			add_header(r, defaults[i].name, defaults[i].value);
	if (content_type != NULL)
		add_header(r, "Content-Type", content_type);
}

/* Takes what is in `body`. */
static void
send_reply(struct http_req *r, int code, const char *content_type,
    struct evbuffer *body, size_t len)
{
	bool head = r->conn->head.method == HTTP_HEAD;
	char length[24];

	add_defaults(r, content_type);
	if (head) {
		(void)snprintf(length, sizeof(length), "%zu", len);
		add_header(r, "Content-Length", length);
		(void)evbuffer_drain(body, evbuffer_get_length(body));
	}
	evhttp_send_reply(r->ev, code, httpd_reason(code), body);
	httpd_conn_replied(r->conn);
}

static struct evbuffer *
new_body(void)
{
	struct evbuffer *body = evbuffer_new();

	if (body == NULL)
		BUG("no memory for a reply");
	return body;
}

void
http_reply(struct http_req *r, int code, const char *content_type,
    const void *body, size_t len)
{
	struct evbuffer *copy = new_body();

	check_open(r);
	if (len > 0 && evbuffer_add(copy, body, len) < 0)
		BUG("no memory for a reply");
	send_reply(r, code, content_type, copy, len);
	evbuffer_free(copy);
}

struct release {
	http_release_fn *fn;
	void *arg;
};

static void
released(const void *data UNUSED, size_t len UNUSED, void *extra)
{
	struct release *rel = extra;

	rel->fn(rel->arg);
	free(rel);
}

void
http_reply_ref(struct http_req *r, int code, const char *content_type,
    const void *body, size_t len, http_release_fn *release, void *arg)
{
	struct evbuffer *ref = new_body();
	struct release *rel = xcalloc(1, sizeof(*rel));

	check_open(r);
	*rel = (struct release){.fn = release, .arg = arg};
	if (len == 0)
		released(body, len, rel);
	else if (evbuffer_add_reference(ref, body, len, released, rel) < 0)
		BUG("no memory for a reply");
	send_reply(r, code, content_type, ref, len);
	evbuffer_free(ref);
}

void
http_reply_error(
    struct http_req *r, int http_code, const char *code, const char *message)
{
	struct buf body;

	buf_init(&body, 0);
	error_body(&body, code, message);
	http_reply(r, http_code, JSON_TYPE, body.data, body.len);
	buf_clear(&body);
}
