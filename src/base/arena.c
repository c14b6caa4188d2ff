/*
 * arena.c - blocks that double in size up to a bound. Must never move what it
 * gave out.
 */
#include <config.h>

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define FIRST_BLOCK   1024
#define LARGEST_BLOCK ((size_t)64 * 1024)
#define ALIGNMENT     _Alignof(max_align_t)

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(max_align_t) char bytes[];
};

void
arena_init(struct arena *a)
{
	a->blocks = NULL;
}

static struct arena_block *
add_block(struct arena *a, size_t size)
{
	struct arena_block *b = a->blocks;
	size_t want = b == NULL ? FIRST_BLOCK : b->size * 2;

	if (want > LARGEST_BLOCK)
		want = LARGEST_BLOCK;
	if (want < size)
		want = size;
	b = xmalloc(sizeof(*b) + want);
	b->used = 0;
	b->size = want;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->blocks;
	void *p;

	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (b == NULL || b->size - b->used < size)
		b = add_block(a, size);
	p = b->bytes + b->used;
	b->used += size;
	return memset(p, 0, size);
}

char *
arena_text(struct arena *a, const void *text, size_t len)
{
	char *p = arena_alloc(a, len + 1);

	if (len > 0)
		memcpy(p, text, len);
	return p;
}

char *
arena_strdup(struct arena *a, const char *text)
{
	return text != NULL ? arena_text(a, text, strlen(text)) : NULL;
}

static void
free_blocks(struct arena_block *b)
{
	struct arena_block *next;

	for (; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
}

void
arena_reset(struct arena *a)
{
	if (a->blocks == NULL)
		return;
	free_blocks(a->blocks->next);
	a->blocks->next = NULL;
	a->blocks->used = 0;
}

void
arena_clear(struct arena *a)
{
	free_blocks(a->blocks);
	a->blocks = NULL;
}
