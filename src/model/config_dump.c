/*
 * config_dump.c - a configuration back as JSON, from the tables. Must never
 * show a secret; where one is read from is no secret.
 */
#include <config.h>

#include "model/config_internal.h"

static void
dump_job(struct jsonw *w, const struct job *j, enum settings_show show)
{
	struct job_draft draft;

	job_draft_of(j, &draft);
	jsonw_object(w);
	settings_print(w, &settings_job, &draft, show);
	jsonw_object_end(w);
}

void
config_dump(const struct config *c, struct buf *out)
{
	struct jsonw w;
	unsigned i;

	jsonw_init(&w, out, true);
	jsonw_object(&w);
	settings_print(&w, &settings_global, c, SHOW_OWNER);
	jsonw_key(&w, "jobs");
	jsonw_array(&w);
	for (i = 0; i < c->njobs; i++)
		dump_job(&w, c->jobs[i], SHOW_OWNER);
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	buf_addch(out, '\n');
}

void
config_dump_job(const struct job *j, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out, false);
	dump_job(&w, j, SHOW_PUBLIC);
}
