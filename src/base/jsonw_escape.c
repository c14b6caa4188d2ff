/*
 * jsonw_escape.c - any bytes into one JSON string literal.
 *
 * The only place that decides which characters may leave Reeve as they are.
 */
#include <config.h>

#include "base/jsonw.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "base/text.h"

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* Printable ASCII that needs no escape: all but the quote and backslash. */
static const bool plain[256] = {
    [0x20 ... 0x21] = true,
    [0x23 ... 0x5b] = true,
    [0x5d ... 0x7e] = true,
};

/* Non-zero when some byte of `word`, all below 0x80, equals `c`. */
static uint64_t
has_byte(uint64_t word, unsigned char c)
{
	word ^= ONES * c;
	return (word - ONES) & ~word & HIGHS;
}

/* Are all eight bytes plain? Asks them at once, without a branch each. */
static bool
is_plain_word(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return ((word | (word - ONES * 0x20)) & HIGHS) == 0 &&
	       (has_byte(word, '"') | has_byte(word, '\\') |
		   has_byte(word, 0x7f)) == 0;
}

/* A code point beyond ASCII that would act on a terminal or a line. */
static bool
is_active(uint32_t code)
{
	return code < 0xa0 || code == 0x2028 || code == 0x2029;
}

/* How many bytes from `text` on may be copied as they are. */
static size_t
plain_run(const char *text, size_t len)
{
	size_t at = 0, n;
	uint32_t code;

	while (at < len) {
		while (len - at >= 8 && is_plain_word(text + at))
			at += 8;
		while (at < len && plain[(unsigned char)text[at]])
			at++;
		if (at == len || (unsigned char)text[at] < 0x80)
			break;
		n = text_utf8_char(text + at, len - at, &code);
		if (n == 0 || is_active(code))
			break;
		at += n;
	}
	return at;
}

/* The character of the short escape of `c`, or 0. */
static char
short_escape(unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		return (char)c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

static void
add_u_escape(struct buf *out, uint32_t code)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = {'\\', 'u'};

	text[2] = hex[code >> 12 & 15];
	text[3] = hex[code >> 8 & 15];
	text[4] = hex[code >> 4 & 15];
	text[5] = hex[code & 15];
	buf_add(out, text, sizeof(text));
}

/* Escape the one character, or bad byte, at `text`; returns its length. */
static size_t
add_escaped(struct buf *out, const char *text, size_t len)
{
	unsigned char c = (unsigned char)text[0];
	uint32_t code;
	size_t n;

	if (short_escape(c) != 0) {
		buf_addch(out, '\\');
		buf_addch(out, short_escape(c));
		return 1;
	}
	n = text_utf8_char(text, len, &code);
	if (n == 0) {
		buf_add(out, "\xef\xbf\xbd", 3); /* U+FFFD */
		return 1;
	}
	add_u_escape(out, code);
	return n;
}

/* The whole literal in one piece, when nothing needs an escape. */
static bool
add_plain(struct buf *out, const char *text, size_t len)
{
	char *p = buf_reserve(out, len + 2);

	if (p == NULL)
		return false;
	p[0] = '"';
	if (len > 0)
		memcpy(p + 1, text, len);
	p[len + 1] = '"';
	buf_commit(out, len + 2);
	return true;
}

void
jsonw_escape(struct buf *out, const char *text, size_t len)
{
	size_t run = plain_run(text, len);

	if (run == len && add_plain(out, text, len))
		return;
	buf_addch(out, '"');
	for (;;) {
		buf_add(out, text, run);
		text += run;
		len -= run;
		if (len == 0)
			break;
		run = add_escaped(out, text, len);
		text += run;
		len -= run;
		run = plain_run(text, len);
	}
	buf_addch(out, '"');
}
