/*
 * map.h - hash table from text to pointer. Keys are borrowed: the value
 * usually holds its own key and outlives its place in the map.
 */
#ifndef REEVE_BASE_MAP_H
#define REEVE_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map;

struct map *map_new(void);
void map_free(struct map *m);
/*
 * Make room for `count` entries now, so that adding them moves nothing: the
 * moves of a large map would take milliseconds at a time.
 */
void map_reserve(struct map *m, size_t count);
size_t map_count(const struct map *m);
void *map_get(const struct map *m, const char *key);
/*
 * Sets `value`, which is not NULL; returns the one that was there before, or
 * NULL. Keeps `key`, also in place of an equal key that was there.
 */
void *map_set(struct map *m, const char *key, void *value);
/* Removes; returns the value, or NULL. */
void *map_del(struct map *m, const char *key);
/* Iterate: start with *pos = 0; NULL at the end. No change meanwhile. */
void *map_next(const struct map *m, size_t *pos);

/* 64-bit hash of bytes (FNV-1a), stable across processes and versions. */
uint64_t map_hash_bytes(const void *data, size_t len, uint64_t seed);

#endif
