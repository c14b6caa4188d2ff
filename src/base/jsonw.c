/*
 * jsonw.c - JSON text out.
 *
 * Must never emit a byte that could end a line, move a cursor or break UTF-8,
 * whatever the text was. Pages of hundreds of rows are made with it, so plain
 * text is copied in one piece.
 */
#include <config.h>

#include "base/jsonw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/text.h"

#define INT_BYTES 20 /* "-9223372036854775808" */

static void
indent(struct jsonw *w)
{
	unsigned i;

	buf_addch(w->out, '\n');
	for (i = 0; i < w->depth; i++)
		buf_addch(w->out, '\t');
}

/* What comes before an item: a comma, a new line, or nothing. */
static void
separate(struct jsonw *w)
{
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (w->depth == 0)
		return;
	if (w->some[w->depth - 1])
		buf_addch(w->out, ',');
	w->some[w->depth - 1] = true;
	if (w->pretty)
		indent(w);
}

static void
open_level(struct jsonw *w, char bracket)
{
	separate(w);
	BUG_ON(w->depth == JSONW_MAX_DEPTH);
	buf_addch(w->out, bracket);
	w->some[w->depth++] = false;
}

static void
close_level(struct jsonw *w, char bracket)
{
	BUG_ON(w->depth == 0 || w->after_key);
	w->depth--;
	if (w->pretty && w->some[w->depth])
		indent(w);
	buf_addch(w->out, bracket);
}

void
jsonw_init(struct jsonw *w, struct buf *out, bool pretty)
{
	w->out = out;
	w->depth = 0;
	w->pretty = pretty;
	w->after_key = false;
}

void
jsonw_object(struct jsonw *w)
{
	open_level(w, '{');
}

void
jsonw_object_end(struct jsonw *w)
{
	close_level(w, '}');
}

void
jsonw_array(struct jsonw *w)
{
	open_level(w, '[');
}

void
jsonw_array_end(struct jsonw *w)
{
	close_level(w, ']');
}

void
jsonw_key(struct jsonw *w, const char *key)
{
	BUG_ON(w->after_key);
	separate(w);
	jsonw_escape(w->out, key, strlen(key));
	buf_addch(w->out, ':');
	if (w->pretty)
		buf_addch(w->out, ' ');
	w->after_key = true;
}

void
jsonw_null(struct jsonw *w)
{
	jsonw_raw(w, NULL, 0);
}

void
jsonw_bool(struct jsonw *w, bool v)
{
	separate(w);
	buf_addstr(w->out, v ? "true" : "false");
}

void
jsonw_int(struct jsonw *w, int64_t v)
{
	char text[INT_BYTES];
	char *p = text + sizeof(text);
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do {
		*--p = (char)('0' + u % 10);
		u /= 10;
	} while (u > 0);
	if (v < 0)
		*--p = '-';
	separate(w);
	buf_add(w->out, p, (size_t)(text + sizeof(text) - p));
}

void
jsonw_double(struct jsonw *w, double v, int decimals)
{
	char text[400]; /* DBL_MAX has 309 digits */
	int n;

	BUG_ON(decimals < 0 || decimals > 20);
	if (!isfinite(v)) {
		jsonw_null(w);
		return;
	}
	n = snprintf(text, sizeof(text), "%.*f", decimals, v);
	BUG_ON(n < 0 || (size_t)n >= sizeof(text));
	if (decimals > 0) {
		while (text[n - 1] == '0')
			n--;
		if (text[n - 1] == '.')
			n--;
	}
	text[n] = '\0';
	separate(w);
	buf_addstr(w->out, strcmp(text, "-0") == 0 ? "0" : text);
}

void
jsonw_str(struct jsonw *w, const char *text)
{
	if (text == NULL)
		jsonw_null(w);
	else
		jsonw_strn(w, text, strlen(text));
}

void
jsonw_strn(struct jsonw *w, const char *text, size_t len)
{
	separate(w);
	jsonw_escape(w->out, text, len);
}

void
jsonw_time(struct jsonw *w, int64_t real_us)
{
	char text[CLOCK_ISO_BYTES + 2];
	size_t len;

	if (real_us < 0 || real_us == TIME_NEVER) {
		jsonw_null(w);
		return;
	}
	text[0] = '"';
	clock_iso_format(real_us, text + 1);
	len = strlen(text);
	text[len] = '"';
	separate(w);
	buf_add(w->out, text, len + 1);
}

void
jsonw_raw(struct jsonw *w, const char *json, size_t len)
{
	separate(w);
	if (json == NULL)
		buf_add(w->out, "null", 4);
	else
		buf_add(w->out, json, len);
}

void
jsonw_kstr(struct jsonw *w, const char *key, const char *text)
{
	jsonw_key(w, key);
	jsonw_str(w, text);
}

void
jsonw_kint(struct jsonw *w, const char *key, int64_t v)
{
	jsonw_key(w, key);
	jsonw_int(w, v);
}

void
jsonw_kbool(struct jsonw *w, const char *key, bool v)
{
	jsonw_key(w, key);
	jsonw_bool(w, v);
}

void
jsonw_knull(struct jsonw *w, const char *key)
{
	jsonw_key(w, key);
	jsonw_null(w);
}

void
jsonw_ktime(struct jsonw *w, const char *key, int64_t real_us)
{
	jsonw_key(w, key);
	jsonw_time(w, real_us);
}
