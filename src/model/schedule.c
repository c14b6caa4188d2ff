/*
 * schedule.c - all the schedules of one job as one: the earliest of what its
 * items name. Knows no clock and no job.
 */
#include <config.h>

#include "model/schedule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"

#define EVERY_MIN_US USEC_PER_SEC
#define EVERY_MAX_US (366 * 86400 * USEC_PER_SEC)
#define WORD_BYTES   64

static int
fail(struct cron_error *err, size_t offset, const char *message)
{
	int n = snprintf(err->message, sizeof(err->message), "%s", message);

	(void)n; /* all messages here are short */
	err->column = (unsigned)offset + 1;
	return -EINVAL;
}

/* The next word of `text` from *pos: its length, 0 at the end. */
static size_t
next_word(const char *text, size_t *pos)
{
	*pos += strspn(text + *pos, " \t");
	return strcspn(text + *pos, " \t");
}

static bool
is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

/* What comes after "@every", at `pos`. */
static int
parse_every(const char *text, size_t pos, struct schedule_item *ret,
    struct cron_error *err)
{
	size_t len = next_word(text, &pos);
	char word[WORD_BYTES];
	size_t end = pos + len;
	int64_t us;
	int r;

	if (len == 0)
		return fail(err, pos,
		    "@every: a duration is missing, as in @every 90s");
	if (next_word(text, &end) != 0)
		return fail(err, end,
		    "@every: nothing may follow the duration; write 1h30m in "
		    "one word");
	if (len >= sizeof(word))
		return fail(err, pos, "@every: this is no duration");
	memcpy(word, text + pos, len);
	word[len] = '\0';
	r = text_parse_duration(word, &us);
	if (r == -EINVAL)
		return fail(err, pos,
		    "@every: this is no duration; write it like 90s, 15m, "
		    "1h30m or 2d");
	if (r != 0 || us < EVERY_MIN_US || us > EVERY_MAX_US)
		return fail(err, pos, "@every: must be from 1s to 366d");
	*ret = (struct schedule_item){
	    .kind = SCHEDULE_EVERY,
	    .every_us = us,
	};
	return 0;
}

int
schedule_parse_item(
    const char *text, struct schedule_item *ret, struct cron_error *err)
{
	size_t pos = 0;
	size_t len = next_word(text, &pos);
	size_t end = pos + len;
	struct cron cron;
	int r;

	if (is_word(text + pos, len, "@every"))
		return parse_every(text, end, ret, err);
	if (is_word(text + pos, len, "@reboot")) {
		if (next_word(text, &end) != 0)
			return fail(err, end, "nothing may follow @reboot");
		*ret = (struct schedule_item){.kind = SCHEDULE_REBOOT};
		return 0;
	}
	r = cron_parse(text, &cron, err);
	if (r == 0)
		*ret = (struct schedule_item){
		    .kind = SCHEDULE_CRON,
		    .cron = cron,
		};
	return r;
}

/* grid + k * every, k >= 1, strictly after `after_us`. */
static int64_t
every_next(int64_t every_us, int64_t grid_us, int64_t after_us)
{
	uint64_t every = (uint64_t)every_us;
	uint64_t passed = 0;
	int64_t next;

	/* Differences of two int64 always fit when taken unsigned. */
	if (after_us > grid_us)
		passed = ((uint64_t)after_us - (uint64_t)grid_us) % every;
	else
		after_us = grid_us;
	if (__builtin_add_overflow(after_us, (int64_t)(every - passed), &next))
		return TIME_NEVER;
	return next;
}

static int64_t
item_next(const struct schedule_item *item, const struct zone *z,
    enum dst_rule dst, int64_t grid_us, int64_t after_us)
{
	switch (item->kind) {
	case SCHEDULE_CRON:
		return cron_next(&item->cron, z, dst, after_us, NULL);
	case SCHEDULE_EVERY:
		return every_next(item->every_us, grid_us, after_us);
	case SCHEDULE_REBOOT:
		break;
	}
	return TIME_NEVER;
}

int64_t
schedule_next(const struct schedule *s, const struct zone *z, enum dst_rule dst,
    int64_t grid_us, int64_t after_us)
{
	int64_t first = TIME_NEVER;
	unsigned i;

	for (i = 0; i < s->count; i++) {
		int64_t at = item_next(&s->items[i], z, dst, grid_us, after_us);

		if (at < first)
			first = at;
	}
	return first;
}

static bool
has_kind(const struct schedule *s, enum schedule_kind kind)
{
	unsigned i;

	for (i = 0; i < s->count; i++)
		if (s->items[i].kind == kind)
			return true;
	return false;
}

bool
schedule_has_reboot(const struct schedule *s)
{
	return has_kind(s, SCHEDULE_REBOOT);
}

bool
schedule_has_every(const struct schedule *s)
{
	return has_kind(s, SCHEDULE_EVERY);
}

/* Gives the canonical text of one item. */
static char *
item_text(const struct schedule_item *item)
{
	char duration[TEXT_DURATION_BYTES], cron[CRON_TEXT_BYTES];

	switch (item->kind) {
	case SCHEDULE_CRON:
		return xstrdup(cron_format(&item->cron, cron));
	case SCHEDULE_EVERY:
		return xasprintf("@every %s",
		    text_format_duration(item->every_us, duration));
	case SCHEDULE_REBOOT:
		break;
	}
	return xstrdup("@reboot");
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Only a time of day that is fixed is touched by the rule: see cron_next(). */
static bool
follows_dst_rule(const struct schedule *s)
{
	unsigned i;

	for (i = 0; i < s->count; i++)
		if (s->items[i].kind == SCHEDULE_CRON &&
		    !s->items[i].cron.hour_star)
			return true;
	return false;
}

void
schedule_normal(const struct schedule *s, const struct zone *z,
    enum dst_rule dst, struct buf *out)
{
	static const char *const rules[] = {
	    [DST_ONCE] = "once",
	    [DST_SKIP] = "skip",
	    [DST_TWICE] = "twice",
	};
	char **texts = xcalloc(s->count + 1u, sizeof(*texts));
	unsigned i;

	for (i = 0; i < s->count; i++)
		texts[i] = item_text(&s->items[i]);
	if (s->count > 1)
		qsort(texts, s->count, sizeof(*texts), compare_texts);
	for (i = 0; i < s->count; i++) {
		if (i > 0 && strcmp(texts[i], texts[i - 1]) == 0)
			continue;
		if (i > 0)
			buf_addstr(out, "; ");
		buf_addstr(out, texts[i]);
	}
	if (has_kind(s, SCHEDULE_CRON))
		buf_addf(out, " in %s", zone_name(z));
	if (follows_dst_rule(s))
		buf_addf(out, " dst %s", rules[dst]);
	for (i = 0; i < s->count; i++)
		free(texts[i]);
	free(texts);
}
