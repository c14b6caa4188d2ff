/*
 * message.h - one line a worker wrote under protocol jsonl, understood. Pure.
 * Lines are cut by model/lines.h.
 */
#ifndef REEVE_MODEL_MESSAGE_H
#define REEVE_MODEL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

enum message_type {
	MESSAGE_OUTPUT, /* no message of ours: a line of output */
	MESSAGE_PROGRESS,
	MESSAGE_LOG,
	MESSAGE_USAGE,
	MESSAGE_QUOTA,
	MESSAGE_RESULT,
	MESSAGE_SKIP,
	MESSAGE_ERROR,
	MESSAGE_BAD, /* of a type of ours, but wrong: why says */
};

#define MESSAGE_MAX_NAME	   64 /* service, bucket, source; bytes */
#define MESSAGE_MAX_UNITS	   INT64_C(1000000000)
#define MESSAGE_MAX_BUCKETS	   100
#define MESSAGE_MAX_RETRY_AFTER_US (366 * INT64_C(86400000000))

struct message_bucket {
	char *id;
	int64_t limit, used; /* -1: not said */
	int64_t reset_at_us; /* TIME_NEVER: not said */
	bool exhausted;
	char *source; /* or NULL */
};

/* Owned texts; message_clear() frees. */
struct message {
	enum message_type type;
	char *why; /* BAD: what is wrong, "usage: units: …" */
	double fraction; /* PROGRESS: 0..1, or -1 */
	/* PROGRESS, LOG: message; SKIP: reason; ERROR: error. Any of valid
	 * UTF-8 without NUL, also newlines and escapes; NULL: none. */
	char *text;
	enum log_level level; /* LOG */
	char *json; /* RESULT, SKIP: result; LOG: data; compact text or NULL */
	char *service; /* USAGE, QUOTA */
	char *bucket; /* USAGE */
	int64_t units; /* USAGE: 0 .. MESSAGE_MAX_UNITS */
	int transient; /* ERROR: 1, 0, -1 not said */
	int64_t retry_after_us; /* ERROR; 0: none */
	unsigned nbuckets; /* QUOTA */
	struct message_bucket *buckets;
};

/*
 * Understand one line (without its newline, at most REEVE_MAX_MESSAGE_LINE).
 * Fills *ret, to be freed by message_clear() whatever it became; never fails:
 * what cannot be used is OUTPUT or BAD.
 *
 * OUTPUT: no JSON object, or one whose "type" is not one of ours.
 * BAD: an object with a type of ours in which
 *  - a field has the wrong type, or a value out of its range;
 *  - a needed field is missing: `message` of log, `service` and `units` of
 *    usage, `service`, `buckets` and their `id` of quota, `result` of result,
 *    `error` of error.
 * Also BAD: a line that no JSON parser of ours takes but that begins with
 * {"type":"WORD" and a word of ours (white space between them allowed): a
 * result with a lone surrogate, a NUL, a NaN, or cut short. Other lines that
 * are no JSON are OUTPUT, whatever they hold.
 *
 * Unknown keys are ignored; null is as good as not said, and {"type":"result",
 * "result":null} says that there is none. `fraction` is clamped to 0..1.
 * Texts of progress, skip and error are cut to REEVE_MAX_ERROR at a whole
 * character; a result longer than REEVE_MAX_RESULT or nested deeper than
 * REEVE_MAX_JSON_DEPTH is BAD. `retryAfter` is a duration text ("90s").
 * service and bucket are [a-z0-9_.-]{1,64}; bucket is "default" if not said.
 */
void message_parse(const char *line, size_t len, struct message *ret);

/*
 * Understand the first piece of a line that was too long: BAD when it begins
 * as a message of ours, so that a result that is too long fails the attempt
 * instead of being lost; else OUTPUT.
 */
void message_parse_overlong(const char *piece, size_t len, struct message *ret);

/* Frees its texts; an OUTPUT without any after. */
void message_clear(struct message *m);

#endif
