/*
 * config_message.c - the lines an owner reads when a configuration is wrong.
 * Must never print a byte of the text unescaped.
 */
#include <config.h>

#include "model/config_message.h"

#include <ctype.h>
#include <string.h>

#include "base/json.h"

/* 1,000 lines of a path and a message each; far from what anyone reads. */
#define MESSAGES_BYTES ((size_t)2 * 1024 * 1024)

void
config_messages_init(struct config_messages *m)
{
	buf_init(&m->errors, MESSAGES_BYTES);
	buf_init(&m->warnings, MESSAGES_BYTES);
	m->nerrors = m->nwarnings = 0;
}

void
config_messages_clear(struct config_messages *m)
{
	buf_clear(&m->errors);
	buf_clear(&m->warnings);
	m->nerrors = m->nwarnings = 0;
}

/* A file name as it is, but on one line. */
static void
add_file(struct buf *out, const char *file)
{
	for (; *file != '\0'; file++)
		buf_addch(out, iscntrl((unsigned char)*file) ? '?' : *file);
}

static bool
is_plain(const char *key)
{
	size_t n = strspn(key,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n > 0 && n <= 64 && key[n] == '\0';
}

void
config_path_print(struct buf *out, const struct config_path *path)
{
	char quoted[JSON_QUOTE_BYTES];

	if (path == NULL)
		return;
	config_path_print(out, path->up);
	if (path->key == NULL)
		buf_addf(out, "[%lu]", path->index);
	else if (is_plain(path->key))
		buf_addf(out, "%s%s", path->up != NULL ? "." : "", path->key);
	else
		buf_addf(out, "[%s]",
		    json_quote(path->key, strlen(path->key), quoted));
}

void
config_message(struct config_messages *m, enum config_severity severity,
    const char *file, uint32_t line, uint32_t col,
    const struct config_path *path, const char *fmt, va_list ap)
{
	bool warning = severity == CONFIG_WARNING;
	struct buf *out = warning ? &m->warnings : &m->errors;
	unsigned *count = warning ? &m->nwarnings : &m->nerrors;

	if ((*count)++ >= CONFIG_MESSAGES_MAX)
		return;
	add_file(out, file);
	if (line != 0)
		buf_addf(out, ":%u:%u", (unsigned)line, (unsigned)col);
	buf_addstr(out, ": ");
	if (path != NULL) {
		config_path_print(out, path);
		buf_addstr(out, ": ");
	}
	if (warning)
		buf_addstr(out, "warning: ");
	buf_vaddf(out, fmt, ap);
	buf_addch(out, '\n');
}

static void
take(struct buf *from, unsigned count, const char *what, struct buf *to)
{
	if (to == NULL)
		return;
	buf_add(to, buf_str(from), from->len);
	if (count > CONFIG_MESSAGES_MAX)
		buf_addf(to, "%u more %s\n", count - CONFIG_MESSAGES_MAX, what);
}

void
config_messages_take(
    struct config_messages *m, struct buf *errors, struct buf *warnings)
{
	take(&m->errors, m->nerrors, "errors", errors);
	take(&m->warnings, m->nwarnings, "warnings", warnings);
}
