/*
 * json_scan.c - the part of json.h that looks at raw text itself: places,
 * slices, the checks yajl does not make, and saying in words what is wrong
 * and where (yajl's own messages have neither). Never allocates for long and
 * never decides that a text is valid: that is yajl's.
 */
#include <config.h>

#include "base/json_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/text.h"

#define QUOTE_MAX	   40
#define PG_INTEGER_DIGITS  131072
#define PG_FRACTION_DIGITS 16383

void
json_place_move(struct json_place *p, const char *text, size_t offset)
{
	size_t i;

	for (i = p->offset; i < offset; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n') {
			p->line++;
			p->col = 1;
		} else if ((c & 0xc0) != 0x80) {
			p->col++;
		}
	}
	if (offset > p->offset)
		p->offset = offset;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * The end of the comment that begins at `at`; `len` when it never ends.
 * `at` itself when there is no comment.
 */
static size_t
skip_comment(const char *text, size_t len, size_t at)
{
	const char *end;

	if (at + 1 >= len || text[at] != '/')
		return at;
	if (text[at + 1] == '/') {
		end = memchr(text + at, '\n', len - at);
		return end != NULL ? (size_t)(end - text) + 1 : len;
	}
	if (text[at + 1] != '*')
		return at;
	end = memmem(text + at + 2, len - at - 2, "*/", 2);
	return end != NULL ? (size_t)(end - text) + 2 : len;
}

/* White space and comments only. */
static size_t
skip_blank(const char *text, size_t len, size_t at)
{
	for (;;) {
		size_t next;

		while (at < len && is_space(text[at]))
			at++;
		next = skip_comment(text, len, at);
		if (next == at)
			return at;
		at = next;
	}
}

size_t
json_scan_token(const char *text, size_t len, size_t from)
{
	for (;;) {
		from = skip_blank(text, len, from);
		if (from >= len || (text[from] != ',' && text[from] != ':'))
			return from;
		from++;
	}
}

/* The byte after the closing quote of the string at `at`, or `len`. */
static size_t
skip_string(const char *text, size_t len, size_t at)
{
	for (at++; at < len; at++) {
		if (text[at] == '\\')
			at++;
		else if (text[at] == '"')
			return at + 1;
	}
	return len;
}

size_t
json_scan_slice(const char *text, size_t len, size_t from, size_t max_bytes)
{
	size_t at = from, next;

	if (len - from <= max_bytes)
		return len - from;
	while (at < len) {
		char c = text[at];

		if (c == '"') {
			at = skip_string(text, len, at);
			continue;
		}
		if (c == '/') {
			next = skip_comment(text, len, at);
			at = next > at ? next : at + 1;
			continue;
		}
		at++;
		if (at - from >= max_bytes && (c == ',' || is_space(c)))
			break;
	}
	return at - from;
}

static unsigned
hex4(const char *s)
{
	unsigned v = 0;
	int i;

	for (i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)s[i];

		v = v * 16 +
		    (unsigned)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
	}
	return v;
}

/*
 * One \uXXXX at raw[at] (yajl has seen to its four digits). Sets *ret_len to
 * how many bytes it takes with its second half.
 */
static const char *
check_escape(const char *raw, size_t len, size_t at, size_t *ret_len)
{
	unsigned high = hex4(raw + at + 2);

	*ret_len = 6;
	if (high == 0)
		return "\\u0000 is not allowed in a string";
	if (high < 0xd800 || high > 0xdfff)
		return NULL;
	if (high < 0xdc00 && at + 12 <= len && raw[at + 6] == '\\' &&
	    raw[at + 7] == 'u') {
		unsigned low = hex4(raw + at + 8);

		*ret_len = 12;
		if (low >= 0xdc00 && low <= 0xdfff)
			return NULL;
	}
	return "half of a surrogate pair (\\uD800-\\uDFFF) stands alone";
}

const char *
json_scan_string(const char *raw, size_t len, size_t *ret_at)
{
	const char *p = raw, *end = raw + len, *why;
	size_t step;

	step = text_utf8_valid(raw, len);
	if (step < len) {
		*ret_at = step;
		return "invalid UTF-8 in a string";
	}
	while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
		if (p[1] != 'u') {
			p += 2;
			continue;
		}
		*ret_at = (size_t)(p - raw);
		why = check_escape(raw, len, *ret_at, &step);
		if (why != NULL)
			return why;
		p += step;
	}
	return NULL;
}

