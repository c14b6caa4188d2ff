/*
 * settings_man.c - the tables as the reference part of reeve.conf(5), in man
 * macros; and the words for what a row takes.
 */
#include <config.h>

#include "model/settings.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

/* ---- what a row takes ---- */

static void
add_number(const struct setting *s, int64_t n, struct buf *out)
{
	char duration[TEXT_DURATION_BYTES], bytes[TEXT_BYTES_BYTES];

	if (s->kind == &settings_kind_duration)
		buf_addstr(out, text_format_duration(n, duration));
	else if (s->kind == &settings_kind_bytes)
		buf_addstr(out, text_format_bytes(n, bytes));
	else
		buf_addf(out, "%" PRId64, n);
}

static void
add_range(const struct setting *s, struct buf *out)
{
	if (s->max == INT64_MAX) {
		buf_addstr(out, ", at least ");
		add_number(s, s->min, out);
		return;
	}
	buf_addstr(out, ", ");
	add_number(s, s->min, out);
	buf_addstr(out, " to ");
	add_number(s, s->max, out);
}

static void
add_words(const struct setting *s, struct buf *out)
{
	unsigned i;

	for (i = 0; s->words[i] != NULL; i++)
		buf_addf(out, "%s%s", i == 0 ? " " : ", ", s->words[i]);
}

void
settings_describe(const struct setting *s, struct buf *out)
{
	buf_addstr(out, s->kind->word);
	if (s->words != NULL)
		add_words(s, out);
	else if (s->kind == &settings_kind_integer ||
		 s->kind == &settings_kind_real ||
		 s->kind == &settings_kind_duration ||
		 s->kind == &settings_kind_bytes)
		add_range(s, out);
}

/* ---- roff ---- */

/* Text as it is, whatever it begins with. */
static void
add_text(struct buf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		buf_addstr(out, "\\&");
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '\\':
			buf_addstr(out, "\\e");
			break;
		case '-':
			/* A minus, so that it can be pasted. */
			buf_addstr(out, text[1] == '-' ? "\\-" : "-");
			break;
		case '"':
			buf_addstr(out, "\\(dq");
			break;
		default:
			buf_addch(out, *text);
			break;
		}
	}
}

static void
add_line(struct buf *out, const char *text)
{
	add_text(out, text);
	buf_addch(out, '\n');
}

static void
add_default(struct buf *out, const struct setting *s)
{
	if (s->def == NULL) {
		buf_addstr(out, "Required.\n");
	} else if (strcmp(s->def, "null") == 0) {
		buf_addstr(out, "Not set by default.\n");
	} else if (strcmp(s->def, "{}") != 0 && strcmp(s->def, "[]") != 0) {
		buf_addstr(out, "Default: ");
		add_line(out, s->def);
	}
	if (s->example != NULL) {
		buf_addstr(out, "Example: ");
		add_line(out, s->example);
	}
}

static void
add_flags(struct buf *out, const struct setting *s)
{
	if (s->flags & SETTING_RESTART)
		buf_addstr(out, "A change needs a restart.\n");
	if (s->flags & SETTING_INERT)
		buf_addstr(out,
		    "It is checked, but this version of reeve does not act "
		    "on it, and says so in a warning.\n");
	if (s->flags & SETTING_RESERVED)
		buf_addstr(out,
		    "This version of reeve does not act on it and refuses "
		    "any other value.\n");
}

static void
add_row(struct buf *out, const struct setting *s)
{
	struct buf type;

	buf_init(&type, 0);
	settings_describe(s, &type);
	buf_addstr(out, ".TP\n.BR ");
	add_text(out, s->key);
	buf_addstr(out, " \" (");
	add_text(out, buf_str(&type));
	buf_addstr(out, ")\"\n");
	buf_clear(&type);
	add_line(out, s->help);
	add_default(out, s);
	add_flags(out, s);
}

static void
add_reserved(struct buf *out, const struct settings_level *level)
{
	bool some = false;
	unsigned i;

	for (i = 0; i < level->count; i++) {
		if (level->rows[i].kind != &settings_kind_reserved)
			continue;
		if (!some)
			buf_addstr(out,
			    ".PP\nThis version of reeve does not act on the "
			    "following keys. Since a job that runs without "
			    "regard to them would not do what they ask for, "
			    "they are refused:\n");
		else
			buf_addstr(out, " ,\n");
		some = true;
		buf_addf(out, ".BR %s", level->rows[i].key);
	}
	if (some)
		buf_addstr(out, " .\n");
}

static void
add_level(struct buf *out, const struct settings_level *level)
{
	unsigned i;

	buf_addf(out, ".SS \"%s\"\n", level->title);
	add_line(out, level->help);
	for (i = 0; i < level->count; i++) {
		if (level->rows[i].kind != &settings_kind_reserved)
			add_row(out, &level->rows[i]);
	}
	add_reserved(out, level);
}

void
settings_man(struct buf *out)
{
	unsigned i;

	for (i = 0; settings_levels[i] != NULL; i++)
		add_level(out, settings_levels[i]);
}
