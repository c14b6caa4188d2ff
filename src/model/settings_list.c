/*
 * settings_list.c - kinds of settings that hold several values: lists, maps,
 * tables within tables. What is given replaces what was there, except that
 * env adds to it and tables are read over it.
 */
#include <config.h>

#include "model/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bug.h"

/* Go through the children of `v` with their place in the path. */
static bool
each_child(struct settings_cx *cx, const struct json *v,
    bool (*fn)(struct settings_cx *cx, const struct json *child, unsigned i,
	void *arg),
    void *arg)
{
	struct config_path here = {.up = cx->path};
	const struct json *c;
	bool ok = true;
	unsigned i = 0;

	cx->path = &here;
	for (c = v->child; c != NULL; c = c->next, i++) {
		here.key = c->key;
		here.index = i;
		ok &= fn(cx, c, i, arg);
	}
	cx->path = here.up;
	return ok;
}

/* Where a child goes. */
struct target {
	const struct setting *s;
	char *array;
};

/* ---- lists of texts ---- */

static bool
parse_text(struct settings_cx *cx, const struct json *c, unsigned i, void *arg)
{
	struct target *t = arg;
	const char *why;

	if (c->type != JSON_STRING)
		return settings_fail(cx, c, "a text is expected, not %s",
		    settings_type_phrase(c));
	why = t->s->check != NULL ? t->s->check(c->text) : NULL;
	if (why != NULL)
		return settings_fail(cx, c, "%s", why);
	((text_list)(void *)t->array)[i] =
	    arena_text(cx->arena, c->text, c->len);
	return true;
}

static bool
texts_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	text_list list;
	struct target t = {.s = s};

	if (v->type != JSON_ARRAY)
		return settings_fail_type(cx, s, v);
	list = arena_alloc(cx->arena, (v->len + 1) * sizeof(*list));
	t.array = (char *)list;
	if (!each_child(cx, v, parse_text, &t))
		return false;
	*(text_list *)settings_field(s, base) = v->len > 0 ? list : NULL;
	return true;
}

static void
texts_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	const text_list list =
	    *(const text_list *)settings_const_field(s, base);
	unsigned i;

	(void)show;
	jsonw_array(w);
	for (i = 0; list != NULL && list[i] != NULL; i++)
		jsonw_str(w, list[i]);
	jsonw_array_end(w);
}

static void
texts_schema(struct jsonw *w, const struct setting *s)
{
	jsonw_kstr(w, "type", "array");
	jsonw_key(w, "items");
	jsonw_object(w);
	jsonw_kstr(w, "type", "string");
	if (s->pattern != NULL)
		jsonw_kstr(w, "pattern", s->pattern);
	if (s->check != NULL)
		jsonw_kint(w, "minLength", 1);
	jsonw_object_end(w);
}

const struct settings_kind settings_kind_texts = {
    .word = "list of texts",
    .expected = "an array of texts",
    .parse = texts_parse,
    .print = texts_print,
    .schema = texts_schema,
};

/* ---- names and texts ---- */

static bool
check_name(
    struct settings_cx *cx, const struct setting *s, const struct json *member)
{
	const char *why = s->check != NULL ? s->check(member->key) : NULL;

	return why == NULL || settings_fail(cx, member, "the name %s", why);
}

static struct text_pair *
find_pair(const struct text_map *map, const char *key)
{
	unsigned i;

	for (i = 0; i < map->count; i++) {
		if (strcmp(map->items[i].key, key) == 0)
			return &map->items[i];
	}
	return NULL;
}

static bool
check_pair(struct settings_cx *cx, const struct json *c, unsigned i, void *arg)
{
	struct target *t = arg;

	(void)i;
	if (!check_name(cx, t->s, c))
		return false;
	return c->type == JSON_STRING ||
	       settings_fail(cx, c, "a text is expected, not %s",
		   settings_type_phrase(c));
}

static bool
text_map_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	struct text_map *map = settings_field(s, base), out = *map;
	struct target t = {.s = s};
	const struct json *c;

	if (v->type != JSON_OBJECT)
		return settings_fail_type(cx, s, v);
	if (!each_child(cx, v, check_pair, &t))
		return false;
	if (v->len == 0)
		return true;
	out.items =
	    arena_alloc(cx->arena, (map->count + v->len) * sizeof(*out.items));
	if (map->count > 0)
		memcpy(out.items, map->items, map->count * sizeof(*map->items));
	for (c = v->child; c != NULL; c = c->next) {
		struct text_pair *p = find_pair(&out, c->key);

		if (p == NULL) {
			p = &out.items[out.count++];
			p->key = arena_strdup(cx->arena, c->key);
		}
		p->value = arena_text(cx->arena, c->text, c->len);
	}
	*map = out;
	return true;
}

