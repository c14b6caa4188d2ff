/*
 * cron_format.c - the canonical text of an expression: two that fire at the
 * same wall-clock times, and follow the same rule of daylight saving, have
 * the same text, however they were written. The text parses back.
 */
#include <config.h>

#include "model/cron.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/bug.h"
#include "model/cron_internal.h"

/* Whether a field may begin with *, where that has a meaning of its own. */
enum star {
	STAR_ANY,
	STAR_NEVER,
	STAR_MUST,
};

struct text {
	char *out;
	size_t len;
};

static void add(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->out + t->len, CRON_TEXT_BYTES - t->len, fmt, ap);
	va_end(ap);
	BUG_ON(n < 0 || (size_t)n >= CRON_TEXT_BYTES - t->len);
	t->len += (size_t)n;
}

static uint64_t
every_nth(int min, int max, int step)
{
	uint64_t bits = 0;
	int i;

	for (i = min; i <= max; i += step)
		bits |= (uint64_t)1 << i;
	return bits;
}

/* Numbers and ranges; `comma` goes before the first. */
static void
add_list(struct text *t, uint64_t bits, const char *comma)
{
	while (bits != 0) {
		int low = __builtin_ctzll(bits);
		int high = low;

		while (high < 63 && (bits >> (high + 1) & 1))
			high++;
		if (high > low + 1)
			add(t, "%s%d-%d", comma, low, high);
		else if (high > low)
			add(t, "%s%d,%d", comma, low, high);
		else
			add(t, "%s%d", comma, low);
		bits &= ~cron_bits(low, high);
		comma = ",";
	}
}

static void
add_field(struct text *t, uint64_t bits, int min, int max, enum star star)
{
	uint64_t nth = 0;
	int step;

	if (t->len > 0)
		add(t, " ");
	/* At step max - min + 1 only `min` is left. */
	for (step = 1; star != STAR_NEVER && step <= max - min + 1; step++) {
		nth = every_nth(min, max, step);
		if (star == STAR_MUST ? (nth & ~bits) == 0 : nth == bits)
			break;
	}
	if (star == STAR_NEVER || step > max - min + 1 ||
	    (star == STAR_ANY && __builtin_popcountll(nth) < 3)) {
		add_list(t, bits, "");
		return;
	}
	add(t, "*");
	if (step > 1)
		add(t, "/%d", step);
	add_list(t, bits & ~nth, ",");
}

/* The longest of the months of `c`, with a leap day in February. */
static int
longest_month(const struct cron *c)
{
	int m, days = 0;

	for (m = 1; m <= 12; m++)
		if ((c->months >> m & 1) && civil_month_days(2000, m) > days)
			days = civil_month_days(2000, m);
	return days;
}

/* Drop what makes no difference: months without an allowed day, days that
 * none of the months has, restrictions that allow every day. */
static struct cron
simplify(const struct cron *c, int *ret_last_dom)
{
	struct cron s = *c;
	bool either = cron_either_day(c);
	uint32_t all;
	int m;

	for (m = 1; m <= 12 && !either; m++)
		if (!(c->dom & cron_bits(1, civil_month_days(2000, m))))
			s.months &= (uint16_t) ~(1u << m);
	*ret_last_dom = longest_month(&s);
	all = (uint32_t)cron_bits(1, *ret_last_dom);
	s.dom &= all;
	if (either && (s.dom == all || s.dow == CRON_ALL_DOW)) {
		s.dom = all;
		s.dow = CRON_ALL_DOW;
	} else if (either && s.dom == 0) {
		s.dom = all;
	} else {
		s.dom_star = s.dow_star = !either;
		return s;
	}
	s.dom_star = s.dow_star = true;
	return s;
}

const char *
cron_format(const struct cron *c, char out[CRON_TEXT_BYTES])
{
	struct text t = {.out = out};
	int last_dom;
	struct cron s = simplify(c, &last_dom);
	enum star dom = STAR_NEVER, dow = STAR_NEVER;
	bool both = s.dom != cron_bits(1, last_dom) && s.dow != CRON_ALL_DOW;

	if (s.dom_star) {
		/* One star is enough to say that both must hold; a set can
		 * be written with one only if it has its first value. */
		dom = both && (s.dom & 2) ? STAR_MUST : STAR_ANY;
		dow = both && !(s.dom & 2) ? STAR_MUST : STAR_ANY;
	}
	out[0] = '\0';
	if (s.seconds != 1)
		add_field(&t, s.seconds, 0, 59, STAR_ANY);
	add_field(&t, s.minutes, 0, 59, STAR_ANY);
	add_field(&t, s.hours, 0, 23, s.hour_star ? STAR_MUST : STAR_NEVER);
	add_field(&t, s.dom, 1, last_dom, dom);
	add_field(&t, s.months, 1, 12, STAR_ANY);
	add_field(&t, s.dow, 0, 6, dow);
	return out;
}
