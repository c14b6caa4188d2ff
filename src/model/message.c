/*
 * message.c - the messages of protocol jsonl. One small function per type
 * reads the fields of its shape; the first field that is wrong makes the whole
 * message BAD and is named.
 *
 * It must never trust a line: everything that leaves here has its type, range
 * and length checked.
 */
#include <config.h> /* not the one of this folder */

#include "model/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "model/message_internal.h"
#include "reeve/worker.h"

/* Each returns 0, or -EINVAL with m->why set. */
typedef int read_fn(const struct json *root, struct message *m);

/* The message itself is one level around its result. */
static const struct json_opts message_opts = {
    .max_depth = REEVE_MAX_JSON_DEPTH + 1};

static int
read_progress(const struct json *root, struct message *m)
{
	const struct json *v = message_field(root, "fraction");

	if (v != NULL) {
		if (v->type != JSON_NUMBER)
			return message_bad_type(m, "fraction", "a number", v);
		if (json_double(v, &m->fraction) < 0)
			return message_bad(m, "fraction", "out of range");
		if (m->fraction < 0)
			m->fraction = 0;
		if (m->fraction > 1)
			m->fraction = 1;
	}
	return message_text(root, "message", REEVE_MAX_ERROR, m, &m->text);
}

static int
read_log(const struct json *root, struct message *m)
{
	const struct json *v = message_field(root, "level");
	int r;

	if (v != NULL && v->type != JSON_STRING)
		return message_bad_type(m, "level", "a string", v);
	if (v != NULL && log_parse_level(v->text, &m->level) < 0)
		return message_bad(
		    m, "level", "must be debug, info, warn or error");
	r = message_text(root, "message", REEVE_MAX_MESSAGE_LINE, m, &m->text);
	if (r < 0)
		return r;
	if (m->text == NULL)
		return message_bad(m, "message", "missing");
	return message_object(root, "data", m, &m->json);
}

static int
read_usage(const struct json *root, struct message *m)
{
	int r;

	r = message_name(root, "service", NULL, m, &m->service);
	if (r < 0)
		return r;
	r = message_name(root, "bucket", "default", m, &m->bucket);
	if (r < 0)
		return r;
	m->units = -1;
	r = message_count(root, "units", MESSAGE_MAX_UNITS, m, &m->units);
	if (r < 0)
		return r;
	if (m->units < 0)
		return message_bad(m, "units", "missing");
	return 0;
}

MUSTUSE static int
read_reset(const struct json *v, struct message *m, int64_t *ret)
{
	const struct json *at = message_field(v, "resetAt");

	if (at == NULL)
		return 0;
	if (at->type != JSON_STRING)
		return message_bad_type(m, "resetAt", "a string", at);
	if (clock_iso_parse(at->text, ret) < 0)
		return message_bad(
		    m, "resetAt", "must be a time as 2027-01-01T00:00:00Z");
	return 0;
}

MUSTUSE static int
read_bucket_fields(
    const struct json *v, struct message *m, struct message_bucket *b)
{
	bool said;
	int r;

	if (v->type != JSON_OBJECT)
		return message_bad_type(m, "bucket", "an object", v);
	if ((r = message_name(v, "id", NULL, m, &b->id)) < 0)
		return r;
	if ((r = message_count(v, "limit", INT64_MAX, m, &b->limit)) < 0)
		return r;
	if ((r = message_count(v, "used", INT64_MAX, m, &b->used)) < 0)
		return r;
	if ((r = read_reset(v, m, &b->reset_at_us)) < 0)
		return r;
	if ((r = message_bool(v, "exhausted", m, &said, &b->exhausted)) < 0)
		return r;
	return message_text(v, "source", MESSAGE_MAX_NAME, m, &b->source);
}

/* Say which bucket the wrong field is in. */
MUSTUSE static int
read_bucket(const struct json *v, struct message *m)
{
	unsigned i = m->nbuckets++;
	struct message_bucket *b = &m->buckets[i];
	char *why;

	b->limit = b->used = -1;
	b->reset_at_us = TIME_NEVER;
	if (read_bucket_fields(v, m, b) == 0)
		return 0;
	why = xasprintf("buckets[%u]: %s", i, m->why);
	free(m->why);
	m->why = why;
	return -EINVAL;
}

