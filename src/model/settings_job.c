/*
 * settings_job.c - kinds of settings that only jobs have: command, schedule,
 * stdin; and the keys that hold or refuse whole jobs. `base` of the first
 * three is a struct job_draft.
 */
#include <config.h>

#include "model/settings.h"

#include <string.h>

#include "base/map.h"
#include "reeve/worker.h"

#define MAX_SCHEDULES 64
#define MAX_ARGUMENTS 10000

/* ---- command ---- */

static bool
shell_command(struct settings_cx *cx, const struct json *v, struct job *job)
{
	if (v->text[strspn(v->text, " \t\n\r")] == '\0')
		return settings_fail(cx, v, "must not be empty");
	job->command = arena_alloc(cx->arena, 4 * sizeof(*job->command));
	job->command[0] = arena_strdup(cx->arena, "/bin/sh");
	job->command[1] = arena_strdup(cx->arena, "-c");
	job->command[2] = arena_text(cx->arena, v->text, v->len);
	job->command_is_shell = true;
	return true;
}

static bool
argv_command(struct settings_cx *cx, const struct json *v, struct job *job)
{
	const struct json *c;
	text_list argv;
	unsigned n = 0;

	if (v->len == 0 || v->len > MAX_ARGUMENTS)
		return settings_fail(
		    cx, v, "must have 1 to %d elements", MAX_ARGUMENTS);
	argv = arena_alloc(cx->arena, (v->len + 1) * sizeof(*argv));
	for (c = v->child; c != NULL; c = c->next) {
		if (c->type != JSON_STRING)
			return settings_fail(cx, c,
			    "a text is expected, not %s",
			    settings_type_phrase(c));
		argv[n++] = arena_text(cx->arena, c->text, c->len);
	}
	if (argv[0][0] == '\0')
		return settings_fail(
		    cx, v->child, "the program must not be empty");
	job->command = argv;
	job->command_is_shell = false;
	return true;
}

static bool
command_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	struct job_draft *d = base;

	if (v->type == JSON_STRING)
		return shell_command(cx, v, &d->job);
	if (v->type == JSON_ARRAY)
		return argv_command(cx, v, &d->job);
	return settings_fail_type(cx, s, v);
}

static void
command_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	const struct job *job = &((const struct job_draft *)base)->job;
	unsigned i;

	(void)s;
	(void)show;
	if (job->command == NULL || job->command_is_shell) {
		jsonw_str(w, job->command != NULL ? job->command[2] : NULL);
		return;
	}
	jsonw_array(w);
	for (i = 0; job->command[i] != NULL; i++)
		jsonw_str(w, job->command[i]);
	jsonw_array_end(w);
}

static void
text_or_texts_schema(struct jsonw *w, const struct setting *s)
{
	(void)s;
	jsonw_key(w, "anyOf");
	jsonw_array(w);
	jsonw_object(w);
	jsonw_kstr(w, "type", "string");
	jsonw_kint(w, "minLength", 1);
	jsonw_object_end(w);
	jsonw_object(w);
	jsonw_kstr(w, "type", "array");
	jsonw_key(w, "items");
	jsonw_object(w);
	jsonw_kstr(w, "type", "string");
	jsonw_object_end(w);
	jsonw_kint(w, "minItems", 1);
	jsonw_object_end(w);
	jsonw_array_end(w);
}

const struct settings_kind settings_kind_command = {
    .word = "text or list of texts",
    .expected = "a command (a text, or an array of texts)",
    .parse = command_parse,
    .print = command_print,
    .schema = text_or_texts_schema,
};

/* ---- schedule ---- */

/* A schedule that some job of this load has already. */
struct shared_schedule {
	const char *text; /* JSON */
	struct schedule *schedule;
};

static bool
parse_item(
    struct settings_cx *cx, const struct json *v, struct schedule_item *ret)
{
	struct cron_error err;

	if (v->type != JSON_STRING)
		return settings_fail(cx, v, "a text is expected, not %s",
		    settings_type_phrase(v));
	if (schedule_parse_item(v->text, ret, &err) == 0)
		return true;
	return settings_fail_within(
	    cx, v, err.column > 0 ? err.column - 1 : 0, "%s", err.message);
}

static struct schedule *
parse_items(struct settings_cx *cx, const struct json *v)
{
	const struct json *first = v->type == JSON_ARRAY ? v->child : v, *c;
	size_t count = v->type == JSON_ARRAY ? v->len : 1;
	struct schedule *out;
	bool ok = true;

	if (count == 0 || count > MAX_SCHEDULES) {
		settings_fail(
		    cx, v, "must have 1 to %d elements", MAX_SCHEDULES);
		return NULL;
	}
	out = arena_alloc(
	    &cx->share->arena, sizeof(*out) + count * sizeof(out->items[0]));
	for (c = first; out->count < count; c = c->next)
		ok &= parse_item(cx, c, &out->items[out->count++]);
	return ok ? out : NULL;
}

static bool
schedule_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	struct job *job = &((struct job_draft *)base)->job;
	struct shared_schedule *known;
	struct schedule *schedule;
	struct buf text;
	bool ok = true;

	if (v->type != JSON_STRING && v->type != JSON_ARRAY)
		return settings_fail_type(cx, s, v);
	buf_init(&text, 0);
	json_print(&text, v);
	known = map_get(cx->share->schedules, buf_str(&text));
	if (known == NULL) {
		schedule = parse_items(cx, v);
		ok = schedule != NULL;
	}
	if (known == NULL && ok) {
		known = arena_alloc(&cx->share->arena, sizeof(*known));
		known->text =
		    arena_text(&cx->share->arena, text.data, text.len);
		known->schedule = schedule;
		map_set(cx->share->schedules, known->text, known);
	}
	if (ok) {
		job->schedule = known->schedule;
		job->schedule_text = known->text;
	}
	buf_clear(&text);
	return ok;
}

