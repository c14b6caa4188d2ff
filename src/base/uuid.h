/*
 * uuid.h - UUIDv7 (RFC 9562 section 5.7): sortable by time.
 */
#ifndef REEVE_BASE_UUID_H
#define REEVE_BASE_UUID_H

#include <stdint.h>

#define UUID_TEXT_BYTES 37

struct uuid {
	uint8_t bytes[16];
};

/* A new id whose first 48 bits are `real_us` in milliseconds. Ids made in
 * one millisecond by one process still sort in the order they were made. */
void uuid_v7(struct uuid *out, int64_t real_us);
/* Lower-case text with dashes; returns `out`. */
const char *uuid_format(const struct uuid *u, char out[UUID_TEXT_BYTES]);
/* 0 or -EINVAL. */
int uuid_parse(const char *text, struct uuid *ret);
/* `len` random bytes from the kernel; dies if there are none. */
void uuid_random(void *out, unsigned len);

#endif
