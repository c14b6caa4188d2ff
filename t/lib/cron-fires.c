/*
 * cron-fires.c - a test tool: prints what the calendar of Reeve makes of an
 * expression. Each line on standard input is one question,
 *
 *   ZONE <tab> RULE <tab> FROM <tab> UNTIL <tab> EXPRESSION
 *
 * with seconds since 1970 and a rule of once, skip, twice; ZONE is a file
 * below the directory of argv[1]. Each gets one line of answer: the fires in
 * FROM <= t < UNTIL, "moved" and "repeated" ones with :m and :r, or "error:"
 * and the column and message.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "model/cron.h"
#include "model/zone.h"

#define MAX_FILE	(1024 * 1024)
#define MAX_LINE	4096
#define QUESTION_FIELDS 5

static NORETURN void
die(const char *what, const char *which)
{
	fprintf(stderr, "cron-fires: %s: %s\n", what, which);
	exit(2);
}

static struct zone *
load(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	char *bytes = xmalloc(MAX_FILE);
	FILE *file = fopen(path, "rbe");
	struct zone *z = NULL;

	if (file == NULL)
		die("cannot open", path);
	if (zone_parse(name, bytes, fread(bytes, 1, MAX_FILE, file), &z) != 0)
		die("no valid zone", path);
	(void)fclose(file);
	free(bytes);
	free(path);
	return z;
}

static const struct zone *
zone_by_name(struct map *zones, const char *dir, const char *name)
{
	struct zone *z = map_get(zones, name);

	if (z == NULL) {
		z = load(dir, name);
		map_set(zones, zone_name(z), z);
	}
	return z;
}

static enum dst_rule
rule_by_name(const char *name)
{
	if (strcmp(name, "once") == 0)
		return DST_ONCE;
	if (strcmp(name, "skip") == 0)
		return DST_SKIP;
	if (strcmp(name, "twice") == 0)
		return DST_TWICE;
	die("no such rule", name);
}

static void
answer(const struct cron *c, const struct zone *z, enum dst_rule dst,
    int64_t from_s, int64_t until_s)
{
	static const char *const marks[] = {
	    [CRON_PLAIN] = "",
	    [CRON_MOVED] = ":m",
	    [CRON_REPEATED] = ":r",
	};
	int64_t at = from_s * USEC_PER_SEC - 1;
	const char *space = "";
	enum cron_note note;

	for (;;) {
		at = cron_next(c, z, dst, at, &note);
		if (at >= until_s * USEC_PER_SEC)
			break;
		printf(
		    "%s%" PRId64 "%s", space, at / USEC_PER_SEC, marks[note]);
		space = " ";
	}
	putchar('\n');
}

/* Cuts a line at its tabs; dies when there are not exactly five fields. */
static void
cut(char *line, char *field[QUESTION_FIELDS])
{
	int i;

	line[strcspn(line, "\n")] = '\0';
	for (i = 0; i < QUESTION_FIELDS; i++) {
		char *tab = strchr(line, '\t');

		if ((tab == NULL) != (i == QUESTION_FIELDS - 1))
			die("no question", line);
		field[i] = line;
		if (tab == NULL)
			break;
		*tab = '\0';
		line = tab + 1;
	}
}

int
main(int argc, char **argv)
{
	struct map *zones = map_new();
	char line[MAX_LINE], *field[QUESTION_FIELDS];
	struct cron_error err;
	struct zone *z;
	struct cron c;
	size_t pos = 0;

	if (argc != 2)
		die("usage", "cron-fires ZONEINFO-DIRECTORY");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		cut(line, field);
		if (cron_parse(field[4], &c, &err) != 0)
			printf("error: %u: %s\n", err.column, err.message);
		else
			answer(&c, zone_by_name(zones, argv[1], field[0]),
			    rule_by_name(field[1]), strtoll(field[2], NULL, 10),
			    strtoll(field[3], NULL, 10));
	}
	while ((z = map_next(zones, &pos)) != NULL)
		zone_free(z);
	map_free(zones);
	return 0;
}
