/*
 * config_fixture.h - loading configurations from texts in tests.
 */
#ifndef REEVE_T_CONFIG_FIXTURE_H
#define REEVE_T_CONFIG_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "model/config.h"

/* Three zones are known, all as UTC: names are what matters here. */
static const struct zone *
fixture_zone(void *arg, const char *name, const char **ret_why)
{
	(void)arg;
	if (strcmp(name, "Europe/Berlin") == 0 ||
	    strcmp(name, "America/New_York") == 0 ||
	    strcmp(name, "America/Los_Angeles") == 0)
		return zone_utc();
	*ret_why = "no such file";
	return NULL;
}

struct fixture_file {
	const char *name, *text;
};

struct fixture {
	int result;
	struct config *config;
	struct buf errors, warnings;
};

static inline struct fixture
load_files(const struct fixture_file *files, size_t count)
{
	struct config_load *l = config_load_new(fixture_zone, NULL);
	struct fixture f = {0};
	size_t i;

	buf_init(&f.errors, 0);
	buf_init(&f.warnings, 0);
	for (i = 0; i < count; i++)
		config_load_file(l, files[i].name, strdup(files[i].text),
		    strlen(files[i].text));
	while (config_load_step(l) > 0)
		continue;
	f.result = config_load_finish(l, &f.config, &f.errors, &f.warnings);
	return f;
}

static inline struct fixture
load_text(const char *text)
{
	struct fixture_file file = {"/etc/reeve/reeve.json", text};

	return load_files(&file, 1);
}

static inline void
fixture_clear(struct fixture *f)
{
	config_free(f->config);
	f->config = NULL;
	buf_clear(&f->errors);
	buf_clear(&f->warnings);
}

#endif
