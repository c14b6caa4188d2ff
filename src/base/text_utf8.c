/*
 * text_utf8.c - UTF-8 of RFC 3629: no overlong forms, no surrogates, nothing
 * above U+10FFFF.
 *
 * Must never read past `len`, and never let a bad byte through.
 */
#include <config.h>

#include "base/text.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define SYMBOL_NUL  "\xe2\x90\x80" /* U+2400 */

static bool
is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* How long a sequence is that begins with `c`, from its first bits alone. */
static size_t
length_by_lead(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if ((c & 0xe0) == 0xc0)
		return 2;
	if ((c & 0xf0) == 0xe0)
		return 3;
	if ((c & 0xf8) == 0xf0)
		return 4;
	return 0;
}

/* May a sequence of `n` bytes stand for `code`? */
static bool
is_proper(uint32_t code, size_t n)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

	if (code < least[n] || code > 0x10ffff)
		return false;
	return code < 0xd800 || code > 0xdfff;
}

size_t
text_utf8_char(const char *text, size_t len, uint32_t *ret_code)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t code;
	size_t n, i;

	if (len == 0)
		return 0;
	n = length_by_lead(p[0]);
	if (n == 0 || n > len)
		return 0;
	code = n == 1 ? p[0] : p[0] & (0x7fU >> n);
	for (i = 1; i < n; i++) {
		if (!is_tail(p[i]))
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (!is_proper(code, n))
		return 0;
	if (ret_code != NULL)
		*ret_code = code;
	return n;
}

size_t
text_utf8_valid(const char *text, size_t len)
{
	size_t at = 0, n;

	while (at < len) {
		if ((unsigned char)text[at] < 0x80) {
			at++;
			continue;
		}
		n = text_utf8_char(text + at, len - at, NULL);
		if (n == 0)
			break;
		at += n;
	}
	return at;
}

size_t
text_utf8_cut(const char *text, size_t len, size_t max)
{
	size_t back;

	if (len <= max)
		return len;
	/* the character that spans `max`, if one does, began 1 to 3 before */
	for (back = 1; back <= 3 && back <= max; back++)
		if (text_utf8_char(text + max - back, len - max + back, NULL) >
		    back)
			return max - back;
	return max;
}

/* Appends valid UTF-8, cut at a whole character; false when it was cut. */
static bool
add_whole(struct buf *out, const char *text, size_t len)
{
	size_t fits = text_utf8_cut(text, len, buf_room(out));

	buf_add(out, text, fits);
	if (fits < len)
		out->truncated = true;
	return fits == len;
}

void
text_utf8_scrub(struct buf *out, const char *text, size_t len)
{
	size_t at = 0, run;
	const char *instead;

	while (at < len) {
		/* up to the next NUL only: many NULs must not cost a look at
		 * the whole rest each */
		run = text_utf8_valid(text + at, strnlen(text + at, len - at));
		if (!add_whole(out, text + at, run))
			return;
		at += run;
		if (at == len)
			return;
		instead = text[at] == '\0' ? SYMBOL_NUL : REPLACEMENT;
		if (!add_whole(out, instead, 3))
			return;
		at++;
	}
}
