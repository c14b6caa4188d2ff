/*
 * output.c - head and tail of a worker's output. The head is a plain buffer;
 * the tail grows to its half of the cap and is a ring from then on, so that
 * gigabytes pass at the speed of memory. Bytes are kept as they came and are
 * made valid text only when they are rendered, once an attempt.
 *
 * It must never hold more than the cap, nor render more than the cap and a
 * mark.
 */
#include <config.h> /* not the one of this folder */

#include "model/output.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"

#define TAIL_FIRST_BYTES ((size_t)4096)
#define SLICE_BYTES	 ((size_t)128)
#define SCRUBBED_BYTES	 ((size_t)3) /* U+FFFD and U+2400 in UTF-8 */

/* Bytes as they came. Borrowed. */
struct piece {
	const char *data;
	size_t len;
};

static size_t
head_max(const struct output *o)
{
	return o->max_bytes / 2;
}

static size_t
tail_max(const struct output *o)
{
	return o->max_bytes - head_max(o);
}

void
output_init(struct output *o, size_t max_bytes)
{
	memset(o, 0, sizeof(*o));
	o->max_bytes = max_bytes;
	buf_init(&o->head, head_max(o));
}

void
output_clear(struct output *o)
{
	buf_clear(&o->head);
	free(o->tail);
	output_init(o, o->max_bytes);
}

/* Make room for `want` bytes in all, as far as the tail's half allows. */
static void
tail_grow(struct output *o, size_t want)
{
	size_t cap;

	if (want > tail_max(o))
		want = tail_max(o);
	if (want <= o->tail_cap)
		return;
	cap = o->tail_cap > 0 ? o->tail_cap : TAIL_FIRST_BYTES;
	while (cap < want)
		cap *= 2;
	if (cap > tail_max(o))
		cap = tail_max(o);
	/* It has not gone round yet, so what it holds begins at 0. */
	o->tail = xreallocarray(o->tail, cap, 1);
	o->tail_pos = o->tail_len;
	o->tail_cap = cap;
}

static void
tail_feed(struct output *o, const char *data, size_t len)
{
	size_t first;

	if (len > tail_max(o)) {
		data += len - tail_max(o);
		len = tail_max(o);
	}
	tail_grow(o, o->tail_len + len);
	if (o->tail_pos == o->tail_cap)
		o->tail_pos = 0;
	first = o->tail_cap - o->tail_pos;
	if (first > len)
		first = len;
	memcpy(o->tail + o->tail_pos, data, first);
	memcpy(o->tail, data + first, len - first);
	o->tail_pos = (o->tail_pos + len) % o->tail_cap;
	o->tail_len += len;
	if (o->tail_len > o->tail_cap)
		o->tail_len = o->tail_cap;
}

void
output_feed(struct output *o, const char *data, size_t len)
{
	size_t room;

	o->total += len;
	if (o->max_bytes == 0)
		return;
	room = head_max(o) - o->head.len;
	if (room > len)
		room = len;
	if (room > 0)
		buf_add(&o->head, data, room);
	if (len > room)
		tail_feed(o, data + room, len - room);
}

static void
tail_copy(const struct output *o, struct buf *out)
{
	size_t start;

	if (o->tail_len < o->tail_cap) {
		buf_add(out, o->tail, o->tail_len);
		return;
	}
	start = o->tail_pos % o->tail_cap;
	buf_add(out, o->tail + start, o->tail_cap - start);
	buf_add(out, o->tail, start);
}

static uint64_t
missing(const struct output *o)
{
	return o->total - o->head.len - o->tail_len;
}

static bool
is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes of the character that this byte begins; 1 when it begins none. */
static size_t
lead_length(char c)
{
	unsigned char u = (unsigned char)c;

	if (u >= 0xc2 && u <= 0xdf)
		return 2;
	if (u >= 0xe0 && u <= 0xef)
		return 3;
	if (u >= 0xf0 && u <= 0xf4)
		return 4;
	return 1;
}

/* The next character: bytes it has here, bytes it has once scrubbed. */
static size_t
step(const char *data, size_t len, size_t *ret_scrubbed)
{
	size_t n = text_utf8_char(data, len, NULL);

	if (n == 0 || data[0] == '\0') {
		*ret_scrubbed = SCRUBBED_BYTES;
		return 1;
	}
	*ret_scrubbed = n;
	return n;
}

static bool
is_clean(const char *data, size_t len)
{
	return memchr(data, '\0', len) == NULL &&
	       text_utf8_valid(data, len) == len;
}

static size_t
scrubbed_length(const char *data, size_t len)
{
	size_t sum = 0, cost;

	if (len == 0 || is_clean(data, len))
		return len;
	while (len > 0) {
		size_t n = step(data, len, &cost);

		data += n;
		len -= n;
		sum += cost;
	}
	return sum;
}

/* The longest beginning that takes at most `room` bytes once scrubbed. */
static size_t
prefix_within(const char *data, size_t len, size_t room)
{
	size_t at = 0, sum = 0;

	while (at < len) {
		size_t cost, n = step(data + at, len - at, &cost);

		if (sum + cost > room)
			break;
		sum += cost;
		at += n;
	}
	return at;
}

