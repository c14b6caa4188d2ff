/*
 * settings_print.c - a level's struct back as JSON, row by row.
 */
#include <config.h>

#include "model/settings.h"

#include <string.h>

/* A row that keeps something. */
static bool
is_value(const struct setting *s)
{
	return s->kind->print != NULL;
}

bool
settings_is_none(const struct setting *s, const void *base)
{
	static const char zero[sizeof(struct secret) * 2];

	if (!settings_nullable(s))
		return false;
	if (s->kind->number)
		return settings_number(s, base) == s->none;
	return s->size <= sizeof(zero) &&
	       memcmp(settings_const_field(s, base), zero, s->size) == 0;
}

void
settings_print_value(struct jsonw *w, const struct setting *s, const void *base,
    enum settings_show show)
{
	if (settings_is_none(s, base))
		jsonw_null(w);
	else
		s->kind->print(w, s, base, show);
}

void
settings_print(struct jsonw *w, const struct settings_level *level,
    const void *base, enum settings_show show)
{
	unsigned i;

	for (i = 0; i < level->count; i++) {
		const struct setting *s = &level->rows[i];

		if (!is_value(s) || settings_is_none(s, base))
			continue;
		jsonw_key(w, s->key);
		settings_print_value(w, s, base, show);
	}
}

static bool
same_text(const struct setting *s, const void *base, const void *other)
{
	const char *a = *(char *const *)settings_const_field(s, base);
	const char *b = *(char *const *)settings_const_field(s, other);

	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_value(const struct setting *s, const void *base, const void *other)
{
	if (s->kind->print == settings_kind_text.print ||
	    s->kind == &settings_kind_object)
		return same_text(s, base, other);
	return memcmp(settings_const_field(s, base),
		   settings_const_field(s, other), s->size) == 0;
}

void
settings_print_changed(struct jsonw *w, const struct settings_level *level,
    const void *base, const void *other)
{
	unsigned i;

	for (i = 0; i < level->count; i++) {
		const struct setting *s = &level->rows[i];

		if (!is_value(s) || same_value(s, base, other))
			continue;
		jsonw_key(w, s->key);
		settings_print_value(w, s, base, SHOW_ALL);
	}
}
