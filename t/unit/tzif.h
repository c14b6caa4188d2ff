/*
 * tzif.h - makes TZif files for tests, right ones and wrong ones.
 */
#ifndef REEVE_T_UNIT_TZIF_H
#define REEVE_T_UNIT_TZIF_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "model/zone.h"

struct tzif {
	char version; /* 0: '2'; '1' makes a file of version 1 */
	uint32_t times;
	const int64_t *at;
	const uint8_t *type; /* of each transition */
	uint32_t types; /* 0: one of offset 0 */
	const int32_t *offset;
	uint32_t leaps;
	const char *footer; /* NULL: empty */
};

static inline void
tzif_number(struct buf *out, int64_t value, int bytes)
{
	while (bytes-- > 0)
		buf_addch(out, (char)((uint64_t)value >> (8 * bytes)));
}

static inline void
tzif_block(struct buf *out, const struct tzif *t, int time_bytes)
{
	static const int32_t none[] = {0};
	uint32_t types = t->types > 0 ? t->types : 1;
	const int32_t *offset = t->types > 0 ? t->offset : none;
	char version = t->version == 0 ? '2' : t->version;
	uint32_t i;

	buf_add(out, "TZif", 4);
	buf_addch(out, version == '1' ? '\0' : version);
	for (i = 0; i < 15; i++)
		buf_addch(out, '\0');
	tzif_number(out, 0, 4);
	tzif_number(out, 0, 4);
	tzif_number(out, t->leaps, 4);
	tzif_number(out, t->times, 4);
	tzif_number(out, types, 4);
	tzif_number(out, 4, 4);
	for (i = 0; i < t->times; i++)
		tzif_number(out, t->at[i], time_bytes);
	for (i = 0; i < t->times; i++)
		buf_addch(out, (char)t->type[i]);
	for (i = 0; i < types; i++) {
		tzif_number(out, offset[i], 4);
		buf_addch(out, '\0');
		buf_addch(out, '\0');
	}
	buf_add(out, "ABC", 4);
	for (i = 0; i < t->leaps; i++) {
		tzif_number(out, 78796800 + (int64_t)i, time_bytes);
		tzif_number(out, (int64_t)i + 1, 4);
	}
}

static inline void
tzif_build(struct buf *out, const struct tzif *t)
{
	static const struct tzif empty = {.version = 0};
	struct tzif first = empty;

	first.version = t->version;
	tzif_block(out, t->version == '1' ? t : &first, 4);
	if (t->version == '1')
		return;
	tzif_block(out, t, 8);
	buf_addch(out, '\n');
	buf_addstr(out, t->footer != NULL ? t->footer : "");
	buf_addch(out, '\n');
}

/* Parses a copy of exactly `len` bytes, so that a sanitizer sees a byte too
 * many. */
static inline int
tzif_parse(const void *data, size_t len, struct zone **ret)
{
	void *copy = malloc(len > 0 ? len : 1);
	int r;

	if (len > 0)
		memcpy(copy, data, len);
	r = zone_parse("Test/Zone", copy, len, ret);
	free(copy);
	return r;
}

/* The zone of `t`, or NULL when it is refused. */
static inline struct zone *
tzif_zone(const struct tzif *t)
{
	struct zone *z = NULL;
	struct buf bytes;

	buf_init(&bytes, 0);
	tzif_build(&bytes, t);
	if (tzif_parse(bytes.data, bytes.len, &z) != 0)
		z = NULL;
	buf_clear(&bytes);
	return z;
}

/* The zone that is nothing but a footer. */
static inline struct zone *
tzif_footer_zone(const char *footer)
{
	struct tzif t = {.version = '3', .footer = footer};

	return tzif_zone(&t);
}

#endif
