/*
 * settings_parse.c - an object of the configuration against the rows of its
 * level: unknown keys, missing keys, null, defaults, and the words for what
 * is wrong. Must go on after an error: all are told at once.
 */
#include <config.h>

#include "model/settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/map.h"

#define MAX_ROWS   64
#define TYPO_BYTES 32

/* ---- saying it ---- */

static void say(struct settings_cx *cx, enum config_severity severity,
    uint32_t line, uint32_t col, const char *fmt, va_list ap) PRINTF_LIKE(5, 0);

static void
say(struct settings_cx *cx, enum config_severity severity, uint32_t line,
    uint32_t col, const char *fmt, va_list ap)
{
	BUG_ON(cx->messages == NULL);
	config_message(
	    cx->messages, severity, cx->file, line, col, cx->path, fmt, ap);
}

bool
settings_fail(
    struct settings_cx *cx, const struct json *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(cx, CONFIG_ERROR, v->line, v->col, fmt, ap);
	va_end(ap);
	return false;
}

bool
settings_warn(
    struct settings_cx *cx, const struct json *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(cx, CONFIG_WARNING, v->line, v->col, fmt, ap);
	va_end(ap);
	return false;
}

bool
settings_fail_member(struct settings_cx *cx, const struct json *v,
    const char *key, const char *fmt, ...)
{
	struct config_path here = {.up = cx->path, .key = key};
	const struct json *at = json_get(v, key);
	va_list ap;

	at = at != NULL ? at : v;
	cx->path = &here;
	va_start(ap, fmt);
	say(cx, CONFIG_ERROR, at->line, at->col, fmt, ap);
	va_end(ap);
	cx->path = here.up;
	return false;
}

static bool fail_at_key(struct settings_cx *cx, const struct json *member,
    const char *fmt, ...) PRINTF_LIKE(3, 4);

static bool
fail_at_key(
    struct settings_cx *cx, const struct json *member, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(cx, CONFIG_ERROR, member->key_line, member->key_col, fmt, ap);
	va_end(ap);
	return false;
}

/* Characters of raw string text before byte `index` of its value. */
static uint32_t
column_within(const struct json *v, size_t index)
{
	const char *p = v->src + 1, *end = v->src + v->src_len;
	uint32_t col = v->col + 1;
	size_t n = 0;

	while (n < index && p < end) {
		size_t raw = 1;

		if (*p == '\\')
			raw = p[1] == 'u' ? 6 : 2;
		/* Escapes of more than one byte are rare here, and one column
		 * off then is no harm. */
		if (((unsigned char)*p & 0xc0) != 0x80)
			col += (uint32_t)raw;
		p += raw;
		n++;
	}
	return col;
}

bool
settings_fail_within(struct settings_cx *cx, const struct json *v, size_t index,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(cx, CONFIG_ERROR, v->line, column_within(v, index), fmt, ap);
	va_end(ap);
	return false;
}

const char *
settings_type_phrase(const struct json *v)
{
	static const char *const phrases[] = {
	    [JSON_NULL] = "null",
	    [JSON_BOOL] = "a boolean",
	    [JSON_NUMBER] = "a number",
	    [JSON_STRING] = "a text",
	    [JSON_ARRAY] = "an array",
	    [JSON_OBJECT] = "an object",
	};

	return phrases[v->type];
}

bool
settings_fail_type(
    struct settings_cx *cx, const struct setting *s, const struct json *v)
{
	return settings_fail(cx, v, "%s is expected, not %s", s->kind->expected,
	    settings_type_phrase(v));
}

/* ---- keys ---- */

static const struct setting *
find_row(const struct settings_level *level, const char *key)
{
	unsigned i;

	for (i = 0; i < level->count; i++) {
		if (strcmp(level->rows[i].key, key) == 0)
			return &level->rows[i];
	}
	return NULL;
}

