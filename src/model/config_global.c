/*
 * config_global.c - what completes the global settings once they are read:
 * paths that are relative to another setting, quotas that are there also when
 * nobody configured them.
 */
#include <config.h>

#include "model/config_internal.h"

#include <string.h>

static char *
under(struct arena *a, const char *prefix, const char *dir, const char *path)
{
	struct buf b;
	char *out;

	buf_init(&b, 0);
	buf_addf(&b, "%s%s%s%s", prefix, *path == '/' ? "" : dir,
	    *path == '/' ? "" : "/", path);
	out = arena_text(a, buf_str(&b), b.len);
	buf_clear(&b);
	return out;
}

static void
resolve_paths(struct config *c)
{
	struct arena *a = &c->private->arena;
	unsigned i;

	for (i = 0; c->api.listen != NULL && c->api.listen[i] != NULL; i++) {
		if (strncmp(c->api.listen[i], "unix:", 5) == 0)
			c->api.listen[i] =
			    under(a, "unix:", c->run_dir, c->api.listen[i] + 5);
	}
	if (c->log.file != NULL)
		c->log.file = under(a, "", c->state_dir, c->log.file);
}

static struct quota_service *
find_quota(struct config *c, const char *name)
{
	unsigned i;

	for (i = 0; i < c->nquotas; i++) {
		if (strcmp(c->quotas[i].name, name) == 0)
			return &c->quotas[i];
	}
	return NULL;
}

static struct quota_service *
add_quota(struct config *c, const char *name)
{
	struct arena *a = &c->private->arena;
	struct quota_service *all;

	all = arena_alloc(a, ((size_t)c->nquotas + 1) * sizeof(*all));
	if (c->nquotas > 0)
		memcpy(all, c->quotas, c->nquotas * sizeof(*all));
	c->quotas = all;
	all[c->nquotas].name = arena_strdup(a, name);
	return &all[c->nquotas++];
}

/* A bucket that is there also when nobody configured it. */
static void
add_bucket(
    struct config *c, struct quota_service *s, const char *id, int64_t limit)
{
	struct arena *a = &c->private->arena;
	struct quota_bucket *all;
	unsigned i;

	for (i = 0; i < s->nbuckets; i++) {
		if (strcmp(s->buckets[i].id, id) == 0)
			return;
	}
	all = arena_alloc(a, ((size_t)s->nbuckets + 1) * sizeof(*all));
	if (s->nbuckets > 0)
		memcpy(all, s->buckets, s->nbuckets * sizeof(*all));
	all[s->nbuckets].id = arena_strdup(a, id);
	all[s->nbuckets].limit = limit;
	s->buckets = all;
	s->nbuckets++;
}

static void
complete_quotas(struct settings_cx *cx, struct config *c)
{
	struct quota_service *youtube = find_quota(c, "youtube");
	struct arena *a = &c->private->arena;
	const struct json nowhere = {.line = 0};
	const char *why;
	unsigned i;

	if (youtube == NULL)
		youtube = add_quota(c, "youtube");
	if (youtube->timezone == NULL)
		youtube->timezone = arena_strdup(a, "America/Los_Angeles");
	add_bucket(c, youtube, "default", 10000);
	add_bucket(c, youtube, "search_list", 100);
	for (i = 0; i < c->nquotas; i++) {
		struct quota_service *s = &c->quotas[i];

		if (s->timezone == NULL)
			s->timezone = arena_strdup(a, "UTC");
		s->zone = settings_zone(cx, s->timezone, &why);
		/* Only the built-in name can be unknown here. */
		if (s->zone == NULL)
			settings_fail(cx, &nowhere,
			    "time zone %s of quota.%s: %s", s->timezone,
			    s->name, why);
	}
}

void
config_complete(struct settings_cx *cx, struct config *c)
{
	resolve_paths(c);
	complete_quotas(cx, c);
}
