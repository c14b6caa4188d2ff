/*
 * map.c - hash table from text to pointer: open addressing, linear probing,
 * removal by shifting back, so that no mark of a removed key ever stays.
 *
 * Must never own a key or a value.
 */
#include <config.h>

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/xalloc.h"

#define MAP_FIRST_SLOTS 16

#define FNV_BASIS	UINT64_C(14695981039346656037)
#define FNV_PRIME	UINT64_C(1099511628211)

struct slot {
	uint64_t hash;
	const char *key; /* NULL: free */
	void *value;
};

struct map {
	struct slot *slots;
	size_t mask; /* number of slots - 1, a power of two - 1 */
	size_t count;
};

uint64_t
map_hash_bytes(const void *data, size_t len, uint64_t seed)
{
	const unsigned char *p = data;
	uint64_t hash = FNV_BASIS ^ seed;
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ p[i]) * FNV_PRIME;
	return hash;
}

/* The low bits of FNV-1a alone are poor: fold the high ones in. */
static uint64_t
hash_key(const char *key)
{
	uint64_t hash = map_hash_bytes(key, strlen(key), 0);

	return hash ^ (hash >> 32);
}

/* The slot that holds `key`, or the free one where it would go. */
static struct slot *
find(const struct map *m, const char *key, uint64_t hash)
{
	size_t i = hash & m->mask;
	struct slot *s;

	for (;; i = (i + 1) & m->mask) {
		s = &m->slots[i];
		if (s->key == NULL)
			return s;
		if (s->hash == hash && strcmp(s->key, key) == 0)
			return s;
	}
}

static void
resize(struct map *m, size_t nslots)
{
	struct slot *old = m->slots;
	size_t nold = old != NULL ? m->mask + 1 : 0;
	size_t i;

	m->slots = xcalloc(nslots, sizeof(*m->slots));
	m->mask = nslots - 1;
	for (i = 0; i < nold; i++)
		if (old[i].key != NULL)
			*find(m, old[i].key, old[i].hash) = old[i];
	free(old);
}

struct map *
map_new(void)
{
	struct map *m = xcalloc(1, sizeof(*m));

	resize(m, MAP_FIRST_SLOTS);
	return m;
}

void
map_free(struct map *m)
{
	if (m == NULL)
		return;
	free(m->slots);
	free(m);
}

void
map_reserve(struct map *m, size_t count)
{
	size_t nslots = m->mask + 1;

	while (nslots - nslots / 4 <= count)
		nslots *= 2;
	if (nslots > m->mask + 1)
		resize(m, nslots);
}

size_t
map_count(const struct map *m)
{
	return m->count;
}

void *
map_get(const struct map *m, const char *key)
{
	return find(m, key, hash_key(key))->value;
}

void *
map_set(struct map *m, const char *key, void *value)
{
	uint64_t hash = hash_key(key);
	struct slot *s = find(m, key, hash);
	void *old = s->value;

	BUG_ON(value == NULL);
	if (s->key == NULL) {
		if ((m->count + 1) * 4 > (m->mask + 1) * 3) {
			resize(m, (m->mask + 1) * 2);
			s = find(m, key, hash);
		}
		m->count++;
	}
	s->hash = hash;
	s->key = key;
	s->value = value;
	return old;
}

/* Close the gap at `hole`: move back each follower that may stand there. */
static void
shift_back(struct map *m, size_t hole)
{
	size_t i, home;

	for (i = (hole + 1) & m->mask; m->slots[i].key != NULL;
	     i = (i + 1) & m->mask) {
		home = m->slots[i].hash & m->mask;
		/* it may not go before its home */
		if (((i - home) & m->mask) < ((i - hole) & m->mask))
			continue;
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	memset(&m->slots[hole], 0, sizeof(m->slots[hole]));
}

void *
map_del(struct map *m, const char *key)
{
	struct slot *s = find(m, key, hash_key(key));
	void *old = s->value;

	if (s->key == NULL)
		return NULL;
	m->count--;
	shift_back(m, (size_t)(s - m->slots));
	return old;
}

void *
map_next(const struct map *m, size_t *pos)
{
	const struct slot *s;

	while (*pos <= m->mask) {
		s = &m->slots[(*pos)++];
		if (s->key != NULL)
			return s->value;
	}
	return NULL;
}
