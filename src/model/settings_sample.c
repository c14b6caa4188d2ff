/*
 * settings_sample.c - the tables as a configuration file to begin with: every
 * key explained and commented out, one job that works. A commented line
 * becomes a setting by removing its first two slashes.
 */
#include <config.h>

#include "model/settings.h"

#include <string.h>

#define WIDTH	   79
#define TAB	   8
#define NO_COMMENT (-1)

struct sample {
	struct buf *out;
	bool active; /* plain JSON, nothing commented out */
};

/* Where a line stands, and from which depth on it is commented out. */
struct place {
	int depth, comment;
};

static void
begin_line(struct sample *s, struct place at)
{
	int i;

	for (i = 0; i < at.depth; i++) {
		if (i == at.comment)
			buf_addstr(s->out, "// ");
		buf_addch(s->out, '\t');
	}
	if (at.depth == at.comment)
		buf_addstr(s->out, "// ");
}

static void
print_help(struct sample *s, struct place at, const char *text)
{
	int room = WIDTH - 3 - TAB * at.depth -
		   (at.comment != NO_COMMENT && at.comment < at.depth ? 3 : 0);

	while (*text != '\0') {
		int len = (int)strlen(text), cut = len;

		if (len > room) {
			for (cut = room; cut > 0 && text[cut] != ' ';)
				cut--;
		}
		/* A comment of its own also within what is commented out. */
		begin_line(s, at);
		if (at.depth != at.comment)
			buf_addstr(s->out, "// ");
		buf_add(s->out, text, (size_t)cut);
		buf_addch(s->out, '\n');
		text += cut;
		while (*text == ' ')
			text++;
	}
}

static bool
is_empty(const char *def)
{
	return strcmp(def, "null") == 0 || strcmp(def, "[]") == 0 ||
	       strcmp(def, "{}") == 0;
}

/* What stands in the file: the default, or an example where that is nothing. */
static const char *
value_of(const struct setting *s)
{
	if (s->example != NULL && (s->def == NULL || is_empty(s->def)))
		return s->example;
	return s->def;
}

static bool
is_shown(const struct setting *s)
{
	return s->kind != &settings_kind_reserved &&
	       s->kind != &settings_kind_note;
}

static void print_level(
    struct sample *s, const struct settings_level *level, struct place at);

/* `value`: of the row, or another; `more`: a comma follows. */
static void
print_row(struct sample *s, const struct setting *row, struct place at,
    const char *value, bool more)
{
	bool table =
	    row->kind == &settings_kind_table && !settings_nullable(row);

	if (!s->active && (at.comment == NO_COMMENT || at.comment == at.depth))
		buf_addch(s->out, '\n');
	if (!s->active && !table) {
		print_help(s, at, row->help);
		if (row->def != NULL && is_empty(row->def) && value != row->def)
			print_help(s, at, "Not set by default.");
	}
	begin_line(s, at);
	buf_addf(s->out, "\"%s\": ", row->key);
	if (table && row->def != NULL) {
		buf_addstr(s->out, "{\n");
		at.depth++;
		print_level(s, row->level, at);
		at.depth--;
		begin_line(s, at);
		buf_addch(s->out, '}');
	} else {
		buf_addstr(s->out, value);
	}
	buf_addstr(s->out, more ? ",\n" : "\n");
}

static void
print_level(
    struct sample *s, const struct settings_level *level, struct place at)
{
	unsigned i, last = 0;

	for (i = 0; i < level->count; i++) {
		if (is_shown(&level->rows[i]))
			last = i;
	}
	for (i = 0; i <= last; i++) {
		if (is_shown(&level->rows[i]))
			print_row(s, &level->rows[i], at,
			    value_of(&level->rows[i]), i < last);
	}
}

/* The keys of the job that works; the last one ends it. */
static const struct {
	const char *key, *value;
} working[] = {
    {"name", "\"disk\""},
    {"description", "\"Free space of the root file system\""},
    {"schedule", "\"@every 1m\""},
    {"command", "\"df -h /\""},
};

static const char *
working_value(const char *key)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(working); i++) {
		if (strcmp(working[i].key, key) == 0)
			return working[i].value;
	}
	return NULL;
}

static const struct setting *
job_row(const char *key)
{
	const struct setting *row = settings_job.rows;

	while (strcmp(row->key, key) != 0)
		row++;
	return row;
}

static void
print_job(struct sample *s, int depth)
{
	struct place plain = {depth, NO_COMMENT};
	struct place other = {depth, s->active ? NO_COMMENT : depth};
	size_t last = ARRAY_SIZE(working) - 1, i;

	for (i = 0; i < last; i++)
		print_row(
		    s, job_row(working[i].key), plain, working[i].value, true);
	for (i = 0; i < settings_job.count; i++) {
		const struct setting *row = &settings_job.rows[i];

		if (is_shown(row) && working_value(row->key) == NULL)
			print_row(s, row, other, value_of(row), true);
	}
	print_row(
	    s, job_row(working[last].key), plain, working[last].value, false);
}

void
settings_sample(struct buf *out, bool active)
{
	struct sample s = {.out = out, .active = active};
	struct place at = {1, active ? NO_COMMENT : 1};
	unsigned i;

	if (!active)
		buf_addstr(out,
		    "// Configuration of reeved, see reeve.conf(5). Every "
		    "key is here with its\n"
		    "// default, commented out: remove the first two slashes "
		    "of a line to change it.\n"
		    "// After a change: reeved -t, then send SIGHUP to "
		    "reeved.\n");
	buf_addstr(out, "{\n");
	for (i = 0; i < settings_global.count; i++) {
		const struct setting *row = &settings_global.rows[i];

		if (is_shown(row) && row->kind != &settings_kind_jobs)
			print_row(&s, row, at, value_of(row), true);
	}
	buf_addstr(out, "\t\"jobs\": [\n\t\t{\n");
	print_job(&s, 3);
	buf_addstr(out, "\t\t}\n\t]\n}\n");
}
