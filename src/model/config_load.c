/*
 * config_load.c - from the texts of files to a configuration, in slices small
 * enough for the loop: text is parsed 64 KiB at a time, jobs are built a
 * hundred at a time, sorted a few thousand comparisons at a time. Goes on
 * after errors, so that all are told at once. Reads no file itself.
 */
#include <config.h>

#include "model/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "model/config_internal.h"
#include "model/config_message.h"
#include "reeve/worker.h"

#define SLICE_BYTES ((size_t)64 * 1024)
#define SLICE_JOBS  100
#define SLICE_SORT  4000

struct load_file {
	char *name;
	char *text; /* NULL: it could not be read, `error` says why */
	size_t len;
	char *error;
};

enum load_phase {
	LOAD_BEGIN,
	LOAD_TEXT, /* parsing the current file */
	LOAD_ROOT, /* reading what it has besides jobs */
	LOAD_JOBS, /* building its jobs */
	LOAD_RELEASE, /* letting go of it, one thing a step */
	LOAD_SORT,
	LOAD_DONE,
};

struct config_load {
	enum load_phase phase;
	struct load_file *files;
	unsigned nfiles, current;
	char *dirs[3]; /* state, run, workers; or NULL */
	struct config_messages messages;
	struct settings_cx cx;
	struct arena keep, scratch;
	struct job_base base;
	struct config *config;
	bool pools_known; /* "pools" could be read */
	bool too_many;
	/* the current file */
	struct json_parser *parser;
	struct json *root;
	const struct json *next; /* job to build */
	struct config_path jobs_path, job_path;
	/* the jobs */
	unsigned jobs_cap;
	struct map *camel; /* camel case name -> struct job */
	struct job_sort sort;
};

struct config_load *
config_load_new(config_zone_fn *zone_fn, void *arg)
{
	struct config_load *l = xcalloc(1, sizeof(*l));

	config_messages_init(&l->messages);
	l->cx.messages = &l->messages;
	l->cx.keep = &l->keep;
	l->cx.zones = map_new();
	l->cx.zone_fn = zone_fn;
	l->cx.zone_arg = arg;
	l->camel = map_new();
	return l;
}

void
config_load_dirs(struct config_load *l, const char *state_dir,
    const char *run_dir, const char *workers_dir)
{
	const char *dirs[3] = {state_dir, run_dir, workers_dir};
	unsigned i;

	for (i = 0; i < 3; i++) {
		free(l->dirs[i]);
		l->dirs[i] = xstrdup_null(dirs[i]);
	}
}

static struct load_file *
add_file(struct config_load *l, const char *name)
{
	struct load_file *f;

	BUG_ON(l->phase != LOAD_BEGIN);
	l->files =
	    xreallocarray(l->files, (size_t)l->nfiles + 1, sizeof(*l->files));
	f = &l->files[l->nfiles++];
	memset(f, 0, sizeof(*f));
	f->name = xstrdup(name);
	return f;
}

void
config_load_file(
    struct config_load *l, const char *name, char *text, size_t len)
{
	struct load_file *f = add_file(l, name);

	f->text = text != NULL ? text : xstrdup("");
	f->len = len;
}

void
config_load_error(struct config_load *l, const char *file, const char *fmt, ...)
{
	struct load_file *f = add_file(l, file);
	struct buf message;
	va_list ap;

	buf_init(&message, 1000);
	va_start(ap, fmt);
	buf_vaddf(&message, fmt, ap);
	va_end(ap);
	f->error = buf_steal(&message);
}

