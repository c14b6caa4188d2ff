/*
 * json.h - JSON text in: a tree that knows where each value stood. The sole
 * owner of yajl (its SAX interface; yajl_tree leaks on errors, yajl #250).
 *
 * Refused, each with a place: duplicate keys, NUL (also as \u0000), lone
 * surrogates, invalid UTF-8, depth over the limit, trailing text, numbers
 * PostgreSQL's jsonb refuses (more than 131,072 digits before the point or
 * 16,383 after it), a byte order mark, a trailing comma (with a message of its
 * own). A message holds at most 40 bytes of the text, escaped.
 */
#ifndef REEVE_BASE_JSON_H
#define REEVE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* A value. Plain data, read directly; lives until json_free() of its root. */
struct json {
	enum json_type type;
	uint32_t line, col; /* of its first character, from 1; in characters */
	const char *key; /* its key when it is a member, else NULL */
	uint32_t key_line, key_col;
	const char
	    *text; /* STRING: the bytes, NUL-terminated; NUMBER: as written */
	size_t len; /* of text; for ARRAY and OBJECT: how many children */
	bool boolean;
	struct json *child; /* first child of ARRAY or OBJECT */
	struct json *next; /* next sibling */
	const char *src; /* its source text, in the caller's memory */
	size_t src_len;
};

struct json_opts {
	unsigned max_depth; /* 0: 32 */
	bool comments; /* allow // and C comments */
	uint32_t line, col; /* where the text begins, 0: 1 */
	/*
	 * When set and the root is an object, the elements of the array under
	 * this key (or of a root that is an array) are checked for syntax but
	 * not built: each child has only its place and src/src_len, to be
	 * parsed by itself later. Memory then does not grow with their size.
	 * Their type is known; strings and numbers have no text yet.
	 */
	const char *defer_key;
};

struct json_error {
	uint32_t line, col;
	char message[200];
};

/*
 * Parse a whole text. Gives the root by `ret`, to be freed by json_free();
 * `text` must outlive it only for src. -EINVAL with `err` filled otherwise.
 */
MUSTUSE int json_parse(const char *text, size_t len,
    const struct json_opts *opts, struct json **ret, struct json_error *err);

/*
 * The same in slices, for texts of many megabytes in a loop that must not
 * stop: json_parser_step() eats some `max_bytes` (more only when a single
 * token or comment is longer) and returns 1 when there is more, 0 when done,
 * -EINVAL on error. Borrows `text` until freed.
 */
struct json_parser;
struct json_parser *json_parser_new(
    const char *text, size_t len, const struct json_opts *opts);
MUSTUSE int json_parser_step(struct json_parser *p, size_t max_bytes,
    struct json **ret, struct json_error *err);
void json_parser_free(struct json_parser *p);

/* Takes the root (NULL is fine). */
void json_free(struct json *root);

/* Member of an object by key, or NULL (also when `v` is no object). */
const struct json *json_get(const struct json *v, const char *key);
/* Text of a string member, or NULL when absent or no string. */
const char *json_get_str(const struct json *v, const char *key);
/* Whole number within int64: 0, -EINVAL (no integer), -ERANGE. */
MUSTUSE int json_int(const struct json *v, int64_t *ret);
/* Finite double: 0 or -EINVAL. */
MUSTUSE int json_double(const struct json *v, double *ret);
/* "object", "string", … for messages. */
const char *json_type_name(enum json_type t);

/* Up to 40 bytes of input as a quoted, escaped text, for messages. */
#define JSON_QUOTE_BYTES 320
const char *json_quote(
    const char *text, size_t len, char out[JSON_QUOTE_BYTES]);

/* Append `v` as compact JSON text; not for deferred elements. */
void json_print(struct buf *out, const struct json *v);

#endif
