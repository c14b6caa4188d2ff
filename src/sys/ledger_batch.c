/*
 * ledger_batch.c - records of one turn, packed one after another into an
 * arena: a record is its kind and its fields, a field its type and value.
 * Runs on the loop's thread while it is filled and on the writer's while it
 * is read; never on both. Knows no SQL.
 */
#include <config.h>

#include "sys/ledger_internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/xalloc.h"

/* A turn usually has a few records. */
#define BATCH_FIRST_BYTES ((size_t)1024)

struct ledger_batch *
ledger_batch_new(void)
{
	return xcalloc(1, sizeof(struct ledger_batch));
}

void
ledger_batch_free(struct ledger_batch *b)
{
	if (b == NULL)
		return;
	free(b->data);
	free(b);
}

void
ledger_batch_free_all(struct ledger_batch *list)
{
	struct ledger_batch *next;

	for (; list != NULL; list = next) {
		next = list->next;
		ledger_batch_free(list);
	}
}

void
ledger_batch_reset(struct ledger_batch *b)
{
	b->next = NULL;
	b->seq = 0;
	b->submitted_boot_us = 0;
	b->awaited = false;
	b->records = 0;
	b->len = 0;
}

static void
put(struct ledger_batch *b, const void *data, size_t len)
{
	size_t cap = b->cap != 0 ? b->cap : BATCH_FIRST_BYTES;

	if (len == 0)
		return;
	if (len > b->cap - b->len) {
		while (cap - b->len < len) {
			BUG_ON(cap > SIZE_MAX / 2);
			cap *= 2;
		}
		b->data = xreallocarray(b->data, cap, 1);
		b->cap = cap;
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void
put_record(struct ledger *l, enum ledger_op kind)
{
	unsigned char k = (unsigned char)kind;

	l->turn->records++;
	put(l->turn, &k, 1);
}

static void
put_int(struct ledger *l, int64_t v)
{
	if (v == LEDGER_NULL) {
		put(l->turn, "N", 1);
		return;
	}
	put(l->turn, "I", 1);
	put(l->turn, &v, sizeof(v));
}

static void
put_text(struct ledger *l, const char *text)
{
	size_t len;
	uint32_t n;

	if (text == NULL) {
		put(l->turn, "N", 1);
		return;
	}
	len = strlen(text);
	BUG_ON(len > INT32_MAX);
	n = (uint32_t)len;
	put(l->turn, "T", 1);
	put(l->turn, &n, sizeof(n));
	put(l->turn, text, len);
}

/* ---- one function a record; the order is that of the SQL's parameters ---- */

void
ledger_add_history(struct ledger *l, const struct ledger_history *row)
{
	int64_t ms = row->duration_ms;

	if (ms > INT32_MAX)
		ms = INT32_MAX;
	if (ms < 0)
		ms = 0;
	put_record(l, LEDGER_OP_HISTORY);
	put_int(l, row->id);
	put_text(l, row->job_name);
	put_text(l, row->status);
	put_int(l, row->started_at_us);
	put_int(l, row->completed_at_us);
	put_int(l, ms);
	put_text(l, row->result);
	put_text(l, row->error);
	put_int(l, row->created_at_us);
	put_text(l, row->run_id);
	put_int(l, row->attempt);
	put_text(l, row->trigger);
	put_int(l, row->scheduled_at_us);
	put_text(l, row->reason);
	put_int(l, row->exit_code);
	put_int(l, row->signal);
	put_text(l, row->node);
	put_text(l, row->output);
	put_text(l, row->usage);
}

void
ledger_put_run(struct ledger *l, const struct ledger_run *row)
{
	put_record(l, LEDGER_OP_PUT_RUN);
	put_text(l, row->run_id);
	put_text(l, row->job_name);
	put_text(l, row->trigger);
	put_int(l, row->scheduled_at_us);
	put_int(l, row->created_at_us);
	put_text(l, row->state);
	put_int(l, row->attempt);
	put_int(l, row->next_attempt_at_us);
	put_int(l, row->first_started_at_us);
	put_text(l, row->definition);
	put_text(l, row->params);
	put_int(l, row->forced ? 1 : 0);
}

void
ledger_del_run(struct ledger *l, const char *run_id)
{
	put_record(l, LEDGER_OP_DEL_RUN);
	put_text(l, run_id);
}

void
ledger_put_attempt(struct ledger *l, const struct ledger_attempt *row)
{
	put_record(l, LEDGER_OP_PUT_ATTEMPT);
	put_text(l, row->run_id);
	put_int(l, row->attempt);
	put_text(l, row->job_name);
	put_text(l, row->attempt_id);
	put_int(l, row->started_at_us);
	put_int(l, row->pid);
	put_int(l, row->start_ticks);
	put_int(l, row->session);
	put_text(l, row->boot_id);
	put_text(l, row->cgroup);
}

void
ledger_del_attempt(struct ledger *l, const char *run_id)
{
	put_record(l, LEDGER_OP_DEL_ATTEMPT);
	put_text(l, run_id);
}

void
ledger_put_job_state(struct ledger *l, const struct ledger_job_state *row)
{
	put_record(l, LEDGER_OP_PUT_JOB_STATE);
	put_text(l, row->job_name);
	put_int(l, row->cursor_us);
	put_text(l, row->schedule);
	put_int(l, row->grid_us);
	put_int(l, row->paused_until_us);
	put_int(l, row->breaker_closed_at_us);
	put_text(l, row->boot);
}

void
ledger_add_usage(struct ledger *l, const struct ledger_usage *row)
{
	put_record(l, LEDGER_OP_ADD_USAGE);
	put_text(l, row->service);
	put_text(l, row->bucket);
	put_text(l, row->day);
	put_int(l, row->units);
}

void
ledger_put_meta(struct ledger *l, const char *key, const char *value)
{
	BUG_ON(strncmp(key, LEDGER_META_OWN, strlen(LEDGER_META_OWN)) == 0);
	put_record(l, LEDGER_OP_PUT_META);
	put_text(l, key);
	put_text(l, value);
}

/* ---- the way back ---- */

void
ledger_cursor_init(struct ledger_cursor *c, const struct ledger_batch *b)
{
	c->at = b->data;
	c->end = b->len != 0 ? b->data + b->len : b->data;
}

static void
take(struct ledger_cursor *c, void *out, size_t len)
{
	BUG_ON((size_t)(c->end - c->at) < len);
	memcpy(out, c->at, len);
	c->at += len;
}

bool
ledger_cursor_record(struct ledger_cursor *c, enum ledger_op *ret)
{
	unsigned char k;

	if (c->at == c->end)
		return false;
	take(c, &k, 1);
	BUG_ON(k >= LEDGER_OPS);
	*ret = (enum ledger_op)k;
	return true;
}

void
ledger_cursor_field(struct ledger_cursor *c, struct ledger_field *ret)
{
	take(c, &ret->type, 1);
	switch (ret->type) {
	case 'N':
		break;
	case 'I':
		take(c, &ret->num, sizeof(ret->num));
		break;
	case 'T':
		take(c, &ret->len, sizeof(ret->len));
		BUG_ON((size_t)(c->end - c->at) < ret->len);
		ret->text = (const char *)c->at;
		c->at += ret->len;
		break;
	default:
		BUG("field of type %d", ret->type);
	}
}
