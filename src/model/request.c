/*
 * request.c - what a worker is told, in its two forms. Whatever is in them can
 * be seen by everything the worker runs, so a secret must never be.
 */
#include <config.h> /* not the one of this folder */

#include "model/request.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/xalloc.h"
#include "reeve/worker.h"

#define DEFAULT_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define DEFAULT_LANG "C.UTF-8"
#define OUR_PREFIX   "REEVE_"

/* HOME USER LOGNAME SHELL PATH LANG; six of REEVE_, one for credentials, the
 * end. */
#define ENV_OWN_SLOTS 14

/* JSON text that may hold newlines, which in JSON are only ever white space. */
static void
add_json(struct jsonw *w, const char *key, const char *json)
{
	char *line, *c;

	jsonw_key(w, key);
	if (json == NULL) {
		jsonw_null(w);
		return;
	}
	if (strpbrk(json, "\r\n") == NULL) {
		jsonw_raw(w, json, strlen(json));
		return;
	}
	line = xstrdup(json);
	for (c = line; *c != '\0'; c++) {
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	}
	jsonw_raw(w, line, strlen(line));
	free(line);
}

void
request_print(const struct request *r, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out, false);
	jsonw_object(&w);
	jsonw_kint(&w, "v", REEVE_REQUEST_VERSION);
	jsonw_kstr(&w, "job", r->job->name);
	jsonw_kstr(&w, "runId", r->run_id);
	jsonw_kint(&w, "attempt", r->attempt);
	jsonw_kint(&w, "maxAttempts", r->max_attempts);
	jsonw_kstr(&w, "trigger", trigger_name(r->trigger));
	jsonw_ktime(&w, "scheduledAt", r->scheduled_at_us);
	jsonw_ktime(&w, "deadline", r->deadline_us);
	add_json(&w, "params", r->params != NULL ? r->params : "{}");
	add_json(&w, "previous", r->previous);
	add_json(&w, "quota", r->quota);
	add_json(&w, "parent", r->parent);
	jsonw_object_end(&w);
	buf_addch(out, '\n');
}

/* The vector while it is built. Never more than its slots. */
struct env {
	char **list;
	unsigned count;
};

static void
env_add(struct env *env, const char *key, const char *value)
{
	if (value != NULL)
		env->list[env->count++] = xasprintf("%s=%s", key, value);
}

/* Replace one of the first `count`, or add it. */
static void
env_set(struct env *env, unsigned count, const char *key, const char *value)
{
	size_t len = strlen(key);
	unsigned i;

	for (i = 0; i < count; i++) {
		if (strncmp(env->list[i], key, len) == 0 &&
		    env->list[i][len] == '=') {
			free(env->list[i]);
			env->list[i] = xasprintf("%s=%s", key, value);
			return;
		}
	}
	env_add(env, key, value);
}

static bool
is_ours(const char *key)
{
	return strncmp(key, OUR_PREFIX, strlen(OUR_PREFIX)) == 0 ||
	       strcmp(key, REEVE_ENV_CREDENTIALS) == 0;
}

static void
add_user(struct env *env, const struct request_user *user)
{
	if (user != NULL) {
		env_add(env, "HOME", user->home);
		env_add(env, "USER", user->name);
		env_add(env, "LOGNAME", user->name);
		env_add(env, "SHELL", user->shell);
	}
	env_add(env, "PATH", DEFAULT_PATH);
	env_add(env, "LANG", DEFAULT_LANG);
}

/* Keys of a map differ, so only those before it can be replaced. */
static void
add_job_env(struct env *env, const struct text_map *map)
{
	unsigned before = env->count, i;

	for (i = 0; i < map->count; i++) {
		if (!is_ours(map->items[i].key))
			env_set(env, before, map->items[i].key,
			    map->items[i].value);
	}
}

static void
add_time(struct env *env, const char *key, int64_t real_us)
{
	char text[CLOCK_ISO_BYTES];

	if (real_us != TIME_NEVER && real_us >= 0)
		env_add(env, key, clock_iso_format(real_us, text));
}

static void
add_ours(struct env *env, const struct request *r)
{
	env_add(env, REEVE_ENV_JOB, r->job->name);
	env_add(env, REEVE_ENV_RUN_ID, r->run_id);
	env->list[env->count++] =
	    xasprintf("%s=%d", REEVE_ENV_ATTEMPT, r->attempt);
	env_add(env, REEVE_ENV_ATTEMPT_ID, r->attempt_id);
	add_time(env, REEVE_ENV_SCHEDULED_AT, r->scheduled_at_us);
	add_time(env, REEVE_ENV_DEADLINE, r->deadline_us);
	env_add(env, REEVE_ENV_CREDENTIALS, r->credentials_dir);
}

char **
request_env(const struct request *r, const struct request_user *user)
{
	const struct text_map *map = &r->job->env;
	struct env env = {0};

	env.list = xcalloc((size_t)map->count + ENV_OWN_SLOTS, sizeof(char *));
	add_user(&env, user);
	add_job_env(&env, map);
	add_ours(&env, r);
	return env.list;
}

void
request_env_free(char **env)
{
	char **entry;

	if (env == NULL)
		return;
	for (entry = env; *entry != NULL; entry++)
		free(*entry);
	free(env);
}
