/*
 * life.h - the daemon's own life while it runs: signals, the shutdown ladder,
 * housekeeping, the service manager's watchdog.
 */
#ifndef REEVE_FLOW_LIFE_H
#define REEVE_FLOW_LIFE_H

#include <stdbool.h>

#include "flow/reload.h"
#include "flow/road.h"

struct life;

/* Installs the signal handlers and timers. Returns 0 or -errno. */
MUSTUSE int life_new(struct road *rd, struct reload *rl, struct life **ret);
void life_free(struct life *l);

/*
 * One look at the end of each turn: true once nothing is left to wait for and
 * the daemon may go.
 */
bool life_over(struct life *l);
/* What the ledger's event means: failing, working again. */
void life_ledger_event(struct life *l);

#endif
