/*
 * test_lines.c - the line cutter: lines across chunks, lines too long, and
 * that it holds no more than one line's cap.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "model/lines.h"
#include "reeve/worker.h"

#define CAP ((size_t)REEVE_MAX_MESSAGE_LINE)

struct seen {
	struct line_cutter cutter;
	struct buf text; /* "<line>" whole, "[line" part, "+" continues */
	size_t calls, longest, bytes;
};

static void
on_line(void *arg, const char *line, size_t len, bool part)
{
	struct seen *s = arg;

	s->calls++;
	s->bytes += len;
	if (len > s->longest)
		s->longest = len;
	buf_addstr(&s->text, s->cutter.overlong ? "+" : "");
	buf_addstr(&s->text, part ? "[" : "<");
	if (len < 100)
		buf_add(&s->text, line, len);
	else
		buf_addf(&s->text, "%zu", len);
	buf_addstr(&s->text, part ? "" : ">");
}

static void
seen_init(struct seen *s)
{
	memset(s, 0, sizeof(*s));
	line_cutter_init(&s->cutter);
	buf_init(&s->text, 1 << 20);
}

static void
seen_clear(struct seen *s)
{
	line_cutter_clear(&s->cutter);
	buf_clear(&s->text);
}

static void
expect(const char *data, size_t len, const char *wanted)
{
	struct seen s;
	size_t chunk, i;

	for (chunk = 1; chunk <= len + 1; chunk++) {
		seen_init(&s);
		for (i = 0; i < len; i += chunk)
			line_cutter_feed(&s.cutter, data + i,
			    len - i < chunk ? len - i : chunk, on_line, &s);
		line_cutter_end(&s.cutter, on_line, &s);
		assert_string_equal(buf_str(&s.text), wanted);
		seen_clear(&s);
	}
}

#define EXPECT(data, wanted) expect((data), sizeof(data) - 1, (wanted))

static void
test_lines(void **state)
{
	(void)state;
	EXPECT("", "");
	EXPECT("a", "<a>");
	EXPECT("a\n", "<a>");
	EXPECT("a\nbc\n\nd", "<a><bc><><d>");
	EXPECT("\n", "<>");
	EXPECT("a\r\nb\r\r\n\r\nc\rd\n", "<a><b\r><><c\rd>");
	EXPECT("end\r", "<end\r>");
}

/* A line of `len` bytes without its newline, fed in chunks. */
static void
feed_long(struct seen *s, size_t len, size_t chunk, const char *after)
{
	char *data = xmalloc(len + 1);
	size_t i;

	memset(data, 'x', len);
	for (i = 0; i < len; i += chunk)
		line_cutter_feed(&s->cutter, data + i,
		    len - i < chunk ? len - i : chunk, on_line, s);
	line_cutter_feed(&s->cutter, after, strlen(after), on_line, s);
	free(data);
}

static void
test_at_the_cap(void **state)
{
	static const size_t chunks[] = {1000, 65536, CAP, CAP + 1, CAP * 3};
	struct seen s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		seen_init(&s);
		feed_long(&s, CAP, chunks[i], "\nnext\n");
		assert_string_equal(buf_str(&s.text), "<262144><next>");
		seen_clear(&s);
		seen_init(&s);
		feed_long(&s, CAP + 1, chunks[i], "\nnext\n");
		assert_int_equal(s.bytes, CAP + 1 + 4);
		assert_int_equal(s.longest, CAP);
		assert_int_equal(strncmp(buf_str(&s.text), "[262144+", 8), 0);
		assert_non_null(strstr(buf_str(&s.text), "><next>"));
		assert_false(s.cutter.overlong);
		seen_clear(&s);
	}
	/* The whole line in one chunk. */
	seen_init(&s);
	feed_long(&s, 3 * CAP + 1, 4 * CAP, "\n");
	assert_string_equal(buf_str(&s.text), "[262144+[262144+[262144+[x+<>");
	seen_clear(&s);
}

static void
test_overlong_end(void **state)
{
	struct seen s;

	(void)state;
	seen_init(&s);
	feed_long(&s, CAP + 5, 4 * CAP, "");
	line_cutter_end(&s.cutter, on_line, &s);
	assert_string_equal(buf_str(&s.text), "[262144+[xxxxx+<>");
	/* Ready for more. */
	line_cutter_feed(&s.cutter, "a\n", 2, on_line, &s);
	assert_string_equal(buf_str(&s.text), "[262144+[xxxxx+<><a>");
	seen_clear(&s);
}

/* 4 GB without a newline, then 16 million newlines: memory and time stay small.
 */
static void
test_floods(void **state)
{
	size_t chunk = 65536, i;
	char *data = xmalloc(chunk);
	struct seen s;

	(void)state;
	seen_init(&s);
	memset(data, 'x', chunk);
	for (i = 0; i < 65536; i++) {
		line_cutter_feed(&s.cutter, data, chunk, on_line, &s);
		assert_true(s.cutter.pending.cap <= CAP + 1);
	}
	line_cutter_end(&s.cutter, on_line, &s);
	assert_int_equal(s.bytes, 65536 * chunk);
	assert_int_equal(s.cutter.pending.cap, 0);
	memset(data, '\n', chunk);
	s.calls = 0;
	for (i = 0; i < 256; i++)
		line_cutter_feed(&s.cutter, data, chunk, on_line, &s);
	assert_int_equal(s.calls, 256 * chunk);
	seen_clear(&s);
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_at_the_cap),
	    cmocka_unit_test(test_overlong_end),
	    cmocka_unit_test(test_floods),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
