/*
 * names.c - the words of the history, each written once.
 *
 * These texts are in every ledger and archive: a word may be added, never
 * changed.
 */
#include <config.h>

#include "model/names.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/bug.h"

static const char *const status_names[] = {
    [STATUS_SUCCESS] = "success",
    [STATUS_FAILURE] = "failure",
    [STATUS_SKIPPED] = "skipped",
};

static const char *const reason_names[] = {
    [REASON_NONE] = NULL,
    [REASON_EXIT] = "exit",
    [REASON_SIGNAL] = "signal",
    [REASON_TIMEOUT] = "timeout",
    [REASON_OOM] = "oom",
    [REASON_PROTOCOL] = "protocol",
    [REASON_SPAWN] = "spawn",
    [REASON_CANCELED] = "canceled",
    [REASON_LOST] = "lost",
    [REASON_BREAKER] = "breaker",
    [REASON_OVERLAP] = "overlap",
    [REASON_PAUSED] = "paused",
    [REASON_QUOTA] = "quota",
    [REASON_BLACKOUT] = "blackout",
    [REASON_MISSED] = "missed",
    [REASON_WORKER] = "worker",
    [REASON_HELD] = "held",
};

static const char *const trigger_names[] = {
    [TRIGGER_SCHEDULE] = "schedule",
    [TRIGGER_MANUAL] = "manual",
    [TRIGGER_CATCH_UP] = "catch-up",
    [TRIGGER_AFTER] = "after",
    [TRIGGER_START] = "start",
};

static const char *const overlap_names[] = {
    [OVERLAP_SKIP] = "skip",
    [OVERLAP_QUEUE] = "queue",
    [OVERLAP_ALLOW] = "allow",
    [OVERLAP_REPLACE] = "replace",
};

static const char *
name_at(const char *const *names, size_t count, unsigned value)
{
	BUG_ON(value >= count);
	return names[value];
}

static int
find(const char *const *names, size_t count, const char *text, unsigned *ret)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		if (names[i] != NULL && strcmp(names[i], text) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *
status_name(enum status s)
{
	return name_at(status_names, ARRAY_SIZE(status_names), s);
}

const char *
reason_name(enum reason r)
{
	return name_at(reason_names, ARRAY_SIZE(reason_names), r);
}

const char *
trigger_name(enum trigger t)
{
	return name_at(trigger_names, ARRAY_SIZE(trigger_names), t);
}

const char *
overlap_name(enum overlap o)
{
	return name_at(overlap_names, ARRAY_SIZE(overlap_names), o);
}

int
status_parse(const char *text, enum status *ret)
{
	unsigned v;
	int r = find(status_names, ARRAY_SIZE(status_names), text, &v);

	if (r == 0)
		*ret = (enum status)v;
	return r;
}

int
reason_parse(const char *text, enum reason *ret)
{
	unsigned v;
	int r = find(reason_names, ARRAY_SIZE(reason_names), text, &v);

	if (r == 0)
		*ret = (enum reason)v;
	return r;
}

int
trigger_parse(const char *text, enum trigger *ret)
{
	unsigned v;
	int r = find(trigger_names, ARRAY_SIZE(trigger_names), text, &v);

	if (r == 0)
		*ret = (enum trigger)v;
	return r;
}
