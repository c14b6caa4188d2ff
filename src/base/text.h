/*
 * text.h - text from outside into numbers, and UTF-8 that can be trusted.
 */
#ifndef REEVE_BASE_TEXT_H
#define REEVE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"

/* A whole decimal number within [min, max]: 0, -EINVAL or -ERANGE. */
MUSTUSE int text_parse_int(
    const char *text, int64_t min, int64_t max, int64_t *ret);

/*
 * "5s", "1h30m", "2d", "250ms", "1w": units ms s m h d w, each at most once,
 * larger before smaller. No bare number but "0". 0, -EINVAL or -ERANGE.
 */
MUSTUSE int text_parse_duration(const char *text, int64_t *ret_us);
#define TEXT_DURATION_BYTES 48
/*
 * The shortest text that parses back to `us`, cut to whole milliseconds
 * ("90s", "36h", "1w"); "0" for what is below. Borrows `out`, returns it.
 */
const char *text_format_duration(int64_t us, char out[TEXT_DURATION_BYTES]);

/*
 * "512", "512B", "64KiB", "2GiB", "10MB": B, KiB to PiB (1024), kB or KB to
 * PB (1000). 0, -EINVAL or -ERANGE.
 */
MUSTUSE int text_parse_bytes(const char *text, int64_t *ret_bytes);
#define TEXT_BYTES_BYTES 32
/* The shortest text that parses back to `bytes`; binary before decimal. */
const char *text_format_bytes(int64_t bytes, char out[TEXT_BYTES_BYTES]);

/*
 * Length (1 to 4) of the valid UTF-8 sequence that `text` begins with, and
 * its code point (`ret_code` may be NULL); 0 when there is none.
 */
size_t text_utf8_char(const char *text, size_t len, uint32_t *ret_code);
/* Length of the valid UTF-8 prefix of `text` (RFC 3629: no surrogates). */
size_t text_utf8_valid(const char *text, size_t len);
/*
 * Where to cut `text` so that at most `max` bytes are left and no valid
 * character is cut in two: `len` itself when it fits.
 */
size_t text_utf8_cut(const char *text, size_t len, size_t max);
/*
 * Append `text` with each invalid byte as U+FFFD and each NUL as U+2400, so
 * that the result is a text PostgreSQL takes. At the cap of
 * `out` it is cut at a whole character.
 */
void text_utf8_scrub(struct buf *out, const char *text, size_t len);

/*
 * a == b without telling by time where they differ: `a` is the secret, `b` is
 * what the outsider says, whose length alone decides the time.
 */
bool text_equal_secret(const char *a, const char *b);

/*
 * camelCase of "video-discovery" is "videoDiscovery" (. _ - are joints).
 * Gives it to the caller.
 */
char *text_camel(const char *name);

#endif
