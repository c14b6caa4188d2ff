/*
 * json.c - JSON text in, over yajl's SAX callbacks: the only file that knows
 * yajl. Builds the tree in one arena, finds the place of each token from the
 * text itself (which is whole in memory) and makes the checks of json.h that
 * yajl does not make. Texts come from outsiders: everything here is linear in
 * their length, and depth is bounded before anything is built.
 */
#include <config.h>

#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/arena.h"
#include "base/bug.h"
#include "base/json_internal.h"
#include "base/xalloc.h"

#define DEFAULT_DEPTH 32
#define SMALL_OBJECT  16 /* keys compared pairwise up to this many */

/* ---- documents ---- */

struct document {
	struct json root; /* first: json_free() gets its address */
	struct arena arena;
};

void
json_free(struct json *root)
{
	struct document *doc;

	if (root == NULL)
		return;
	doc = CONTAINER_OF(root, struct document, root);
	arena_clear(&doc->arena);
	free(doc);
}

/* ---- the parser ---- */

/* An open array or object. */
struct frame {
	struct json *node; /* NULL: not built (inside a deferred element) */
	struct json *last; /* newest child */
	bool is_object;
	uint32_t line; /* of its bracket; 0 inside a deferred element */
};

struct json_parser {
	yajl_handle yajl;
	const char *text;
	size_t len;
	struct json_opts opts;
	size_t fed; /* bytes given to yajl before the current slice */
	size_t last_end; /* of the last token */
	struct json_place place;
	enum json_expect expect;
	struct document *doc;
	struct frame *frames;
	unsigned depth, frames_cap;
	unsigned defer_depth; /* of the deferred array; 0: not inside it */
	struct json *element; /* the deferred one that is open */
	/* the key that waits for its value */
	char *key;
	uint32_t key_line, key_col;
	bool failed;
	struct json_error error;
};

static int
fail_at(struct json_parser *p, size_t offset, const char *message)
{
	if (p->failed)
		return 0;
	p->failed = true;
	json_place_move(&p->place, p->text, offset);
	p->error.line = p->place.line;
	p->error.col = p->place.col;
	snprintf(p->error.message, sizeof(p->error.message), "%s", message);
	return 0;
}

/* Where the token that yajl tells us about begins and ends. */
static size_t
token_bounds(struct json_parser *p, size_t *ret_end)
{
	*ret_end = p->fed + yajl_get_bytes_consumed(p->yajl);
	return json_scan_token(p->text, p->len, p->last_end);
}

static bool
building(const struct json_parser *p)
{
	return p->defer_depth == 0 || p->depth <= p->defer_depth;
}

static void
link_child(struct json_parser *p, struct json *v)
{
	struct frame *f = &p->frames[p->depth - 1];

	if (f->last == NULL)
		f->node->child = v;
	else
		f->last->next = v;
	f->last = v;
	f->node->len++;
}

static struct json *
make_node(struct json_parser *p, enum json_type type, size_t start)
{
	struct json *v;

	json_place_move(&p->place, p->text, start);
	if (p->depth == 0)
		v = &p->doc->root;
	else
		v = arena_alloc(&p->doc->arena, sizeof(*v));
	v->type = type;
	v->line = p->place.line;
	v->col = p->place.col;
	v->key = p->key;
	v->key_line = p->key_line;
	v->key_col = p->key_col;
	v->src = p->text + start;
	p->key = NULL;
	p->key_line = p->key_col = 0;
	if (p->depth > 0)
		link_child(p, v);
	return v;
}

/* After a value is complete: what may come next. */
static void
value_done(struct json_parser *p, size_t end)
{
	p->last_end = end;
	p->expect = p->depth == 0 ? EXPECT_NOTHING : EXPECT_COMMA_OR_END;
}

/*
 * A scalar. Gives its node, or NULL when it is not to be filled: inside a
 * deferred element, or when it is one.
 */
