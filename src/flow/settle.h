/*
 * settle.h - an attempt is over: what it was, its row, and what comes next.
 * After attempt.h; the end of the road, or back to claim.h after a backoff.
 */
#ifndef REEVE_FLOW_SETTLE_H
#define REEVE_FLOW_SETTLE_H

#include "flow/road.h"

/* Actions of the table. */
void settle_act_settle(struct open_run *r);
void settle_act_backoff(struct open_run *r);
void settle_act_finish(struct open_run *r);

#endif
