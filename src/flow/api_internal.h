/*
 * api_internal.h - shared by api*.c alone: the door's state, a request with
 * its route, and the ways to answer.
 */
#ifndef REEVE_FLOW_API_INTERNAL_H
#define REEVE_FLOW_API_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/jsonw.h"
#include "flow/reload.h"
#include "flow/road.h"
#include "model/config.h"
#include "sys/httpd.h"

struct api_secret {
	char *name;
	char *value; /* never printed */
	enum api_role role;
};

struct api {
	struct road *rd;
	const struct reload *rl;
	struct httpd *httpd;
	unsigned nsecrets;
	struct api_secret *secrets;
	bool group_reads; /* api.socketGroup is set */
	int64_t started_us;
	bool stopped;
};

/* What a handler gets. */
struct api_call {
	struct api *api;
	struct http_req *req;
	char name[64]; /* :job of the route, "" when it has none */
};

/* ---- answers; each ends the call ---- */

void api_reply(struct api_call *c, int code, struct buf *body);
/* {"error":{"code":…,"message":…}}; the texts are ours, never the request's. */
void api_refuse(
    struct api_call *c, int code, const char *word, const char *message);
/* 503 with Retry-After. */
void api_refuse_later(struct api_call *c, const char *message);

/* ---- the routes ---- */

void api_status(struct api_call *c); /* api_status.c */
void api_history(struct api_call *c); /* api_history.c */
void api_job(struct api_call *c); /* api_job.c */
void api_run(struct api_call *c); /* api_run.c */
void api_health(struct api_call *c); /* api_health.c */
void api_health_live(struct api_call *c);
void api_health_ready(struct api_call *c);

/* api_job.c: the live keys of a job, into an object that is open. */
void api_print_live(struct jsonw *w, struct live_job *live, unsigned nfires);
/* api_job.c: lastRun and recentHistory. */
void api_print_rows(struct jsonw *w, struct live_job *live, unsigned recent);

#endif
