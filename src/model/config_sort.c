/*
 * config_sort.c - jobs into the order of their names, a bounded number of
 * comparisons at a time: qsort(3) of 100,000 would hold up a turn for 50 ms.
 */
#include <config.h>

#include "model/config_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void
job_sort_init(struct job_sort *s, struct job **jobs, unsigned count)
{
	memset(s, 0, sizeof(*s));
	s->jobs = jobs;
	s->count = count;
	s->width = 1;
	s->spare = xcalloc((size_t)count + 1, sizeof(*s->spare));
}

static unsigned
bounded(const struct job_sort *s, unsigned at, unsigned add)
{
	return s->count - at < add ? s->count : at + add;
}

static bool
take_left(const struct job_sort *s, unsigned middle, unsigned end)
{
	if (s->left == middle)
		return false;
	return s->right == end ||
	       strcmp(s->jobs[s->left]->name, s->jobs[s->right]->name) <= 0;
}

/* The next element of the pair of runs at s->at; false at its end. */
static bool
merge_one(struct job_sort *s)
{
	unsigned middle = bounded(s, s->at, s->width);
	unsigned end = bounded(s, middle, s->width);

	if (!s->merging) {
		s->left = s->out = s->at;
		s->right = middle;
		s->merging = true;
	}
	if (s->out == end) {
		s->merging = false;
		s->at = end;
		return false;
	}
	if (take_left(s, middle, end))
		s->spare[s->out++] = s->jobs[s->left++];
	else
		s->spare[s->out++] = s->jobs[s->right++];
	return true;
}

bool
job_sort_step(struct job_sort *s, unsigned budget)
{
	struct job **other;

	for (; budget > 0; budget--) {
		if (s->width >= s->count)
			return true;
		if (merge_one(s) || s->at < s->count)
			continue;
		other = s->jobs;
		s->jobs = s->spare;
		s->spare = other;
		s->at = 0;
		s->width *= 2;
	}
	return s->width >= s->count;
}

void
job_sort_clear(struct job_sort *s)
{
	free(s->jobs);
	free(s->spare);
	s->jobs = s->spare = NULL;
}
