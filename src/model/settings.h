/*
 * settings.h - the tables of settings.def and the machine that reads, prints
 * and explains them. One row says everything about a key; parser, dump,
 * sample, JSON Schema and manual page all walk the same rows.
 */
#ifndef REEVE_MODEL_SETTINGS_H
#define REEVE_MODEL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "base/macros.h"
#include "model/config.h"
#include "model/config_message.h"
#include "model/job_share.h"

struct setting;
struct settings_level;

/* Who reads what is printed. */
enum settings_show {
	SHOW_ALL, /* nobody: for comparing */
	SHOW_OWNER, /* who may read the files: no passwords */
	SHOW_PUBLIC, /* who may ask the API: no environment either */
};

/* What a table reads into while a configuration is loaded. */
struct settings_cx {
	struct arena *arena; /* where values live */
	struct config_messages *messages;
	const char *file;
	const struct config_path *path;
	struct job_share *share; /* for schedules */
	struct map *zones; /* name -> struct settings_zone */
	struct arena *keep; /* lives as long as the load */
	config_zone_fn *zone_fn;
	void *zone_arg;
	bool in_defaults; /* inside "defaults" */
};

/*
 * How one kind of value is read and shown. `base` is the struct of the level.
 * parse: false when it was refused (and said so); then the field is as before.
 * print: the value as JSON.
 * schema: the members of the JSON Schema object that is open in `w`.
 */
struct settings_kind {
	const char *word; /* "duration", for the manual */
	const char *expected; /* "a duration such as …", for messages */
	bool number; /* null is stored as setting.none */
	bool (*parse)(struct settings_cx *cx, const struct setting *s,
	    const struct json *v, void *base);
	void (*print)(struct jsonw *w, const struct setting *s,
	    const void *base, enum settings_show show);
	void (*schema)(struct jsonw *w, const struct setting *s);
};

enum {
	SETTING_REQUIRED = 1 << 0, /* an object without it is wrong */
	SETTING_RESTART = 1 << 1, /* a reload does not change it */
	SETTING_INERT = 1 << 2, /* checked and kept, nothing acts on it */
	SETTING_RESERVED = 1 << 3, /* refused: ignoring it would be unsafe */
	SETTING_NOT_DEFAULT = 1 << 4, /* not under "defaults" */
	SETTING_SECRET = 1 << 5, /* may hold a password */
	SETTING_PRIVATE = 1 << 6, /* not for everybody who may look */
};

struct setting {
	const char *key;
	const struct settings_kind *kind;
	size_t offset, size; /* of the field */
	const char *def; /* default as JSON text; "null": none, and null is
			  * accepted */
	const char *help; /* whole sentences */
	const char *example; /* JSON, for sample and manual; or NULL */
	unsigned flags;
	int64_t min, max; /* numbers: range when max > 0 or min < max; words:
			   * min is the value of the first; texts: most bytes
			   * in max */
	int64_t none; /* numbers: what null means */
	int64_t unit; /* durations: microseconds of the field's unit, 0: 1 */
	const char *const *words; /* ended by NULL */
	const char *pattern; /* texts, as JSON Schema and manual say it */
	/* Texts: a complaint ("must be …") or NULL. Static text. */
	const char *(*check)(const char *text);
	const struct settings_level *level; /* tables */
	size_t
	    count_offset; /* lists of tables: the unsigned with their number */
};

struct settings_level {
	const char
	    *name; /* "retry": definition in the schema, part in the manual */
	const char *title;
	const char *help;
	const struct setting *rows;
	unsigned count;
	size_t size; /* of the struct */
	/* After an object was read: what no row can see alone. */
	bool (*check)(struct settings_cx *cx, const struct json *v, void *base);
};

/* setting.none of oomScoreAdj: leave it alone. */
#define OOM_SCORE_ADJ_UNSET INT32_MIN

/* A job while it is read: the parts it may share are not shared yet. */
struct job_draft {
	struct job job;
	struct job_limits limits;
	struct exit_codes exit_codes;
};

extern const struct settings_level settings_global;
extern const struct settings_level settings_job;
/* Every level once, inner ones after those that use them; NULL-ended. */
extern const struct settings_level *const settings_levels[];

