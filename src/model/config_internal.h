/*
 * config_internal.h - what the files of config.h share.
 */
#ifndef REEVE_MODEL_CONFIG_INTERNAL_H
#define REEVE_MODEL_CONFIG_INTERNAL_H

#include "base/arena.h"
#include "model/config.h"
#include "model/job_share.h"
#include "model/settings.h"

struct config_private {
	struct arena arena; /* texts and tables of the global settings */
	struct job_share *share;
};

/* Paths relative to other settings, built-in quotas. */
void config_complete(struct settings_cx *cx, struct config *c);

/* What jobs of one load begin with. */
struct job_base {
	struct job_draft builtin; /* the tables' own defaults */
	struct job_draft defaults; /* those with "defaults" read over them */
	const struct job_limits *limits; /* of `defaults`, shared */
	const struct exit_codes *exit_codes;
	uint64_t seed; /* hash of `builtin`: other defaults, other hashes */
	struct buf canonical; /* scratch */
};

/* Fill `b`; values live in the share of `cx`. */
void job_base_init(struct job_base *b, struct settings_cx *cx);
/* Read "defaults"; false when something was wrong (and said). */
bool job_base_read(
    struct job_base *b, struct settings_cx *cx, const struct json *v);
void job_base_clear(struct job_base *b);

/*
 * Read one job over the defaults. NULL when something was wrong (and said);
 * else a job with one reference. `c` gives zone and pools; with `pools_known`
 * false (they could not be read) a job's pool is not looked up.
 */
struct job *job_build(struct job_base *b, struct settings_cx *cx,
    const struct json *v, const struct config *c, bool pools_known);

/* The settings of a job in the shape the tables know. */
void job_draft_of(const struct job *j, struct job_draft *out);

/* Sorts jobs by name in slices. */
struct job_sort {
	struct job **jobs, **spare; /* owned */
	unsigned count, width, at; /* merging pairs of `width` from `at` */
	unsigned left, right, out; /* within the pair */
	bool merging;
};

/* Takes `jobs`. */
void job_sort_init(struct job_sort *s, struct job **jobs, unsigned count);
/* Some `budget` comparisons. True when done: then s->jobs is in order. */
bool job_sort_step(struct job_sort *s, unsigned budget);
void job_sort_clear(struct job_sort *s);

#endif
