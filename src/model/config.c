/*
 * config.c - a configuration that is in force: looking up and letting go.
 */
#include <config.h>

#include "model/config.h"

#include <stdlib.h>

#include "model/config_internal.h"

struct job *
config_job(const struct config *c, const char *name)
{
	return map_get(c->by_name, name);
}

#define FREED_A_CALL 100

int
config_free_some(struct config *c)
{
	unsigned i;

	map_free(c->by_name);
	c->by_name = NULL;
	for (i = 0; i < FREED_A_CALL && c->njobs > 0; i++)
		job_unref(c->jobs[--c->njobs]);
	if (c->njobs > 0)
		return 1;
	free(c->jobs);
	job_share_unref(c->private->share);
	arena_clear(&c->private->arena);
	free(c->private);
	free(c);
	return 0;
}

void
config_free(struct config *c)
{
	while (c != NULL && config_free_some(c) > 0)
		continue;
}
