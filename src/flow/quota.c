/*
 * quota.c - usage by service, bucket and day. Must never ask the network: the
 * youtube-quota worker does, and says what it learned.
 */
#include <config.h>

#include "flow/quota.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "model/civil.h"

#define DAY_TEXT_BYTES 16
#define DEFAULT_BUCKET "default"
/* Names that the configuration does not know, of all services: workers make
 * them up. Further ones are counted by the ledger alone. */
#define MOST_UNKNOWN 1000

struct bucket {
	struct bucket *next;
	char *service, *id;
	char day[DAY_TEXT_BYTES]; /* the day `used` belongs to */
	int64_t used;
	/* What the service said, and on which day; -1, TIME_NEVER: not said. */
	char said_day[DAY_TEXT_BYTES];
	int64_t said_used, said_limit, said_reset_us, said_at_us;
	bool said_exhausted;
	char *said_source;
};

struct quota {
	const struct config *config;
	struct bucket *buckets;
	unsigned nbuckets;
};

struct quota *
quota_new(void)
{
	return xcalloc(1, sizeof(struct quota));
}

void
quota_free(struct quota *q)
{
	while (q != NULL && q->buckets != NULL) {
		struct bucket *b = q->buckets;

		q->buckets = b->next;
		free(b->service);
		free(b->id);
		free(b->said_source);
		free(b);
	}
	free(q);
}

void
quota_configure(struct quota *q, const struct config *c)
{
	q->config = c;
}

/* ---- days of a service ---- */

static const struct quota_service *
service_config(const struct quota *q, const char *name)
{
	for (unsigned i = 0; i < q->config->nquotas; i++)
		if (strcmp(q->config->quotas[i].name, name) == 0)
			return &q->config->quotas[i];
	return NULL;
}

static const struct zone *
zone_of(const struct quota *q, const char *service)
{
	const struct quota_service *s = service_config(q, service);

	return s != NULL && s->zone != NULL ? s->zone : zone_utc();
}

static int64_t
local_midnight_s(const struct zone *z, int64_t now_us)
{
	int64_t utc_s = now_us / USEC_PER_SEC;
	int64_t local_s = utc_s + zone_offset(z, utc_s);

	return local_s - civil_mod(local_s, CIVIL_DAY_S);
}

static void
day_of(const struct zone *z, int64_t now_us, char out[DAY_TEXT_BYTES])
{
	char iso[CLOCK_ISO_BYTES];

	clock_iso_format(local_midnight_s(z, now_us) * USEC_PER_SEC, iso);
	snprintf(out, DAY_TEXT_BYTES, "%.10s", iso);
}

/* The next midnight of the zone, as an instant. */
static int64_t
reset_of(const struct zone *z, int64_t now_us)
{
	struct zone_instants at;

	zone_resolve(z, local_midnight_s(z, now_us) + CIVIL_DAY_S, &at);
	return (at.count > 0 ? at.utc_s[0] : at.gap_end_s) * USEC_PER_SEC;
}

/* ---- counts ---- */

static int64_t
configured_limit(const struct quota_service *s, const char *id)
{
	for (unsigned i = 0; s != NULL && i < s->nbuckets; i++)
		if (strcmp(s->buckets[i].id, id) == 0)
			return s->buckets[i].limit;
	return -1;
}

static struct bucket *
find_bucket(const struct quota *q, const char *service, const char *id)
{
	struct bucket *b = q->buckets;

	while (b != NULL &&
	       (strcmp(b->service, service) != 0 || strcmp(b->id, id) != 0))
		b = b->next;
	return b;
}

/* Made when it is not there; NULL when there are too many. */
static struct bucket *
bucket_of(struct quota *q, const char *service, const char *id)
{
	struct bucket *b = find_bucket(q, service, id);

	if (b != NULL)
		return b;
	if (q->nbuckets >= MOST_UNKNOWN &&
	    configured_limit(service_config(q, service), id) < 0)
		return NULL;
	b = xcalloc(1, sizeof(*b));
	b->service = xstrdup(service);
	b->id = xstrdup(id);
	b->said_used = b->said_limit = -1;
	b->said_reset_us = TIME_NEVER;
	b->next = q->buckets;
	q->buckets = b;
	q->nbuckets++;
	return b;
}

static void
begin_day(struct bucket *b, const char *day)
{
	if (strcmp(b->day, day) == 0)
		return;
	snprintf(b->day, sizeof(b->day), "%s", day);
	b->used = 0;
}

void
quota_charge(struct quota *q, struct ledger *l, const char *service,
    const char *bucket, int64_t units, int64_t now_us)
{
	struct bucket *b = bucket_of(q, service, bucket);
	char day[DAY_TEXT_BYTES];

	day_of(zone_of(q, service), now_us, day);
	if (b != NULL) {
		begin_day(b, day);
		b->used += units;
	}
	ledger_add_usage(l, &(struct ledger_usage){
				.service = service,
				.bucket = bucket,
				.day = day,
				.units = units,
			    });
}

/* What is not said anew still holds, until the day ends. */
static void
learn_one(struct bucket *b, const struct message_bucket *said, const char *day,
    int64_t now_us)
{
	if (strcmp(b->said_day, day) != 0) {
		snprintf(b->said_day, sizeof(b->said_day), "%s", day);
		b->said_used = b->said_limit = -1;
		b->said_reset_us = TIME_NEVER;
	}
	if (said->used >= 0) {
		b->said_used = said->used;
		b->said_at_us = now_us;
		free(b->said_source);
		b->said_source = xstrdup_null(said->source);
	}
	if (said->limit >= 0)
		b->said_limit = said->limit;
	if (said->reset_at_us != TIME_NEVER)
		b->said_reset_us = said->reset_at_us;
	b->said_exhausted = said->exhausted;
}

