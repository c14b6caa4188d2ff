/*
 * settings_number.c - kinds of settings that are a number of some sort: read,
 * range-checked, printed and described to an editor.
 */
#include <config.h>

#include "model/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* ---- schema helpers ---- */

static void
schema_type(struct jsonw *w, const char *type)
{
	jsonw_kstr(w, "type", type);
}

static void
schema_pattern(struct jsonw *w, const char *pattern)
{
	schema_type(w, "string");
	jsonw_kstr(w, "pattern", pattern);
}

/* ---- boolean ---- */

static bool
boolean_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	if (v->type != JSON_BOOL)
		return settings_fail_type(cx, s, v);
	*(bool *)settings_field(s, base) = v->boolean;
	return true;
}

static void
boolean_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	(void)show;
	jsonw_bool(w, *(const bool *)settings_const_field(s, base));
}

static void
boolean_schema(struct jsonw *w, const struct setting *s)
{
	(void)s;
	schema_type(w, "boolean");
}

const struct settings_kind settings_kind_boolean = {
    .word = "true or false",
    .expected = "true or false",
    .parse = boolean_parse,
    .print = boolean_print,
    .schema = boolean_schema,
};

/* ---- numbers ---- */

/* The range of a row in words, by the printer of its kind. */
typedef const char *number_text_fn(int64_t n, char *out, size_t size);

static bool
check_range(struct settings_cx *cx, const struct setting *s,
    const struct json *v, int64_t n, number_text_fn *text)
{
	char low[64], high[64];

	if (n >= s->min && n <= s->max)
		return true;
	text(s->min, low, sizeof(low));
	text(s->max, high, sizeof(high));
	if (s->max == INT64_MAX)
		return settings_fail(cx, v, "must be at least %s", low);
	return settings_fail(cx, v, "must be between %s and %s", low, high);
}

static const char *
integer_text(int64_t n, char *out, size_t size)
{
	snprintf(out, size, "%" PRId64, n);
	return out;
}

static bool
integer_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	int64_t n;
	int r;

	if (v->type != JSON_NUMBER)
		return settings_fail_type(cx, s, v);
	r = json_int(v, &n);
	if (r == -EINVAL)
		return settings_fail(
		    cx, v, "%s is expected", s->kind->expected);
	if (r == -ERANGE)
		n = *v->text == '-' ? INT64_MIN : INT64_MAX;
	if (!check_range(cx, s, v, n, integer_text))
		return false;
	settings_set_number(s, base, n);
	return true;
}

/* null where the row says that a number stands for it. */
static bool
print_none(struct jsonw *w, const struct setting *s, const void *base)
{
	if (!settings_is_none(s, base))
		return false;
	jsonw_null(w);
	return true;
}

static void
integer_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	(void)show;
	if (!print_none(w, s, base))
		jsonw_int(w, settings_number(s, base));
}

static void
integer_schema(struct jsonw *w, const struct setting *s)
{
	schema_type(w, "integer");
	jsonw_kint(w, "minimum", s->min);
	jsonw_kint(w, "maximum", s->max);
}

const struct settings_kind settings_kind_integer = {
    .word = "whole number",
    .expected = "a whole number",
    .number = true,
    .parse = integer_parse,
    .print = integer_print,
    .schema = integer_schema,
};

static bool
real_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	double d;

	if (v->type != JSON_NUMBER)
		return settings_fail_type(cx, s, v);
	if (json_double(v, &d) != 0 || d < (double)s->min || d > (double)s->max)
		return settings_fail(cx, v,
		    "must be between %" PRId64 " and %" PRId64, s->min, s->max);
	memcpy(settings_field(s, base), &d, sizeof(d));
	return true;
}

static void
real_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	double d;

	(void)show;
	memcpy(&d, settings_const_field(s, base), sizeof(d));
	jsonw_double(w, d, 9);
}

static void
real_schema(struct jsonw *w, const struct setting *s)
{
	schema_type(w, "number");
	jsonw_kint(w, "minimum", s->min);
	jsonw_kint(w, "maximum", s->max);
}

const struct settings_kind settings_kind_real = {
    .word = "number",
    .expected = "a number",
    .parse = real_parse,
    .print = real_print,
    .schema = real_schema,
};

/* ---- durations ---- */

static const char *
duration_text(int64_t us, char *out, size_t size)
{
	char text[TEXT_DURATION_BYTES];

	snprintf(out, size, "\"%s\"", text_format_duration(us, text));
	return out;
}

static int64_t
unit_of(const struct setting *s)
{
	return s->unit != 0 ? s->unit : 1;
}

