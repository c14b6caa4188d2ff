/*
 * api_run.c - POST /api/jobs/:job/run: a manual trigger. Must never say 202
 * before the run is in the ledger, nor 409 before its skipped row is.
 */
#include <config.h>

#include "flow/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "flow/claim.h"
#include "reeve/worker.h"

struct order {
	char *params; /* JSON text, or NULL; owned */
	bool force, wait;
};

/* An answer that waits for a record; the client may go before it. */
struct pending {
	struct api *api;
	struct http_req *req; /* NULL: gone */
	char run_id[UUID_TEXT_BYTES];
	enum admit verdict;
	enum reason reason;
};

/* ---- what is asked ---- */

static bool
read_flag(const struct json *v, bool *ret)
{
	if (v->type != JSON_BOOL)
		return false;
	*ret = v->boolean;
	return true;
}

static bool
read_params(const struct json *v, struct order *o)
{
	struct buf text;

	if (v->type != JSON_OBJECT)
		return false;
	buf_init(&text, REEVE_MAX_PARAMS);
	json_print(&text, v);
	if (text.truncated) {
		buf_clear(&text);
		return false;
	}
	o->params = buf_steal(&text);
	return true;
}

static bool
read_member(const struct json *v, struct order *o)
{
	if (strcmp(v->key, "params") == 0)
		return read_params(v, o);
	if (strcmp(v->key, "force") == 0)
		return read_flag(v, &o->force);
	if (strcmp(v->key, "wait") == 0)
		return read_flag(v, &o->wait);
	return false;
}

static bool
read_order(const struct api_call *c, struct order *o)
{
	size_t len;
	const char *body = http_req_body(c->req, &len);
	struct json_opts opts = {.max_depth = REEVE_MAX_JSON_DEPTH};
	struct json_error err;
	struct json *root = NULL;
	bool good;

	*o = (struct order){0};
	if (len == 0)
		return true;
	if (json_parse(body, len, &opts, &root, &err) != 0)
		return false;
	good = root->type == JSON_OBJECT;
	for (const struct json *v = root->child; good && v != NULL; v = v->next)
		good = read_member(v, o);
	json_free(root);
	if (!good) {
		free(o->params);
		o->params = NULL;
	}
	return good;
}

/* ---- what is answered ---- */

static void
gone(void *arg)
{
	struct pending *p = arg;

	p->req = NULL;
}

static void
answer_refused(struct pending *p)
{
	static const struct {
		enum reason reason;
		const char *code, *message;
	} words[] = {
	    {REASON_BREAKER, "BREAKER_OPEN",
		"the job failed too often lately; force passes"},
	    {REASON_PAUSED, "PAUSED", "the job is paused; force passes"},
	    {REASON_QUOTA, "QUOTA", "too little quota is left; force passes"},
	    {REASON_OVERLAP, "OVERLAP", "a run of the job is open"},
	};
	struct api_call c = {.api = p->api, .req = p->req};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].reason == p->reason) {
			api_refuse(&c, 409, words[i].code, words[i].message);
			return;
		}
	BUG("no words for a refusal: %s", reason_name(p->reason));
}

static void
answer_accepted(struct pending *p)
{
	struct api_call c = {.api = p->api, .req = p->req};
	struct buf body;
	struct jsonw w;

	buf_init(&body, 0);
	jsonw_init(&w, &body, false);
	jsonw_object(&w);
	jsonw_kstr(&w, "runId", p->run_id);
	jsonw_object_end(&w);
	api_reply(&c, 202, &body);
}

static void
durable(void *arg)
{
	struct pending *p = arg;

	if (p->req != NULL && p->verdict == ADMIT_SKIP)
		answer_refused(p);
	else if (p->req != NULL)
		answer_accepted(p);
	free(p);
}

static void
finished(void *arg, struct row *const *rows, unsigned nrows)
{
	struct pending *p = arg;
	struct api_call c = {.api = p->api, .req = p->req};
	struct buf body;
	struct jsonw w;

	if (p->req == NULL) {
		free(p);
		return;
	}
	if (nrows == 0) {
		api_refuse_later(&c, "the daemon ends before the run does");
		free(p);
		return;
	}
	buf_init(&body, 0);
	jsonw_init(&w, &body, false);
	jsonw_object(&w);
	jsonw_kstr(&w, "runId", p->run_id);
	jsonw_kstr(&w, "status", status_name(rows[nrows - 1]->status));
	jsonw_key(&w, "attempts");
	jsonw_array(&w);
	for (unsigned i = 0; i < nrows; i++)
		jsonw_raw(&w, rows[i]->json, rows[i]->len);
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	api_reply(&c, 200, &body);
	free(p);
}

/* ---- in between ---- */

static void
trigger(struct api_call *c, struct live_job *live, struct order *o)
{
	struct road *rd = c->api->rd;
	struct pending *p = xcalloc(1, sizeof(*p));
	struct open_run *r =
	    open_run_new(live, TRIGGER_MANUAL, TIME_NEVER, o->params, o->force);
	struct admission a;

	*p = (struct pending){.api = c->api, .req = c->req};
	memcpy(p->run_id, r->run.id, sizeof(p->run_id));
	http_req_on_gone(c->req, gone, p);
	log_info("Api", "Job triggered", LF_STR("job", live->def->name),
	    LF_STR("run", r->run.id), LF_BOOL("force", o->force));
	/* Before it is asked: a refused run is over at once. */
	if (o->wait)
		open_run_wait(r, finished, p);
	a = claim_ask(r);
	p->verdict = a.verdict;
	p->reason = a.reason;
	if (o->wait && a.verdict == ADMIT_SKIP)
		open_run_unwait(r, p);
	if (!o->wait || a.verdict == ADMIT_SKIP)
		effects_add(
		    &rd->effects, ledger_turn_seq(rd->ledger), durable, p);
}

void
api_run(struct api_call *c)
{
	struct live_job *live = road_job(c->api->rd, c->name);
	struct order order;

	if (live == NULL || !live->configured) {
		api_refuse(c, 404, "JOB_NOT_FOUND", "there is no such job");
		return;
	}
	if (!road_may_start(c->api->rd)) {
		api_refuse_later(c, "nothing can be started now; see /health");
		return;
	}
	if (!read_order(c, &order)) {
		api_refuse(c, 400, "BAD_BODY",
		    "the body must be an object with params (an object of at "
		    "most 64 KiB), force and wait (true or false)");
		return;
	}
	trigger(c, live, &order);
}