static struct json *
scalar(struct json_parser *p, enum json_type type, size_t *ret_start,
    size_t *ret_end)
{
	struct json *v = NULL;

	*ret_start = token_bounds(p, ret_end);
	if (building(p)) {
		v = make_node(p, type, *ret_start);
		v->src_len = *ret_end - *ret_start;
		if (p->defer_depth != 0)
			v = NULL;
	}
	value_done(p, *ret_end);
	return v;
}

static int
on_null(void *ctx)
{
	size_t start, end;

	(void)scalar(ctx, JSON_NULL, &start, &end);
	return 1;
}

static int
on_boolean(void *ctx, int value)
{
	size_t start, end;
	struct json *v = scalar(ctx, JSON_BOOL, &start, &end);

	if (v != NULL)
		v->boolean = value != 0;
	return 1;
}

static int
on_number(void *ctx, const char *text, size_t len)
{
	struct json_parser *p = ctx;
	size_t start, end;
	struct json *v = scalar(p, JSON_NUMBER, &start, &end);

	if (v == NULL)
		return 1;
	if (!json_scan_number_fits(text, len))
		return fail_at(p, start,
		    "this number is larger or more precise than a database "
		    "can store");
	v->text = arena_text(&p->doc->arena, text, len);
	v->len = len;
	return 1;
}

/* The checks of raw text that keys and strings share. */
static bool
string_ok(struct json_parser *p, size_t start, size_t end)
{
	size_t at = 0;
	const char *why;

	why = json_scan_string(p->text + start, end - start, &at);
	if (why != NULL)
		(void)fail_at(p, start + at, why);
	return why == NULL;
}

static int
on_string(void *ctx, const unsigned char *text, size_t len)
{
	struct json_parser *p = ctx;
	size_t start, end;
	struct json *v = scalar(p, JSON_STRING, &start, &end);

	if (v == NULL)
		return 1;
	if (!string_ok(p, start, end))
		return 0;
	v->text = arena_text(&p->doc->arena, text, len);
	v->len = len;
	return 1;
}

static int
on_key(void *ctx, const unsigned char *text, size_t len)
{
	struct json_parser *p = ctx;
	size_t start, end;

	start = token_bounds(p, &end);
	p->last_end = end;
	p->expect = EXPECT_COLON;
	if (!building(p))
		return 1;
	if (!string_ok(p, start, end))
		return 0;
	json_place_move(&p->place, p->text, start);
	p->key = arena_text(&p->doc->arena, text, len);
	p->key_line = p->place.line;
	p->key_col = p->place.col;
	return 1;
}

static bool
starts_deferral(const struct json_parser *p, const char *key)
{
	if (p->opts.defer_key == NULL || p->defer_depth != 0)
		return false;
	if (p->depth == 0)
		return true;
	return p->depth == 1 && key != NULL &&
	       strcmp(key, p->opts.defer_key) == 0;
}

static void
push_frame(struct json_parser *p, struct json *node, bool is_object)
{
	struct frame *f;

	if (p->depth == p->frames_cap) {
		p->frames_cap = p->frames_cap == 0 ? 16 : p->frames_cap * 2;
		p->frames =
		    xreallocarray(p->frames, p->frames_cap, sizeof(*p->frames));
	}
	f = &p->frames[p->depth++];
	f->node = node;
	f->last = NULL;
	f->is_object = is_object;
	f->line = node != NULL ? node->line : 0;
}

