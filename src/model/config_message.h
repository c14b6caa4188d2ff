/*
 * config_message.h - what is said about a configuration: one line each,
 * "file:line:col: jobs[2].retry.delay: message", made in this one place.
 * What comes from the text is escaped and cut, so that no file can forge a
 * line or flood a terminal.
 */
#ifndef REEVE_MODEL_CONFIG_MESSAGE_H
#define REEVE_MODEL_CONFIG_MESSAGE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"

#define CONFIG_MESSAGES_MAX 1000

struct config_messages {
	struct buf errors, warnings;
	unsigned nerrors, nwarnings; /* also those beyond the bound */
};

/* Where we are in the tree; lives on the stack while it is walked. */
struct config_path {
	const struct config_path *up;
	const char *key; /* NULL: element `index` of an array */
	unsigned long index;
};

enum config_severity {
	CONFIG_ERROR,
	CONFIG_WARNING, /* "…: warning: message" */
};

void config_messages_init(struct config_messages *m);
void config_messages_clear(struct config_messages *m);

/*
 * Add one line. `line` 0: no place in the file is known; `path` may be NULL.
 * Beyond CONFIG_MESSAGES_MAX of a severity they are only counted.
 */
void config_message(struct config_messages *m, enum config_severity severity,
    const char *file, uint32_t line, uint32_t col,
    const struct config_path *path, const char *fmt, va_list ap)
    PRINTF_LIKE(7, 0);

/* Append "jobs[2].retry.delay"; nothing for the root. */
void config_path_print(struct buf *out, const struct config_path *path);

/* Move all lines to the caller's buffers, with "… more" lines when some were
 * only counted. */
void config_messages_take(
    struct config_messages *m, struct buf *errors, struct buf *warnings);

#endif
