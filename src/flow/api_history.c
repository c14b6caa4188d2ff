/*
 * api_history.c - GET /api/jobs/history/:job: rows from the ledger, within a
 * budget of time. Must never show output: that is another route's right.
 */
#include <config.h>

#include "flow/api_internal.h"

#include <errno.h>

#include "base/clock.h"
#include "base/text.h"

#define ROWS_DEFAULT 20
#define ROWS_MOST    100

static bool
read_time(const struct api_call *c, const char *name, int64_t *ret)
{
	const char *text = http_req_query(c->req, name);

	*ret = LEDGER_NULL;
	return text == NULL || clock_iso_parse(text, ret) == 0;
}

static bool
read_words(const struct api_call *c, struct ledger_query *q)
{
	enum status status;
	enum reason reason;

	q->status = http_req_query(c->req, "status");
	q->reason = http_req_query(c->req, "reason");
	if (q->status != NULL && status_parse(q->status, &status) != 0)
		return false;
	return q->reason == NULL || reason_parse(q->reason, &reason) == 0;
}

/* NULL, or what is wrong. */
static const char *
read_query(const struct api_call *c, struct ledger_query *q)
{
	const char *limit = http_req_query(c->req, "limit");
	const char *before = http_req_query(c->req, "before");
	int64_t n = ROWS_DEFAULT;

	*q = (struct ledger_query){.job_name = c->name};
	if (limit != NULL && text_parse_int(limit, 1, INT64_MAX, &n) != 0)
		return "limit must be a positive number";
	q->limit = (int)(n > ROWS_MOST ? ROWS_MOST : n);
	if (before != NULL &&
	    text_parse_int(before, 1, INT64_MAX, &q->before_id) != 0)
		return "before must be the id of a row";
	if (!read_words(c, q))
		return "status or reason is none of the history's words";
	if (!read_time(c, "since", &q->since_us) ||
	    !read_time(c, "until", &q->until_us))
		return "since and until must be RFC 3339 times";
	return NULL;
}

static void
add_row(void *arg, const struct ledger_history *h)
{
	struct jsonw *w = arg;

	jsonw_raw(w, "", 0);
	row_print(w->out, h);
}

static bool
is_known(const struct api_call *c, int *ret_error)
{
	const struct live_job *live = road_job(c->api->rd, c->name);
	int rc;

	*ret_error = 0;
	if (live != NULL)
		return true;
	rc = ledger_has_history(c->api->rd->ledger, c->name);
	if (rc < 0)
		*ret_error = rc;
	return rc > 0;
}

void
api_history(struct api_call *c)
{
	struct ledger_query q;
	const char *wrong = read_query(c, &q);
	struct buf body;
	struct jsonw w;
	int rc;

	if (wrong != NULL) {
		api_refuse(c, 400, "BAD_QUERY", wrong);
		return;
	}
	if (!is_known(c, &rc) && rc == 0) {
		api_refuse(c, 404, "JOB_NOT_FOUND", "there is no such job");
		return;
	}
	buf_init(&body, 0);
	jsonw_init(&w, &body, false);
	jsonw_object(&w);
	jsonw_kstr(&w, "jobName", c->name);
	jsonw_key(&w, "history");
	jsonw_array(&w);
	if (rc == 0)
		rc = ledger_find_recent(c->api->rd->ledger, &q, add_row, &w);
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	if (rc == 0) {
		api_reply(c, 200, &body);
		return;
	}
	buf_clear(&body);
	api_refuse_later(c, "the ledger did not answer in time");
}
