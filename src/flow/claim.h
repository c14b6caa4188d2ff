/*
 * claim.h - admission: may this run start now, must it wait, is it refused;
 * and the record that comes before the worker. After due.h, before attempt.h.
 */
#ifndef REEVE_FLOW_CLAIM_H
#define REEVE_FLOW_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/road.h"
#include "model/outcome.h"
#include "model/policy.h"

/*
 * Ask for the run: it is CLAIMING, WAITING or DONE (skipped) after. Returns
 * what was decided, for who triggered it by hand.
 */
struct admission claim_ask(struct open_run *r);
/* Something of the job ended: at the end of the turn its waiting runs are
 * asked for again. */
void claim_job_free(struct live_job *live);
/* The end of a turn: let those start who may now. At most `budget_us`; true
 * while there is more to do. */
bool claim_pump(struct road *rd, int64_t budget_us);
/* Leave the queue, give the slot back, undo a claim that came to no worker:
 * each when there is something to undo. */
void claim_withdraw(struct open_run *r);
/*
 * End the run whatever it is at: a live worker is stopped for `cause`, one
 * that has not begun is skipped/canceled, a backoff is cut. Copies `words`.
 */
void claim_give_up(
    struct open_run *r, enum stop_cause cause, const char *words);
/* Skip a run in NEW or WAITING. Takes `detail` and `result` (or NULL). */
void claim_skip(
    struct open_run *r, enum reason why, char *detail, char *result);
/* Everything the ledger keeps of an open run, into this turn's batch. */
void claim_record(struct open_run *r, const char *state);

/* Arm the run's timer for a real instant (deadlines count elapsed time). */
void claim_arm(struct open_run *r, int64_t real_us);
/* The run's timer: a wait that became too long, a backoff that is over. */
void claim_timer_due(void *arg);

/* What the API shows of the breaker. */
struct breaker_view claim_breaker(const struct live_job *live);

/* Actions of the table. */
void claim_act_claim(struct open_run *r);
void claim_act_enqueue(struct open_run *r);
void claim_act_skip(struct open_run *r);

#endif
