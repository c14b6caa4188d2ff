/*
 * message_fields.c - the fields of a message: each reader takes one member,
 * checks type, range and length, and names it when it is wrong.
 *
 * It must never give a value it has not checked.
 */
#include <config.h> /* not the one of this folder */

#include "model/message_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "reeve/worker.h"

int
message_bad(struct message *m, const char *field, const char *what)
{
	free(m->why);
	m->why = xasprintf("%s: %s", field, what);
	return -EINVAL;
}

int
message_bad_type(struct message *m, const char *field, const char *wanted,
    const struct json *v)
{
	free(m->why);
	m->why = xasprintf(
	    "%s: must be %s, not %s", field, wanted, json_type_name(v->type));
	return -EINVAL;
}

/* A member that says something: NULL also for null. */
const struct json *
message_field(const struct json *object, const char *key)
{
	const struct json *v = json_get(object, key);

	return v != NULL && v->type != JSON_NULL ? v : NULL;
}

int
message_text(const struct json *object, const char *key, size_t max,
    struct message *m, char **ret)
{
	const struct json *v = message_field(object, key);

	if (v == NULL)
		return 0;
	if (v->type != JSON_STRING)
		return message_bad_type(m, key, "a string", v);
	*ret = xstrndup(v->text, text_utf8_cut(v->text, v->len, max));
	return 0;
}

static bool
is_name(const char *text, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "0123456789_.-";

	return len >= 1 && len <= MESSAGE_MAX_NAME &&
	       strspn(text, allowed) == len;
}

/* A name, or `fallback`; without one it must be there. */
int
message_name(const struct json *object, const char *key, const char *fallback,
    struct message *m, char **ret)
{
	const struct json *v = message_field(object, key);

	if (v == NULL && fallback == NULL)
		return message_bad(m, key, "missing");
	if (v == NULL) {
		*ret = xstrdup(fallback);
		return 0;
	}
	if (v->type != JSON_STRING)
		return message_bad_type(m, key, "a string", v);
	if (!is_name(v->text, v->len))
		return message_bad(m, key, "must be 1 to 64 of a-z 0-9 _ . -");
	*ret = xstrdup(v->text);
	return 0;
}

int
message_bool(const struct json *object, const char *key, struct message *m,
    bool *ret_said, bool *ret)
{
	const struct json *v = message_field(object, key);

	*ret_said = v != NULL;
	if (v == NULL)
		return 0;
	if (v->type != JSON_BOOL)
		return message_bad_type(m, key, "true or false", v);
	*ret = v->boolean;
	return 0;
}

/* A whole number from 0 to `max`; *ret stays when there is none. */
int
message_count(const struct json *object, const char *key, int64_t max,
    struct message *m, int64_t *ret)
{
	const struct json *v = message_field(object, key);
	int64_t n;
	int r;

	if (v == NULL)
		return 0;
	if (v->type != JSON_NUMBER)
		return message_bad_type(m, key, "a number", v);
	r = json_int(v, &n);
	if (r == -EINVAL)
		return message_bad(m, key, "must be a whole number");
	if (r < 0 || n < 0 || n > max)
		return message_bad(m, key, "out of range");
	*ret = n;
	return 0;
}

/* An object as compact text; `*ret` stays NULL when there is none. */
int
message_object(
    const struct json *object, const char *key, struct message *m, char **ret)
{
	const struct json *v = message_field(object, key);
	struct buf text;

	if (v == NULL)
		return 0;
	if (v->type != JSON_OBJECT)
		return message_bad_type(m, key, "an object", v);
	buf_init(&text, REEVE_MAX_RESULT);
	json_print(&text, v);
	if (text.truncated) {
		buf_clear(&text);
		return message_bad(m, key, "longer than 262144 bytes");
	}
	*ret = buf_steal(&text);
	return 0;
}