void
quota_learn(struct quota *q, const struct message *m, int64_t now_us)
{
	char day[DAY_TEXT_BYTES];

	day_of(zone_of(q, m->service), now_us, day);
	for (unsigned i = 0; i < m->nbuckets; i++) {
		struct bucket *b = bucket_of(q, m->service, m->buckets[i].id);

		if (b != NULL)
			learn_one(b, &m->buckets[i], day, now_us);
	}
}

struct load {
	struct quota *q;
	int64_t now_us;
};

static void
load_one(void *arg, const struct ledger_usage *row)
{
	const struct load *load = arg;
	char day[DAY_TEXT_BYTES];

	day_of(zone_of(load->q, row->service), load->now_us, day);
	if (strcmp(day, row->day) == 0) {
		struct bucket *b =
		    bucket_of(load->q, row->service, row->bucket);

		if (b == NULL)
			return;
		begin_day(b, day);
		b->used += row->units;
	}
}

int
quota_load(struct quota *q, struct ledger *l, int64_t now_us)
{
	struct load load = {.q = q, .now_us = now_us};
	char since[DAY_TEXT_BYTES];

	/* Some zone's today is at most a day behind UTC's. */
	day_of(zone_utc(), now_us - CIVIL_DAY_S * USEC_PER_SEC, since);
	return ledger_load_usage(l, since, load_one, &load);
}

/* ---- as the status shows it ---- */

struct view {
	int64_t limit, used, remaining, reset_us, as_of_us; /* limit -1: none */
	bool exhausted;
	const char *source;
};

/* What the service said today; the larger figure is the true one. */
static void
view_said(const struct bucket *b, int64_t now_us, struct view *v)
{
	if (b->said_limit >= 0)
		v->limit = b->said_limit;
	if (b->said_used > v->used) {
		v->used = b->said_used;
		v->as_of_us = b->said_at_us;
		v->source = b->said_source != NULL ? b->said_source : "service";
	}
	if (b->said_reset_us != TIME_NEVER && b->said_reset_us > now_us)
		v->reset_us = b->said_reset_us;
	v->exhausted = b->said_exhausted;
}

static struct view
view_of(const struct quota *q, const struct quota_service *s, const char *id,
    int64_t limit, int64_t now_us)
{
	const struct bucket *b = find_bucket(q, s->name, id);
	char day[DAY_TEXT_BYTES];
	struct view v = {.limit = limit,
	    .source = "ledger",
	    .as_of_us = now_us,
	    .reset_us = reset_of(zone_of(q, s->name), now_us)};

	day_of(zone_of(q, s->name), now_us, day);
	if (b != NULL && strcmp(b->day, day) == 0)
		v.used = b->used;
	if (b != NULL && strcmp(b->said_day, day) == 0)
		view_said(b, now_us, &v);
	v.remaining = v.limit < 0 ? -1 : v.limit - v.used;
	if (v.limit >= 0 && v.remaining <= 0) {
		v.remaining = 0;
		v.exhausted = true;
	}
	return v;
}

static void
key_count(struct jsonw *w, const char *key, int64_t v)
{
	if (v < 0)
		jsonw_knull(w, key);
	else
		jsonw_kint(w, key, v);
}

static void
print_bucket(struct jsonw *w, const char *id, const struct view *v)
{
	jsonw_object(w);
	jsonw_kstr(w, "id", id);
	key_count(w, "limit", v->limit);
	jsonw_kint(w, "used", v->used);
	key_count(w, "remaining", v->remaining);
	jsonw_kbool(w, "exhausted", v->exhausted);
	jsonw_ktime(w, "resetAt", v->reset_us);
	jsonw_object_end(w);
}

static void
print_buckets(struct quota *q, const struct quota_service *s, int64_t now_us,
    struct jsonw *w)
{
	jsonw_key(w, "buckets");
	jsonw_array(w);
	for (unsigned i = 0; i < s->nbuckets; i++) {
		struct view v = view_of(
		    q, s, s->buckets[i].id, s->buckets[i].limit, now_us);

		print_bucket(w, s->buckets[i].id, &v);
	}
	for (struct bucket *b = q->buckets; b != NULL; b = b->next) {
		struct view v;

		if (strcmp(b->service, s->name) != 0 ||
		    configured_limit(s, b->id) >= 0)
			continue;
		v = view_of(q, s, b->id, -1, now_us);
		print_bucket(w, b->id, &v);
	}
	jsonw_array_end(w);
}

static void
print_service(struct quota *q, const struct quota_service *s, int64_t now_us,
    struct jsonw *w)
{
	struct view v = view_of(
	    q, s, DEFAULT_BUCKET, configured_limit(s, DEFAULT_BUCKET), now_us);

	jsonw_key(w, s->name);
	jsonw_object(w);
	jsonw_kint(w, "used", v.used);
	key_count(w, "remaining", v.remaining);
	key_count(w, "limit", v.limit);
	jsonw_key(w, "percentage");
	if (v.limit > 0)
		jsonw_double(w, 100.0 * (double)v.used / (double)v.limit, 1);
	else
		jsonw_null(w);
	jsonw_ktime(w, "resetAt", v.reset_us);
	jsonw_kstr(w, "source", v.source);
	jsonw_ktime(w, "asOf", v.as_of_us);
	jsonw_kbool(w, "stale", false);
	jsonw_knull(w, "error");
	print_buckets(q, s, now_us, w);
	jsonw_object_end(w);
}

void
quota_print(struct quota *q, int64_t now_us, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out, false);
	jsonw_object(&w);
	for (unsigned i = 0; i < q->config->nquotas; i++)
		print_service(q, &q->config->quotas[i], now_us, &w);
	jsonw_object_end(&w);
}