/*
 * Slices, because scrubbing looks ahead from each NUL to the end of what it is
 * given: a disk image written to stdout must not cost a second of the loop.
 */
static void
add_scrubbed(struct buf *out, const char *data, size_t len)
{
	if (len == 0 || is_clean(data, len)) {
		buf_add(out, data, len);
		return;
	}
	while (len > 0) {
		size_t n = prefix_within(data, len, SLICE_BYTES);

		text_utf8_scrub(out, data, n);
		data += n;
		len -= n;
	}
}

/* Where the longest end begins that takes at most `room` bytes. */
static size_t
suffix_within(const char *data, size_t len, size_t room)
{
	size_t at = 0, sum = scrubbed_length(data, len);

	while (sum > room) {
		size_t cost, n = step(data + at, len - at, &cost);

		sum -= cost;
		at += n;
	}
	return at;
}

/* Length without the character that was cut in two at the end, if one was. */
static size_t
without_cut_end(const char *data, size_t len)
{
	size_t back;

	for (back = 1; back <= 3 && back <= len; back++) {
		if (is_continuation(data[len - back]))
			continue;
		return lead_length(data[len - back]) > back ? len - back : len;
	}
	return len;
}

/* Bytes at the start that belong to a character that began before it. */
static size_t
cut_start(const char *data, size_t len)
{
	size_t n = 0;

	while (n < len && n < 3 && is_continuation(data[n]))
		n++;
	return n;
}

/* Cut both sides to their halves and put the mark between them. */
static void
render_cut(const struct output *o, struct piece head, struct piece tail,
    struct buf *out)
{
	size_t skip;

	head.len = prefix_within(head.data, head.len, head_max(o));
	skip = suffix_within(tail.data, tail.len, tail_max(o));
	tail.data += skip;
	tail.len -= skip;
	add_scrubbed(out, head.data, head.len);
	buf_addf(out, "\n[... %" PRIu64 " bytes cut ...]\n",
	    o->total - head.len - tail.len);
	add_scrubbed(out, tail.data, tail.len);
}

static void
render_whole(const struct output *o, struct buf *out)
{
	struct buf all;
	struct piece whole;

	buf_init(&all, 0);
	whole = (struct piece){o->head.data, o->head.len};
	if (o->tail_len > 0) {
		if (o->head.len > 0)
			buf_add(&all, o->head.data, o->head.len);
		tail_copy(o, &all);
		whole = (struct piece){all.data, all.len};
	}
	if (scrubbed_length(whole.data, whole.len) <= o->max_bytes)
		add_scrubbed(out, whole.data, whole.len);
	else
		render_cut(o, whole, whole, out);
	buf_clear(&all);
}

void
output_render(const struct output *o, struct buf *out)
{
	struct buf tail;
	size_t skip;

	if (o->max_bytes == 0 || o->total == 0)
		return;
	if (missing(o) == 0) {
		render_whole(o, out);
		return;
	}
	buf_init(&tail, 0);
	tail_copy(o, &tail);
	skip = cut_start(tail.data, tail.len);
	render_cut(o,
	    (struct piece){buf_str(&o->head),
		without_cut_end(buf_str(&o->head), o->head.len)},
	    (struct piece){tail.data + skip, tail.len - skip}, out);
	buf_clear(&tail);
}

/* Position of the last line's begin within `data`, its end in *ret_end. */
static bool
find_last_line(const char *data, size_t len, size_t *ret_start, size_t *ret_end)
{
	size_t end = len, start;

	while (end > 0 && ((unsigned char)data[end - 1] <= ' '))
		end--;
	if (end == 0)
		return false;
	start = end;
	while (start > 0 && data[start - 1] != '\n' && data[start - 1] != '\r')
		start--;
	while ((unsigned char)data[start] <= ' ')
		start++;
	*ret_start = start;
	*ret_end = end;
	return true;
}

static char *
line_text(const char *data, size_t len)
{
	struct buf text;

	len = prefix_within(data, len, OUTPUT_LAST_LINE_BYTES);
	buf_init(&text, 0);
	text_utf8_scrub(&text, data, len);
	return buf_steal(&text);
}

char *
output_last_line(const struct output *o)
{
	struct buf all;
	size_t start, end;
	char *line = NULL;

	buf_init(&all, 0);
	if (missing(o) == 0 && o->head.len > 0)
		buf_add(&all, o->head.data, o->head.len);
	if (o->tail_len > 0)
		tail_copy(o, &all);
	if (all.len > 0 && find_last_line(all.data, all.len, &start, &end)) {
		if (start == 0 && missing(o) > 0)
			start = cut_start(all.data, end);
		line = line_text(all.data + start, end - start);
	} else if (missing(o) > 0 && o->head.len > 0 &&
		   find_last_line(o->head.data, o->head.len, &start, &end)) {
		line = line_text(o->head.data + start, end - start);
	}
	buf_clear(&all);
	return line;
}
