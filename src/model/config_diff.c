/*
 * config_diff.c - what a reload changes: settings by their rows, jobs by their
 * hashes, in slices.
 */
#include <config.h>

#include "model/config_internal.h"

#include <string.h>

struct diff {
	config_diff_fn *fn;
	void *arg;
};

static bool
same_setting(const struct setting *s, const void *before, const void *after)
{
	const void *base[2] = {before, after};
	struct buf text[2];
	struct jsonw w;
	bool same;
	int i;

	for (i = 0; i < 2; i++) {
		buf_init(&text[i], 0);
		jsonw_init(&w, &text[i], false);
		settings_print_value(&w, s, base[i], SHOW_ALL);
	}
	same = strcmp(buf_str(&text[0]), buf_str(&text[1])) == 0;
	buf_clear(&text[0]);
	buf_clear(&text[1]);
	return same;
}

static void
diff_level(struct diff *d, const struct settings_level *level,
    const struct config_path *up, const void *before, const void *after)
{
	unsigned i;

	for (i = 0; i < level->count; i++) {
		const struct setting *s = &level->rows[i];
		struct config_path here = {.up = up, .key = s->key};
		struct buf name;

		if (s->kind == &settings_kind_table && !settings_nullable(s)) {
			diff_level(d, s->level, &here,
			    settings_const_field(s, before),
			    settings_const_field(s, after));
			continue;
		}
		if (s->kind->print == NULL || same_setting(s, before, after))
			continue;
		buf_init(&name, 0);
		config_path_print(&name, &here);
		d->fn(d->arg,
		    s->flags & SETTING_RESTART ? CONFIG_NEEDS_RESTART
					       : CONFIG_SETTING_CHANGED,
		    buf_str(&name), NULL, NULL);
		buf_clear(&name);
	}
}

/* The next name of either side. */
static void
diff_job(struct diff *d, const struct config *before,
    const struct config *after, struct config_diff_pos *pos)
{
	const struct job *a, *b;
	int order;

	a = pos->before < before->njobs ? before->jobs[pos->before] : NULL;
	b = pos->after < after->njobs ? after->jobs[pos->after] : NULL;
	if (a == NULL && b == NULL)
		return;
	if (a == NULL)
		order = 1;
	else
		order = b == NULL ? -1 : strcmp(a->name, b->name);
	if (order <= 0)
		pos->before++;
	if (order >= 0)
		pos->after++;
	if (order < 0)
		d->fn(d->arg, CONFIG_JOB_REMOVED, a->name, a, NULL);
	else if (order > 0)
		d->fn(d->arg, CONFIG_JOB_ADDED, b->name, NULL, b);
	else if (a->hash != b->hash)
		d->fn(d->arg, CONFIG_JOB_CHANGED, b->name, a, b);
}

int
config_diff(const struct config *before, const struct config *after,
    struct config_diff_pos *pos, unsigned max_jobs, config_diff_fn *fn,
    void *arg)
{
	struct diff d = {.fn = fn, .arg = arg};

	if (!pos->settings_done) {
		diff_level(&d, &settings_global, NULL, before, after);
		pos->settings_done = true;
	}
	for (; max_jobs > 0; max_jobs--) {
		if (pos->before >= before->njobs && pos->after >= after->njobs)
			return 0;
		diff_job(&d, before, after, pos);
	}
	return pos->before < before->njobs || pos->after < after->njobs;
}
