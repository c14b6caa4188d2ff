/*
 * rows.c - history rows as JSON text, and the newest ones of each job.
 * Must never read the ledger: it is told.
 */
#include <config.h>

#include "flow/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/xalloc.h"

static void
key_int(struct jsonw *w, const char *key, int64_t v)
{
	if (v == LEDGER_NULL)
		jsonw_knull(w, key);
	else
		jsonw_kint(w, key, v);
}

static void
key_time(struct jsonw *w, const char *key, int64_t v)
{
	jsonw_ktime(w, key, v == LEDGER_NULL ? TIME_NEVER : v);
}

static void
key_json(struct jsonw *w, const char *key, const char *json)
{
	jsonw_key(w, key);
	jsonw_raw(w, json, json == NULL ? 0 : strlen(json));
}

/* Tells where the result stands in the text. */
static void
print(struct buf *out, const struct ledger_history *h, size_t *ret_result_at,
    size_t *ret_result_len)
{
	struct jsonw w;

	jsonw_init(&w, out, false);
	jsonw_object(&w);
	jsonw_kint(&w, "id", h->id);
	jsonw_kstr(&w, "job_name", h->job_name);
	jsonw_kstr(&w, "status", h->status);
	key_time(&w, "started_at", h->started_at_us);
	key_time(&w, "completed_at", h->completed_at_us);
	jsonw_kint(&w, "duration_ms", h->duration_ms);
	key_json(&w, "result", h->result);
	*ret_result_len =
	    h->result == NULL ? strlen("null") : strlen(h->result);
	*ret_result_at = out->len - *ret_result_len;
	jsonw_kstr(&w, "error", h->error);
	key_time(&w, "created_at", h->created_at_us);
	jsonw_kstr(&w, "run_id", h->run_id);
	jsonw_kint(&w, "attempt", h->attempt);
	jsonw_kstr(&w, "trigger", h->trigger);
	key_time(&w, "scheduled_at", h->scheduled_at_us);
	jsonw_kstr(&w, "reason", h->reason);
	key_int(&w, "exit_code", h->exit_code);
	key_int(&w, "signal", h->signal);
	jsonw_kstr(&w, "node", h->node);
	jsonw_object_end(&w);
}

void
row_print(struct buf *out, const struct ledger_history *h)
{
	size_t at, len;

	print(out, h, &at, &len);
}

struct row *
row_new(const struct ledger_history *h)
{
	struct buf text;
	size_t at, len;
	struct row *r;

	buf_init(&text, 0);
	print(&text, h, &at, &len);
	r = xmalloc(sizeof(*r) + text.len + 1);
	*r = (struct row){
	    .refs = 1,
	    .id = h->id,
	    .completed_at_us = h->completed_at_us,
	    .result_at = (uint32_t)at,
	    .result_len = (uint32_t)len,
	    .len = (uint32_t)text.len,
	};
	if (status_parse(h->status, &r->status) != 0)
		r->status = STATUS_FAILURE;
	memcpy(r->json, buf_str(&text), text.len + 1);
	buf_clear(&text);
	return r;
}

struct row *
row_ref(struct row *r)
{
	r->refs++;
	return r;
}

void
row_unref(struct row *r)
{
	if (r != NULL && --r->refs == 0)
		free(r);
}

static void
cut_after(struct row_cache *c, unsigned keep, int64_t *budget)
{
	struct row **link = &c->newest;

	for (unsigned i = 0; i < keep && *link != NULL; i++)
		link = &(*link)->older;
	while (*link != NULL) {
		struct row *r = *link;

		*link = r->older;
		r->older = NULL;
		*budget += (int64_t)r->len;
		c->count--;
		row_unref(r);
	}
}

void
row_cache_add(struct row_cache *c, struct row *r, int64_t *budget)
{
	r->older = c->newest;
	c->newest = r;
	c->count++;
	*budget -= (int64_t)r->len;
	cut_after(c, ROWS_CACHED, budget);
	if (*budget < 0 && c->count > 1) {
		cut_after(c, 1, budget);
		c->trimmed = true;
	}
}

void
row_cache_clear(struct row_cache *c, int64_t *budget)
{
	cut_after(c, 0, budget);
	c->trimmed = false;
}
