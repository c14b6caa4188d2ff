/*
 * text.c - text from outside into numbers and back, and names.
 *
 * Must never trust a digit: every sum is checked before it is made.
 */
#include <config.h>

#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "base/xalloc.h"

struct unit {
	const char *name;
	int64_t factor;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Digits into a number, `*p` moved behind them: 0, -EINVAL when there are
 * none, -ERANGE (all digits eaten) when it is more than int64 holds.
 */
static int
take_number(const char **p, int64_t *ret)
{
	int64_t v = 0;
	int r = 0;

	if (!is_digit(**p))
		return -EINVAL;
	for (; is_digit(**p); (*p)++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, **p - '0', &v))
			r = -ERANGE;
	}
	*ret = v;
	return r;
}

int
text_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	const char *p = text;
	bool negative = *p == '-', over = false;
	int64_t v = 0;

	if (negative)
		p++;
	if (!is_digit(*p))
		return -EINVAL;
	/* built downwards, because INT64_MIN has no positive */
	for (; is_digit(*p); p++)
		over = over || __builtin_mul_overflow(v, 10, &v) ||
		       __builtin_sub_overflow(v, *p - '0', &v);
	if (*p != '\0')
		return -EINVAL;
	if (!negative)
		over = over || __builtin_sub_overflow(0, v, &v);
	if (over || v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

/* Largest first: the order in which they may be written. */
static const struct unit duration_units[] = {
    {"w", 7 * 86400 * USEC_PER_SEC},
    {"d", 86400 * USEC_PER_SEC},
    {"h", 3600 * USEC_PER_SEC},
    {"m", 60 * USEC_PER_SEC},
    {"s", USEC_PER_SEC},
    {"ms", USEC_PER_MSEC},
};

/* The index of the unit whose name is the first `len` bytes, or -1. */
static int
find_unit(const struct unit *units, size_t count, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strlen(units[i].name) == len &&
		    memcmp(units[i].name, name, len) == 0)
			return (int)i;
	return -1;
}

/* A number and its unit, which must come after unit `*last`. */
static int
take_term(const char **p, int *last, int64_t *sum)
{
	int64_t n;
	size_t len;
	int r, unit;

	r = take_number(p, &n);
	if (r == -EINVAL)
		return r;
	for (len = 0; (*p)[len] != '\0' && !is_digit((*p)[len]); len++)
		;
	unit = find_unit(duration_units, ARRAY_SIZE(duration_units), *p, len);
	if (unit <= *last)
		return -EINVAL;
	*last = unit;
	*p += len;
	if (r < 0 ||
	    __builtin_mul_overflow(n, duration_units[unit].factor, &n) ||
	    __builtin_add_overflow(*sum, n, sum))
		return -ERANGE;
	return 0;
}

int
text_parse_duration(const char *text, int64_t *ret_us)
{
	const char *p = text;
	int64_t sum = 0;
	int last = -1, r, result = 0;

	if (strcmp(text, "0") == 0) {
		*ret_us = 0;
		return 0;
	}
	do {
		r = take_term(&p, &last, &sum);
		if (r == -EINVAL)
			return r;
		if (r < 0)
			result = r;
	} while (*p != '\0');
	if (result == 0)
		*ret_us = sum;
	return result;
}

/*
 * Write `us` with the units in the set `mask` alone: what a unit cannot hold
 * goes to the next. Returns how much is left over; 0: it is all written.
 */
static int64_t
write_duration(int64_t us, unsigned mask, char out[TEXT_DURATION_BYTES])
{
	size_t i, len = 0;
	int64_t n;
	int r;

	out[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(duration_units); i++) {
		n = us / duration_units[i].factor;
		if ((mask & (1U << i)) == 0 || n == 0)
			continue;
		us -= n * duration_units[i].factor;
		r = snprintf(out + len, TEXT_DURATION_BYTES - len,
		    "%" PRId64 "%s", n, duration_units[i].name);
		BUG_ON(r < 0 || (size_t)r >= TEXT_DURATION_BYTES - len);
		len += (size_t)r;
	}
	return us;
}