static int
open_container(struct json_parser *p, bool is_object)
{
	enum json_type type = is_object ? JSON_OBJECT : JSON_ARRAY;
	struct json *node = NULL;
	bool defer = false;
	char message[80];
	size_t start, end;

	start = token_bounds(p, &end);
	if (p->depth >= p->opts.max_depth) {
		snprintf(message, sizeof(message),
		    "nested deeper than %u levels", p->opts.max_depth);
		return fail_at(p, start, message);
	}
	if (building(p)) {
		defer = !is_object && starts_deferral(p, p->key);
		node = make_node(p, type, start);
		if (p->defer_depth != 0)
			p->element = node;
	}
	push_frame(p, node, is_object);
	if (defer)
		p->defer_depth = p->depth;
	p->last_end = end;
	p->expect = is_object ? EXPECT_KEY_OR_END : EXPECT_ELEMENT_OR_END;
	return 1;
}

static int
on_start_map(void *ctx)
{
	return open_container(ctx, true);
}

static int
on_start_array(void *ctx)
{
	return open_container(ctx, false);
}

/* ---- duplicate keys ---- */

static int
duplicate_key(
    struct json_parser *p, const struct json *first, const struct json *again)
{
	char quoted[JSON_QUOTE_BYTES];

	if (p->failed)
		return 0;
	p->failed = true;
	p->error.line = again->key_line;
	p->error.col = again->key_col;
	json_quote(again->key, strlen(again->key), quoted);
	snprintf(p->error.message, sizeof(p->error.message),
	    "duplicate key %.120s, first in line %u", quoted,
	    (unsigned)first->key_line);
	return 0;
}

/* By key, then by place. */
static int
compare_keys(const void *a, const void *b)
{
	const struct json *x = *(const struct json *const *)a;
	const struct json *y = *(const struct json *const *)b;
	int c = strcmp(x->key, y->key);

	if (c != 0)
		return c;
	return x->src < y->src ? -1 : x->src > y->src;
}

/* Sorting, not hashing: nobody can choose keys that make it slow. */
static int
check_many_keys(struct json_parser *p, const struct json *object)
{
	const struct json **all, *c, *first = NULL, *again = NULL;
	size_t n = 0, i;

	all = xcalloc(object->len, sizeof(*all));
	for (c = object->child; c != NULL; c = c->next)
		all[n++] = c;
	qsort(all, n, sizeof(*all), compare_keys);
	for (i = 1; i < n; i++) {
		if (strcmp(all[i - 1]->key, all[i]->key) != 0)
			continue;
		if (again == NULL || all[i]->src < again->src) {
			first = all[i - 1];
			again = all[i];
		}
	}
	free(all);
	return again == NULL ? 1 : duplicate_key(p, first, again);
}

static int
check_keys(struct json_parser *p, const struct json *object)
{
	const struct json *c, *d;

	if (object->len > SMALL_OBJECT)
		return check_many_keys(p, object);
	for (c = object->child; c != NULL; c = c->next) {
		for (d = object->child; d != c; d = d->next) {
			if (strcmp(c->key, d->key) == 0)
				return duplicate_key(p, d, c);
		}
	}
	return 1;
}

static int
close_container(struct json_parser *p)
{
	size_t start, end;
	struct frame *f;

	BUG_ON(p->depth == 0);
	start = token_bounds(p, &end);
	(void)start;
	if (p->defer_depth == p->depth)
		p->defer_depth = 0;
	f = &p->frames[--p->depth];
	if (f->node != NULL) {
		f->node->src_len = (size_t)(p->text + end - f->node->src);
		/* keys of a deferred element are looked at later */
		if (f->node != p->element && f->is_object &&
		    !check_keys(p, f->node))
			return 0;
	}
	value_done(p, end);
	return 1;
}

static int
on_end(void *ctx)
{
	return close_container(ctx);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_start_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end,
};

