/*
 * api_job.c - GET /api/jobs/:job, and how a job as it lives is shown
 * everywhere. Must never show a secret: config_dump_job() masks.
 */
#include <config.h>

#include "flow/api_internal.h"

#include "base/bug.h"
#include "base/clock.h"
#include "base/json.h"
#include "flow/attempt.h"
#include "flow/claim.h"

#define FIRES_SHOWN 5

static void
print_fires(struct jsonw *w, const struct live_job *live, unsigned n)
{
	const struct job *def = live->def;
	int64_t at_us = live->next_us;

	jsonw_key(w, "nextFires");
	jsonw_array(w);
	while (n-- > 0 && at_us != TIME_NEVER) {
		jsonw_time(w, at_us);
		at_us = schedule_next(
		    def->schedule, def->zone, def->dst, live->grid_us, at_us);
	}
	jsonw_array_end(w);
}

static void
print_running(struct jsonw *w, const struct open_run *r)
{
	struct attempt_view v;

	attempt_view(r->attempt, &v);
	jsonw_object(w);
	jsonw_kstr(w, "runId", r->run.id);
	jsonw_kint(w, "attempt", v.number);
	jsonw_ktime(w, "startedAt", v.started_at_us);
	jsonw_kint(w, "pid", v.pid);
	jsonw_kstr(w, "state", run_state_name(r->run.state));
	jsonw_key(w, "progress");
	if (v.fraction < 0 && v.message == NULL) {
		jsonw_null(w);
	} else {
		jsonw_object(w);
		jsonw_key(w, "fraction");
		if (v.fraction < 0)
			jsonw_null(w);
		else
			jsonw_double(w, v.fraction, 4);
		jsonw_kstr(w, "message", v.message);
		jsonw_object_end(w);
	}
	jsonw_object_end(w);
}

static void
print_waiting(struct jsonw *w, const struct open_run *r)
{
	jsonw_object(w);
	jsonw_kstr(w, "runId", r->run.id);
	jsonw_kstr(w, "trigger", trigger_name(r->run.trigger));
	jsonw_ktime(w, "scheduledAt", r->run.scheduled_at_us);
	jsonw_kstr(w, "for", r->behind ? "job" : "slot");
	jsonw_object_end(w);
}

static void
print_runs(struct jsonw *w, const struct live_job *live)
{
	int64_t retry_us = TIME_NEVER;

	jsonw_key(w, "running");
	jsonw_array(w);
	LIST_EACH (it, &live->runs) {
		struct open_run *r = LIST_ENTRY(it, struct open_run, in_job);

		if (r->attempt != NULL)
			print_running(w, r);
		if (r->run.state == RUN_BACKOFF &&
		    r->run.next_attempt_at_us < retry_us)
			retry_us = r->run.next_attempt_at_us;
	}
	jsonw_array_end(w);
	jsonw_key(w, "waiting");
	jsonw_array(w);
	LIST_EACH (it, &live->runs) {
		struct open_run *r = LIST_ENTRY(it, struct open_run, in_job);

		if (r->queued)
			print_waiting(w, r);
	}
	jsonw_array_end(w);
	jsonw_ktime(w, "retryAt", retry_us);
}

static void
print_breaker(struct jsonw *w, const struct live_job *live)
{
	struct breaker_view v = claim_breaker(live);

	jsonw_key(w, "breaker");
	jsonw_object(w);
	jsonw_kbool(w, "open", v.open);
	jsonw_kint(w, "failures", v.failures);
	jsonw_ktime(w, "until", v.until_us);
	jsonw_object_end(w);
}

static bool
is_paused(const struct live_job *live)
{
	return live->paused_until_us != LEDGER_NULL &&
	       live->paused_until_us > loop_real_us(live->road->loop);
}

void
api_print_live(struct jsonw *w, struct live_job *live, unsigned nfires)
{
	jsonw_kbool(w, "enabled", live->configured && live->def->enabled);
	jsonw_kbool(w, "paused", is_paused(live));
	print_fires(w, live, nfires);
	print_runs(w, live);
	print_breaker(w, live);
}

void
api_print_rows(struct jsonw *w, struct live_job *live, unsigned recent)
{
	const struct row *last = live->rows.newest;

	jsonw_key(w, "lastRun");
	jsonw_raw(
	    w, last == NULL ? NULL : last->json, last == NULL ? 0 : last->len);
	jsonw_key(w, "recentHistory");
	jsonw_array(w);
	for (const struct row *r = last; r != NULL && recent-- > 0;
	     r = r->older)
		jsonw_raw(w, r->json, r->len);
	jsonw_array_end(w);
}

/* The members people look for first, then all that is configured. */
static void
print_definition(struct jsonw *w, const struct job *def)
{
	static const char *const first[] = {"schedule", "timezone", "command"};
	struct json_opts opts = {0};
	struct json_error err;
	struct json *root = NULL;
	struct buf text;

	buf_init(&text, 0);
	config_dump_job(def, &text);
	if (json_parse(buf_str(&text), text.len, &opts, &root, &err) != 0)
		BUG("a job's dump is no JSON: %s", err.message);
	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		const struct json *v = json_get(root, first[i]);

		jsonw_key(w, first[i]);
		jsonw_raw(
		    w, v == NULL ? NULL : v->src, v == NULL ? 0 : v->src_len);
	}
	jsonw_key(w, "definition");
	jsonw_raw(w, buf_str(&text), text.len);
	json_free(root);
	buf_clear(&text);
}

void
api_job(struct api_call *c)
{
	struct live_job *live = road_job(c->api->rd, c->name);
	struct buf body;
	struct jsonw w;

	if (live == NULL || !live->configured) {
		api_refuse(c, 404, "JOB_NOT_FOUND", "there is no such job");
		return;
	}
	buf_init(&body, 0);
	jsonw_init(&w, &body, false);
	jsonw_object(&w);
	jsonw_kstr(&w, "name", live->def->name);
	print_definition(&w, live->def);
	api_print_live(&w, live, FIRES_SHOWN);
	api_print_rows(&w, live, ROWS_CACHED);
	jsonw_object_end(&w);
	api_reply(c, 200, &body);
}
