/*
 * job.c - the life of a job's definition, and the few questions it answers by
 * itself. Must never change a definition: those in use are shared.
 */
#include <config.h>

#include "model/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/xalloc.h"
#include "model/job_share.h"

struct job *
job_new_removed(const char *name)
{
	static const struct job_limits no_limits = {
	    .address_space_bytes = -1,
	    .cpu_seconds = -1,
	    .open_files = -1,
	    .processes = -1,
	    .file_size_bytes = -1,
	    .core_bytes = -1,
	};
	static const struct exit_codes no_codes;
	size_t len = strlen(name) + 1;
	struct job *j = xcalloc(1, sizeof(*j) + len);

	j->refs = 1;
	j->name = memcpy(j + 1, name, len);
	j->limits = &no_limits;
	j->exit_codes = &no_codes;
	j->umask = -1;
	j->file = "";
	return j;
}

struct job *
job_ref(struct job *j)
{
	BUG_ON(j->refs == 0);
	j->refs++;
	return j;
}

void
job_unref(struct job *j)
{
	if (j == NULL)
		return;
	BUG_ON(j->refs == 0);
	if (--j->refs > 0)
		return;
	job_share_unref(j->share);
	free(j);
}

const char *
job_hash_text(const struct job *j, char out[JOB_HASH_TEXT_BYTES])
{
	int n = snprintf(out, JOB_HASH_TEXT_BYTES, "%016" PRIx64, j->hash);

	BUG_ON(n != JOB_HASH_TEXT_BYTES - 1);
	return out;
}

enum stdin_mode
job_stdin(const struct job *j)
{
	if (j->stdin_mode != STDIN_DEFAULT)
		return j->stdin_mode;
	return j->protocol == PROTOCOL_JSONL ? STDIN_REQUEST : STDIN_NULL;
}

bool
job_needs_loader(const struct job *j)
{
	return j->user != NULL || j->group != NULL || j->env_file != NULL;
}

bool
job_wants_cgroup(const struct job *j)
{
	const struct job_limits *l = j->limits;

	return j->cgroup || l->memory_max_bytes != 0 || l->pids_max != 0 ||
	       l->cpu_percent != 0;
}

struct job_share *
job_share_new(void)
{
	struct job_share *s = xcalloc(1, sizeof(*s));

	s->refs = 1;
	s->texts = map_new();
	s->schedules = map_new();
	return s;
}

char *
job_share_text(struct job_share *s, const char *text)
{
	char *kept;

	if (text == NULL)
		return NULL;
	kept = map_get(s->texts, text);
	if (kept == NULL) {
		kept = arena_strdup(&s->arena, text);
		map_set(s->texts, kept, kept);
	}
	return kept;
}

void
job_share_seal(struct job_share *s)
{
	map_free(s->texts);
	map_free(s->schedules);
	s->texts = s->schedules = NULL;
}

struct job_share *
job_share_ref(struct job_share *s)
{
	s->refs++;
	return s;
}

void
job_share_unref(struct job_share *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	map_free(s->texts);
	map_free(s->schedules);
	arena_clear(&s->arena);
	free(s);
}