struct json_parser *
json_parser_new(const char *text, size_t len, const struct json_opts *opts)
{
	struct json_parser *p = xcalloc(1, sizeof(*p));

	if (opts != NULL)
		p->opts = *opts;
	if (p->opts.max_depth == 0)
		p->opts.max_depth = DEFAULT_DEPTH;
	p->text = text;
	p->len = len;
	p->place.line = p->opts.line != 0 ? p->opts.line : 1;
	p->place.col = p->opts.col != 0 ? p->opts.col : 1;
	p->expect = EXPECT_VALUE;
	p->doc = xcalloc(1, sizeof(*p->doc));
	p->yajl = yajl_alloc(&callbacks, NULL, p);
	if (p->yajl == NULL)
		BUG("out of memory for a JSON parser");
	/* Strings are validated by string_ok(): yajl lets overlong forms and
	 * surrogates in UTF-8 pass. */
	yajl_config(p->yajl, yajl_dont_validate_strings, 1);
	yajl_config(p->yajl, yajl_allow_comments, p->opts.comments ? 1 : 0);
	return p;
}

void
json_parser_free(struct json_parser *p)
{
	if (p == NULL)
		return;
	yajl_free(p->yajl);
	if (p->doc != NULL)
		json_free(&p->doc->root);
	free(p->frames);
	free(p);
}

static void
make_fault(const struct json_parser *p, struct json_fault *f)
{
	unsigned d = p->depth;

	memset(f, 0, sizeof(*f));
	f->text = p->text;
	f->len = p->len;
	f->from = p->last_end;
	f->expect = p->expect;
	f->comments = p->opts.comments;
	if (d == 0)
		return;
	f->in_object = p->frames[d - 1].is_object;
	/* Inside a deferred element no bracket has a line but its own. */
	while (d > 1 && p->frames[d - 1].line == 0)
		d--;
	f->open_line = p->frames[d - 1].line;
}

static void
diagnose(struct json_parser *p)
{
	struct json_fault f;
	char message[200];
	size_t at;

	if (p->failed)
		return;
	make_fault(p, &f);
	at = json_scan_diagnose(&f, message, sizeof(message));
	(void)fail_at(p, at, message);
}

/* Everything was fed. */
static int
finish(struct json_parser *p)
{
	struct json_fault f;
	char message[200];
	size_t at;

	/* A number at the very end is told only now, from a slice of its own
	 * in which nothing is consumed. */
	if (yajl_complete_parse(p->yajl) != yajl_status_ok ||
	    p->expect != EXPECT_NOTHING) {
		diagnose(p);
		return -EINVAL;
	}
	/* yajl does not mind a comment without end after the value. */
	make_fault(p, &f);
	at = json_scan_comment(&f, message, sizeof(message));
	if (at <= p->len) {
		(void)fail_at(p, at, message);
		return -EINVAL;
	}
	return 0;
}

static int
step(struct json_parser *p, size_t max_bytes)
{
	size_t n;

	if (p->fed == 0 && p->len >= 3 &&
	    memcmp(p->text, "\xef\xbb\xbf", 3) == 0) {
		(void)fail_at(p, 0,
		    "the text begins with a byte order mark; save it without");
		return -EINVAL;
	}
	n = json_scan_slice(p->text, p->len, p->fed, max_bytes);
	if (n > 0 &&
	    yajl_parse(p->yajl, (const unsigned char *)p->text + p->fed, n) !=
		yajl_status_ok) {
		diagnose(p);
		return -EINVAL;
	}
	p->fed += n;
	return p->fed < p->len ? 1 : finish(p);
}

int
json_parser_step(struct json_parser *p, size_t max_bytes, struct json **ret,
    struct json_error *err)
{
	int r = -EINVAL;

	if (!p->failed)
		r = step(p, max_bytes);
	if (r < 0) {
		p->failed = true;
		*err = p->error;
	} else if (r == 0) {
		*ret = &p->doc->root;
		p->doc = NULL;
	}
	return r;
}

int
json_parse(const char *text, size_t len, const struct json_opts *opts,
    struct json **ret, struct json_error *err)
{
	struct json_parser *p = json_parser_new(text, len, opts);
	int r;

	do
		r = json_parser_step(p, len, ret, err);
	while (r > 0);
	json_parser_free(p);
	return r;
}
