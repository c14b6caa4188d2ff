/*
 * fuzz_config.c - any bytes as the main configuration file and as one of
 * jobs.d: read in slices, printed and read again. A libFuzzer target, not
 * part of the build; in a build tree configured with clang and
 * CFLAGS="-g -O1 -fsanitize=fuzzer-no-link,address,undefined":
 *	clang -g -fsanitize=fuzzer,address,undefined -I. -I$SRC/src \
 *	    -I$SRC/include $SRC/t/fuzz/fuzz_config.c \
 *	    libreeve-model.a libreeve-base.a -lyajl -o fuzz_config
 *	./fuzz_config -max_len=4096 CORPUS $SRC/t/fuzz/corpus-config
 */
#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/buf.h"
#include "base/xalloc.h"
#include "model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Any short name is a zone, so that texts get past it. */
static const struct zone *
any_zone(void *arg, const char *name, const char **ret_why)
{
	(void)arg;
	*ret_why = "too long";
	return strlen(name) < 30 ? zone_utc() : NULL;
}

/* One line each, each with a file, none with a control character. */
static void
check_lines(const struct buf *lines)
{
	const char *p;

	if (lines->len == 0)
		return;
	BUG_ON(lines->data[lines->len - 1] != '\n');
	for (p = buf_str(lines); *p != '\0'; p++)
		BUG_ON((unsigned char)*p < 0x20 && *p != '\n');
	BUG_ON(strlen(buf_str(lines)) != lines->len);
}

static struct config *
load(const void *text, size_t len, bool as_job)
{
	struct config_load *l = config_load_new(any_zone, NULL);
	struct buf errors, warnings;
	struct config *c = NULL;
	char *copy = xmalloc(len + 1);
	int r;

	buf_init(&errors, 0);
	buf_init(&warnings, 0);
	memcpy(copy, text, len);
	if (as_job)
		config_load_file(l, "/m", xstrdup("{}"), 2);
	config_load_file(l, "/f", copy, len);
	while (config_load_step(l) > 0)
		continue;
	r = config_load_finish(l, &c, &errors, &warnings);
	BUG_ON((r == 0) != (errors.len == 0));
	BUG_ON((r == 0) != (c != NULL));
	check_lines(&errors);
	check_lines(&warnings);
	buf_clear(&errors);
	buf_clear(&warnings);
	return c;
}

static void
no_change(void *arg, enum config_change change, const char *name,
    const struct job *before, const struct job *after)
{
	(void)arg;
	(void)before;
	(void)after;
	BUG("%s differs (%d) when it is read again", name, (int)change);
}

/* Passwords are masked, and then what is read again is another thing. */
static bool
has_secrets(const struct config *c)
{
	return c->database.url != NULL || c->alerts.nchannels > 0;
}

static void
check_round_trip(const struct config *c)
{
	struct config_diff_pos pos = {0};
	struct config *again;
	struct buf text;

	buf_init(&text, 0);
	config_dump(c, &text);
	again = load(buf_str(&text), text.len, false);
	BUG_ON(again == NULL);
	if (!has_secrets(c)) {
		while (config_diff(c, again, &pos, 10, no_change, NULL) > 0)
			continue;
	}
	config_free(again);
	buf_clear(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int as_job;

	for (as_job = 0; as_job < 2; as_job++) {
		struct config *c = load(data, len, as_job != 0);

		if (c != NULL)
			check_round_trip(c);
		config_free(c);
	}
	return 0;
}
