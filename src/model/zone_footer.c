/*
 * zone_footer.c - the footer of a TZif file: a TZ string of POSIX with the
 * extensions of RFC 9636 section 3.3.2 (quoted names, times from -167 to 167
 * hours). Reads bytes of an outsider: never looks beyond `end`.
 */
#include <config.h>

#include "model/zone_internal.h"

#include <errno.h>
#include <string.h>

#include "model/civil.h"

#define HOUR_S 3600

struct cursor {
	const char *p, *end;
};

static bool
at_char(const struct cursor *c, char want)
{
	return c->p < c->end && *c->p == want;
}

static bool
eat_char(struct cursor *c, char want)
{
	if (!at_char(c, want))
		return false;
	c->p++;
	return true;
}

static bool
is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static bool
is_alpha(char ch)
{
	return (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z');
}

static int
eat_number(struct cursor *c, int max_digits, int min, int max, int *ret)
{
	int digits = 0, value = 0;

	while (c->p < c->end && is_digit(*c->p)) {
		if (++digits > max_digits)
			return -EINVAL;
		value = value * 10 + (*c->p++ - '0');
	}
	if (digits == 0 || value < min || value > max)
		return -EINVAL;
	*ret = value;
	return 0;
}

/* Three letters or more, or <...> of letters, digits and signs. */
static int
eat_name(struct cursor *c)
{
	bool quoted = eat_char(c, '<');
	const char *begin = c->p;

	while (
	    c->p < c->end &&
	    (is_alpha(*c->p) ||
		(quoted && (is_digit(*c->p) || *c->p == '+' || *c->p == '-'))))
		c->p++;
	if (c->p - begin < 3)
		return -EINVAL;
	return quoted && !eat_char(c, '>') ? -EINVAL : 0;
}

/* [+-]h[h[h]][:mm[:ss]] */
static int
eat_time(struct cursor *c, int max_hours, int32_t *ret)
{
	bool negative = eat_char(c, '-');
	int hours, minutes = 0, seconds = 0;

	if (!negative)
		eat_char(c, '+');
	if (eat_number(c, max_hours > 99 ? 3 : 2, 0, max_hours, &hours) != 0)
		return -EINVAL;
	if (eat_char(c, ':')) {
		if (eat_number(c, 2, 0, 59, &minutes) != 0)
			return -EINVAL;
		if (eat_char(c, ':') && eat_number(c, 2, 0, 59, &seconds) != 0)
			return -EINVAL;
	}
	*ret = hours * HOUR_S + minutes * 60 + seconds;
	if (negative)
		*ret = -*ret;
	return 0;
}

static int
eat_week_day(struct cursor *c, struct zone_day *ret)
{
	ret->kind = ZONE_DAY_WEEK;
	if (eat_number(c, 2, 1, 12, &ret->month) != 0 || !eat_char(c, '.') ||
	    eat_number(c, 1, 1, 5, &ret->week) != 0 || !eat_char(c, '.') ||
	    eat_number(c, 1, 0, 6, &ret->day) != 0)
		return -EINVAL;
	return 0;
}

static int
eat_day(struct cursor *c, struct zone_day *ret)
{
	int r;

	if (eat_char(c, 'M')) {
		r = eat_week_day(c, ret);
	} else if (eat_char(c, 'J')) {
		ret->kind = ZONE_DAY_JULIAN;
		r = eat_number(c, 3, 1, 365, &ret->day);
	} else {
		ret->kind = ZONE_DAY_ZERO;
		r = eat_number(c, 3, 0, 365, &ret->day);
	}
	if (r != 0)
		return r;
	ret->time_s = 2 * HOUR_S;
	return eat_char(c, '/') ? eat_time(c, 167, &ret->time_s) : 0;
}

/* POSIX counts offsets west of Greenwich; here they count east. */
static int
eat_offset(struct cursor *c, int32_t *ret)
{
	int r = eat_time(c, 24, ret);

	*ret = r == 0 ? -*ret : 0;
	return r;
}

static int
eat_dst(struct cursor *c, struct zone_footer *f)
{
	if (eat_name(c) != 0)
		return -EINVAL;
	f->dst = f->std + HOUR_S;
	if (!at_char(c, ',') && eat_offset(c, &f->dst) != 0)
		return -EINVAL;
	if (!eat_char(c, ',') || eat_day(c, &f->start) != 0 ||
	    !eat_char(c, ',') || eat_day(c, &f->end) != 0)
		return -EINVAL;
	return 0;
}

int
zone_footer_parse(const char *text, size_t len, struct zone_footer *ret)
{
	struct cursor c = {text, text + len};

	memset(ret, 0, sizeof(*ret));
	if (eat_name(&c) != 0 || eat_offset(&c, &ret->std) != 0)
		return -EINVAL;
	ret->dst = ret->std;
	if (c.p < c.end && eat_dst(&c, ret) != 0)
		return -EINVAL;
	return c.p == c.end ? 0 : -EINVAL;
}

/* The day, counted from 1970-01-01, on which `d` falls in that year. */
static int64_t
day_in_year(const struct zone_day *d, int64_t year)
{
	int64_t first = civil_days(year, 1, 1);
	int skip, dom;

	switch (d->kind) {
	case ZONE_DAY_JULIAN:
		return first + d->day - 1 + (civil_leap(year) && d->day >= 60);
	case ZONE_DAY_ZERO:
		return first + d->day;
	case ZONE_DAY_WEEK:
		break;
	}
	first = civil_days(year, d->month, 1);
	skip = (d->day - civil_weekday(first) + 7) % 7;
	dom = skip + 7 * (d->week - 1);
	if (dom >= civil_month_days(year, d->month))
		dom -= 7;
	return first + dom;
}

void
zone_footer_year(const struct zone_footer *f, int64_t year,
    int64_t *ret_start_s, int64_t *ret_end_s)
{
	*ret_start_s = day_in_year(&f->start, year) * CIVIL_DAY_S +
		       f->start.time_s - f->std;
	*ret_end_s =
	    day_in_year(&f->end, year) * CIVIL_DAY_S + f->end.time_s - f->dst;
}
