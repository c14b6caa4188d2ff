/*
 * zones.h - the zones that jobs name, each read once and kept for ever.
 */
#ifndef REEVE_FLOW_ZONES_H
#define REEVE_FLOW_ZONES_H

#include "model/zone.h"

struct zones;

struct zones *zones_new(void);
void zones_free(struct zones *z);
/*
 * The zone of that IANA name, or NULL with *ret_why (static text). Never
 * falls back to UTC. A config_zone_fn with the zones as its argument.
 */
const struct zone *zones_get(
    void *zones, const char *name, const char **ret_why);

#endif