static void
text_map_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	const struct text_map *map = settings_const_field(s, base);
	bool mask = show == SHOW_PUBLIC && (s->flags & SETTING_PRIVATE) != 0;
	unsigned i;

	jsonw_object(w);
	for (i = 0; i < map->count; i++)
		jsonw_kstr(
		    w, map->items[i].key, mask ? "***" : map->items[i].value);
	jsonw_object_end(w);
}

/* The pattern of keys, for objects whose keys are names. */
static void
schema_names(struct jsonw *w, const struct setting *s)
{
	jsonw_kstr(w, "type", "object");
	if (s->pattern == NULL)
		return;
	jsonw_key(w, "propertyNames");
	jsonw_object(w);
	jsonw_kstr(w, "pattern", s->pattern);
	jsonw_object_end(w);
}

static void
text_map_schema(struct jsonw *w, const struct setting *s)
{
	schema_names(w, s);
	jsonw_key(w, "additionalProperties");
	jsonw_object(w);
	jsonw_kstr(w, "type", "string");
	jsonw_object_end(w);
}

const struct settings_kind settings_kind_text_map = {
    .word = "object of texts",
    .expected = "an object whose values are texts",
    .parse = text_map_parse,
    .print = text_map_print,
    .schema = text_map_schema,
};

/* ---- a table within a table ---- */

static void
schema_ref(struct jsonw *w, const struct setting *s)
{
	char ref[64];
	int n = snprintf(ref, sizeof(ref), "#/definitions/%s", s->level->name);

	BUG_ON(n < 0 || (size_t)n >= sizeof(ref));
	jsonw_kstr(w, "$ref", ref);
}

static bool
table_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	return settings_parse(cx, s->level, v, settings_field(s, base));
}

static void
table_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	jsonw_object(w);
	settings_print(w, s->level, settings_const_field(s, base), show);
	jsonw_object_end(w);
}

const struct settings_kind settings_kind_table = {
    .word = "object",
    .expected = "an object",
    .parse = table_parse,
    .print = table_print,
    .schema = schema_ref,
};

/* ---- arrays of tables, and objects of them by name ---- */

static bool
parse_element(
    struct settings_cx *cx, const struct json *c, unsigned i, void *arg)
{
	struct target *t = arg;
	void *element = t->array + (size_t)i * t->s->level->size;

	settings_defaults(cx, t->s->level, element);
	if (c->key != NULL) {
		/* Every struct that is kept by name begins with it. */
		*(char **)element = arena_strdup(cx->arena, c->key);
		if (!check_name(cx, t->s, c))
			return false;
	}
	return settings_parse(cx, t->s->level, c, element);
}

static bool
elements_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	struct target t = {.s = s};
	unsigned count = (unsigned)v->len;

	t.array = arena_alloc(cx->arena, (v->len + 1) * s->level->size);
	if (!each_child(cx, v, parse_element, &t))
		return false;
	*(void **)settings_field(s, base) = count > 0 ? t.array : NULL;
	memcpy((char *)base + s->count_offset, &count, sizeof(count));
	return true;
}

static bool
tables_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	if (v->type != JSON_ARRAY)
		return settings_fail_type(cx, s, v);
	return elements_parse(cx, s, v, base);
}

static bool
named_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	if (v->type != JSON_OBJECT)
		return settings_fail_type(cx, s, v);
	return elements_parse(cx, s, v, base);
}

static unsigned
count_of(const struct setting *s, const void *base)
{
	unsigned count;

	memcpy(&count, (const char *)base + s->count_offset, sizeof(count));
	return count;
}

static void
elements_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show, bool named)
{
	const char *array = *(const char *const *)settings_const_field(s, base);
	unsigned i, count = count_of(s, base);

	for (i = 0; i < count; i++) {
		const void *element = array + (size_t)i * s->level->size;

		if (named)
			jsonw_key(w, *(const char *const *)element);
		jsonw_object(w);
		settings_print(w, s->level, element, show);
		jsonw_object_end(w);
	}
}

static void
tables_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	jsonw_array(w);
	elements_print(w, s, base, show, false);
	jsonw_array_end(w);
}

static void
named_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	jsonw_object(w);
	elements_print(w, s, base, show, true);
	jsonw_object_end(w);
}

static void
tables_schema(struct jsonw *w, const struct setting *s)
{
	jsonw_kstr(w, "type", "array");
	jsonw_key(w, "items");
	jsonw_object(w);
	schema_ref(w, s);
	jsonw_object_end(w);
}

