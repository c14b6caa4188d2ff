/*
 * cron_next.c - the next fire of an expression. Works on the wall clock, one
 * stretch of constant offset at a time, and jumps field by field: it never
 * steps through minutes. What it answers depends on its arguments alone, so
 * that the fires of a schedule are one set, wherever one starts to count.
 */
#include <config.h>

#include "model/cron.h"

#include "base/clock.h"
#include "model/cron_internal.h"

#define MONTHS_OF_CYCLE 4800

static int
first_bit(uint64_t bits)
{
	return __builtin_ctzll(bits);
}

/* Bits above `bit`, which is at most 62. */
static uint64_t
bits_above(uint64_t bits, int bit)
{
	return bits & (~(uint64_t)1 << bit);
}

/* The first second of a day at or after h:m:s that matches, or -1. */
static int
match_time(const struct cron *c, int h, int m, int s)
{
	uint64_t seconds = c->seconds & (~(uint64_t)0 << s);
	uint64_t minutes = bits_above(c->minutes, m);
	uint64_t hours = bits_above(c->hours, h);

	if (c->hours >> h & 1) {
		if ((c->minutes >> m & 1) && seconds != 0)
			return h * 3600 + m * 60 + first_bit(seconds);
		if (minutes != 0)
			return h * 3600 + first_bit(minutes) * 60 +
			       first_bit(c->seconds);
	}
	if (hours == 0)
		return -1;
	return first_bit(hours) * 3600 + first_bit(c->minutes) * 60 +
	       first_bit(c->seconds);
}

/* The first matching day after `d`, or TIME_NEVER: the calendar repeats after
 * one cycle. `rest` are the matching days of the month of `d` after it. */
static int64_t
match_day_after(const struct cron *c, struct civil d, uint64_t rest)
{
	int i;

	for (i = 0; rest == 0; i++) {
		uint64_t months = bits_above(c->months, d.month);

		if (i > MONTHS_OF_CYCLE || c->months == 0)
			return TIME_NEVER;
		if (months == 0) {
			d.year++;
			months = c->months;
		}
		d.month = first_bit(months);
		rest = cron_days(c, d.year, d.month);
	}
	return civil_days(d.year, d.month, first_bit(rest));
}

/* The first matching wall-clock second at or after `local_s`, or TIME_NEVER. */
static int64_t
match_local(const struct cron *c, int64_t local_s)
{
	int64_t day = civil_div(local_s, CIVIL_DAY_S);
	int second = (int)(local_s - day * CIVIL_DAY_S);
	struct civil d = civil_date(day);
	uint64_t days = 0;
	int t;

	if (c->months >> d.month & 1)
		days = cron_days(c, d.year, d.month);
	if (days >> d.day & 1) {
		t = match_time(c, second / 3600, second / 60 % 60, second % 60);
		if (t >= 0)
			return day * CIVIL_DAY_S + t;
	}
	day = match_day_after(c, d, bits_above(days, d.day));
	if (day == TIME_NEVER)
		return TIME_NEVER;
	return day * CIVIL_DAY_S + match_time(c, 0, 0, 0);
}

/* An earlier instant than `utc_s` showed the same time. */
static bool
is_repeat(const struct zone *z, int64_t local_s, int64_t utc_s)
{
	struct zone_instants at;

	zone_resolve(z, local_s, &at);
	return at.count > 0 && at.utc_s[0] < utc_s;
}

/* A matching time was skipped by the gap before `span`. */
static bool
gap_matches(
    const struct cron *c, const struct zone *z, const struct zone_span *span)
{
	int64_t local_s = span->from_s + span->offset_before;

	for (;; local_s++) {
		struct zone_instants at;

		local_s = match_local(c, local_s);
		if (local_s >= span->from_s + span->offset)
			return false;
		zone_resolve(z, local_s, &at);
		if (at.count == 0 && at.gap_end_s == span->from_s)
			return true;
	}
}

/*
 * The first match in `span` at or after the wall-clock time `local_s`; it may
 * lie beyond the end of the span. Only where the clock was set back can a time
 * be a repeat.
 */
static int64_t
match_span(const struct cron *c, const struct zone *z,
    const struct zone_span *span, int64_t local_s, bool repeats,
    enum cron_note *ret_note)
{
	int64_t fresh_s = INT64_MIN;

	*ret_note = CRON_PLAIN;
	if (span->offset_before > span->offset)
		fresh_s = span->from_s + span->offset_before;
	for (;; local_s++) {
		local_s = match_local(c, local_s);
		if (local_s >= fresh_s ||
		    !is_repeat(z, local_s, local_s - span->offset))
			return local_s;
		if (repeats) {
			*ret_note = CRON_REPEATED;
			return local_s;
		}
	}
}

/*
 * Where to look on when the stretch, seen from `from_s`, has no match before
 * the wall-clock time `local_s`. All instants that can show an earlier time
 * are passed over, provided that the clock cannot fall back behind where the
 * search began.
 */
static int64_t
look_on(const struct zone_span *span, int64_t from_s, int64_t local_s)
{
	int64_t next_s = span->until_s;

	if (next_s - from_s > 4 * CIVIL_DAY_S &&
	    local_s - 2 * CIVIL_DAY_S > next_s)
		next_s = local_s - 2 * CIVIL_DAY_S;
	return next_s;
}

/* The first fire at or after `from_s`, in seconds, or TIME_NEVER. */
static int64_t
search(const struct cron *c, const struct zone *z, enum dst_rule dst,
    int64_t from_s, enum cron_note *ret_note)
{
	bool moves = !c->hour_star && dst != DST_SKIP;
	bool repeats = c->hour_star || dst == DST_TWICE;
	int64_t limit_s = from_s + CIVIL_CYCLE_S + 2 * CIVIL_DAY_S;

	while (from_s <= limit_s) {
		struct zone_span span;
		bool moved = false;
		int64_t local_s;

		zone_span(z, from_s, &span);
		if (moves && span.from_s == from_s &&
		    span.offset_before < span.offset)
			moved = gap_matches(c, z, &span);
		local_s = match_span(
		    c, z, &span, from_s + span.offset, repeats, ret_note);
		if (moved && local_s != from_s + span.offset) {
			*ret_note = CRON_MOVED;
			return from_s;
		}
		if (local_s == TIME_NEVER)
			return TIME_NEVER;
		if (local_s - span.offset < span.until_s)
			return local_s - span.offset;
		from_s = look_on(&span, from_s, local_s);
	}
	return TIME_NEVER;
}

int64_t
cron_next(const struct cron *c, const struct zone *z, enum dst_rule dst,
    int64_t after_us, enum cron_note *ret_note)
{
	int64_t from_s = civil_div(after_us, USEC_PER_SEC) + 1;
	enum cron_note note = CRON_PLAIN;
	int64_t at_s = search(c, z, dst, from_s, &note);

	if (at_s > INT64_MAX / USEC_PER_SEC)
		return TIME_NEVER;
	if (ret_note != NULL)
		*ret_note = note;
	return at_s * USEC_PER_SEC;
}