static void say_error(struct config_load *l, uint32_t line, uint32_t col,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

static void
say_error(
    struct config_load *l, uint32_t line, uint32_t col, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	config_message(&l->messages, CONFIG_ERROR, l->files[l->current].name,
	    line, col, l->cx.path, fmt, ap);
	va_end(ap);
}

/* ---- begin: defaults ---- */

static void
begin(struct config_load *l)
{
	struct config *c = xcalloc(1, sizeof(*c));
	struct config_private *private = xcalloc(1, sizeof(*private));
	char **dirs[3] = {&c->state_dir, &c->run_dir, &c->workers_dir};
	unsigned i;

	private->share = job_share_new();
	l->cx.share = private->share;
	l->cx.arena = &private->arena;
	l->cx.file = "";
	settings_defaults(&l->cx, &settings_global, c);
	c->private = private;
	for (i = 0; i < 3; i++) {
		if (l->dirs[i] != NULL)
			*dirs[i] = arena_strdup(&private->arena, l->dirs[i]);
	}
	c->by_name = map_new();
	l->config = c;
	job_base_init(&l->base, &l->cx);
	l->phase = LOAD_TEXT;
}

/* ---- one file's text ---- */

/* Freeing 20 MB takes milliseconds: parser, tree and text one by one. */
static void
release_file(struct config_load *l)
{
	struct load_file *f = &l->files[l->current];

	l->phase = LOAD_RELEASE;
	l->next = NULL;
	l->cx.path = NULL;
	if (l->parser != NULL) {
		json_parser_free(l->parser);
		l->parser = NULL;
	} else if (l->root != NULL) {
		json_free(l->root);
		l->root = NULL;
	} else {
		free(f->text);
		f->text = NULL;
		l->current++;
		l->phase = LOAD_TEXT;
	}
}

static void
parse_text(struct config_load *l)
{
	static const struct json_opts opts = {
	    .comments = true,
	    .max_depth = REEVE_MAX_JSON_DEPTH,
	    .defer_key = "jobs",
	};
	struct load_file *f = &l->files[l->current];
	struct json_error err;
	int r;

	l->cx.file = f->name;
	l->cx.path = NULL;
	if (f->text == NULL) {
		say_error(l, 0, 0, "%s", f->error);
		release_file(l);
		return;
	}
	if (l->parser == NULL)
		l->parser = json_parser_new(f->text, f->len, &opts);
	r = json_parser_step(l->parser, SLICE_BYTES, &l->root, &err);
	if (r < 0) {
		say_error(l, err.line, err.col, "%s", err.message);
		release_file(l);
	} else if (r == 0) {
		l->phase = LOAD_ROOT;
	}
}

/* ---- the main file besides its jobs ---- */

static void
read_main(struct config_load *l)
{
	struct config *c = l->config;
	const struct json *v;

	l->cx.arena = &c->private->arena;
	(void)settings_parse(&l->cx, &settings_global, l->root, c);
	v = json_get(l->root, "pools");
	l->pools_known = v == NULL || v->len == c->npools;
	v = json_get(l->root, "defaults");
	if (v != NULL && v->type == JSON_OBJECT)
		(void)job_base_read(&l->base, &l->cx, v);
	v = json_get(l->root, "jobs");
	if (v != NULL && v->type == JSON_ARRAY)
		l->next = v->child;
	l->jobs_path = (struct config_path){.key = "jobs"};
	l->job_path = (struct config_path){.up = &l->jobs_path};
}

/* A file of jobs.d: one job, or an array of jobs. */
static void
read_jobs_file(struct config_load *l)
{
	const struct json *v = l->root;

	l->job_path = (struct config_path){0};
	if (v->type == JSON_ARRAY)
		l->next = v->child;
	else if (v->type == JSON_OBJECT)
		l->next = v;
	else
		say_error(l, v->line, v->col,
		    "one job (an object) or an array of jobs is expected");
}

/* How many jobs of this file may be added. */
static size_t
count_jobs(const struct json *v)
{
	size_t n = 0;

	for (; v != NULL && n < REEVE_MAX_JOBS; v = v->next)
		n++;
	return n;
}

static void
read_root(struct config_load *l)
{
	if (l->current == 0)
		read_main(l);
	else
		read_jobs_file(l);
	if (l->next != NULL && l->next != l->root) {
		size_t n = l->config->njobs + count_jobs(l->next);

		map_reserve(l->config->by_name, n);
		map_reserve(l->camel, n);
	}
	l->phase = LOAD_JOBS;
}

/* ---- jobs ---- */

/* The camel case name when it is another than the name itself. */
static bool
camel_taken(struct config_load *l, const struct json *at, struct job *job)
{
	char *camel;
	const char *key;
	struct job *other;

	if (job->name[strcspn(job->name, "._-")] == '\0')
		return false;
	camel = text_camel(job->name);
	key = arena_strdup(&l->keep, camel);
	free(camel);
	other = map_get(l->camel, key);
	if (other == NULL) {
		map_set(l->camel, key, job);
		return false;
	}
	settings_fail(&l->cx, at,
	    "the name %s is the same in camel case (%s) as %s at %s:%u",
	    job->name, key, other->name, other->file, (unsigned)other->line);
	return true;
}

static bool
name_taken(struct config_load *l, const struct json *v, struct job *job)
{
	const struct json *at = json_get(v, "name");
	struct job *other = map_get(l->config->by_name, job->name);
	struct config_path here = {.up = l->cx.path, .key = "name"};
	bool taken = other != NULL;

	l->cx.path = &here;
	if (taken)
		settings_fail(&l->cx, at, "the name %s is taken by %s:%u",
		    job->name, other->file, (unsigned)other->line);
	else
		taken = camel_taken(l, at, job);
	l->cx.path = here.up;
	return taken;
}

static void
keep_job(struct config_load *l, struct job *job)
{
	struct config *c = l->config;

	if (c->njobs == l->jobs_cap) {
		l->jobs_cap = l->jobs_cap == 0 ? 64 : l->jobs_cap * 2;
		c->jobs = xreallocarray(c->jobs, l->jobs_cap, sizeof(*c->jobs));
	}
	c->jobs[c->njobs++] = job;
	map_set(c->by_name, job->name, job);
}

static void
add_job(struct config_load *l, const struct json *v)
{
	struct job *job;

	if (l->config->njobs >= REEVE_MAX_JOBS) {
		if (!l->too_many)
			settings_fail(
			    &l->cx, v, "more than %d jobs", REEVE_MAX_JOBS);
		l->too_many = true;
		return;
	}
	arena_reset(&l->scratch);
	l->cx.arena = &l->scratch;
	job = job_build(&l->base, &l->cx, v, l->config, l->pools_known);
	if (job == NULL)
		return;
	if (name_taken(l, v, job))
		job_unref(job);
	else
		keep_job(l, job);
}

/* Parse what was deferred, and build it. */
static void
add_element(struct config_load *l, const struct json *e)
{
	struct json_opts opts = {.comments = true,
	    .max_depth = REEVE_MAX_JSON_DEPTH,
	    .line = e->line,
	    .col = e->col};
	struct json_error err;
	struct json *v;

	if (json_parse(e->src, e->src_len, &opts, &v, &err) < 0) {
		say_error(l, err.line, err.col, "%s", err.message);
		return;
	}
	add_job(l, v);
	json_free(v);
}

static void
build_jobs(struct config_load *l)
{
	size_t bytes = 0;
	unsigned n;

	for (n = 0; n < SLICE_JOBS && bytes < SLICE_BYTES && l->next != NULL;
	     n++) {
		const struct json *e = l->next;

		bytes += e->src_len;
		if (e == l->root) {
			add_job(l, e);
			l->next = NULL;
			break;
		}
		l->cx.path = &l->job_path;
		add_element(l, e);
		l->cx.path = NULL;
		l->job_path.index++;
		l->next = e->next;
	}
	if (l->next == NULL)
		release_file(l);
}

/* ---- the whole ---- */

static void
begin_sort(struct config_load *l)
{
	struct config *c = l->config;

	l->cx.path = NULL;
	if (l->nfiles > 0) {
		l->cx.file = l->files[0].name;
		config_complete(&l->cx, c);
	}
	job_sort_init(&l->sort, c->jobs, c->njobs);
	c->jobs = NULL;
	l->phase = LOAD_SORT;
}

static void
sort_jobs(struct config_load *l)
{
	if (!job_sort_step(&l->sort, SLICE_SORT))
		return;
	l->config->jobs = l->sort.jobs;
	l->sort.jobs = NULL;
	l->phase = LOAD_DONE;
}

int
config_load_step(struct config_load *l)
{
	switch (l->phase) {
	case LOAD_BEGIN:
		begin(l);
		break;
	case LOAD_TEXT:
		if (l->current < l->nfiles)
			parse_text(l);
		else
			begin_sort(l);
		break;
	case LOAD_ROOT:
		read_root(l);
		break;
	case LOAD_JOBS:
		build_jobs(l);
		break;
	case LOAD_RELEASE:
		release_file(l);
		break;
	case LOAD_SORT:
		sort_jobs(l);
		break;
	case LOAD_DONE:
		break;
	}
	return l->phase == LOAD_DONE ? 0 : 1;
}

void
config_load_free(struct config_load *l)
{
	unsigned i;

	if (l == NULL)
		return;
	json_parser_free(l->parser);
	json_free(l->root);
	for (i = 0; i < l->nfiles; i++) {
		free(l->files[i].name);
		free(l->files[i].text);
		free(l->files[i].error);
	}
	free(l->files);
	for (i = 0; i < 3; i++)
		free(l->dirs[i]);
	config_messages_clear(&l->messages);
	map_free(l->cx.zones);
	map_free(l->camel);
	arena_clear(&l->keep);
	arena_clear(&l->scratch);
	job_base_clear(&l->base);
	if (l->config != NULL && l->config->jobs == NULL) {
		l->config->jobs = l->sort.jobs;
		l->sort.jobs = NULL;
	}
	job_sort_clear(&l->sort);
	config_free(l->config);
	free(l);
}

int
config_load_finish(struct config_load *l, struct config **ret,
    struct buf *ret_errors, struct buf *ret_warnings)
{
	int r = -EINVAL;

	while (config_load_step(l) > 0)
		continue;
	config_messages_take(&l->messages, ret_errors, ret_warnings);
	if (l->messages.nerrors == 0) {
		job_share_seal(l->config->private->share);
		*ret = l->config;
		l->config = NULL;
		r = 0;
	}
	config_load_free(l);
	return r;
}
