/*
 * rows.h - a history row as the API shows it, rendered once, kept in memory
 * for the status page, and the few things others ask of it.
 */
#ifndef REEVE_FLOW_ROWS_H
#define REEVE_FLOW_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/names.h"
#include "sys/ledger.h"

struct row {
	unsigned refs;
	struct row *older; /* of the same job, in its cache; one reference */
	int64_t id;
	int64_t completed_at_us;
	enum status status;
	uint32_t result_at, result_len; /* of the result within json */
	uint32_t len;
	char json[]; /* one object, NUL-terminated */
};

/* Append the row as one JSON object: first the archive's nine columns. */
void row_print(struct buf *out, const struct ledger_history *h);
/* The same as an object to keep; one reference is the caller's. */
struct row *row_new(const struct ledger_history *h);
struct row *row_ref(struct row *r);
/* NULL is fine. */
void row_unref(struct row *r);

/* Newest rows of one job, newest first, at most ROWS_CACHED. */
#define ROWS_CACHED 5
struct row_cache {
	struct row *newest;
	uint8_t count;
	bool trimmed; /* the ledger has rows that were not kept for memory */
};
/*
 * Put a newer row in front; takes the reference. `budget` is what all caches
 * together may still take, in bytes: it is charged, and when it is used up
 * only the newest row is kept.
 */
void row_cache_add(struct row_cache *c, struct row *r, int64_t *budget);
void row_cache_clear(struct row_cache *c, int64_t *budget);

#endif