static void
schedule_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	const char *text = ((const struct job_draft *)base)->job.schedule_text;

	(void)s;
	(void)show;
	jsonw_raw(w, text, text != NULL ? strlen(text) : 0);
}

const struct settings_kind settings_kind_schedule = {
    .word = "text or list of texts",
    .expected = "a schedule (a text, or an array of texts)",
    .parse = schedule_parse,
    .print = schedule_print,
    .schema = text_or_texts_schema,
};

/* ---- stdin ---- */

static bool
input_text(struct settings_cx *cx, const struct setting *s,
    const struct json *v, struct job *job)
{
	const struct json *text = json_get(v, "text");

	if (v->len != 1 || text == NULL || text->type != JSON_STRING)
		return settings_fail_type(cx, s, v);
	if (text->len > REEVE_MAX_PARAMS)
		return settings_fail(
		    cx, text, "is longer than %d bytes", REEVE_MAX_PARAMS);
	job->stdin_mode = STDIN_TEXT;
	job->stdin_text = arena_text(cx->arena, text->text, text->len);
	return true;
}

static bool
input_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	struct job *job = &((struct job_draft *)base)->job;

	if (v->type == JSON_OBJECT)
		return input_text(cx, s, v, job);
	if (v->type == JSON_STRING && strcmp(v->text, "null") == 0)
		job->stdin_mode = STDIN_NULL;
	else if (v->type == JSON_STRING && strcmp(v->text, "request") == 0)
		job->stdin_mode = STDIN_REQUEST;
	else
		return settings_fail_type(cx, s, v);
	job->stdin_text = NULL;
	return true;
}

static void
input_print(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	const struct job *job = &((const struct job_draft *)base)->job;

	(void)s;
	(void)show;
	switch (job->stdin_mode) {
	case STDIN_DEFAULT:
		jsonw_null(w);
		break;
	case STDIN_NULL:
		jsonw_str(w, "null");
		break;
	case STDIN_REQUEST:
		jsonw_str(w, "request");
		break;
	case STDIN_TEXT:
		jsonw_object(w);
		jsonw_kstr(w, "text", job->stdin_text);
		jsonw_object_end(w);
		break;
	}
}

static void
input_schema(struct jsonw *w, const struct setting *s)
{
	(void)s;
	jsonw_key(w, "anyOf");
	jsonw_array(w);
	jsonw_object(w);
	jsonw_key(w, "enum");
	jsonw_array(w);
	jsonw_str(w, "null");
	jsonw_str(w, "request");
	jsonw_array_end(w);
	jsonw_object_end(w);
	jsonw_object(w);
	jsonw_kstr(w, "type", "object");
	jsonw_key(w, "properties");
	jsonw_object(w);
	jsonw_key(w, "text");
	jsonw_object(w);
	jsonw_kstr(w, "type", "string");
	jsonw_object_end(w);
	jsonw_object_end(w);
	jsonw_key(w, "required");
	jsonw_array(w);
	jsonw_str(w, "text");
	jsonw_array_end(w);
	jsonw_kbool(w, "additionalProperties", false);
	jsonw_object_end(w);
	jsonw_array_end(w);
}

const struct settings_kind settings_kind_input = {
    .word = "\"null\", \"request\" or {\"text\": text}",
    .expected = "\"null\", \"request\" or {\"text\": \"...\"}",
    .parse = input_parse,
    .print = input_print,
    .schema = input_schema,
};

/* ---- keys that the loader itself reads, and keys that are refused ---- */

static bool
defaults_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	(void)base;
	return v->type == JSON_OBJECT || settings_fail_type(cx, s, v);
}

static bool
jobs_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	(void)base;
	return v->type == JSON_ARRAY || settings_fail_type(cx, s, v);
}

/* Refused by SETTING_RESERVED, whatever it is. */
static bool
reserved_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	(void)cx;
	(void)s;
	(void)v;
	(void)base;
	return true;
}

static void
defaults_schema(struct jsonw *w, const struct setting *s)
{
	(void)s;
	jsonw_kstr(w, "$ref", "#/definitions/defaults");
}

static void
jobs_schema(struct jsonw *w, const struct setting *s)
{
	(void)s;
	jsonw_kstr(w, "type", "array");
	jsonw_key(w, "items");
	jsonw_object(w);
	jsonw_kstr(w, "$ref", "#/definitions/job");
	jsonw_object_end(w);
}

const struct settings_kind settings_kind_defaults = {
    .word = "object",
    .expected = "an object",
    .parse = defaults_parse,
    .schema = defaults_schema,
};

const struct settings_kind settings_kind_jobs = {
    .word = "array of objects",
    .expected = "an array of jobs",
    .parse = jobs_parse,
    .schema = jobs_schema,
};

const struct settings_kind settings_kind_reserved = {
    .word = "reserved",
    .expected = "nothing",
    .parse = reserved_parse,
};

static bool
note_parse(struct settings_cx *cx, const struct setting *s,
    const struct json *v, void *base)
{
	(void)base;
	return v->type == JSON_STRING || settings_fail_type(cx, s, v);
}

static void
note_schema(struct jsonw *w, const struct setting *s)
{
	(void)s;
	jsonw_kstr(w, "type", "string");
}

const struct settings_kind settings_kind_note = {
    .word = "text",
    .expected = "a text",
    .parse = note_parse,
    .schema = note_schema,
};