/* Digits of an exponent, saturating far beyond what is accepted. */
static long
parse_exponent(const char *p, const char *end)
{
	bool negative = false;
	long v = 0;

	if (p < end && (*p == '+' || *p == '-'))
		negative = *p++ == '-';
	for (; p < end; p++) {
		if (v < 100000000)
			v = v * 10 + (*p - '0');
	}
	return negative ? -v : v;
}

bool
json_scan_number_fits(const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	long integer = 0, fraction = 0, zeros = 0, exponent = 0;
	bool point = false, some = false;

	for (; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		if (*p == '-')
			continue;
		some = some || *p != '0';
		if (point) {
			fraction++;
			zeros += some ? 0 : 1;
		} else if (some) {
			integer++;
		}
	}
	if (p < end)
		exponent = parse_exponent(p + 1, end);
	/* 0.001 has its first digit two places behind the point. */
	if (integer == 0)
		integer = -zeros;
	if (fraction - exponent > PG_FRACTION_DIGITS)
		return false;
	return !some || integer + exponent <= PG_INTEGER_DIGITS;
}

const char *
json_quote(const char *text, size_t len, char out[JSON_QUOTE_BYTES])
{
	struct buf b;
	bool cut = len > QUOTE_MAX;

	if (cut) {
		len = QUOTE_MAX;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	buf_init(&b, JSON_QUOTE_BYTES - 8);
	jsonw_escape(&b, text, len);
	snprintf(out, JSON_QUOTE_BYTES, "%s%s", buf_str(&b), cut ? "..." : "");
	buf_clear(&b);
	return out;
}

/* ---- what went wrong, in words ---- */

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '+' ||
	       c == '-' || c == '$';
}

static size_t
word_length(const char *text, size_t len, size_t at)
{
	size_t end = at;

	while (end < len && is_word(text[end]))
		end++;
	return end - at;
}

/* A string that yajl would not take: the culprit within it. */
static size_t
diagnose_string(const struct json_fault *f, size_t at, char *out, size_t size)
{
	size_t i;

	for (i = at + 1; i < f->len; i++) {
		unsigned char c = (unsigned char)f->text[i];

		if (c == '"')
			break;
		if (c == '\n' || c == '\r') {
			snprintf(out, size,
			    "the string that begins here has no end on its "
			    "line; write \\n for a new line");
			return at;
		}
		if (c < 0x20) {
			snprintf(out, size,
			    "control character 0x%02x in a string; write "
			    "\\u%04x",
			    c, c);
			return i;
		}
		if (c != '\\')
			continue;
		if (i + 1 < f->len &&
		    memchr("\"\\/bfnrtu", f->text[i + 1], 9) == NULL) {
			snprintf(out, size,
			    "invalid escape in a string; write \\\\ for a "
			    "backslash");
			return i;
		}
		if (i + 1 < f->len && f->text[i + 1] == 'u') {
			size_t k;

			for (k = 2; k < 6; k++) {
				if (i + k < f->len &&
				    isxdigit((unsigned char)f->text[i + k]))
					continue;
				snprintf(out, size,
				    "\\u in a string needs four hexadecimal "
				    "digits");
				return i;
			}
		}
		i++;
	}
	snprintf(out, size, "the string that begins here never ends");
	return at;
}

/* Something that begins no value. */
static size_t
diagnose_value(const struct json_fault *f, size_t at, char *out, size_t size)
{
	char quoted[JSON_QUOTE_BYTES];
	const char *word = f->text + at;
	size_t len = word_length(f->text, f->len, at);

	if (*word == '"')
		return diagnose_string(f, at, out, size);
	if (*word == '\'') {
		snprintf(out, size, "strings need double quotes");
		return at;
	}
	if (len == 0)
		len = 1;
	json_quote(word, len, quoted);
	if (isdigit((unsigned char)*word) || *word == '+' || *word == '-' ||
	    *word == '.')
		snprintf(out, size, "%.90s is not a valid number", quoted);
	else if (isalpha((unsigned char)*word))
		snprintf(out, size,
		    "unknown word %.90s; strings need double quotes, other "
		    "words are true, false and null",
		    quoted);
	else if (*word == '}' || *word == ']')
		snprintf(out, size, "%.90s where a value is expected", quoted);
	else
		snprintf(out, size, "unexpected character %.90s", quoted);
	return at;
}

