/*
 * httpd_head.c - the head of a request, taken apart strictly: what is not
 * plainly right is refused, because two readers that understand a request
 * differently are how requests are smuggled.
 *
 * Pure: no socket, no evhttp, no allocation. RFC 9110 and 9112.
 */
#include <config.h>

#include "sys/httpd_internal.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

struct scan {
	char *text;
	size_t max_body_bytes;
	struct httpd_head *head;
	unsigned hosts, lengths, encodings;
	bool close, keep; /* named by Connection */
};

/* tchar of RFC 9110 5.6.2 */
static bool
is_token_char(unsigned char c)
{
	return isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool
is_token(const char *s, size_t len)
{
	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x80 ||
		    !is_token_char((unsigned char)s[i]))
			return false;
	return true;
}

ssize_t
httpd_head_end(const char *text, size_t len, size_t *scanned)
{
	size_t at = *scanned;

	/* TLS and other tongues are told apart by their first byte. */
	if (len > 0 && !is_token(text, 1))
		return -1;
	while (at < len) {
		const char *lf = memchr(text + at, '\n', len - at);

		if (lf == NULL)
			break;
		at = (size_t)(lf - text) + 1;
		if (at < 2 || lf[-1] != '\r')
			return -1;
		if (at >= 4 && lf[-2] == '\n')
			return (ssize_t)at;
	}
	*scanned = len;
	return 0;
}

/* ---- the target ---- */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Decode s[0..len) in place and end it with NUL, for which there is always
 * room: a separator. False for bad escapes, control bytes, invalid UTF-8.
 */
static bool
decode(char *s, size_t len, bool plus)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '%') {
			bool whole = len - i > 2;
			int hi = whole ? hex(s[i + 1]) : -1;
			int lo = whole ? hex(s[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return false;
			c = (unsigned char)(hi * 16 + lo);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c < 0x20 || c == 0x7f)
			return false;
		s[out++] = (char)c;
	}
	s[out] = '\0';
	return text_utf8_valid(s, out) == out;
}

/* One "name=value" or "name" of the query. */
static int
parse_param(struct scan *sc, size_t at, size_t len)
{
	struct httpd_head *h = sc->head;
	char *s = sc->text + at;
	char *eq = memchr(s, '=', len);
	size_t name_len = eq != NULL ? (size_t)(eq - s) : len;
	size_t value_at = eq != NULL ? name_len + 1 : len;

	if (len == 0)
		return 0;
	if (h->nparams == HTTPD_PARAMS_MAX)
		return 400;
	/* The value first: without '=' it is the NUL after the name. */
	if (!decode(s + value_at, len - value_at, true) ||
	    !decode(s, name_len, true))
		return 400;
	h->params[h->nparams++] = (struct httpd_pair){
	    .name = (uint32_t)at,
	    .value = (uint32_t)(at + value_at),
	};
	return 0;
}

static int
parse_query(struct scan *sc, size_t at, size_t end)
{
	while (at <= end) {
		char *amp = memchr(sc->text + at, '&', end - at);
		size_t stop = amp != NULL ? (size_t)(amp - sc->text) : end;
		int status = parse_param(sc, at, stop - at);

		if (status != 0)
			return status;
		at = stop + 1;
	}
	return 0;
}

/* text[at..end) is the target; text[end] is the blank after it. */
static int
parse_target(struct scan *sc, size_t at, size_t end)
{
	char *query;
	size_t path_end = end;

	/* Only the origin form; no raw byte that a URI cannot have. */
	if (at == end || sc->text[at] != '/')
		return 400;
	for (size_t i = at; i < end; i++) {
		unsigned char c = (unsigned char)sc->text[i];

		if (c <= 0x20 || c >= 0x7f || c == '#')
			return 400;
	}
	query = memchr(sc->text + at, '?', end - at);
	if (query != NULL)
		path_end = (size_t)(query - sc->text);
	sc->head->path = (uint32_t)at;
	if (query != NULL) {
		int status = parse_query(sc, path_end + 1, end);

		if (status != 0)
			return status;
	}
	return decode(sc->text + at, path_end - at, false) ? 0 : 400;
}

/* ---- the request line ---- */

static int
parse_method(struct httpd_head *h, const char *s, size_t len)
{
	static const char *const others[] = {
	    "CONNECT", "DELETE", "OPTIONS", "PATCH", "PUT", "TRACE"};

	if (!is_token(s, len))
		return 400;
	if (len == 3 && memcmp(s, "GET", 3) == 0) {
		h->method = HTTP_GET;
		return 0;
	}
	if (len == 4 && memcmp(s, "HEAD", 4) == 0) {
		h->method = HTTP_HEAD;
		return 0;
	}
	if (len == 4 && memcmp(s, "POST", 4) == 0) {
		h->method = HTTP_POST;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strlen(others[i]) == len && memcmp(s, others[i], len) == 0)
			return 405;
	return 501;
}

static int
parse_version(struct httpd_head *h, const char *s, size_t len)
{
	if (len != 8 || memcmp(s, "HTTP/", 5) != 0 || s[6] != '.' ||
	    !isdigit((unsigned char)s[5]) || !isdigit((unsigned char)s[7]))
		return 400;
	if (s[5] != '1' || s[7] > '1')
		return 505;
	h->minor = s[7] == '1' ? 1 : 0;
	return 0;
}

