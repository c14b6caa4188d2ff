/*
 * config_job.c - one job from its JSON: read into a draft over the defaults,
 * checked as a whole, hashed, and packed into one piece of memory. Must stay
 * cheap: a reload does this a hundred thousand times.
 */
#include <config.h>

#include "model/config_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/xalloc.h"

/* ---- what jobs begin with ---- */

static void
canonical_text(struct job_base *b, const struct settings_level *level,
    const void *base, const void *other)
{
	struct jsonw w;

	buf_reset(&b->canonical);
	jsonw_init(&w, &b->canonical, false);
	jsonw_object(&w);
	if (other != NULL)
		settings_print_changed(&w, level, base, other);
	else
		settings_print(&w, level, base, SHOW_ALL);
	jsonw_object_end(&w);
}

static void
share_tables(struct job_base *b, struct job_share *share)
{
	struct job_limits *limits;
	struct exit_codes *codes;

	limits = arena_alloc(&share->arena, sizeof(*limits));
	*limits = b->defaults.limits;
	codes = arena_alloc(&share->arena, sizeof(*codes));
	*codes = b->defaults.exit_codes;
	b->limits = limits;
	b->exit_codes = codes;
}

void
job_base_init(struct job_base *b, struct settings_cx *cx)
{
	buf_init(&b->canonical, 0);
	cx->arena = &cx->share->arena;
	settings_defaults(cx, &settings_job, &b->builtin);
	b->defaults = b->builtin;
	share_tables(b, cx->share);
	canonical_text(b, &settings_job, &b->builtin, NULL);
	b->seed = map_hash_bytes(buf_str(&b->canonical), b->canonical.len, 0);
}

bool
job_base_read(struct job_base *b, struct settings_cx *cx, const struct json *v)
{
	struct config_path here = {.up = cx->path, .key = "defaults"};
	bool ok;

	cx->path = &here;
	cx->arena = &cx->share->arena;
	cx->in_defaults = true;
	ok = settings_parse(cx, &settings_job, v, &b->defaults);
	cx->in_defaults = false;
	cx->path = here.up;
	share_tables(b, cx->share);
	return ok;
}

void
job_base_clear(struct job_base *b)
{
	buf_clear(&b->canonical);
}

/* ---- the job as a whole ---- */

static bool
check_pool(struct settings_cx *cx, const struct json *v, const struct job *job,
    const struct config *c)
{
	unsigned i;

	if (job->pool == NULL)
		return true;
	for (i = 0; i < c->npools; i++) {
		if (strcmp(c->pools[i].name, job->pool) == 0)
			return true;
	}
	return settings_fail_member(
	    cx, v, "pool", "there is no pool \"%s\" under pools", job->pool);
}

/* Files that grants put beside the secrets. */
static bool
check_secrets(
    struct settings_cx *cx, const struct json *v, const struct job *job)
{
	unsigned i;

	for (i = 0; i < job->secrets.count; i++) {
		const char *name = job->secrets.items[i].name;

		if (strcmp(name, "database-url") == 0 ||
		    strcmp(name, "reeve-token") == 0)
			return settings_fail_member(cx, v, "secrets",
			    "the name %s is for what \"grants\" gives", name);
	}
	return true;
}

static bool
check_job(struct settings_cx *cx, const struct json *v, const struct job *job)
{
	bool ok = true;

	if (json_get(v, "name") == NULL)
		ok = settings_fail(cx, v, "the key \"name\" is missing");
	if (job->command == NULL && json_get(v, "command") == NULL)
		ok = settings_fail(cx, v, "the key \"command\" is missing");
	return ok;
}

/* ---- packing ---- */

/*
 * Two passes over the same code: the first, with `base` NULL, counts; the
 * second copies and turns the pointers of the job to the copies.
 */
struct packer {
	char *base;
	size_t used;
};

static void *
pack(struct packer *p, const void *data, size_t size, size_t align)
{
	void *to;

	p->used = (p->used + align - 1) & ~(align - 1);
	to = p->base != NULL ? p->base + p->used : NULL;
	p->used += size;
	if (to != NULL)
		memcpy(to, data, size);
	return to;
}

static void
pack_text(struct packer *p, char **text, const char *shared)
{
	char *copy;

	if (*text == NULL || *text == shared)
		return;
	copy = pack(p, *text, strlen(*text) + 1, 1);
	if (copy != NULL)
		*text = copy;
}

static void
pack_list(struct packer *p, text_list *list, const text_list shared)
{
	text_list copy;
	unsigned n = 0, i;

	if (*list == NULL || *list == shared)
		return;
	while ((*list)[n] != NULL)
		n++;
	copy = pack(p, *list, (n + 1) * sizeof(*copy), sizeof(void *));
	for (i = 0; i < n; i++)
		pack_text(p, copy != NULL ? &copy[i] : &(*list)[i], NULL);
	if (copy != NULL)
		*list = copy;
}