static bool
duration_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	int64_t us = 0;
	int r;

	if (v->type != JSON_STRING)
		return settings_fail_type(cx, s, v);
	r = text_parse_duration(v->text, &us);
	if (r == -ERANGE)
		us = INT64_MAX;
	else if (r < 0)
		return settings_fail(cx, v,
		    "%s is expected: units are w d h m s ms, larger ones "
		    "first",
		    s->kind->expected);
	if (!check_range(cx, s, v, us, duration_text))
		return false;
	if (us % unit_of(s) != 0)
		return settings_fail(
		    cx, v, "must be a whole number of seconds");
	settings_set_number(s, base, us / unit_of(s));
	return true;
}

static void
duration_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	char text[TEXT_DURATION_BYTES];

	if (print_none(w, s, base))
		return;
	/* For comparing, any form does; this one is far quicker. */
	if (show == SHOW_ALL)
		jsonw_int(w, settings_number(s, base));
	else
		jsonw_str(w, text_format_duration(
				 settings_number(s, base) * unit_of(s), text));
}

static void
duration_schema(struct jsonw *w, const struct setting *s)
{
	(void)s;
	schema_pattern(w, "^(0|([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?"
			  "([0-9]+s)?([0-9]+ms)?)$");
	jsonw_kint(w, "minLength", 1);
}

const struct settings_kind settings_kind_duration = {
    .word = "duration",
    .expected = "a duration such as \"90s\" or \"1h30m\"",
    .number = true,
    .parse = duration_parse,
    .print = duration_print,
    .schema = duration_schema,
};

/* ---- sizes ---- */

static const char *
bytes_text(int64_t n, char *out, size_t size)
{
	char text[TEXT_BYTES_BYTES];

	snprintf(out, size, "\"%s\"", text_format_bytes(n, text));
	return out;
}

static bool
bytes_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	int64_t n = 0;
	int r;

	if (v->type == JSON_NUMBER)
		r = json_int(v, &n);
	else if (v->type == JSON_STRING)
		r = text_parse_bytes(v->text, &n);
	else
		return settings_fail_type(cx, s, v);
	if (r == -ERANGE)
		n = INT64_MAX;
	else if (r < 0)
		return settings_fail(cx, v,
		    "%s is expected: units are KiB MiB GiB TiB, kB MB GB TB",
		    s->kind->expected);
	if (r == -ERANGE || !check_range(cx, s, v, n, bytes_text))
		return r == -ERANGE ? settings_fail(cx, v, "is too large")
				    : false;
	settings_set_number(s, base, n);
	return true;
}

static void
bytes_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	char text[TEXT_BYTES_BYTES];

	if (print_none(w, s, base))
		return;
	if (show == SHOW_ALL)
		jsonw_int(w, settings_number(s, base));
	else
		jsonw_str(w, text_format_bytes(settings_number(s, base), text));
}

static void
bytes_schema(struct jsonw *w, const struct setting *s)
{
	(void)s;
	jsonw_key(w, "anyOf");
	jsonw_array(w);
	jsonw_object(w);
	schema_pattern(w, "^[0-9]+([KMGTP]iB|[kKMGTP]B|B)?$");
	jsonw_object_end(w);
	jsonw_object(w);
	schema_type(w, "integer");
	jsonw_kint(w, "minimum", s->min);
	jsonw_object_end(w);
	jsonw_array_end(w);
}

const struct settings_kind settings_kind_bytes = {
    .word = "size",
    .expected = "a size such as \"64KiB\"",
    .number = true,
    .parse = bytes_parse,
    .print = bytes_print,
    .schema = bytes_schema,
};

/* ---- octal digits ---- */

static bool
octal_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	int64_t n = 0;
	const char *p;

	if (v->type != JSON_STRING)
		return settings_fail_type(cx, s, v);
	for (p = v->text; *p >= '0' && *p <= '7' && n <= s->max; p++)
		n = n * 8 + (*p - '0');
	if (v->len == 0 || *p != '\0' || n > s->max)
		return settings_fail(
		    cx, v, "%s is expected", s->kind->expected);
	settings_set_number(s, base, n);
	return true;
}

static void
octal_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	char text[32];

	(void)show;
	snprintf(text, sizeof(text), "%03" PRIo64,
	    (uint64_t)settings_number(s, base));
	jsonw_str(w, text);
}

static void
octal_schema(struct jsonw *w, const struct setting *s)
{
	(void)s;
	schema_pattern(w, "^0*[0-7]{1,3}$");
}

const struct settings_kind settings_kind_octal = {
    .word = "octal digits",
    .expected = "a text of octal digits such as \"022\"",
    .number = true,
    .parse = octal_parse,
    .print = octal_print,
    .schema = octal_schema,
};
