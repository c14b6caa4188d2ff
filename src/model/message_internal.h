/*
 * message_internal.h - reading the fields of a message; for message*.c alone.
 *
 * A member that is absent or null is not said: the reader leaves *ret as it
 * was, and returns 0. What is wrong returns -EINVAL with m->why set to
 * "KEY: what".
 */
#ifndef REEVE_MODEL_MESSAGE_INTERNAL_H
#define REEVE_MODEL_MESSAGE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/macros.h"
#include "model/message.h"

/* Set m->why; always -EINVAL. */
MUSTUSE int message_bad(struct message *m, const char *key, const char *what);
MUSTUSE int message_bad_type(struct message *m, const char *key,
    const char *wanted, const struct json *v);

/* The member, or NULL when it is not said. */
const struct json *message_field(const struct json *object, const char *key);

/* A string, cut to `max` bytes at a whole character. Gives *ret. */
MUSTUSE int message_text(const struct json *object, const char *key, size_t max,
    struct message *m, char **ret);
/* A name [a-z0-9_.-]{1,64}; not said: `fallback`, wrong if that is NULL. */
MUSTUSE int message_name(const struct json *object, const char *key,
    const char *fallback, struct message *m, char **ret);
MUSTUSE int message_bool(const struct json *object, const char *key,
    struct message *m, bool *ret_said, bool *ret);
/* A whole number from 0 to `max`. */
MUSTUSE int message_count(const struct json *object, const char *key,
    int64_t max, struct message *m, int64_t *ret);
/* An object, as compact text of at most REEVE_MAX_RESULT. Gives *ret. */
MUSTUSE int message_object(
    const struct json *object, const char *key, struct message *m, char **ret);

#endif
