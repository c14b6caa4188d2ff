/*
 * attempt_say.c - what a worker says under protocol jsonl, line by line, and
 * what follows from it at once: progress, its log, usage, quota. Results,
 * skips and errors are only kept: the attempt's end gives them meaning.
 * Must never trust a byte of it.
 */
#include <config.h>

#include "flow/attempt_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "flow/quota.h"

static void
move_text(char **to, char **from)
{
	free(*to);
	*to = *from;
	*from = NULL;
}

static void
say_log(struct attempt *a, const struct message *m)
{
	uint64_t suppressed;

	if (!log_limit_pass(&a->log_limit,
		loop_boot_us(a->run->live->road->loop), &suppressed))
		return;
	log_write(m->level, "Worker", m->text,
	    LF_STR("job", a->run->run.job->name), LF_STR("run", a->run->run.id),
	    LF_INT("attempt", a->run->run.attempt), LF_JSON("data", m->json),
	    LF_INT("suppressed", (int64_t)suppressed));
}

/* More buckets than any service has: a worker that invents names. */
#define MOST_BUCKETS 64

/* False for one bucket too many. */
static bool
add_usage(struct attempt *a, const struct message *m)
{
	unsigned i = 0;

	while (i < a->nusage && (strcmp(a->usage[i].service, m->service) != 0 ||
				    strcmp(a->usage[i].bucket, m->bucket) != 0))
		i++;
	if (i == MOST_BUCKETS)
		return false;
	if (i == a->nusage) {
		a->usage = xreallocarray(a->usage, i + 1, sizeof(*a->usage));
		a->usage[i] = (struct attempt_usage){
		    .service = xstrdup(m->service),
		    .bucket = xstrdup(m->bucket),
		};
		a->nusage++;
	}
	a->usage[i].units += m->units;
	return true;
}

static void
say_usage(struct attempt *a, const struct message *m)
{
	struct road *rd = a->run->live->road;

	if (!add_usage(a, m))
		return;
	quota_charge(rd->quota, rd->ledger, m->service, m->bucket, m->units,
	    loop_real_us(rd->loop));
}

static void
say_bad(struct attempt *a, const struct message *m)
{
	if (a->protocol_error == NULL)
		a->protocol_error = xstrdup(m->why);
	a->ending.protocol_error = a->protocol_error;
}

static void
act_on(struct attempt *a, struct message *m)
{
	struct ending *e = &a->ending;

	switch (m->type) {
	case MESSAGE_PROGRESS:
		a->fraction = m->fraction;
		move_text(&a->progress, &m->text);
		break;
	case MESSAGE_LOG:
		say_log(a, m);
		break;
	case MESSAGE_USAGE:
		say_usage(a, m);
		break;
	case MESSAGE_QUOTA:
		quota_learn(a->run->live->road->quota, m,
		    loop_real_us(a->run->live->road->loop));
		break;
	case MESSAGE_RESULT:
		move_text(&a->result, &m->json);
		break;
	case MESSAGE_SKIP:
		e->skip = true;
		move_text(&a->skip_reason, &m->text);
		if (m->json != NULL)
			move_text(&a->result, &m->json);
		break;
	case MESSAGE_ERROR:
		move_text(&a->error_message, &m->text);
		e->transient = m->transient;
		e->retry_after_us = m->retry_after_us;
		break;
	case MESSAGE_BAD:
		say_bad(a, m);
		break;
	case MESSAGE_OUTPUT:
		break;
	}
	e->skip_reason = a->skip_reason;
	e->error_message = a->error_message;
	e->result = a->result;
}

static void
one_line(void *arg, const char *line, size_t len, bool part)
{
	struct attempt *a = arg;
	struct message m;

	/* A piece of a line that is too long to be understood. */
	if (part || a->lines.overlong) {
		if (!a->lines.overlong) {
			message_parse_overlong(line, len, &m);
			act_on(a, &m);
			message_clear(&m);
		}
		output_feed(&a->output, line, len);
		if (!part)
			output_feed(&a->output, "\n", 1);
		return;
	}
	message_parse(line, len, &m);
	if (m.type == MESSAGE_OUTPUT || m.type == MESSAGE_BAD) {
		output_feed(&a->output, line, len);
		output_feed(&a->output, "\n", 1);
	}
	act_on(a, &m);
	message_clear(&m);
}

void
attempt_said(struct attempt *a, const char *data, size_t len)
{
	line_cutter_feed(&a->lines, data, len, one_line, a);
}

void
attempt_said_all(struct attempt *a)
{
	line_cutter_end(&a->lines, one_line, a);
}
