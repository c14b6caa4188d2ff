/*
 * recovery.h - the past: what the ledger says was open when the daemon last
 * ended, settled before anything new starts.
 */
#ifndef REEVE_FLOW_RECOVERY_H
#define REEVE_FLOW_RECOVERY_H

#include "flow/road.h"

/*
 * Read the ledger into the road: cursors, pauses, last rows, breaker windows,
 * open runs. Blocks: before the loop turns. Returns 0 or -EIO.
 */
MUSTUSE int recovery_load(struct road *rd);
/*
 * Deal with what was open: prove the dead dead or kill them, settle them as
 * lost, arm retries, then let the schedules begin (catching up). Sets
 * road.recovered, at once or some turns later.
 */
void recovery_begin(struct road *rd);

/* Load the newest rows and failures of one job (also of one that a reload
 * brings back). */
MUSTUSE int recovery_load_history(struct live_job *live);

/* At the end of the daemon: stop looking for what the run left. */
void recovery_forget(struct open_run *r);

/* Action of the table. */
void recovery_act_trace(struct open_run *r);

#endif
