/*
 * slots.h - how many attempts may live at once: of the daemon, of each pool;
 * and who waits for a slot, highest priority first, then by scheduled instant.
 */
#ifndef REEVE_FLOW_SLOTS_H
#define REEVE_FLOW_SLOTS_H

#include <stdbool.h>

#include "flow/road.h"

/* Limits of the configuration in force; running attempts keep their slots,
 * who waits keeps its place. */
void slots_configure(struct road *rd);
void slots_free(struct road *rd);
/* The definition of `live` changed: who waits goes to the pool and the place
 * that it has now. */
void slots_redefine(struct live_job *live);

/* Is there a slot for it now? `first`: it was given by slots_first(), else
 * those who wait already and could start, in any pool, go before it. */
bool slots_free_for(const struct open_run *r, bool first);
/* Take one; it has none. */
void slots_take(struct open_run *r);
/* Give it back, when it has one. */
void slots_give_back(struct open_run *r);

/* Wait for a slot; leave (no-op when it does not wait). */
void slots_enter(struct open_run *r);
void slots_leave(struct open_run *r);
/* Who is next and has a slot; NULL when there is nobody. */
struct open_run *slots_first(const struct road *rd);

#endif
