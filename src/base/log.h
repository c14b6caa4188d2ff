/*
 * log.h - one JSON object a line:
 *   {"timestamp":"…Z","level":"info","context":"JobRunner",
 *    "message":"Executing job","data":{"job":"disk","attempt":1}}
 * debug and info go to standard output, warn and error to standard error, or
 * all to one file that is reopened on demand. Never blocks: what a full pipe
 * does not take is dropped, counted, and told in a line once there is room.
 * Every value is escaped (controls, DEL, C1, U+2028/9, invalid UTF-8), so no
 * outsider can forge a line; a value is cut at 8 KiB and then ends in an
 * ellipsis; a line ends at 64 KiB: fields that do not fit are left out and
 * "truncated":true says so.
 *
 * For the main thread. The program ignores SIGPIPE. errno is kept.
 *
 * The log is the one global of the program.
 */
#ifndef REEVE_BASE_LOG_H
#define REEVE_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARN,
	LOG_ERROR,
};

enum log_kind {
	LOG_KIND_STR, /* NULL becomes null */
	LOG_KIND_INT,
	LOG_KIND_BOOL,
	LOG_KIND_JSON, /* valid JSON text, on one line; NULL becomes null; one
			* of more than 8 KiB becomes a string that is cut */
};

struct log_field {
	const char *key;
	enum log_kind kind;
	const char *str;
	int64_t num;
};

/* clang-format off */
#define LF_STR(k, v)  {.key = (k), .kind = LOG_KIND_STR, .str = (v)}
#define LF_INT(k, v)  {.key = (k), .kind = LOG_KIND_INT, .num = (v)}
#define LF_BOOL(k, v) {.key = (k), .kind = LOG_KIND_BOOL, .num = (v)}
#define LF_JSON(k, v) {.key = (k), .kind = LOG_KIND_JSON, .str = (v)}
/* clang-format on */

/*
 * log_warn("Config", "Configuration not changed", LF_STR("file", path));
 * At least one field may be left out by log_plain().
 */
#define log_write(level, context, message, ...)                               \
	do {                                                                  \
		if (log_enabled(level)) {                                     \
			const struct log_field log_fields_[] = {__VA_ARGS__}; \
			log_emit((level), (context), (message), log_fields_,  \
			    ARRAY_SIZE(log_fields_));                         \
		}                                                             \
	} while (0)
#define log_debug(context, message, ...) \
	log_write(LOG_DEBUG, context, message, __VA_ARGS__)
#define log_info(context, message, ...) \
	log_write(LOG_INFO, context, message, __VA_ARGS__)
#define log_warn(context, message, ...) \
	log_write(LOG_WARN, context, message, __VA_ARGS__)
#define log_error(context, message, ...) \
	log_write(LOG_ERROR, context, message, __VA_ARGS__)
#define log_plain(level, context, message) \
	log_emit((level), (context), (message), NULL, 0)

bool log_enabled(enum log_level level);
void log_emit(enum log_level level, const char *context, const char *message,
    const struct log_field *fields, unsigned nfields);

void log_set_level(enum log_level level);
/* 0 or -EINVAL: debug, info, warn, error. */
MUSTUSE int log_parse_level(const char *text, enum log_level *ret);

/*
 * Log to `path` (append, created 0640) instead of the standard streams; NULL
 * goes back to them. On failure the old sinks stay. Returns 0 or -errno.
 */
MUSTUSE int log_open(const char *path);
/* Open the same file again, after a rotation. Returns 0 or -errno. */
MUSTUSE int log_reopen(void);
/* Try to write what waits; called once a turn. */
void log_flush(void);
/* Lines dropped since the start. */
uint64_t log_dropped(void);
/*
 * For the end of the program: the only call that waits, up to a second, for
 * a slow reader to take what is left.
 */
void log_close(void);

/*
 * A brake for lines that the world can cause at will: at most `burst` lines
 * per `interval_us`. log_limit_pass() returns false when the line must be
 * left out; when true, *ret_suppressed tells how many were since the last.
 */
struct log_limit {
	int64_t interval_us;
	unsigned burst;
	int64_t window_boot_us;
	unsigned passed;
	uint64_t suppressed;
};
#define LOG_LIMIT_INIT(burst_, interval_us_)                     \
	{                                                        \
		.interval_us = (interval_us_), .burst = (burst_) \
	}
bool log_limit_pass(
    struct log_limit *l, int64_t now_boot_us, uint64_t *ret_suppressed);

#endif