static unsigned
smallest(unsigned a, unsigned b, unsigned c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Edits from one word to the other, capitals aside; both are short. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[TYPO_BYTES + 1];
	size_t na = strlen(a), nb = strlen(b), i, k;

	if (na > TYPO_BYTES || nb > TYPO_BYTES)
		return TYPO_BYTES;
	for (k = 0; k <= nb; k++)
		row[k] = (unsigned)k;
	for (i = 1; i <= na; i++) {
		unsigned corner = row[0];

		row[0] = (unsigned)i;
		for (k = 1; k <= nb; k++) {
			unsigned above = row[k];

			row[k] = smallest(above + 1, row[k - 1] + 1,
			    corner + (lower(a[i - 1]) != lower(b[k - 1])));
			corner = above;
		}
	}
	return row[nb];
}

/* The key that was probably meant, or NULL. */
static const struct setting *
guess_row(const struct settings_level *level, const char *key)
{
	const struct setting *best = NULL;
	unsigned least = 3, d, i;

	if (strlen(key) < 4)
		least = 2;
	for (i = 0; i < level->count; i++) {
		d = distance(level->rows[i].key, key);
		if (d < least) {
			least = d;
			best = &level->rows[i];
		}
	}
	return best;
}

static bool
unknown_key(struct settings_cx *cx, const struct settings_level *level,
    const struct json *member)
{
	const struct setting *row = guess_row(level, member->key);
	char quoted[JSON_QUOTE_BYTES];
	unsigned i;

	json_quote(member->key, strlen(member->key), quoted);
	if (row != NULL)
		return fail_at_key(cx, member,
		    "unknown key %s; did you mean \"%s\"?", quoted, row->key);
	/* A key of a level below, given a level too high. */
	for (i = 0; i < level->count; i++) {
		row = &level->rows[i];
		if (row->kind == &settings_kind_table &&
		    find_row(row->level, member->key) != NULL)
			return fail_at_key(cx, member,
			    "unknown key %s; did you mean \"%s\" within "
			    "\"%s\"?",
			    quoted, member->key, row->key);
	}
	return fail_at_key(cx, member, "unknown key %s", quoted);
}

/* ---- values ---- */

bool
settings_nullable(const struct setting *s)
{
	return s->def != NULL && strcmp(s->def, "null") == 0;
}

static void
store_none(const struct setting *s, void *base)
{
	if (s->kind->number)
		settings_set_number(s, base, s->none);
	else
		memset(settings_field(s, base), 0, s->size);
}

/* A key that means something this version does not do. */
static bool
not_acted_on(
    struct settings_cx *cx, const struct setting *s, const struct json *v)
{
	if (s->flags & SETTING_RESERVED)
		return settings_fail(cx, v,
		    "this version of reeve does not act on \"%s\", and going "
		    "on without it would not be what it asks for; remove the "
		    "key",
		    s->key);
	settings_warn(
	    cx, v, "this version of reeve does not act on \"%s\"", s->key);
	return true;
}

/* Is the value the default, that is: nothing is asked for? */
static bool
asks_for_nothing(const struct setting *s, const struct json *v)
{
	struct buf text;
	bool same;

	if (v->type == JSON_NULL)
		return true;
	buf_init(&text, 0);
	json_print(&text, v);
	same = strcmp(buf_str(&text), s->def) == 0;
	buf_clear(&text);
	return same;
}

static bool
parse_value(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	const unsigned special = SETTING_INERT | SETTING_RESERVED;

	if (cx->in_defaults && (s->flags & SETTING_NOT_DEFAULT))
		return settings_fail(
		    cx, v, "cannot be a default: it is each job's own");
	if (v->type == JSON_NULL && settings_nullable(s)) {
		store_none(s, base);
		return true;
	}
	if (!s->kind->parse(cx, s, v, base))
		return false;
	if ((s->flags & special) && !asks_for_nothing(s, v))
		return not_acted_on(cx, s, v);
	return true;
}

static bool
parse_member(struct settings_cx *cx, const struct settings_level *level,
    const struct json *member, void *base, uint64_t *seen)
{
	const struct setting *row = find_row(level, member->key);
	struct config_path here = {.up = cx->path, .key = member->key};
	bool ok;

	if (row == NULL)
		return unknown_key(cx, level, member);
	*seen |= UINT64_C(1) << (row - level->rows);
	cx->path = &here;
	ok = parse_value(cx, row, member, base);
	cx->path = here.up;
	return ok;
}

