/*
 * api.h - the HTTP routes: who may ask what, answered from memory and the
 * ledger. Each route's work is in an api_*.c of its own.
 */
#ifndef REEVE_FLOW_API_H
#define REEVE_FLOW_API_H

#include "base/macros.h"
#include "flow/reload.h"
#include "flow/road.h"

struct api;

/*
 * Listen on the configured addresses. Returns 0, or -errno with *ret_where
 * (to free) naming the address or file that failed.
 */
MUSTUSE int api_new(struct road *rd, const struct reload *rl, struct api **ret,
    char **ret_where);
/* Hosts and tokens of the configuration in force: read the secrets again. A
 * token whose secret cannot be read lets nobody in, and is logged. */
void api_configure(struct api *api);
/* No new connections; what is asked now gets 503. */
void api_stop(struct api *api);
void api_free(struct api *api);

#endif