static void
named_schema(struct jsonw *w, const struct setting *s)
{
	schema_names(w, s);
	jsonw_key(w, "additionalProperties");
	jsonw_object(w);
	schema_ref(w, s);
	jsonw_object_end(w);
}

const struct settings_kind settings_kind_tables = {
    .word = "array of objects",
    .expected = "an array of objects",
    .parse = tables_parse,
    .print = tables_print,
    .schema = tables_schema,
};

const struct settings_kind settings_kind_named = {
    .word = "object of objects",
    .expected = "an object of objects",
    .parse = named_parse,
    .print = named_print,
    .schema = named_schema,
};

/* ---- names and amounts: buckets of a quota ---- */

static bool
parse_amount(
    struct settings_cx *cx, const struct json *c, unsigned i, void *arg)
{
	struct target *t = arg;
	struct quota_bucket *b = &((struct quota_bucket *)(void *)t->array)[i];

	if (!check_name(cx, t->s, c))
		return false;
	if (json_int(c, &b->limit) != 0 || b->limit < t->s->min ||
	    b->limit > t->s->max)
		return settings_fail(cx, c,
		    "a whole number between %" PRId64 " and %" PRId64
		    " is expected",
		    t->s->min, t->s->max);
	b->id = arena_strdup(cx->arena, c->key);
	return true;
}

static bool
amounts_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	struct target t = {.s = s};
	unsigned count = (unsigned)v->len;

	if (v->type != JSON_OBJECT)
		return settings_fail_type(cx, s, v);
	t.array =
	    arena_alloc(cx->arena, (v->len + 1) * sizeof(struct quota_bucket));
	if (!each_child(cx, v, parse_amount, &t))
		return false;
	*(void **)settings_field(s, base) = t.array;
	memcpy((char *)base + s->count_offset, &count, sizeof(count));
	return true;
}

static void
amounts_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	const struct quota_bucket *b =
	    *(const struct quota_bucket *const *)settings_const_field(s, base);
	unsigned i, count = count_of(s, base);

	(void)show;
	jsonw_object(w);
	for (i = 0; i < count; i++)
		jsonw_kint(w, b[i].id, b[i].limit);
	jsonw_object_end(w);
}

static void
amounts_schema(struct jsonw *w, const struct setting *s)
{
	schema_names(w, s);
	jsonw_key(w, "additionalProperties");
	jsonw_object(w);
	jsonw_kstr(w, "type", "integer");
	jsonw_kint(w, "minimum", s->min);
	jsonw_kint(w, "maximum", s->max);
	jsonw_object_end(w);
}

const struct settings_kind settings_kind_amounts = {
    .word = "object of whole numbers",
    .expected = "an object whose values are whole numbers",
    .parse = amounts_parse,
    .print = amounts_print,
    .schema = amounts_schema,
};

/* ---- sets of exit codes ---- */

static bool
parse_code(struct settings_cx *cx, const struct json *c, unsigned i, void *arg)
{
	struct exit_set *set = arg;
	int64_t code;

	(void)i;
	if (json_int(c, &code) != 0 || code < 0 || code > 255)
		return settings_fail(
		    cx, c, "an exit code from 0 to 255 is expected");
	set->bits[code / 64] |= UINT64_C(1) << (code % 64);
	return true;
}

static bool
codes_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	struct exit_set set = {{0}};

	if (v->type != JSON_ARRAY)
		return settings_fail_type(cx, s, v);
	if (!each_child(cx, v, parse_code, &set))
		return false;
	memcpy(settings_field(s, base), &set, sizeof(set));
	return true;
}

static void
codes_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	const struct exit_set *set = settings_const_field(s, base);
	int code;

	(void)show;
	jsonw_array(w);
	for (code = 0; code < 256; code++) {
		if (exit_set_has(set, code))
			jsonw_int(w, code);
	}
	jsonw_array_end(w);
}

static void
codes_schema(struct jsonw *w, const struct setting *s)
{
	(void)s;
	jsonw_kstr(w, "type", "array");
	jsonw_key(w, "items");
	jsonw_object(w);
	jsonw_kstr(w, "type", "integer");
	jsonw_kint(w, "minimum", 0);
	jsonw_kint(w, "maximum", 255);
	jsonw_object_end(w);
}

const struct settings_kind settings_kind_codes = {
    .word = "array of exit codes",
    .expected = "an array of exit codes",
    .parse = codes_parse,
    .print = codes_print,
    .schema = codes_schema,
};
