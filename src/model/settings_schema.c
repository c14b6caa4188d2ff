/*
 * settings_schema.c - the tables as a JSON Schema (draft-07, which editors
 * know best). Says what a schema can say; the rest is the parser's.
 */
#include <config.h>

#include "model/settings.h"

#include <string.h>

static bool
is_shown(const struct setting *s)
{
	return s->kind != &settings_kind_reserved;
}

/* Either what the kind says, or null. */
static void
print_nullable(struct jsonw *w, const struct setting *s)
{
	jsonw_key(w, "anyOf");
	jsonw_array(w);
	jsonw_object(w);
	s->kind->schema(w, s);
	jsonw_object_end(w);
	jsonw_object(w);
	jsonw_kstr(w, "type", "null");
	jsonw_object_end(w);
	jsonw_array_end(w);
}

static void
print_property(struct jsonw *w, const struct setting *s)
{
	jsonw_key(w, s->key);
	jsonw_object(w);
	jsonw_kstr(w, "description", s->help);
	if (s->def != NULL) {
		jsonw_key(w, "default");
		jsonw_raw(w, s->def, strlen(s->def));
	}
	if (settings_nullable(s))
		print_nullable(w, s);
	else
		s->kind->schema(w, s);
	jsonw_object_end(w);
}

static void
print_required(struct jsonw *w, const struct settings_level *level)
{
	bool some = false;
	unsigned i;

	for (i = 0; i < level->count; i++) {
		const struct setting *s = &level->rows[i];

		/* A command may be among the defaults. */
		if (!(s->flags & SETTING_REQUIRED) ||
		    s->kind == &settings_kind_command)
			continue;
		if (!some) {
			jsonw_key(w, "required");
			jsonw_array(w);
		}
		some = true;
		jsonw_str(w, s->key);
	}
	if (some)
		jsonw_array_end(w);
}

/* The members of the object that describes a level. */
static void
print_level(
    struct jsonw *w, const struct settings_level *level, bool as_defaults)
{
	unsigned i;

	jsonw_kstr(w, "description", level->help);
	jsonw_kstr(w, "type", "object");
	jsonw_key(w, "properties");
	jsonw_object(w);
	for (i = 0; i < level->count; i++) {
		const struct setting *s = &level->rows[i];

		if (is_shown(s) &&
		    !(as_defaults && (s->flags & SETTING_NOT_DEFAULT)))
			print_property(w, s);
	}
	jsonw_object_end(w);
	if (!as_defaults)
		print_required(w, level);
	if (strcmp(level->name, "secret") == 0) {
		jsonw_kint(w, "minProperties", 1);
		jsonw_kint(w, "maxProperties", 1);
	}
	jsonw_kbool(w, "additionalProperties", false);
}

static void
print_definition(struct jsonw *w, const char *name,
    const struct settings_level *level, bool as_defaults)
{
	jsonw_key(w, name);
	jsonw_object(w);
	print_level(w, level, as_defaults);
	jsonw_object_end(w);
}

void
settings_schema(struct buf *out)
{
	struct jsonw w;
	unsigned i;

	jsonw_init(&w, out, true);
	jsonw_object(&w);
	jsonw_kstr(&w, "$schema", "http://json-schema.org/draft-07/schema#");
	jsonw_kstr(&w, "title", "Reeve configuration");
	print_level(&w, &settings_global, false);
	jsonw_key(&w, "definitions");
	jsonw_object(&w);
	for (i = 0; settings_levels[i] != NULL; i++) {
		if (settings_levels[i] != &settings_global)
			print_definition(&w, settings_levels[i]->name,
			    settings_levels[i], false);
	}
	print_definition(&w, "defaults", &settings_job, true);
	jsonw_object_end(&w);
	jsonw_object_end(&w);
	buf_addch(out, '\n');
}