static int
read_quota(const struct json *root, struct message *m)
{
	const struct json *list = message_field(root, "buckets"), *v;
	int r;

	r = message_name(root, "service", NULL, m, &m->service);
	if (r < 0)
		return r;
	if (list == NULL)
		return message_bad(m, "buckets", "missing");
	if (list->type != JSON_ARRAY)
		return message_bad_type(m, "buckets", "an array", list);
	if (list->len > MESSAGE_MAX_BUCKETS)
		return message_bad(m, "buckets", "more than 100");
	m->buckets = xcalloc(list->len + 1, sizeof(*m->buckets));
	for (v = list->child; v != NULL; v = v->next) {
		r = read_bucket(v, m);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
read_result(const struct json *root, struct message *m)
{
	if (json_get(root, "result") == NULL)
		return message_bad(m, "result", "missing");
	return message_object(root, "result", m, &m->json);
}

static int
read_skip(const struct json *root, struct message *m)
{
	int r;

	r = message_text(root, "reason", REEVE_MAX_ERROR, m, &m->text);
	if (r < 0)
		return r;
	return message_object(root, "result", m, &m->json);
}

MUSTUSE static int
read_retry_after(const struct json *root, struct message *m)
{
	const struct json *v = message_field(root, "retryAfter");
	int64_t us;

	if (v == NULL)
		return 0;
	if (v->type != JSON_STRING)
		return message_bad_type(
		    m, "retryAfter", "a duration as \"90s\"", v);
	if (text_parse_duration(v->text, &us) < 0)
		return message_bad(
		    m, "retryAfter", "must be a duration as \"90s\"");
	if (us > MESSAGE_MAX_RETRY_AFTER_US)
		return message_bad(m, "retryAfter", "longer than 366d");
	m->retry_after_us = us;
	return 0;
}

static int
read_error(const struct json *root, struct message *m)
{
	bool said, transient = false;
	int r;

	r = message_text(root, "error", REEVE_MAX_ERROR, m, &m->text);
	if (r < 0)
		return r;
	if (m->text == NULL)
		return message_bad(m, "error", "missing");
	r = message_bool(root, "transient", m, &said, &transient);
	if (r < 0)
		return r;
	if (said)
		m->transient = transient ? 1 : 0;
	return read_retry_after(root, m);
}

static const struct shape {
	const char *word;
	enum message_type type;
	read_fn *read;
} shapes[] = {
    {REEVE_MSG_PROGRESS, MESSAGE_PROGRESS, read_progress},
    {REEVE_MSG_LOG, MESSAGE_LOG, read_log},
    {REEVE_MSG_USAGE, MESSAGE_USAGE, read_usage},
    {REEVE_MSG_QUOTA, MESSAGE_QUOTA, read_quota},
    {REEVE_MSG_RESULT, MESSAGE_RESULT, read_result},
    {REEVE_MSG_SKIP, MESSAGE_SKIP, read_skip},
    {REEVE_MSG_ERROR, MESSAGE_ERROR, read_error},
};

static const struct shape *
shape_of(const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (strlen(shapes[i].word) == len &&
		    memcmp(shapes[i].word, word, len) == 0)
			return &shapes[i];
	}
	return NULL;
}

static void
skip_space(const char **at, const char *end)
{
	while (*at < end && strchr(" \t\r\n", **at) != NULL && **at != '\0')
		(*at)++;
}

/* Step over white space and `token`, if that is what comes. */
static bool
skip_token(const char **at, const char *end, const char *token)
{
	size_t len = strlen(token);

	skip_space(at, end);
	if ((size_t)(end - *at) < len || memcmp(*at, token, len) != 0)
		return false;
	*at += len;
	return true;
}

/* The shape of a line that begins with {"type":"WORD", or NULL. */
static const struct shape *
shape_by_begin(const char *line, size_t len)
{
	const char *end = line + len, *quote;

	if (!skip_token(&line, end, "{") ||
	    !skip_token(&line, end, "\"type\"") ||
	    !skip_token(&line, end, ":") || !skip_token(&line, end, "\""))
		return NULL;
	quote = memchr(line, '"', (size_t)(end - line));
	if (quote == NULL)
		return NULL;
	return shape_of(line, (size_t)(quote - line));
}

static bool
begins_object(const char *line, size_t len)
{
	const char *end = line + len;

	return skip_token(&line, end, "{");
}

static void
message_init(struct message *m)
{
	memset(m, 0, sizeof(*m));
	m->type = MESSAGE_OUTPUT;
	m->fraction = -1;
	m->level = LOG_INFO;
	m->transient = -1;
}

/* Nothing but the reason stays of a message that is wrong. */
static void
make_bad(struct message *m, const struct shape *shape, const char *what)
{
	char *why = xasprintf("%s: %s", shape->word, what);

	message_clear(m);
	m->type = MESSAGE_BAD;
	m->why = why;
}

static void
read_message(const struct json *root, struct message *m)
{
	const struct json *type = json_get(root, "type");
	const struct shape *shape;

	if (type == NULL || type->type != JSON_STRING)
		return;
	shape = shape_of(type->text, type->len);
	if (shape == NULL)
		return;
	m->type = shape->type;
	if (shape->read(root, m) < 0)
		make_bad(m, shape, m->why);
}

void
message_parse(const char *line, size_t len, struct message *ret)
{
	struct json_error err;
	struct json *root;
	const struct shape *shape;

	message_init(ret);
	if (!begins_object(line, len))
		return;
	if (len > REEVE_MAX_MESSAGE_LINE) {
		message_parse_overlong(line, len, ret);
		return;
	}
	if (json_parse(line, len, &message_opts, &root, &err) == 0) {
		read_message(root, ret);
		json_free(root);
		return;
	}
	shape = shape_by_begin(line, len);
	if (shape != NULL)
		make_bad(ret, shape, err.message);
}

void
message_parse_overlong(const char *piece, size_t len, struct message *ret)
{
	const struct shape *shape = shape_by_begin(piece, len);

	message_init(ret);
	if (shape != NULL)
		make_bad(ret, shape, "line longer than 262144 bytes");
}

void
message_clear(struct message *m)
{
	unsigned i;

	for (i = 0; i < m->nbuckets; i++) {
		free(m->buckets[i].id);
		free(m->buckets[i].source);
	}
	free(m->buckets);
	free(m->why);
	free(m->text);
	free(m->json);
	free(m->service);
	free(m->bucket);
	message_init(m);
}
