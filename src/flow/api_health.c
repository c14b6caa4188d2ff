/*
 * api_health.c - GET /health, /health/live, /health/ready: for people and for
 * whatever restarts or alerts. Must never depend on the network or the disk.
 */
#include <config.h>

#include "flow/api_internal.h"

#include "base/clock.h"
#include "base/log.h"

enum health {
	HEALTHY,
	DEGRADED,
	UNHEALTHY,
};

static const char *const health_names[] = {
    [HEALTHY] = "healthy",
    [DEGRADED] = "degraded",
    [UNHEALTHY] = "unhealthy",
};

static void
worsen(enum health *h, enum health to)
{
	if (*h < to)
		*h = to;
}

static void
begin_check(struct jsonw *w, const char *name, enum health h)
{
	jsonw_key(w, name);
	jsonw_object(w);
	jsonw_kstr(w, "status", health_names[h]);
}

/* A commit that takes so long is worth a look; or is not coming. */
#define DISK_SLOW_US  (2 * USEC_PER_SEC)
#define DISK_HANGS_US (10 * USEC_PER_SEC)

static int64_t
disk_waits_us(const struct road *rd)
{
	int64_t since_us = ledger_waits_since_boot_us(rd->ledger);

	return since_us == TIME_NEVER ? 0 : loop_boot_us(rd->loop) - since_us;
}

static void
check_ledger(struct jsonw *w, const struct road *rd, enum health *all)
{
	const char *why = NULL;
	int64_t since_us;
	bool failing = ledger_failing(rd->ledger, &why, &since_us);
	int64_t waits_us = disk_waits_us(rd);
	enum health h = failing || waits_us >= DISK_HANGS_US ? UNHEALTHY
			: waits_us >= DISK_SLOW_US	     ? DEGRADED
							     : HEALTHY;

	worsen(all, h);
	begin_check(w, "ledger", h);
	jsonw_kint(w, "backlog", (int64_t)ledger_backlog(rd->ledger));
	jsonw_kint(w, "waitsForDiskMs", waits_us / USEC_PER_MSEC);
	if (failing) {
		jsonw_kstr(w, "error", why);
		jsonw_kint(w, "failingForMs",
		    (loop_boot_us(rd->loop) - since_us) / USEC_PER_MSEC);
	}
	jsonw_object_end(w);
}

static void
check_config(struct jsonw *w, const struct api *api, enum health *all)
{
	struct reload_result last = reload_last(api->rl);
	enum health h =
	    last.at_us != TIME_NEVER && !last.ok ? DEGRADED : HEALTHY;

	worsen(all, h);
	begin_check(w, "config", h);
	jsonw_ktime(w, "lastReload", last.at_us);
	if (last.at_us != TIME_NEVER)
		jsonw_kint(w, "tookMs", last.took_ms);
	jsonw_kbool(w, "reloading", reload_busy(api->rl));
	jsonw_object_end(w);
}

static void
check_road(struct jsonw *w, const struct road *rd, enum health *all)
{
	enum health h = rd->bugs > 0 || !rd->recovered ? DEGRADED : HEALTHY;

	worsen(all, h);
	begin_check(w, "scheduler", h);
	jsonw_kbool(w, "recovered", rd->recovered);
	jsonw_kbool(w, "stopping", rd->stopping);
	jsonw_kint(w, "strays", rd->strays);
	jsonw_kint(w, "orphans", trees_orphans(rd->trees));
	jsonw_kint(w, "bugs", (int64_t)rd->bugs);
	jsonw_kint(w, "longestTurnUs", loop_longest_turn_us(rd->loop));
	jsonw_kint(w, "logLinesDropped", (int64_t)log_dropped());
	jsonw_object_end(w);
}

static void
print_counts(struct jsonw *w, const struct road *rd)
{
	jsonw_key(w, "jobs");
	jsonw_object(w);
	jsonw_kint(w, "total", rd->config->njobs);
	jsonw_kint(w, "running", rd->slots_used);
	jsonw_kint(w, "open", (int64_t)map_count(rd->open));
	jsonw_kint(w, "succeeded", (int64_t)rd->succeeded);
	jsonw_kint(w, "failed", (int64_t)rd->failed);
	jsonw_kint(w, "skipped", (int64_t)rd->skipped);
	jsonw_object_end(w);
}

void
api_health(struct api_call *c)
{
	enum health all = HEALTHY;
	struct buf checks, body;
	struct jsonw w;

	buf_init(&checks, 0);
	jsonw_init(&w, &checks, false);
	jsonw_object(&w);
	check_ledger(&w, c->api->rd, &all);
	check_config(&w, c->api, &all);
	check_road(&w, c->api->rd, &all);
	jsonw_object_end(&w);

	buf_init(&body, 0);
	jsonw_init(&w, &body, false);
	jsonw_object(&w);
	jsonw_kstr(&w, "status", health_names[all]);
	jsonw_key(&w, "checks");
	jsonw_raw(&w, buf_str(&checks), checks.len);
	print_counts(&w, c->api->rd);
	jsonw_object_end(&w);
	buf_clear(&checks);
	api_reply(c, all == UNHEALTHY ? 503 : 200, &body);
}

static void
reply_word(struct api_call *c, int code, const char *word)
{
	struct buf body;
	struct jsonw w;

	buf_init(&body, 0);
	jsonw_init(&w, &body, false);
	jsonw_object(&w);
	jsonw_kstr(&w, "status", word);
	jsonw_object_end(&w);
	api_reply(c, code, &body);
}

void
api_health_live(struct api_call *c)
{
	reply_word(c, 200, "alive");
}

void
api_health_ready(struct api_call *c)
{
	const struct road *rd = c->api->rd;
	bool ready = rd->recovered && !rd->stopping;

	reply_word(c, ready ? 200 : 503, ready ? "ready" : "not ready");
}
