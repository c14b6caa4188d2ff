/*
 * reload.h - the configuration from its files: at start, and again on HUP
 * while everything runs. All or nothing: on any error what was stays.
 */
#ifndef REEVE_FLOW_RELOAD_H
#define REEVE_FLOW_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "flow/road.h"

/*
 * Read `path` and the files *.json of jobs.d beside it, at once (before the
 * loop turns). 0 with *ret, -EINVAL with a line an error in `errors`.
 */
struct zones;
MUSTUSE int reload_read(const char *path, struct zones *zones,
    struct config **ret, struct buf *errors, struct buf *warnings);

struct reload;
/* `applied` is called when a new configuration is in force. */
typedef void reload_applied_fn(void *arg);
struct reload *reload_new(struct road *rd, const char *path,
    struct zones *zones, reload_applied_fn *applied, void *arg);
void reload_free(struct reload *rl);

/* A HUP: begin, or begin again once the one under way is done. */
void reload_request(struct reload *rl);
/* Work for at most `budget_us`; true while there is more to do now. */
bool reload_step(struct reload *rl, int64_t budget_us);
bool reload_busy(const struct reload *rl);
/* Instant and result of the last one, for health. */
struct reload_result {
	int64_t at_us; /* TIME_NEVER: none yet */
	bool ok;
	int64_t took_ms;
};
struct reload_result reload_last(const struct reload *rl);

#endif
