/*
 * arena.h - memory for many small things that die together. Each piece is
 * aligned for any type and is never freed by itself.
 */
#ifndef REEVE_BASE_ARENA_H
#define REEVE_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
};

/* An empty one; {0} is the same. Allocates nothing. */
void arena_init(struct arena *a);
/* Zeroed memory; never NULL. */
void *arena_alloc(struct arena *a, size_t size);
/* A copy of `len` bytes with a NUL behind them. */
char *arena_text(struct arena *a, const void *text, size_t len);
/* A copy of a text; NULL gives NULL. */
char *arena_strdup(struct arena *a, const char *text);
/* Forgets everything but keeps one block of memory for what comes. */
void arena_reset(struct arena *a);
/* Frees everything; it is empty after. */
void arena_clear(struct arena *a);

#endif
