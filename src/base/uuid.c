/*
 * uuid.c - UUIDv7: time in the first 48 bits, then 74 bits that are random
 * in a new millisecond and grow by a random step within the same one
 * (RFC 9562 section 6.2, method 2).
 *
 * Must never ask the clock: the time is passed in.
 */
#include <config.h>

#include "base/uuid.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "base/bug.h"
#include "base/macros.h"

#define RAND_A_BITS 12
#define RAND_B_BITS 62
#define RAND_B_MASK ((UINT64_C(1) << RAND_B_BITS) - 1)
#define MSEC_MASK   ((UINT64_C(1) << 48) - 1)

/* What the last id of this process was made of. */
struct last {
	uint64_t msec;
	uint64_t a, b; /* the 12 and the 62 bits */
};

void
uuid_random(void *out, unsigned len)
{
	unsigned char *p = out;
	ssize_t n;

	while (len > 0) {
		n = getrandom(p, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			BUG("no random bytes: errno %d", errno);
		p += n;
		len -= (unsigned)n;
	}
}

/* A fresh start well below the top, so that steps have room above it. */
static void
start(struct last *last, uint64_t msec)
{
	uint64_t r[2];

	uuid_random(r, sizeof(r));
	last->msec = msec;
	last->a = r[0] & ((1U << (RAND_A_BITS - 1)) - 1);
	last->b = r[1] & RAND_B_MASK;
}

static void
step(struct last *last)
{
	uint32_t r;

	uuid_random(&r, sizeof(r));
	last->b += (uint64_t)r + 1;
	last->a += last->b >> RAND_B_BITS;
	last->b &= RAND_B_MASK;
	/* 2^41 ids in a millisecond */
	BUG_ON(last->a >> RAND_A_BITS != 0);
}

static void
put_be(uint8_t *out, uint64_t v, unsigned nbytes)
{
	while (nbytes-- > 0) {
		out[nbytes] = (uint8_t)v;
		v >>= 8;
	}
}

void
uuid_v7(struct uuid *out, int64_t real_us)
{
	static struct last last = {.msec = UINT64_MAX};
	uint64_t msec;

	msec =
	    real_us > 0 ? (uint64_t)(real_us / USEC_PER_MSEC) & MSEC_MASK : 0;
	if (msec == last.msec)
		step(&last);
	else
		start(&last, msec);
	put_be(out->bytes, msec, 6);
	put_be(out->bytes + 6, 0x7000 | last.a, 2);
	put_be(out->bytes + 8, UINT64_C(1) << 63 | last.b, 8);
}

const char *
uuid_format(const struct uuid *u, char out[UUID_TEXT_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	char *p = out;
	size_t i;

	for (i = 0; i < sizeof(u->bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = hex[u->bytes[i] >> 4];
		*p++ = hex[u->bytes[i] & 15];
	}
	*p = '\0';
	return out;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
uuid_parse(const char *text, struct uuid *ret)
{
	struct uuid u;
	int high, low;
	size_t i;

	for (i = 0; i < sizeof(u.bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			if (*text++ != '-')
				return -EINVAL;
		/* the first bad character, maybe the NUL, stops the reading */
		high = hex_value(text[0]);
		if (high < 0)
			return -EINVAL;
		low = hex_value(text[1]);
		if (low < 0)
			return -EINVAL;
		u.bytes[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	if (*text != '\0')
		return -EINVAL;
	*ret = u;
	return 0;
}
