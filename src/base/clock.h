/*
 * clock.h - the only file that asks what time it is. Everybody else is told.
 *
 * real: CLOCK_REALTIME, microseconds since 1970-01-01T00:00:00Z; the calendar.
 * boot: CLOCK_BOOTTIME, microseconds since boot, counts suspend; deadlines.
 */
#ifndef REEVE_BASE_CLOCK_H
#define REEVE_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/* No such time: larger than any real one. */
#define TIME_NEVER INT64_MAX

int64_t clock_real_us(void);
int64_t clock_boot_us(void);
/* Processor time of this thread: for budgets of work, which a busy machine
 * must not shorten. */
int64_t clock_thread_us(void);

/*
 * Debug builds only: shift what clock_real_us() answers, so that a test can
 * step the calendar of one process. In other builds a no-op.
 */
void clock_debug_offset_set(int64_t offset_us);
int64_t clock_debug_offset(void);

#define CLOCK_ISO_BYTES 32
/*
 * "2026-11-23T17:00:00.004Z" of `real_us`, cut to the millisecond; borrows
 * `out`, returns it. Always 24 characters: what is before the year 0000 or
 * after 9999 becomes the first or last instant of them.
 */
const char *clock_iso_format(int64_t real_us, char out[CLOCK_ISO_BYTES]);
/*
 * Parse RFC 3339 ("2026-11-23T17:00:00Z", fraction up to nanoseconds, an
 * offset instead of Z). What is under a microsecond is cut. Returns 0 or
 * -EINVAL.
 */
MUSTUSE int clock_iso_parse(const char *text, int64_t *ret_real_us);

/* Boot id of the kernel, 36 characters; "" if it cannot be read. Static;
 * for the main thread. */
const char *clock_boot_id(void);

#endif