static void
pack_map(struct packer *p, struct text_map *map, const struct text_map *shared)
{
	struct text_pair *copy, *items = map->items;
	unsigned i;

	if (map->count == 0 || items == shared->items)
		return;
	copy = pack(p, items, map->count * sizeof(*copy), sizeof(void *));
	if (copy != NULL)
		map->items = items = copy;
	for (i = 0; i < map->count; i++) {
		pack_text(p, &items[i].key, NULL);
		pack_text(p, &items[i].value, NULL);
	}
}

static void
pack_secrets(struct packer *p, struct secret_list *list,
    const struct secret_list *shared)
{
	struct secret *copy, *items = list->items;
	unsigned i;

	if (list->count == 0 || items == shared->items)
		return;
	copy = pack(p, items, list->count * sizeof(*copy), sizeof(void *));
	if (copy != NULL)
		list->items = items = copy;
	for (i = 0; i < list->count; i++) {
		pack_text(p, &items[i].name, NULL);
		pack_text(p, &items[i].file, NULL);
		pack_text(p, &items[i].env, NULL);
	}
}

/* Everything that a job has for itself. */
static void
pack_job(struct packer *p, struct job *j, const struct job_draft *draft,
    const struct job_base *b)
{
	const struct job *shared = &b->defaults.job;
	const void *copy;

	(void)pack(p, &draft->job, sizeof(*j), sizeof(void *));
	j->limits = b->limits;
	if (memcmp(&draft->limits, b->limits, sizeof(*b->limits)) != 0) {
		copy = pack(
		    p, &draft->limits, sizeof(draft->limits), sizeof(void *));
		j->limits = copy;
	}
	j->exit_codes = b->exit_codes;
	if (memcmp(&draft->exit_codes, b->exit_codes, sizeof(*b->exit_codes)) !=
	    0) {
		copy = pack(p, &draft->exit_codes, sizeof(draft->exit_codes),
		    sizeof(void *));
		j->exit_codes = copy;
	}
	pack_list(p, &j->command, shared->command);
	pack_list(p, &j->grants, shared->grants);
	pack_map(p, &j->env, &shared->env);
	pack_secrets(p, &j->secrets, &shared->secrets);
	pack_text(p, &j->name, NULL);
	pack_text(p, &j->description, shared->description);
	pack_text(p, &j->stdin_text, shared->stdin_text);
	pack_text(p, &j->params, shared->params);
}

static void
intern_texts(struct job *j, struct job_share *share)
{
	j->timezone = job_share_text(share, j->timezone);
	j->pool = job_share_text(share, j->pool);
	j->user = job_share_text(share, j->user);
	j->group = job_share_text(share, j->group);
	j->cwd = job_share_text(share, j->cwd);
	j->env_file = job_share_text(share, j->env_file);
	j->file = job_share_text(share, j->file);
}

static struct job *
pack_draft(struct job_base *b, struct job_draft *draft, struct job_share *share)
{
	struct packer p = {0};
	struct job counted = draft->job, *j;

	intern_texts(&draft->job, share);
	counted = draft->job;
	pack_job(&p, &counted, draft, b);
	p.base = xmalloc(p.used);
	p.used = 0;
	j = (struct job *)(void *)p.base;
	*j = draft->job;
	pack_job(&p, j, draft, b);
	j->refs = 1;
	j->share = job_share_ref(share);
	return j;
}

/* ---- putting it together ---- */

static bool
resolve_zone(struct settings_cx *cx, const struct json *v, struct job *job,
    const struct config *c)
{
	const char *why;

	if (job->timezone == NULL)
		job->timezone = c->timezone;
	job->zone = settings_zone(cx, job->timezone, &why);
	return job->zone != NULL ||
	       settings_fail(cx, v, "time zone %s: %s", job->timezone, why);
}

struct job *
job_build(struct job_base *b, struct settings_cx *cx, const struct json *v,
    const struct config *c, bool pools_known)
{
	struct job_draft draft = b->defaults;
	struct job *job = &draft.job, *built;
	bool ok;

	ok = settings_parse(cx, &settings_job, v, &draft);
	if (v->type != JSON_OBJECT)
		return NULL;
	ok &= check_job(cx, v, job);
	ok &= check_secrets(cx, v, job);
	if (pools_known)
		ok &= check_pool(cx, v, job, c);
	if (!ok || !resolve_zone(cx, v, job, c))
		return NULL;
	canonical_text(b, &settings_job, &draft, &b->builtin);
	job->hash =
	    map_hash_bytes(buf_str(&b->canonical), b->canonical.len, b->seed);
	job->oom_score_adj_set = job->oom_score_adj != OOM_SCORE_ADJ_UNSET;
	if (!job->oom_score_adj_set)
		job->oom_score_adj = 0;
	job->file = cx->file;
	job->line = v->line;
	built = pack_draft(b, &draft, cx->share);
	return built;
}

void
job_draft_of(const struct job *j, struct job_draft *out)
{
	out->job = *j;
	out->limits = *j->limits;
	out->exit_codes = *j->exit_codes;
	if (!j->oom_score_adj_set)
		out->job.oom_score_adj = OOM_SCORE_ADJ_UNSET;
}