static size_t
diagnose_key(const struct json_fault *f, size_t at, char *out, size_t size)
{
	if (f->text[at] == '"')
		return diagnose_string(f, at, out, size);
	snprintf(out, size, "a key in double quotes is expected");
	return at;
}

static size_t
diagnose_end(const struct json_fault *f, char *out, size_t size)
{
	if (f->len == 0 || f->expect == EXPECT_VALUE)
		snprintf(out, size, "there is no value in this text");
	else
		snprintf(out, size,
		    "the text ends too early: the %s that begins in line %u "
		    "is not closed",
		    f->in_object ? "object" : "array", (unsigned)f->open_line);
	return f->len;
}

/* After the comma at `comma`. */
static size_t
diagnose_comma(const struct json_fault *f, size_t comma, char *out, size_t size)
{
	size_t at = skip_blank(f->text, f->len, comma + 1);

	if (at >= f->len)
		return diagnose_end(f, out, size);
	if (f->text[at] == ']' || f->text[at] == '}') {
		snprintf(out, size, "trailing comma before %c", f->text[at]);
		return comma;
	}
	if (f->text[at] == ',') {
		snprintf(out, size, "two commas with nothing between them");
		return at;
	}
	return f->in_object ? diagnose_key(f, at, out, size)
			    : diagnose_value(f, at, out, size);
}

/* After a value in an array or object. */
static size_t
diagnose_after(const struct json_fault *f, size_t at, char *out, size_t size)
{
	char c = f->text[at];

	if (c == ',')
		return diagnose_comma(f, at, out, size);
	if (at == f->from && is_word(c))
		snprintf(out, size,
		    "the value before this ends in something that does not "
		    "belong to it");
	else if (c == '}' || c == ']')
		snprintf(out, size,
		    "%c closes the %s that begins in line %u; %c is expected",
		    c, f->in_object ? "object" : "array",
		    (unsigned)f->open_line, f->in_object ? '}' : ']');
	else
		snprintf(out, size, "a comma is missing before this");
	return at;
}

static size_t
diagnose_colon(const struct json_fault *f, size_t at, char *out, size_t size)
{
	if (f->text[at] != ':') {
		snprintf(out, size, "a colon is missing after the key");
		return at;
	}
	at = skip_blank(f->text, f->len, at + 1);
	if (at >= f->len)
		return diagnose_end(f, out, size);
	return diagnose_value(f, at, out, size);
}

size_t
json_scan_comment(const struct json_fault *f, char *out, size_t size)
{
	size_t at = f->from;

	for (;;) {
		while (at < f->len &&
		       (is_space(f->text[at]) || f->text[at] == ',' ||
			   f->text[at] == ':'))
			at++;
		if (at >= f->len || f->text[at] != '/')
			return f->len + 1;
		if (!f->comments) {
			snprintf(out, size, "comments are not allowed here");
			return at;
		}
		if (at + 1 < f->len && f->text[at + 1] == '*' &&
		    memmem(f->text + at + 2, f->len - at - 2, "*/", 2) ==
			NULL) {
			snprintf(out, size,
			    "the comment that begins here never ends");
			return at;
		}
		if (skip_comment(f->text, f->len, at) == at)
			return f->len + 1;
		at = skip_comment(f->text, f->len, at);
	}
}

size_t
json_scan_diagnose(const struct json_fault *f, char *out, size_t size)
{
	size_t at = json_scan_comment(f, out, size);

	if (at <= f->len)
		return at;
	at = skip_blank(f->text, f->len, f->from);
	if (at >= f->len)
		return diagnose_end(f, out, size);
	switch (f->expect) {
	case EXPECT_KEY_OR_END:
		return diagnose_key(f, at, out, size);
	case EXPECT_COLON:
		return diagnose_colon(f, at, out, size);
	case EXPECT_COMMA_OR_END:
		return diagnose_after(f, at, out, size);
	case EXPECT_NOTHING:
		snprintf(out, size, "there is more text after the value");
		return at;
	case EXPECT_VALUE:
	case EXPECT_ELEMENT_OR_END:
		break;
	}
	return diagnose_value(f, at, out, size);
}
