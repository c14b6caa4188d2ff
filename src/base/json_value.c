/*
 * json_value.c - reading values of a parsed tree, and printing one back. No
 * yajl, no positions: plain functions over struct json.
 */
#include <config.h>

#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/text.h"

const struct json *
json_get(const struct json *v, const char *key)
{
	const struct json *c;

	if (v == NULL || v->type != JSON_OBJECT)
		return NULL;
	for (c = v->child; c != NULL; c = c->next) {
		if (strcmp(c->key, key) == 0)
			return c;
	}
	return NULL;
}

const char *
json_get_str(const struct json *v, const char *key)
{
	const struct json *m = json_get(v, key);

	return m != NULL && m->type == JSON_STRING ? m->text : NULL;
}

int
json_int(const struct json *v, int64_t *ret)
{
	double d;

	if (v == NULL || v->type != JSON_NUMBER)
		return -EINVAL;
	if (strpbrk(v->text, ".eE") == NULL)
		return text_parse_int(v->text, INT64_MIN, INT64_MAX, ret);
	/* 1e3 and 5.0 are whole numbers too, where a double is exact. */
	if (json_double(v, &d) != 0)
		return -EINVAL;
	if (d < -9007199254740992.0 || d > 9007199254740992.0)
		return -ERANGE;
	if (d != (double)(int64_t)d)
		return -EINVAL;
	*ret = (int64_t)d;
	return 0;
}

int
json_double(const struct json *v, double *ret)
{
	double d;

	if (v == NULL || v->type != JSON_NUMBER)
		return -EINVAL;
	d = strtod(v->text, NULL);
	if (!isfinite(d))
		return -EINVAL;
	*ret = d;
	return 0;
}

const char *
json_type_name(enum json_type t)
{
	static const char *const names[] = {
	    [JSON_NULL] = "null",
	    [JSON_BOOL] = "boolean",
	    [JSON_NUMBER] = "number",
	    [JSON_STRING] = "string",
	    [JSON_ARRAY] = "array",
	    [JSON_OBJECT] = "object",
	};

	return names[t];
}

static void
print_children(struct buf *out, const struct json *v)
{
	const struct json *c;

	for (c = v->child; c != NULL; c = c->next) {
		if (c != v->child)
			buf_addch(out, ',');
		if (c->key != NULL) {
			jsonw_escape(out, c->key, strlen(c->key));
			buf_addch(out, ':');
		}
		json_print(out, c);
	}
}

void
json_print(struct buf *out, const struct json *v)
{
	switch (v->type) {
	case JSON_NULL:
		buf_addstr(out, "null");
		break;
	case JSON_BOOL:
		buf_addstr(out, v->boolean ? "true" : "false");
		break;
	case JSON_NUMBER:
		buf_add(out, v->text, v->len);
		break;
	case JSON_STRING:
		jsonw_escape(out, v->text, v->len);
		break;
	case JSON_ARRAY:
		buf_addch(out, '[');
		print_children(out, v);
		buf_addch(out, ']');
		break;
	case JSON_OBJECT:
		buf_addch(out, '{');
		print_children(out, v);
		buf_addch(out, '}');
		break;
	}
}
