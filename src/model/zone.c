/*
 * zone.c - looking instants and wall-clock times up in the table of a zone. A
 * zone never changes after it was parsed, so many jobs share one; nothing here
 * remembers anything.
 */
#include <config.h>

#include "model/zone.h"

#include "base/clock.h"
#include "model/civil.h"
#include "model/zone_internal.h"

/* The casts are for zone_free(), which never sees this one. */
static const int32_t utc_offset[1] = {0};
static const struct zone utc = {
    .name = (char *)"UTC",
    .offset = (int32_t *)utc_offset,
};

const struct zone *
zone_utc(void)
{
	return &utc;
}

const char *
zone_name(const struct zone *z)
{
	return z->name;
}

static int64_t
add_saturated(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

/* How many changes are at or before `t`. */
static size_t
count_changes(const struct zone *z, int64_t t)
{
	size_t low = 0, high = z->count;

	if (t >= 0 && t >> ZONE_STEP_SHIFT < ZONE_STEPS) {
		low = z->step[t >> ZONE_STEP_SHIFT];
		high = z->step[(t >> ZONE_STEP_SHIFT) + 1];
	}
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (z->at[mid] <= t)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
beyond_table(const struct zone *z, int64_t t)
{
	if (!z->cyclic)
		return false;
	return t >= z->cycle_from_s + CIVIL_CYCLE_S ||
	       (z->cyclic_before && t < z->cycle_from_s);
}

/* The instant of the table's cycle that is like `t`. */
static int64_t
fold_into_cycle(const struct zone *z, int64_t t)
{
	int64_t phase = civil_mod(t, CIVIL_CYCLE_S) -
			civil_mod(z->cycle_from_s, CIVIL_CYCLE_S);

	return z->cycle_from_s + civil_mod(phase, CIVIL_CYCLE_S);
}

int32_t
zone_offset(const struct zone *z, int64_t utc_s)
{
	if (beyond_table(z, utc_s))
		utc_s = fold_into_cycle(z, utc_s);
	return z->offset[count_changes(z, utc_s)];
}

int64_t
zone_next_change(const struct zone *z, int64_t utc_s)
{
	struct zone_span span;

	zone_span(z, utc_s, &span);
	return span.until_s;
}

/* Where `edge`, near `t` in the table, is when `t` stands for `utc_s`. */
static int64_t
unfold(int64_t utc_s, int64_t t, int64_t edge)
{
	return utc_s == t ? edge : add_saturated(utc_s, edge - t);
}

void
zone_span(const struct zone *z, int64_t utc_s, struct zone_span *ret)
{
	bool folded = beyond_table(z, utc_s);
	int64_t t = folded ? fold_into_cycle(z, utc_s) : utc_s;
	size_t i = count_changes(z, t);
	const int64_t *at = z->at;

	ret->offset = ret->offset_before = z->offset[i];
	ret->from_s = INT64_MIN;
	ret->until_s = TIME_NEVER;
	if (i < z->count)
		ret->until_s = unfold(utc_s, t, at[i]);
	else if (z->cyclic)
		ret->until_s =
		    unfold(utc_s, t, at[z->cycle_first] + CIVIL_CYCLE_S);
	if (i == z->cycle_first && (folded || z->cyclic_before)) {
		ret->offset_before = z->offset[z->count - 1];
		ret->from_s =
		    unfold(utc_s, t, at[z->count - 1] - CIVIL_CYCLE_S);
	} else if (i > 0) {
		ret->offset_before = z->offset[i - 1];
		ret->from_s = unfold(utc_s, t, at[i - 1]);
	}
}

/*
 * Walks the few stretches that a clock showing `local_s` can be in: those of
 * the instants local_s - offset for every offset there can be.
 */
void
zone_resolve(const struct zone *z, int64_t local_s, struct zone_instants *ret)
{
	const int64_t edge = INT64_MAX - 2 * CIVIL_DAY_S;
	struct zone_span span;
	bool gap = false;

	if (local_s > edge)
		local_s = edge;
	if (local_s < -edge)
		local_s = -edge;
	ret->count = 0;
	ret->gap_end_s = local_s;
	zone_span(z, local_s - ZONE_OFFSET_MAX, &span);
	for (;;) {
		int64_t at = local_s - span.offset;
		int64_t end = span.until_s;

		if (span.from_s <= at && at < end)
			ret->utc_s[ret->count++] = at;
		if (end > local_s - ZONE_OFFSET_MIN || ret->count == 2)
			break;
		zone_span(z, end, &span);
		if (!gap && end + span.offset_before <= local_s &&
		    local_s < end + span.offset) {
			gap = true;
			ret->gap_end_s = end;
		}
	}
}
