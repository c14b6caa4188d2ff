/*
 * quota.h - how much of each service's quota was used today: the ledger's own
 * count and what the service itself last said. A day is a day of the
 * service's zone (YouTube: midnight in Los Angeles, on 23- and 25-hour days
 * too).
 */
#ifndef REEVE_FLOW_QUOTA_H
#define REEVE_FLOW_QUOTA_H

#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "model/config.h"
#include "model/message.h"
#include "sys/ledger.h"

struct quota;

struct quota *quota_new(void);
void quota_free(struct quota *q);
/* Limits and zones of the configuration, borrowed until the next call. */
void quota_configure(struct quota *q, const struct config *c);
/* Today's counts from the ledger; blocks: at start. Returns 0 or -EIO. */
MUSTUSE int quota_load(struct quota *q, struct ledger *l, int64_t now_us);

/* `units` were charged: count them, here and in this turn's batch. */
void quota_charge(struct quota *q, struct ledger *l, const char *service,
    const char *bucket, int64_t units, int64_t now_us);
/* A quota message of a worker: what the service itself says. */
void quota_learn(struct quota *q, const struct message *m, int64_t now_us);

/* {"youtube":{"used":…,"buckets":[…]},…}, as the status shows it. */
void quota_print(struct quota *q, int64_t now_us, struct buf *out);

#endif
