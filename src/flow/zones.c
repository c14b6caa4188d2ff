/*
 * zones.c - joins sys/zonefile.h (bytes) to model/zone.h (meaning).
 * Must never answer with a zone that was not asked for.
 */
#include <config.h>

#include "flow/zones.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "sys/zonefile.h"

#define MOST_BYTES ((size_t)1024 * 1024)

struct zones {
	struct map *by_name;
};

struct zones *
zones_new(void)
{
	struct zones *z = xcalloc(1, sizeof(*z));

	z->by_name = map_new();
	return z;
}

void
zones_free(struct zones *z)
{
	size_t pos = 0;
	struct zone *zone;

	if (z == NULL)
		return;
	while ((zone = map_next(z->by_name, &pos)) != NULL)
		zone_free(zone);
	map_free(z->by_name);
	free(z);
}

static const char *
words(int rc)
{
	switch (rc) {
	case -ENOENT:
		return "no such time zone on this system (is tzdata there?)";
	case -ENOTSUP:
		return "a zone with leap seconds";
	case -EINVAL:
		return "no valid time zone";
	default:
		return "its zone file cannot be read";
	}
}

const struct zone *
zones_get(void *arg, const char *name, const char **ret_why)
{
	struct zones *z = arg;
	struct zone *zone;
	struct buf data;
	int rc;

	if (strcmp(name, "UTC") == 0)
		return zone_utc();
	zone = map_get(z->by_name, name);
	if (zone != NULL)
		return zone;
	buf_init(&data, MOST_BYTES);
	rc = zonefile_read(name, &data);
	if (rc == 0)
		rc = zone_parse(name, data.data, data.len, &zone);
	buf_clear(&data);
	if (rc != 0) {
		*ret_why = words(rc);
		return NULL;
	}
	map_set(z->by_name, zone_name(zone), zone);
	return zone;
}