/* text[0..end) without its CR LF. */
static int
parse_request_line(struct scan *sc, size_t end)
{
	char *text = sc->text;
	char *sp1 = memchr(text, ' ', end);
	char *sp2;
	size_t target, target_end;
	int status;

	if (sp1 == NULL)
		return 400;
	target = (size_t)(sp1 - text) + 1;
	sp2 = memchr(text + target, ' ', end - target);
	if (sp2 == NULL)
		return 400;
	target_end = (size_t)(sp2 - text);
	status = parse_version(sc->head, sp2 + 1, end - target_end - 1);
	if (status != 0)
		return status;
	status = parse_method(sc->head, text, target - 1);
	if (status != 0)
		return status;
	return parse_target(sc, target, target_end);
}

/* ---- headers ---- */

/* One of the comma-separated words of Connection. */
static void
see_connection(struct scan *sc, const char *value)
{
	while (*value != '\0') {
		size_t len;

		value += strspn(value, ", \t");
		len = strcspn(value, ", \t");
		if (len == 5 && strncasecmp(value, "close", 5) == 0)
			sc->close = true;
		if (len == 10 && strncasecmp(value, "keep-alive", 10) == 0)
			sc->keep = true;
		value += len;
	}
}

static int
see_length(struct scan *sc, const char *value)
{
	size_t n = 0;

	sc->lengths++;
	if (*value == '\0')
		return 400;
	for (const char *p = value; *p != '\0'; p++) {
		if (!isdigit((unsigned char)*p))
			return 400;
		/* Never past the cap, so never past size_t. */
		if (n <= sc->max_body_bytes)
			n = n * 10 + (size_t)(*p - '0');
	}
	sc->head->body_len = n;
	return 0;
}

/* Headers that decide how the request is read. */
static int
see_header(struct scan *sc, const char *name, const char *value)
{
	struct httpd_head *h = sc->head;

	if (strcasecmp(name, "Host") == 0) {
		sc->hosts++;
		h->host = (int)h->nheaders - 1;
	} else if (strcasecmp(name, "Content-Length") == 0) {
		return see_length(sc, value);
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		sc->encodings++;
	} else if (strcasecmp(name, "Connection") == 0) {
		see_connection(sc, value);
	} else if (strcasecmp(name, "Expect") == 0) {
		if (strcasecmp(value, "100-continue") != 0)
			return 417;
		h->expect_continue = true;
	}
	return 0;
}

/* text[at..end) is one line without its CR LF. */
static int
parse_header(struct scan *sc, size_t at, size_t end)
{
	struct httpd_head *h = sc->head;
	char *text = sc->text;
	char *colon = memchr(text + at, ':', end - at);
	size_t value;

	/* Also what begins with a blank, a folded line, has no token here. */
	if (colon == NULL || !is_token(text + at, (size_t)(colon - text) - at))
		return 400;
	if (h->nheaders == HTTPD_HEADERS_MAX)
		return 431;
	value = (size_t)(colon - text) + 1;
	for (size_t i = value; i < end; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return 400;
	}
	while (value < end && (text[value] == ' ' || text[value] == '\t'))
		value++;
	while (end > value && (text[end - 1] == ' ' || text[end - 1] == '\t'))
		end--;
	*colon = '\0';
	text[end] = '\0';
	h->headers[h->nheaders++] = (struct httpd_pair){
	    .name = (uint32_t)at,
	    .value = (uint32_t)value,
	};
	return see_header(sc, text + at, text + value);
}

/* What the headers mean together. */
static int
check_framing(const struct scan *sc)
{
	struct httpd_head *h = sc->head;

	if (sc->hosts > 1 || (sc->hosts == 0 && h->minor == 1))
		return 400;
	if (sc->lengths > 1 || (sc->encodings > 0 && sc->lengths > 0))
		return 400;
	if (sc->encodings > 0)
		return 411;
	if (h->body_len > sc->max_body_bytes)
		return 413;
	if (h->body_len > 0 && h->method != HTTP_POST)
		return 400;
	h->keep_alive = h->minor == 1 ? !sc->close : sc->keep && !sc->close;
	if (h->minor == 0)
		h->expect_continue = false;
	return 0;
}

int
httpd_head_parse(
    char *text, size_t len, size_t max_body_bytes, struct httpd_head *ret)
{
	struct scan sc = {
	    .text = text,
	    .max_body_bytes = max_body_bytes,
	    .head = ret,
	};
	size_t at = 0;

	ret->host = -1;
	ret->nheaders = ret->nparams = 0;
	ret->body_len = 0;
	ret->expect_continue = false;
	for (;;) {
		char *lf = memchr(text + at, '\n', len - at);
		size_t end;
		int status;

		if (lf == NULL || lf == text + at || lf[-1] != '\r')
			return 400;
		end = (size_t)(lf - text) - 1;
		if (at > 0 && end == at)
			return check_framing(&sc);
		status = at == 0 ? parse_request_line(&sc, end)
				 : parse_header(&sc, at, end);
		if (status != 0)
			return status;
		at = end + 2;
	}
}

/* ---- Host ---- */

bool
httpd_host_is(const char *value, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(value, name, len) != 0)
		return false;
	value += len;
	if (*value == '\0')
		return true;
	if (*value++ != ':')
		return false;
	return strspn(value, "0123456789") == strlen(value);
}
