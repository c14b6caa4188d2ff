/*
 * due.h - instants become runs: the timer of each job, and the fires that
 * passed while nobody was there. First on the road; claim.h is next.
 */
#ifndef REEVE_FLOW_DUE_H
#define REEVE_FLOW_DUE_H

#include <stdbool.h>

#include "flow/road.h"

/* Wire the timer of a new live job. */
void due_prepare(struct live_job *live);
/*
 * Begin (or begin again, after a change of the schedule) to fire `live`: with
 * `fresh` from now on, else from its cursor, catching up what was missed.
 */
void due_start(struct live_job *live, bool fresh);
/* Before another schedule takes over: fires that are due by now, by the one
 * in force. */
void due_settle(struct live_job *live);
/* No fire any more; the cursor stays. */
void due_stop(struct live_job *live);
/* @reboot jobs that have not run since this boot. */
void due_reboot(struct live_job *live, const char *boot);
/* The ledger works again: fires that were held go on. */
void due_release(struct road *rd);
/* CLOCK_REALTIME was set. */
void due_clock_step(struct road *rd);
/* Work on missed fires for at most `budget_us`; true while there is more. */
bool due_catch_up(struct road *rd, int64_t budget_us);
/* The state of the job that outlives us, into this turn's batch. */
void due_record(struct live_job *live);
/* The schedule as the ledger keeps it beside the cursor; "" for a job that
 * makes no fires. */
void due_schedule_text(const struct live_job *live, struct buf *out);
/* Identity of this boot and this PID 1, for @reboot. To free(). */
char *due_boot_text(void);

#endif
