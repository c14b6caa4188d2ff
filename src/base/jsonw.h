/*
 * jsonw.h - JSON text out: a writer over a buffer that places commas and
 * escapes. Every string leaves it as valid JSON in valid UTF-8, on one line:
 * invalid bytes become U+FFFD; controls, DEL, C1, U+2028 and U+2029 become
 * \u escapes (so that no output can forge a line of a log or a terminal).
 */
#ifndef REEVE_BASE_JSONW_H
#define REEVE_BASE_JSONW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define JSONW_MAX_DEPTH 64

struct jsonw {
	struct buf *out; /* borrowed */
	unsigned depth;
	bool pretty; /* tabs and newlines, for people */
	bool after_key;
	bool some[JSONW_MAX_DEPTH]; /* this level has an item already */
};

void jsonw_init(struct jsonw *w, struct buf *out, bool pretty);
void jsonw_object(struct jsonw *w);
void jsonw_object_end(struct jsonw *w);
void jsonw_array(struct jsonw *w);
void jsonw_array_end(struct jsonw *w);
void jsonw_key(struct jsonw *w, const char *key);
void jsonw_null(struct jsonw *w);
void jsonw_bool(struct jsonw *w, bool v);
void jsonw_int(struct jsonw *w, int64_t v);
/* Up to `decimals` digits after the point, trailing zeros cut. */
void jsonw_double(struct jsonw *w, double v, int decimals);
/* NULL becomes null. */
void jsonw_str(struct jsonw *w, const char *text);
void jsonw_strn(struct jsonw *w, const char *text, size_t len);
/* ISO time with milliseconds; TIME_NEVER and negative become null. */
void jsonw_time(struct jsonw *w, int64_t real_us);
/* Text that is JSON already. NULL becomes null. */
void jsonw_raw(struct jsonw *w, const char *json, size_t len);

/* key and value at once. */
void jsonw_kstr(struct jsonw *w, const char *key, const char *text);
void jsonw_kint(struct jsonw *w, const char *key, int64_t v);
void jsonw_kbool(struct jsonw *w, const char *key, bool v);
void jsonw_knull(struct jsonw *w, const char *key);
void jsonw_ktime(struct jsonw *w, const char *key, int64_t real_us);

/* A JSON string literal of `text`, with quotes, appended to `out`. */
void jsonw_escape(struct buf *out, const char *text, size_t len);

#endif
