/*
 * names.h - the words of the history: status, reason, trigger; and of policies.
 */
#ifndef REEVE_MODEL_NAMES_H
#define REEVE_MODEL_NAMES_H

#include "base/macros.h"

enum status {
	STATUS_SUCCESS,
	STATUS_FAILURE,
	STATUS_SKIPPED,
};

enum reason {
	REASON_NONE,
	/* failure */
	REASON_EXIT,
	REASON_SIGNAL,
	REASON_TIMEOUT,
	REASON_OOM,
	REASON_PROTOCOL,
	REASON_SPAWN,
	REASON_CANCELED, /* also of a skipped run */
	REASON_LOST,
	/* skipped */
	REASON_BREAKER,
	REASON_OVERLAP,
	REASON_PAUSED,
	REASON_QUOTA,
	REASON_BLACKOUT,
	REASON_MISSED,
	REASON_WORKER,
	REASON_HELD,
};

enum trigger {
	TRIGGER_SCHEDULE,
	TRIGGER_MANUAL,
	TRIGGER_CATCH_UP,
	TRIGGER_AFTER,
	TRIGGER_START,
};

enum overlap {
	OVERLAP_SKIP,
	OVERLAP_QUEUE,
	OVERLAP_ALLOW,
	OVERLAP_REPLACE,
};

enum protocol {
	PROTOCOL_EXIT,
	PROTOCOL_JSONL,
};

const char *status_name(enum status s);
/* NULL for REASON_NONE. */
const char *reason_name(enum reason r);
const char *trigger_name(enum trigger t);
const char *overlap_name(enum overlap o);
/* Each 0 or -EINVAL. */
MUSTUSE int status_parse(const char *text, enum status *ret);
MUSTUSE int reason_parse(const char *text, enum reason *ret);
MUSTUSE int trigger_parse(const char *text, enum trigger *ret);

#endif