static unsigned
count_bits(unsigned mask)
{
	return (unsigned)__builtin_popcount(mask);
}

const char *
text_format_duration(int64_t us, char out[TEXT_DURATION_BYTES])
{
	char trial[TEXT_DURATION_BYTES];
	unsigned mask, best = 0;

	us = us > 0 ? us - us % USEC_PER_MSEC : 0;
	memcpy(out, "0", 2);
	if (us == 0)
		return out;
	for (mask = 1; mask < 1U << ARRAY_SIZE(duration_units); mask++) {
		if (write_duration(us, mask, trial) != 0)
			continue;
		/* of two equally long ones, the one with fewer units */
		if (best == 0 || strlen(trial) < strlen(out) ||
		    (strlen(trial) == strlen(out) &&
			count_bits(mask) < count_bits(best))) {
			best = mask;
			memcpy(out, trial, sizeof(trial));
		}
	}
	return out;
}

#define K  INT64_C(1000)
#define KI INT64_C(1024)

/* Binary ones first: they are preferred where both are equally short. */
static const struct unit byte_units[] = {
    {"KiB", KI},
    {"MiB", KI *KI},
    {"GiB", KI *KI *KI},
    {"TiB", KI *KI *KI *KI},
    {"PiB", KI *KI *KI *KI *KI},
    {"", 1},
    {"kB", K},
    {"MB", K *K},
    {"GB", K *K *K},
    {"TB", K *K *K *K},
    {"PB", K *K *K *K *K},
    /* never written, but read */
    {"B", 1},
    {"KB", K},
};

int
text_parse_bytes(const char *text, int64_t *ret_bytes)
{
	const char *p = text;
	int64_t n;
	int r, unit;

	r = take_number(&p, &n);
	if (r == -EINVAL)
		return r;
	unit = find_unit(byte_units, ARRAY_SIZE(byte_units), p, strlen(p));
	if (unit < 0)
		return -EINVAL;
	if (r < 0 || __builtin_mul_overflow(n, byte_units[unit].factor, &n))
		return -ERANGE;
	*ret_bytes = n;
	return 0;
}

const char *
text_format_bytes(int64_t bytes, char out[TEXT_BYTES_BYTES])
{
	char trial[TEXT_BYTES_BYTES];
	size_t i;
	int n;

	out[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(byte_units); i++) {
		if (bytes % byte_units[i].factor != 0 ||
		    (bytes == 0 && byte_units[i].factor != 1))
			continue;
		n = snprintf(trial, sizeof(trial), "%" PRId64 "%s",
		    bytes / byte_units[i].factor, byte_units[i].name);
		BUG_ON(n < 0 || (size_t)n >= sizeof(trial));
		if (out[0] == '\0' || strlen(trial) < strlen(out))
			memcpy(out, trial, sizeof(trial));
	}
	return out;
}

bool
text_equal_secret(const char *a, const char *b)
{
	size_t alen = strlen(a), blen = strlen(b), i, j = 0;
	volatile unsigned char differ = alen != blen;

	/* the time depends on the length of `b` alone */
	for (i = 0; i < blen; i++) {
		differ |= (unsigned char)(a[j] ^ b[i]);
		j = j + 1 < alen ? j + 1 : 0;
	}
	return differ == 0;
}

static bool
is_joint(char c)
{
	return c == '-' || c == '_' || c == '.';
}

static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

char *
text_camel(const char *name)
{
	char *out = xmalloc(strlen(name) + 1);
	bool joint = false;
	size_t len = 0;

	for (; *name != '\0'; name++) {
		if (is_joint(*name)) {
			joint = len > 0;
			continue;
		}
		out[len++] = joint ? upper(*name) : *name;
		joint = false;
	}
	out[len] = '\0';
	return out;
}
