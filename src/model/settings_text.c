/*
 * settings_text.c - kinds of settings that are one text or one object: read,
 * checked, printed without its passwords. Values live in the arena of the
 * context.
 */
#include <config.h>

#include "model/settings.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static void
schema_type(struct jsonw *w, const char *type)
{
	jsonw_kstr(w, "type", type);
}

/* ---- texts ---- */

/* Length and the row's own check. */
static bool
text_ok(struct settings_cx *cx, const struct setting *s, const struct json *v)
{
	const char *complaint;

	if (v->type != JSON_STRING)
		return settings_fail_type(cx, s, v);
	if (s->max > 0 && v->len > (size_t)s->max)
		return settings_fail(
		    cx, v, "is longer than %" PRId64 " bytes", s->max);
	complaint = s->check != NULL ? s->check(v->text) : NULL;
	return complaint == NULL || settings_fail(cx, v, "%s", complaint);
}

static bool
text_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	if (!text_ok(cx, s, v))
		return false;
	*(char **)settings_field(s, base) =
	    arena_text(cx->arena, v->text, v->len);
	return true;
}

/* The next "password" in any case, or NULL. */
static const char *
find_password(const char *text)
{
	for (; *text != '\0'; text++) {
		if (strncasecmp(text, "password", 8) == 0)
			return text;
	}
	return NULL;
}

/*
 * A connection string without its passwords: user:PASSWORD@ of a URL, and
 * password=... wherever it stands, also as sslpassword or escaped.
 */
static void
mask_passwords(struct buf *out, const char *text)
{
	const char *p = text, *authority = strstr(text, "://"), *at, *colon;

	if (authority != NULL) {
		authority += 3;
		at = authority + strcspn(authority, "/?#");
		while (at > authority && *at != '@')
			at--;
		colon = memchr(authority, ':', (size_t)(at - authority));
		if (colon != NULL) {
			buf_add(out, p, (size_t)(colon + 1 - p));
			buf_addstr(out, "***");
			p = at;
		}
	}
	while ((at = find_password(p)) != NULL) {
		at += strlen("password");
		at += strspn(at, " ='");
		buf_add(out, p, (size_t)(at - p));
		buf_addstr(out, "***");
		p = at + strcspn(at, authority != NULL ? "&#" : "' ");
	}
	buf_addstr(out, p);
}

static void
text_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	const char *text = *(char *const *)settings_const_field(s, base);
	struct buf masked;

	if (text == NULL || show == SHOW_ALL || !(s->flags & SETTING_SECRET)) {
		jsonw_str(w, text);
		return;
	}
	buf_init(&masked, 0);
	mask_passwords(&masked, text);
	jsonw_str(w, buf_str(&masked));
	buf_clear(&masked);
}

static void
text_schema(struct jsonw *w, const struct setting *s)
{
	schema_type(w, "string");
	if (s->pattern != NULL)
		jsonw_kstr(w, "pattern", s->pattern);
	if (s->check != NULL)
		jsonw_kint(w, "minLength", 1);
	if (s->max > 0)
		jsonw_kint(w, "maxLength", s->max);
}

const struct settings_kind settings_kind_text = {
    .word = "text",
    .expected = "a text",
    .parse = text_parse,
    .print = text_print,
    .schema = text_schema,
};

static bool
path_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	if (v->type != JSON_STRING)
		return settings_fail_type(cx, s, v);
	if (v->len == 0 || v->len > 4000)
		return settings_fail(
		    cx, v, "must be a path of 1 to 4000 bytes");
	*(char **)settings_field(s, base) = settings_resolve(cx, v->text);
	return true;
}

static void
path_schema(struct jsonw *w, const struct setting *s)
{
	(void)s;
	schema_type(w, "string");
	jsonw_kint(w, "minLength", 1);
}

const struct settings_kind settings_kind_path = {
    .word = "path",
    .expected = "a path",
    .parse = path_parse,
    .print = text_print,
    .schema = path_schema,
};

static bool
zone_kind_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	char quoted[JSON_QUOTE_BYTES];
	const char *why;

	if (v->type != JSON_STRING)
		return settings_fail_type(cx, s, v);
	if (settings_zone(cx, v->text, &why) == NULL)
		return settings_fail(cx, v, "unknown time zone %s: %s",
		    json_quote(v->text, v->len, quoted), why);
	*(char **)settings_field(s, base) =
	    arena_text(cx->arena, v->text, v->len);
	return true;
}

