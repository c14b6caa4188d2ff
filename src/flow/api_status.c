/*
 * api_status.c - GET /api/jobs/status: every job at a glance, from memory.
 * Must never touch the disk but for rows that memory had no room for.
 */
#include <config.h>

#include "flow/api_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "flow/quota.h"

#define PAGE_JOBS 1000
/* A page ends early when rows carry long results. */
#define PAGE_BYTES ((size_t)4 * 1024 * 1024)

struct page {
	const char *after; /* name of the last job of the page before */
	const char *only; /* "a,b,c", or NULL */
	int64_t limit, recent;
};

static bool
read_page(const struct api_call *c, struct page *p)
{
	const char *limit = http_req_query(c->req, "limit");
	const char *recent = http_req_query(c->req, "recent");

	p->after = http_req_query(c->req, "after");
	p->only = http_req_query(c->req, "jobs");
	p->limit = PAGE_JOBS;
	p->recent = ROWS_CACHED;
	if (limit != NULL &&
	    text_parse_int(limit, 1, INT64_MAX, &p->limit) != 0)
		return false;
	if (p->limit > PAGE_JOBS)
		p->limit = PAGE_JOBS;
	return recent == NULL ||
	       text_parse_int(recent, 0, ROWS_CACHED, &p->recent) == 0;
}

/* Jobs are sorted by name: the first one after `after`. */
static unsigned
first_of(const struct config *c, const char *after)
{
	unsigned low = 0, high = c->njobs;

	if (after == NULL)
		return 0;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (strcmp(c->jobs[mid]->name, after) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
print_job(struct jsonw *w, struct live_job *live, unsigned recent)
{
	char *camel = text_camel(live->def->name);

	jsonw_key(w, camel);
	free(camel);
	jsonw_object(w);
	jsonw_kstr(w, "name", live->def->name);
	api_print_rows(w, live, recent);
	api_print_live(w, live, 1);
	jsonw_object_end(w);
}

/* The jobs of a list "a,b,c", in its order, each once. */
static void
print_listed(struct jsonw *w, const struct road *rd, const struct page *p)
{
	struct map *seen = map_new();
	const char *at = p->only;
	int64_t left = p->limit;

	while (*at != '\0' && left-- > 0) {
		size_t len = strcspn(at, ",");
		char *name = xstrndup(at, len);
		struct live_job *live = road_job(rd, name);

		free(name);
		if (live != NULL && live->configured &&
		    map_set(seen, live->def->name, live) == NULL)
			print_job(w, live, (unsigned)p->recent);
		at += len + (at[len] == ',');
	}
	map_free(seen);
}

/* Gives the name to go on after, or NULL at the end. */
static const char *
print_page(struct jsonw *w, const struct road *rd, const struct page *p)
{
	const struct config *c = rd->config;
	const char *last = NULL;
	int64_t left = p->limit;

	for (unsigned i = first_of(c, p->after); i < c->njobs; i++) {
		struct live_job *live = road_job(rd, c->jobs[i]->name);

		/* A reload is putting it in place. */
		if (live == NULL)
			continue;
		if (left-- == 0 || w->out->len > PAGE_BYTES) {
			left = -1;
			break;
		}
		last = live->def->name;
		print_job(w, live, (unsigned)p->recent);
	}
	return left < 0 ? last : NULL;
}

static int64_t
count_waiting(const struct road *rd)
{
	int64_t n = 0;
	size_t pos = 0;
	struct open_run *r;

	while ((r = map_next(rd->open, &pos)) != NULL)
		n += r->queued;
	return n;
}

static void
print_supervisor(struct jsonw *w, const struct api *api)
{
	struct road *rd = api->rd;

	jsonw_key(w, "supervisor");
	jsonw_object(w);
	jsonw_kstr(w, "version", PACKAGE_VERSION);
	jsonw_kstr(w, "node", rd->node);
	jsonw_kint(w, "pid", getpid());
	jsonw_ktime(w, "startedAt", api->started_us);
	jsonw_ktime(w, "now", loop_real_us(rd->loop));
	jsonw_kbool(w, "ready", rd->recovered && !rd->stopping);
	jsonw_kint(w, "jobs", rd->config->njobs);
	jsonw_kint(w, "running", rd->slots_used);
	jsonw_kint(w, "maxConcurrent", rd->slots_limit);
	jsonw_kint(w, "waiting", count_waiting(rd));
	jsonw_kint(w, "attempts", (int64_t)rd->started);
	jsonw_kint(w, "succeeded", (int64_t)rd->succeeded);
	jsonw_kint(w, "failed", (int64_t)rd->failed);
	jsonw_kint(w, "skipped", (int64_t)rd->skipped);
	jsonw_kint(w, "bugs", (int64_t)rd->bugs);
	jsonw_object_end(w);
}

void
api_status(struct api_call *c)
{
	struct road *rd = c->api->rd;
	const char *next = NULL;
	struct page page;
	struct buf body;
	struct jsonw w;

	if (!read_page(c, &page)) {
		api_refuse(c, 400, "BAD_PAGE",
		    "limit must be a positive number, recent one from 0 to 5");
		return;
	}
	buf_init(&body, 0);
	jsonw_init(&w, &body, false);
	jsonw_object(&w);
	jsonw_key(&w, "jobs");
	jsonw_object(&w);
	if (page.only != NULL)
		print_listed(&w, rd, &page);
	else
		next = print_page(&w, rd, &page);
	jsonw_object_end(&w);
	jsonw_kstr(&w, "next", next);
	jsonw_key(&w, "quota");
	jsonw_raw(&w, "", 0);
	quota_print(rd->quota, loop_real_us(rd->loop), &body);
	print_supervisor(&w, c->api);
	jsonw_object_end(&w);
	api_reply(c, 200, &body);
}
