/*
 * breaker.c - a bounded list of failure instants and the window over it.
 * Must never look at a clock.
 */
#include <config.h>

#include "model/breaker.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

/* More failures than this, or than the policy asks for, are not remembered. */
#define BREAKER_MOST 1000

void
breaker_clear(struct breaker *b)
{
	free(b->failures_us);
	memset(b, 0, sizeof(*b));
}

static void
forget_oldest(struct breaker *b, unsigned n)
{
	if (n == 0)
		return;
	b->count -= n;
	memmove(b->failures_us, b->failures_us + n,
	    b->count * sizeof(*b->failures_us));
}

static unsigned
count_before(const struct breaker *b, int64_t at_us)
{
	unsigned n = 0;

	while (n < b->count && b->failures_us[n] <= at_us)
		n++;
	return n;
}

static void
lower(struct breaker *b, int64_t now_us)
{
	for (unsigned i = b->count; i > 0 && b->failures_us[i - 1] > now_us;)
		b->failures_us[--i] = now_us;
}

void
breaker_clock_back(struct breaker *b, int64_t now_us)
{
	lower(b, now_us);
	if (b->closed_at_us > now_us)
		b->closed_at_us = now_us;
}

void
breaker_add(struct breaker *b, const struct breaker_policy *p, int64_t at_us)
{
	unsigned most = BREAKER_MOST;

	if (p->failures > BREAKER_MOST)
		most = (unsigned)p->failures;
	lower(b, at_us);
	forget_oldest(b, count_before(b, at_us - p->window_us));
	if (b->count >= most)
		forget_oldest(b, b->count - most + 1);
	if (b->count == b->cap) {
		b->cap = b->cap == 0 ? 4 : b->cap * 2;
		b->failures_us = xreallocarray(
		    b->failures_us, b->cap, sizeof(*b->failures_us));
	}
	b->failures_us[b->count++] = at_us;
}

void
breaker_close(struct breaker *b, int64_t at_us)
{
	b->count = 0;
	b->closed_at_us = at_us;
}

void
breaker_look(const struct breaker *b, const struct breaker_policy *p,
    int64_t now_us, struct breaker_view *ret)
{
	int64_t since = now_us - p->window_us;
	unsigned skip;

	if (since < b->closed_at_us)
		since = b->closed_at_us;
	skip = count_before(b, since);
	memset(ret, 0, sizeof(*ret));
	ret->failures = (int)(b->count - skip);
	ret->until_us = TIME_NEVER;
	if (p->failures <= 0 || ret->failures < p->failures)
		return;
	ret->open = true;
	ret->until_us =
	    b->failures_us[b->count - (unsigned)p->failures] + p->window_us;
	ret->probe_due = p->probe_us > 0 &&
			 now_us >= b->failures_us[b->count - 1] + p->probe_us;
}
