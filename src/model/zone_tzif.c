/*
 * zone_tzif.c - from the bytes of a TZif file (RFC 9636) to the table of
 * changes of struct zone. Every count, index and offset is checked before it
 * is used; nothing beyond the given bytes is read. What the bytes cannot mean
 * is refused, never guessed.
 */
#include <config.h>

#include "model/zone_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "model/civil.h"

#define HEADER_BYTES 44
#define TYPE_BYTES   6
/* RFC 9636 section 3.2: no transition before the Big Bang, -2**59. The same
 * bound on the other side keeps the arithmetic of footers exact. */
#define INSTANT_MAX ((int64_t)1 << 59)
/* Years for which a footer is written out: some before the cycle of 400
 * begins, so that the rule is in full swing there, and some after. */
#define YEARS_BEFORE 2
#define YEARS_AFTER  404

/* One data block: the counts of its header and where its parts are. */
struct block {
	int version;
	int time_bytes;
	uint32_t isut, isstd, leaps, times, types, chars;
	uint64_t bytes; /* of the data after the header */
	const uint8_t *at, *index, *type, *names, *indicators;
};

static uint32_t
read_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static int64_t
read_time(const uint8_t *p, int bytes)
{
	if (bytes == 4)
		return (int32_t)read_u32(p);
	return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

static int
read_version(uint8_t octet)
{
	if (octet == 0)
		return 1;
	return octet >= '2' && octet <= '4' ? octet - '0' : 0;
}

/* Reads a header at `p` and lays out the block behind it. */
static int
block_open(const uint8_t *p, size_t len, int time_bytes, struct block *b)
{
	const uint8_t *d;

	if (len < HEADER_BYTES || memcmp(p, "TZif", 4) != 0)
		return -EINVAL;
	b->version = read_version(p[4]);
	if (b->version == 0)
		return -EINVAL;
	b->time_bytes = time_bytes;
	b->isut = read_u32(p + 20);
	b->isstd = read_u32(p + 24);
	b->leaps = read_u32(p + 28);
	b->times = read_u32(p + 32);
	b->types = read_u32(p + 36);
	b->chars = read_u32(p + 40);
	b->bytes = (uint64_t)b->times * (unsigned)(time_bytes + 1) +
		   (uint64_t)b->types * TYPE_BYTES + b->chars +
		   (uint64_t)b->leaps * (unsigned)(time_bytes + 4) + b->isstd +
		   b->isut;
	if (b->bytes > len - HEADER_BYTES)
		return -EINVAL;
	d = p + HEADER_BYTES;
	b->at = d;
	b->index = b->at + (size_t)b->times * (unsigned)time_bytes;
	b->type = b->index + b->times;
	b->names = b->type + (size_t)b->types * TYPE_BYTES;
	b->indicators =
	    b->names + b->chars + (size_t)b->leaps * (unsigned)(time_bytes + 4);
	return 0;
}

static int64_t
block_time(const struct block *b, uint32_t i)
{
	return read_time(
	    b->at + (size_t)i * (unsigned)b->time_bytes, b->time_bytes);
}

static int32_t
block_offset(const struct block *b, uint32_t type)
{
	return (int32_t)read_u32(b->type + (size_t)type * TYPE_BYTES);
}

static int
check_types(const struct block *b)
{
	uint32_t i;

	if (b->types == 0 || b->chars == 0 || b->names[b->chars - 1] != '\0')
		return -EINVAL;
	if ((b->isstd != 0 && b->isstd != b->types) ||
	    (b->isut != 0 && b->isut != b->types))
		return -EINVAL;
	for (i = 0; i < b->types; i++) {
		const uint8_t *t = b->type + (size_t)i * TYPE_BYTES;
		int32_t offset = block_offset(b, i);

		if (offset < ZONE_OFFSET_MIN || offset > ZONE_OFFSET_MAX ||
		    t[4] > 1 || t[5] >= b->chars)
			return -EINVAL;
	}
	for (i = 0; i < b->isstd + b->isut; i++)
		if (b->indicators[i] > 1)
			return -EINVAL;
	return 0;
}

static int
check_times(const struct block *b)
{
	uint32_t i;

	for (i = 0; i < b->times; i++) {
		int64_t at = block_time(b, i);

		if (at < -INSTANT_MAX || at > INSTANT_MAX ||
		    (i > 0 && at <= block_time(b, i - 1)) ||
		    b->index[i] >= b->types)
			return -EINVAL;
	}
	return 0;
}

/* Finds and checks the block to use: the last one. */
static int
find_block(const uint8_t *p, size_t len, struct block *ret, size_t *ret_end)
{
	size_t skip = 0;
	int r = block_open(p, len, 4, ret);

	if (r == 0 && ret->version > 1) {
		int version = ret->version;

		skip = HEADER_BYTES + (size_t)ret->bytes;
		r = block_open(p + skip, len - skip, 8, ret);
		if (r == 0 && ret->version != version)
			r = -EINVAL;
	}
	if (r != 0)
		return r;
	if (ret->leaps != 0)
		return -ENOTSUP;
	*ret_end = skip + HEADER_BYTES + (size_t)ret->bytes;
	r = check_types(ret);
	return r == 0 ? check_times(ret) : r;
}

/* The TZ string between two newlines; *ret_any is false for an empty one. */
static int
find_footer(
    const uint8_t *p, size_t len, struct zone_footer *ret, bool *ret_any)
{
	const uint8_t *end;

	*ret_any = false;
	if (len < 2 || p[0] != '\n')
		return -EINVAL;
	end = memchr(p + 1, '\n', len - 1);
	if (end == NULL)
		return -EINVAL;
	if (end == p + 1)
		return 0;
	*ret_any = true;
	return zone_footer_parse(
	    (const char *)p + 1, (size_t)(end - p - 1), ret);
}

/* Transitions that leave the offset alone (only names change) are dropped. */
static void
add_change(struct zone *z, int64_t at_s, int32_t offset)
{
	if (z->offset[z->count] == offset)
		return;
	z->at[z->count++] = at_s;
	z->offset[z->count] = offset;
}

/*
 * What a footer with a rule says, as stretches of dst. Those of adjacent years
 * may touch or overlap: that is how dst all year is written.
 */
struct stretch {
	int64_t from_s, until_s;
};

static struct stretch
year_stretch(const struct zone_footer *f, int64_t year)
{
	struct stretch s;
	int64_t ignored;

	zone_footer_year(f, year, &s.from_s, &s.until_s);
	if (s.until_s <= s.from_s)
		zone_footer_year(f, year + 1, &ignored, &s.until_s);
	return s;
}

static int64_t
year_of(int64_t utc_s)
{
	return civil_date(civil_div(utc_s, CIVIL_DAY_S)).year;
}

/* The footer's changes after `last_s` and before the end of the cycle. */
static void
add_stretch(struct zone *z, const struct zone_footer *f, struct stretch s,
    int64_t last_s)
{
	int64_t limit_s = z->cycle_from_s + CIVIL_CYCLE_S;

	if (s.from_s > last_s && s.from_s < limit_s)
		add_change(z, s.from_s, f->dst);
	if (s.until_s > last_s && s.until_s < limit_s)
		add_change(z, s.until_s, f->std);
}

/* Write the rule out, from `last_s` to the end of the cycle. */
static void
add_rule(struct zone *z, const struct zone_footer *f, int64_t last_s)
{
	int64_t y = year_of(last_s) - YEARS_BEFORE;
	int64_t end = y + YEARS_BEFORE + YEARS_AFTER;
	struct stretch run = year_stretch(f, y);

	while (++y <= end) {
		struct stretch s = year_stretch(f, y);

		if (s.from_s > run.until_s) {
			add_stretch(z, f, run, last_s);
			run = s;
		} else if (s.until_s > run.until_s) {
			run.until_s = s.until_s;
		}
	}
	add_stretch(z, f, run, last_s);
}

/* The offset the rule has at an instant. */
static int32_t
rule_offset(const struct zone_footer *f, int64_t utc_s)
{
	int64_t year = year_of(utc_s);
	int64_t y;

	for (y = year - 2; y <= year + 1; y++) {
		struct stretch s = year_stretch(f, y);

		if (s.from_s <= utc_s && utc_s < s.until_s)
			return f->dst;
	}
	return f->std;
}

/*
 * Append what the footer says after the last transition; it must agree with
 * that one (RFC 9636 section 3.3). Without transitions it rules all time.
 */
static int
add_footer(struct zone *z, const struct zone_footer *f, const struct block *b)
{
	int64_t last_s = b->times > 0 ? block_time(b, b->times - 1) : 0;
	int32_t at_last = rule_offset(f, last_s);

	if (b->times == 0)
		z->offset[0] = at_last;
	if (z->offset[z->count] != at_last)
		return -EINVAL;
	if (f->std == f->dst)
		return 0;
	z->cycle_from_s =
	    civil_days(year_of(last_s) + YEARS_BEFORE, 1, 1) * CIVIL_DAY_S;
	add_rule(z, f, last_s);
	while (z->cycle_first < z->count &&
	       z->at[z->cycle_first] < z->cycle_from_s)
		z->cycle_first++;
	/* Without a change in it the cycle is dst all year: a constant. */
	z->cyclic = z->cycle_first < z->count;
	z->cyclic_before = z->cyclic && b->times == 0;
	return 0;
}

static int
build(struct zone *z, const struct block *b, const struct zone_footer *f)
{
	size_t room = (size_t)b->times + 2 * (YEARS_BEFORE + YEARS_AFTER + 1);
	uint32_t i;

	z->at = xcalloc(room, sizeof(*z->at));
	z->offset = xcalloc(room + 1, sizeof(*z->offset));
	z->offset[0] = block_offset(b, 0);
	for (i = 0; i < b->times; i++)
		add_change(z, block_time(b, i), block_offset(b, b->index[i]));
	return f == NULL ? 0 : add_footer(z, f, b);
}

static void
build_steps(struct zone *z)
{
	uint32_t i, done = 0;

	for (i = 0; i <= ZONE_STEPS; i++) {
		while (done < z->count && z->at[done] <= (int64_t)i
							     << ZONE_STEP_SHIFT)
			done++;
		z->step[i] = done;
	}
}

int
zone_parse(const char *name, const void *data, size_t len, struct zone **ret)
{
	const uint8_t *p = data;
	struct zone_footer footer;
	struct block b;
	struct zone *z;
	bool any = false;
	size_t end;
	int r;

	r = find_block(p, len, &b, &end);
	if (r == 0 && b.version > 1)
		r = find_footer(p + end, len - end, &footer, &any);
	if (r != 0)
		return r;
	z = xcalloc(1, sizeof(*z));
	z->name = xstrdup(name);
	r = build(z, &b, any ? &footer : NULL);
	if (r != 0) {
		zone_free(z);
		return r;
	}
	z->at = xreallocarray(z->at, z->count + 1, sizeof(*z->at));
	z->offset = xreallocarray(z->offset, z->count + 1, sizeof(*z->offset));
	build_steps(z);
	*ret = z;
	return 0;
}

void
zone_free(struct zone *z)
{
	if (z == NULL)
		return;
	free(z->name);
	free(z->at);
	free(z->offset);
	free(z);
}
