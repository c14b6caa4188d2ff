/*
 * job_share.h - memory that the jobs of one load have in common, so that
 * 100,000 of them do not hold 100,000 copies of "Europe/Berlin".
 */
#ifndef REEVE_MODEL_JOB_SHARE_H
#define REEVE_MODEL_JOB_SHARE_H

#include "base/arena.h"
#include "base/map.h"

struct job_share {
	unsigned refs;
	struct arena arena;
	/* While loading: text -> the same text in the arena; source text of a
	 * schedule -> struct schedule_shared. NULL after job_share_seal(). */
	struct map *texts;
	struct map *schedules;
};

struct job_share *job_share_new(void);
/* The same text, once; NULL gives NULL. Borrowed from the share. */
char *job_share_text(struct job_share *s, const char *text);
/* Nothing more is added: frees what only adding needs. */
void job_share_seal(struct job_share *s);
struct job_share *job_share_ref(struct job_share *s);
/* NULL is fine. */
void job_share_unref(struct job_share *s);

#endif
