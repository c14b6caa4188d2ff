/*
 * cron.h - a cron expression and its next fire. Pure: zone and time are
 * passed in. Five fields now; the language grows here.
 */
#ifndef REEVE_MODEL_CRON_H
#define REEVE_MODEL_CRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "model/zone.h"

/*
 * What becomes of a wall-clock time that a change of the clock skips (a gap)
 * or repeats. All skipped times of one gap are one fire. An expression whose
 * hour field begins with * is about elapsed time: under every rule it fires
 * at each real instant whose wall-clock time matches, and nothing is moved.
 */
enum dst_rule {
	DST_ONCE, /* skipped: the first instant after the gap; repeated: the
		   * first time */
	DST_SKIP, /* skipped: not at all; repeated: the first time */
	DST_TWICE, /* skipped: as DST_ONCE; repeated: both times */
};

/* Plain data: sets of allowed values, copied by assignment. */
struct cron {
	uint64_t seconds; /* bits 0-59 */
	uint64_t minutes;
	uint32_t hours;
	uint32_t dom; /* bits 1-31 */
	uint16_t months; /* bits 1-12 */
	uint8_t dow; /* bits 0-6, Sunday 0 */
	bool dom_star, dow_star; /* began with *: not OR'ed (cron(8)) */
	bool hour_star; /* began with *: an elapsed-time schedule to `dst` */
};

struct cron_error {
	unsigned column; /* of the text, from 1 */
	char message[160]; /* names the field */
};

/*
 * Parse "M H DOM MON DOW" with names (any case), ranges, lists and steps of
 * ranges, and the forms @hourly @daily @midnight @weekly @monthly @yearly
 * @annually. Sunday is 0 and 7. As in cron(8), either day field is enough when
 * both are restricted; one that begins with * (a step may follow) is not.
 *
 * -EINVAL with *err filled and *ret untouched for any other text, for a range
 * that runs backwards, a step without a range, and for an expression that
 * never fires (30 February).
 */
MUSTUSE int cron_parse(
    const char *text, struct cron *ret, struct cron_error *err);

/* How the instant came about, for previews. */
enum cron_note {
	CRON_PLAIN,
	CRON_MOVED, /* by dst, to the end of a gap */
	CRON_REPEATED, /* the second one of a repeated hour */
};

/*
 * The first fire strictly after `after_us` (real), in microseconds, or
 * TIME_NEVER when there is none within 400 years, after which the calendar
 * repeats. The answer depends on nothing but the arguments. `ret_note` may be
 * NULL; it is untouched when there is no fire.
 */
int64_t cron_next(const struct cron *c, const struct zone *z, enum dst_rule dst,
    int64_t after_us, enum cron_note *ret_note);

/*
 * Canonical text ("0 6 * * 1-5") that parses back: two expressions that fire
 * at the same times in every zone have the same. Borrows `out`, returns it.
 */
#define CRON_TEXT_BYTES 512
const char *cron_format(const struct cron *c, char out[CRON_TEXT_BYTES]);

#endif
