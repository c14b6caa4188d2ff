/*
 * schedule.h - all the schedules of one job: which instants it is due.
 * Kinds are added here (@after, @at); a job sees one list and one answer.
 */
#ifndef REEVE_MODEL_SCHEDULE_H
#define REEVE_MODEL_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "model/cron.h"

enum schedule_kind {
	SCHEDULE_CRON,
	SCHEDULE_EVERY, /* elapsed time on a grid from first sight */
	SCHEDULE_REBOOT, /* once per boot id and start of PID 1 */
};

struct schedule_item {
	enum schedule_kind kind;
	struct cron cron;
	int64_t every_us;
};

struct schedule {
	unsigned count;
	struct schedule_item items[];
};

/*
 * Parse one text into one item: an expression of cron.h, "@every DURATION"
 * (1s to 366d) or "@reboot". -EINVAL with *err filled and *ret untouched.
 */
MUSTUSE int schedule_parse_item(
    const char *text, struct schedule_item *ret, struct cron_error *err);

/*
 * The first instant strictly after `after_us` that any item names, or
 * TIME_NEVER. `grid_us` is the job's first sight, origin of @every: its fires
 * are grid + k * every, k >= 1. @reboot names no instant.
 */
int64_t schedule_next(const struct schedule *s, const struct zone *z,
    enum dst_rule dst, int64_t grid_us, int64_t after_us);

bool schedule_has_reboot(const struct schedule *s);
bool schedule_has_every(const struct schedule *s);

/*
 * Append the canonical text with zone and dst rule: equal behaviour, equal
 * text. Order and duplicates of items make no difference; the zone is named
 * only when there is a cron item, the rule only when it touches one. The text
 * is stored beside the cursor; a difference means the schedule changed.
 */
void schedule_normal(const struct schedule *s, const struct zone *z,
    enum dst_rule dst, struct buf *out);

#endif
