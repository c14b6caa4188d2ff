/*
 * zone.h - a time zone from the bytes of a TZif file (RFC 9636, versions 1 to
 * 4, with the footer rule for instants after the last transition). Pure: no
 * file, no setenv("TZ"), no mktime(3).
 *
 * "local" seconds count the wall clock as if it were UTC: 2026-03-29T02:30 is
 * the same local number in every zone.
 */
#ifndef REEVE_MODEL_ZONE_H
#define REEVE_MODEL_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct zone;

/* The zone UTC, static. Needs no free. */
const struct zone *zone_utc(void);

/*
 * Understand TZif bytes. -EINVAL for bytes that are no valid TZif, -ENOTSUP
 * for one with leap seconds ("right/" zones). Gives *ret to zone_free().
 */
MUSTUSE int zone_parse(
    const char *name, const void *data, size_t len, struct zone **ret);
void zone_free(struct zone *z);
const char *zone_name(const struct zone *z);

/* Offset east of UTC in seconds at an instant. */
int32_t zone_offset(const struct zone *z, int64_t utc_s);
/* The first instant after `utc_s` at which the offset changes, or
 * TIME_NEVER. */
int64_t zone_next_change(const struct zone *z, int64_t utc_s);

/* A stretch of time, from_s <= t < until_s, during which one offset holds. */
struct zone_span {
	int64_t from_s; /* INT64_MIN: since ever */
	int64_t until_s; /* TIME_NEVER: for ever */
	int32_t offset;
	int32_t offset_before; /* before from_s; equal to offset if no such */
};
/* The stretch that `utc_s` is in. */
void zone_span(const struct zone *z, int64_t utc_s, struct zone_span *ret);

/*
 * The instants at which the wall clock shows `local_s`. Where a clock shows
 * it more than twice (no real zone does), the first two.
 */
struct zone_instants {
	int count; /* 0 in a gap, 1, or 2 in a repeated hour */
	int64_t utc_s[2]; /* ascending */
	int64_t gap_end_s; /* count 0: the first instant after the gap */
};
void zone_resolve(
    const struct zone *z, int64_t local_s, struct zone_instants *ret);

#endif