static bool
missing_keys(struct settings_cx *cx, const struct settings_level *level,
    const struct json *v, uint64_t seen)
{
	bool ok = true;
	unsigned i;

	for (i = 0; i < level->count; i++) {
		if ((level->rows[i].flags & SETTING_REQUIRED) &&
		    !(seen >> i & 1))
			ok = settings_fail(cx, v, "the key \"%s\" is missing",
			    level->rows[i].key);
	}
	return ok;
}

bool
settings_parse(struct settings_cx *cx, const struct settings_level *level,
    const struct json *v, void *base)
{
	const struct json *member;
	uint64_t seen = 0;
	bool ok = true;

	BUG_ON(level->count > MAX_ROWS);
	if (v->type != JSON_OBJECT)
		return settings_fail(cx, v, "an object is expected, not %s",
		    settings_type_phrase(v));
	for (member = v->child; member != NULL; member = member->next)
		ok &= parse_member(cx, level, member, base, &seen);
	/* A job may have its command from the defaults: config_job.c looks. */
	if (level != &settings_job)
		ok &= missing_keys(cx, level, v, seen);
	if (ok && level->check != NULL)
		ok = level->check(cx, v, base);
	return ok;
}

/* ---- defaults ---- */

static void
apply_default(struct settings_cx *cx, const struct setting *s, void *base)
{
	struct json *v;
	struct json_error err;

	if (s->def == NULL)
		return;
	if (settings_nullable(s)) {
		store_none(s, base);
		return;
	}
	if (s->kind == &settings_kind_table) {
		settings_defaults(cx, s->level, settings_field(s, base));
		return;
	}
	if (json_parse(s->def, strlen(s->def), NULL, &v, &err) != 0)
		BUG("default of %s: %s", s->key, err.message);
	if (!s->kind->parse(cx, s, v, base))
		BUG("default of %s is refused", s->key);
	json_free(v);
}

void
settings_defaults(
    struct settings_cx *cx, const struct settings_level *level, void *base)
{
	unsigned i;

	memset(base, 0, level->size);
	for (i = 0; i < level->count; i++)
		apply_default(cx, &level->rows[i], base);
}

/* ---- what kinds ask for ---- */

/* A zone that was asked for. */
struct known_zone {
	const char *name;
	const struct zone *zone;
	const char *why;
};

const struct zone *
settings_zone(struct settings_cx *cx, const char *name, const char **ret_why)
{
	struct known_zone *k;

	*ret_why = NULL;
	if (strcmp(name, "UTC") == 0)
		return zone_utc();
	k = map_get(cx->zones, name);
	if (k == NULL) {
		k = arena_alloc(cx->keep, sizeof(*k));
		k->name = arena_strdup(cx->keep, name);
		k->why = "it is not known here";
		k->zone = cx->zone_fn(cx->zone_arg, name, &k->why);
		map_set(cx->zones, k->name, k);
	}
	*ret_why = k->why;
	return k->zone;
}

char *
settings_resolve(struct settings_cx *cx, const char *path)
{
	const char *slash = strrchr(cx->file, '/');
	size_t dir = slash != NULL ? (size_t)(slash - cx->file) + 1 : 0;
	size_t len = strlen(path);
	char *out;

	if (*path == '/')
		return arena_text(cx->arena, path, len);
	out = arena_alloc(cx->arena, dir + len + 1);
	memcpy(out, cx->file, dir);
	memcpy(out + dir, path, len);
	return out;
}

int64_t
settings_number(const struct setting *s, const void *base)
{
	const void *field = settings_const_field(s, base);
	int32_t narrow;
	int64_t wide;

	if (s->size == sizeof(narrow)) {
		memcpy(&narrow, field, sizeof(narrow));
		return narrow;
	}
	BUG_ON(s->size != sizeof(wide));
	memcpy(&wide, field, sizeof(wide));
	return wide;
}

void
settings_set_number(const struct setting *s, void *base, int64_t n)
{
	void *field = settings_field(s, base);
	int32_t narrow = (int32_t)n;

	if (s->size == sizeof(narrow)) {
		BUG_ON(narrow != n);
		memcpy(field, &narrow, sizeof(narrow));
		return;
	}
	BUG_ON(s->size != sizeof(n));
	memcpy(field, &n, sizeof(n));
}