/* ---- reading ---- */

/* Fill a level's struct with its defaults. */
void settings_defaults(
    struct settings_cx *cx, const struct settings_level *level, void *base);
/*
 * Read the members of object `v` over what is in `base`. Says everything that
 * is wrong and returns false if anything was.
 */
bool settings_parse(struct settings_cx *cx, const struct settings_level *level,
    const struct json *v, void *base);

/* An error or warning at `v`, with the path of `cx`. Both return false. */
bool settings_fail(struct settings_cx *cx, const struct json *v,
    const char *fmt, ...) PRINTF_LIKE(3, 4);
bool settings_warn(struct settings_cx *cx, const struct json *v,
    const char *fmt, ...) PRINTF_LIKE(3, 4);
/* At a place within a string: character `index` of its text, from 0. */
bool settings_fail_within(struct settings_cx *cx, const struct json *v,
    size_t index, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* At member `key` of `v`, or at `v` when that value came from elsewhere. */
bool settings_fail_member(struct settings_cx *cx, const struct json *v,
    const char *key, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* "a number", "an array", "null" */
const char *settings_type_phrase(const struct json *v);
/* "…is expected, not a number" */
bool settings_fail_type(
    struct settings_cx *cx, const struct setting *s, const struct json *v);

/* Resolve a zone, asking for each name once. */
const struct zone *settings_zone(
    struct settings_cx *cx, const char *name, const char **ret_why);
/* `path` resolved against the directory of the file that is read. */
char *settings_resolve(struct settings_cx *cx, const char *path);

static inline void *
settings_field(const struct setting *s, void *base)
{
	return (char *)base + s->offset;
}

static inline const void *
settings_const_field(const struct setting *s, const void *base)
{
	return (const char *)base + s->offset;
}

/* A number field of 1, 4 or 8 bytes. */
int64_t settings_number(const struct setting *s, const void *base);
void settings_set_number(const struct setting *s, void *base, int64_t n);

/* Default of "null": the value may be absent. */
bool settings_nullable(const struct setting *s);

/* ---- showing ---- */

/* Does the field hold nothing (null, an empty list)? */
bool settings_is_none(const struct setting *s, const void *base);
/* The value of one row. */
void settings_print_value(struct jsonw *w, const struct setting *s,
    const void *base, enum settings_show show);
/* The members of a level, without the braces. */
void settings_print(struct jsonw *w, const struct settings_level *level,
    const void *base, enum settings_show show);
/* The members that are not as in `other`, a struct of the same level. */
void settings_print_changed(struct jsonw *w, const struct settings_level *level,
    const void *base, const void *other);

/* JSON Schema (draft-07) of the whole configuration. */
void settings_schema(struct buf *out);
/*
 * The sample: every key with its help and its default, commented out, and one
 * job that works. With `active`, the same without comments: plain JSON in
 * which every key is set.
 */
void settings_sample(struct buf *out, bool active);
/* The parts of reeve.conf(5) that list the keys, in man macros. */
void settings_man(struct buf *out);

/* "duration", "whole number, 1 to 1000", "one of x, y": what a row takes. */
void settings_describe(const struct setting *s, struct buf *out);

/* The kinds, used by settings.def only. */
#define SETTINGS_KINDS(X) \
	X(boolean)        \
	X(integer)        \
	X(real)           \
	X(duration)       \
	X(bytes)          \
	X(octal)          \
	X(text)           \
	X(path)           \
	X(zone)           \
	X(word)           \
	X(texts)          \
	X(text_map)       \
	X(object)         \
	X(table)          \
	X(tables)         \
	X(named)          \
	X(amounts)        \
	X(url)            \
	X(command)        \
	X(schedule)       \
	X(input)          \
	X(codes)          \
	X(defaults)       \
	X(jobs)           \
	X(note)           \
	X(reserved)
#define SETTINGS_KIND_DECLARE(name) \
	extern const struct settings_kind settings_kind_##name;
SETTINGS_KINDS(SETTINGS_KIND_DECLARE)
#undef SETTINGS_KIND_DECLARE

#endif
