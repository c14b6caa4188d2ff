/*
 * json_internal.h - what the files of json.h share: the parser over yajl
 * (json.c) and the part that looks at raw text (json_scan.c).
 */
#ifndef REEVE_BASE_JSON_INTERNAL_H
#define REEVE_BASE_JSON_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

/* A place in the text that only moves forwards: O(n) over a whole parse. */
struct json_place {
	size_t offset;
	uint32_t line, col;
};

/* Move `p` to `offset`, which is not before it. Columns are characters. */
void json_place_move(struct json_place *p, const char *text, size_t offset);

/*
 * The first byte at or after `from` that is neither white space, comment,
 * comma nor colon: where the next token begins. `len` when there is none.
 */
size_t json_scan_token(const char *text, size_t len, size_t from);

/*
 * How much of the text from `from` to give to yajl at once: at most
 * `max_bytes`, but never ending inside a token or comment, so that yajl keeps
 * no copies and reads nothing twice. Longer only when one token is.
 */
size_t json_scan_slice(
    const char *text, size_t len, size_t from, size_t max_bytes);

/*
 * What is wrong with a string's raw text (with its quotes): NUL or a lone
 * surrogate as \u escapes, invalid UTF-8. NULL when nothing is; else a
 * message, and *ret_at says where in `raw`.
 */
const char *json_scan_string(const char *raw, size_t len, size_t *ret_at);

/* Would PostgreSQL's jsonb take this number? `text` is a valid number. */
bool json_scan_number_fits(const char *text, size_t len);

/* What had been read when the parser gave up. */
enum json_expect {
	EXPECT_VALUE, /* nothing yet */
	EXPECT_ELEMENT_OR_END, /* after [ */
	EXPECT_KEY_OR_END, /* after { */
	EXPECT_COLON, /* after a key */
	EXPECT_COMMA_OR_END, /* after a value in an array or object */
	EXPECT_NOTHING, /* after the root */
};

struct json_fault {
	const char *text;
	size_t len;
	size_t from; /* end of the last good token */
	enum json_expect expect;
	bool in_object;
	bool comments;
	uint32_t open_line; /* of the bracket that is open, 0: none */
};

/*
 * Find out what is wrong after the last good token. Writes the message and
 * returns the offset of the culprit.
 */
size_t json_scan_diagnose(const struct json_fault *f, char *out, size_t size);

/*
 * The part of it that is about comments: one that is not allowed or has no
 * end. Returns more than f->len when there is no such.
 */
size_t json_scan_comment(const struct json_fault *f, char *out, size_t size);

#endif