const struct settings_kind settings_kind_zone = {
    .word = "time zone",
    .expected = "the name of a time zone such as \"Europe/Berlin\"",
    .parse = zone_kind_parse,
    .print = text_print,
    .schema = path_schema,
};

/* ---- words ---- */

static bool
fail_word(struct settings_cx *cx, const struct setting *s, const struct json *v)
{
	struct buf words;
	unsigned i;

	buf_init(&words, 0);
	for (i = 0; s->words[i] != NULL; i++)
		buf_addf(&words, "%s\"%s\"", i == 0 ? "" : ", ", s->words[i]);
	settings_fail(cx, v, "must be one of %s", buf_str(&words));
	buf_clear(&words);
	return false;
}

static bool
word_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	unsigned i;

	if (v->type != JSON_STRING)
		return fail_word(cx, s, v);
	for (i = 0; s->words[i] != NULL; i++) {
		if (strcmp(s->words[i], v->text) != 0)
			continue;
		settings_set_number(s, base, s->min + (int64_t)i);
		return true;
	}
	return fail_word(cx, s, v);
}

static void
word_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	(void)show;
	jsonw_str(w, s->words[settings_number(s, base) - s->min]);
}

static void
word_schema(struct jsonw *w, const struct setting *s)
{
	unsigned i;

	jsonw_key(w, "enum");
	jsonw_array(w);
	for (i = 0; s->words[i] != NULL; i++)
		jsonw_str(w, s->words[i]);
	jsonw_array_end(w);
}

const struct settings_kind settings_kind_word = {
    .word = "one of",
    .expected = "one of the known words",
    .parse = word_parse,
    .print = word_print,
    .schema = word_schema,
};

/* ---- any JSON object ---- */

static bool
object_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	struct buf text;
	bool fits;

	if (v->type != JSON_OBJECT)
		return settings_fail_type(cx, s, v);
	buf_init(&text, (size_t)s->max);
	json_print(&text, v);
	fits = !text.truncated;
	if (fits)
		*(char **)settings_field(s, base) =
		    arena_text(cx->arena, text.data, text.len);
	buf_clear(&text);
	return fits ||
	       settings_fail(cx, v, "is longer than %" PRId64 " bytes", s->max);
}

static void
object_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	const char *text = *(char *const *)settings_const_field(s, base);

	(void)show;
	jsonw_raw(w, text, text != NULL ? strlen(text) : 0);
}

static void
object_schema(struct jsonw *w, const struct setting *s)
{
	(void)s;
	schema_type(w, "object");
}

const struct settings_kind settings_kind_object = {
    .word = "object",
    .expected = "an object",
    .parse = object_parse,
    .print = object_print,
    .schema = object_schema,
};

/* ---- an address, or where it is read from ---- */

static bool
url_parse(struct settings_cx *cx, const struct setting *s, const struct json *v,
    void *base)
{
	struct alert_url *url = settings_field(s, base);

	memset(url, 0, sizeof(*url));
	if (v->type == JSON_OBJECT)
		return settings_parse(cx, s->level, v, &url->secret);
	if (v->type != JSON_STRING)
		return settings_fail_type(cx, s, v);
	if (v->len == 0)
		return settings_fail(cx, v, "must not be empty");
	url->text = arena_text(cx->arena, v->text, v->len);
	return true;
}

static void
url_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	const struct alert_url *url = settings_const_field(s, base);

	if (url->secret.file == NULL && url->secret.env == NULL) {
		jsonw_str(w,
		    show != SHOW_ALL && url->text != NULL ? "***" : url->text);
		return;
	}
	jsonw_object(w);
	settings_print(w, s->level, &url->secret, show);
	jsonw_object_end(w);
}

static void
url_schema(struct jsonw *w, const struct setting *s)
{
	(void)s;
	jsonw_key(w, "anyOf");
	jsonw_array(w);
	jsonw_object(w);
	schema_type(w, "string");
	jsonw_kint(w, "minLength", 1);
	jsonw_object_end(w);
	jsonw_object(w);
	jsonw_kstr(w, "$ref", "#/definitions/secret");
	jsonw_object_end(w);
	jsonw_array_end(w);
}

const struct settings_kind settings_kind_url = {
    .word = "text or secret",
    .expected = "a text, or {\"file\": ...} or {\"env\": ...}",
    .parse = url_parse,
    .print = url_print,
    .schema = url_schema,
};
