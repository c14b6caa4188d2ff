/*
 * zone_internal.h - what the files of zone.h share: the table of changes that
 * a zone becomes, and the rule of a footer.
 */
#ifndef REEVE_MODEL_ZONE_INTERNAL_H
#define REEVE_MODEL_ZONE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "model/zone.h"

/* RFC 9636 section 3.2: no offset is beyond these. */
#define ZONE_OFFSET_MIN (-89999)
#define ZONE_OFFSET_MAX 93599

/* An index over the years 1970 to 2514, in steps of a little over a year. */
#define ZONE_STEP_SHIFT 25
#define ZONE_STEPS	512

/*
 * Changes of the offset, ascending. offset[i] holds before at[i], and
 * offset[count] after the last. A zone whose footer has a rule holds one whole
 * cycle of 400 years of it, at[cycle_first..count), and every later instant is
 * looked up in that cycle.
 */
struct zone {
	char *name;
	size_t count;
	int64_t *at;
	int32_t *offset; /* count + 1 of them */
	bool cyclic;
	bool cyclic_before; /* the rule also holds before the cycle */
	int64_t cycle_from_s;
	size_t cycle_first;
	uint32_t step[ZONE_STEPS + 1]; /* changes at or before step << SHIFT */
};

/* One day of the year and a time on it. */
struct zone_day {
	enum zone_day_kind {
		ZONE_DAY_JULIAN, /* 1-365, never the leap day */
		ZONE_DAY_ZERO, /* 0-365 */
		ZONE_DAY_WEEK, /* month, week 1-5 (5 is the last), weekday */
	} kind;
	int day; /* of the year, or weekday from Sunday 0 */
	int month, week;
	int32_t time_s; /* wall clock in force; may be negative or over 24 h */
};

struct zone_footer {
	int32_t std, dst; /* seconds east of UTC; equal when there is no rule */
	struct zone_day start, end; /* of dst */
};

/* Parse a TZ string with the extensions of RFC 9636. 0 or -EINVAL. */
MUSTUSE int zone_footer_parse(
    const char *text, size_t len, struct zone_footer *ret);

/* The instants at which dst begins and ends by the rule of that year. */
void zone_footer_year(const struct zone_footer *f, int64_t year,
    int64_t *ret_start_s, int64_t *ret_end_s);

#endif
