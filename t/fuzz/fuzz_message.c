/*
 * fuzz_message.c - any bytes as the standard output of a worker: cut into
 * lines in two ways, understood, kept, rendered and worded. A libFuzzer
 * target, not part of the build; in a build tree configured with clang and
 * CFLAGS="-g -O1 -fsanitize=fuzzer-no-link,address,undefined":
 *	clang -g -fsanitize=fuzzer,address,undefined -I. -I$SRC/src \
 *	    -I$SRC/include $SRC/t/fuzz/fuzz_message.c \
 *	    libreeve-model.a libreeve-base.a -lyajl -o fuzz_message
 *	./fuzz_message -max_len=4096 CORPUS $SRC/t/fuzz/corpus-message
 */
#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/buf.h"
#include "base/text.h"
#include "model/lines.h"
#include "model/message.h"
#include "model/outcome.h"
#include "model/output.h"
#include "reeve/worker.h"

#define MARK_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
	struct buf lines; /* all lines, each with a newline */
	struct ending ending;
	struct message last_error;
};

static void
check_text(const char *text)
{
	if (text != NULL)
		BUG_ON(text_utf8_valid(text, strlen(text)) != strlen(text));
}

static void
check_message(const struct message *m)
{
	unsigned i;

	check_text(m->text);
	check_text(m->json);
	check_text(m->why);
	BUG_ON((m->type == MESSAGE_BAD) != (m->why != NULL));
	BUG_ON(m->fraction != -1 && (m->fraction < 0 || m->fraction > 1));
	BUG_ON(m->units < 0 || m->units > MESSAGE_MAX_UNITS);
	BUG_ON(m->type == MESSAGE_USAGE && (!m->service || !m->bucket));
	BUG_ON(m->type == MESSAGE_ERROR && m->text == NULL);
	BUG_ON(m->type == MESSAGE_OUTPUT && (m->text || m->json));
	for (i = 0; i < m->nbuckets; i++)
		BUG_ON(m->buckets[i].id == NULL);
}

static void
on_line(void *arg, const char *line, size_t len, bool part)
{
	struct seen *s = arg;
	struct message m;

	BUG_ON(part || len > REEVE_MAX_MESSAGE_LINE);
	buf_add(&s->lines, line, len);
	buf_addch(&s->lines, '\n');
	message_parse(line, len, &m);
	check_message(&m);
	if (m.type == MESSAGE_ERROR) {
		message_clear(&s->last_error);
		s->last_error = m;
		return;
	}
	message_clear(&m);
}

static void
feed(struct seen *s, const char *data, size_t len, size_t chunk)
{
	struct line_cutter cutter;
	size_t at;

	memset(s, 0, sizeof(*s));
	message_parse("", 0, &s->last_error);
	buf_init(&s->lines, 0);
	line_cutter_init(&cutter);
	for (at = 0; at < len; at += chunk)
		line_cutter_feed(&cutter, data + at,
		    len - at < chunk ? len - at : chunk, on_line, s);
	line_cutter_end(&cutter, on_line, s);
	line_cutter_clear(&cutter);
}

static void
check_outcome(const char *error, const char *last_line)
{
	static const struct exit_codes plain;
	struct ending e = {
	    .error_message = error, .last_line = last_line, .code = 1};
	struct outcome o;

	outcome_from(&plain, PROTOCOL_JSONL, &e, &o);
	BUG_ON(o.error == NULL || strlen(o.error) > REEVE_MAX_ERROR);
	BUG_ON(strpbrk(o.error, "\r\n\033") != NULL);
	check_text(o.error);
	outcome_clear(&o);
}

static void
check_output(const char *data, size_t len, size_t max)
{
	struct output o;
	struct buf text;
	char *line;

	output_init(&o, max);
	output_feed(&o, data, len / 3);
	output_feed(&o, data + len / 3, len - len / 3);
	buf_init(&text, 0);
	output_render(&o, &text);
	BUG_ON(text.len > max + MARK_MAX);
	BUG_ON(strlen(buf_str(&text)) != text.len);
	check_text(buf_str(&text));
	line = output_last_line(&o);
	check_text(line);
	check_outcome(NULL, line);
	free(line);
	buf_clear(&text);
	output_clear(&o);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct seen whole, parts;
	const char *text = (const char *)data;

	if (len > REEVE_MAX_MESSAGE_LINE)
		return 0;
	feed(&whole, text, len, len + 1);
	feed(&parts, text, len, 7);
	BUG_ON(whole.lines.len != parts.lines.len);
	BUG_ON(strcmp(buf_str(&whole.lines), buf_str(&parts.lines)) != 0);
	check_outcome(whole.last_error.text, NULL);
	message_clear(&whole.last_error);
	message_clear(&parts.last_error);
	buf_clear(&whole.lines);
	buf_clear(&parts.lines);
	check_output(text, len, 64);
	check_output(text, len, 1024);
	return 0;
}
