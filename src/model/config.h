/*
 * config.h - the whole configuration: global settings and jobs, built from
 * JSON by the tables of settings.def. Pure: the caller reads files and knows
 * zones; everything here is text in, structs or errors out.
 *
 * Read in slices beside the one in force: config_load_*; all errors at once,
 * each "file:line:col: jobs[2].retry.delay: message".
 */
#ifndef REEVE_MODEL_CONFIG_H
#define REEVE_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/map.h"
#include "model/job.h"

enum api_role {
	ROLE_NONE,
	ROLE_VIEWER,
	ROLE_OPERATOR,
};

struct api_token {
	char *name;
	struct secret secret;
	enum api_role role;
};

struct pool {
	char *name;
	int max_concurrent;
};

struct quota_bucket {
	char *id; /* "default", "search_list" */
	int64_t limit;
};

struct quota_service {
	char *name; /* "youtube" */
	char *timezone;
	const struct zone *zone;
	unsigned nbuckets;
	struct quota_bucket *buckets;
};

struct config_api {
	text_list listen; /* "unix:/path" or "address:port" */
	unsigned ntokens;
	struct api_token *tokens;
	char *socket_group;
	text_list hosts; /* more names accepted in Host */
};

struct config_log {
	enum log_level level;
	char *file; /* NULL: standard streams */
};

struct config_history {
	int64_t keep_us, keep_output_us;
};

struct config_ledger {
	int64_t max_bytes;
};

struct config_database {
	char *url; /* NULL: no archive; a secret when it has a password */
	bool migrate;
};

/* Alerts are read and checked; nothing acts on them yet. */
enum channel_type {
	CHANNEL_WEBHOOK,
	CHANNEL_EMAIL,
	CHANNEL_COMMAND,
	CHANNEL_HEARTBEAT,
};

enum channel_format {
	FORMAT_GENERIC,
	FORMAT_SLACK,
	FORMAT_DISCORD,
	FORMAT_ALERTMANAGER,
	FORMAT_PAGERDUTY,
	FORMAT_NTFY,
};

/* An address: written out, or a secret. */
struct alert_url {
	char *text;
	struct secret secret;
};

struct alert_channel {
	char *name;
	enum channel_type type;
	enum channel_format format;
	struct alert_url url;
	char *from;
	text_list to;
	text_list command;
	struct secret secret;
	struct secret routing_key;
	char *topic;
	text_list jobs; /* patterns with * */
};

enum alert_on {
	ALERT_FAILED,
	ALERT_FAILING,
	ALERT_RECOVERED,
	ALERT_SKIPPED,
	ALERT_LATE,
	ALERT_SLOW,
	ALERT_OUTPUT,
	ALERT_QUOTA,
	ALERT_STORE,
};

struct alert_rule {
	enum alert_on on;
	text_list jobs;
	text_list channels;
	int64_t cooldown_us, remind_us;
	int count;
	int64_t after_us;
};

struct config_alerts {
	unsigned nchannels, nrules;
	struct alert_channel *channels;
	struct alert_rule *rules;
};

struct config_cluster {
	bool enabled, takeover;
};

struct config {
	char *timezone;
	char *state_dir, *run_dir;
	char *workers_dir; /* where names without a slash are looked up first */
	char *node; /* NULL: host name */
	int64_t shutdown_grace_us;
	int max_concurrent; /* 0: min(1000, what RLIMIT_NOFILE allows) */

	struct config_api api;
	struct config_log log;
	struct config_history history;
	struct config_ledger ledger;
	struct config_database database;
	struct config_alerts alerts;
	struct config_cluster cluster;
	unsigned npools;
	struct pool *pools;
	unsigned nquotas;
	struct quota_service *quotas;

	/* Sorted by name. */
	unsigned njobs;
	struct job **jobs;
	struct map *by_name; /* name -> struct job */

	/* Private to config*.c: what the texts above live in. */
	struct config_private *private;
};

/* Frees it; jobs lose one reference each. NULL is fine. */
void config_free(struct config *c);
/* The same in slices: frees at most 100 jobs; 1 while there is more, 0 when
 * all of it is gone. No other use of `c` after the first call. */
int config_free_some(struct config *c);
/* A job by name, or NULL. */
struct job *config_job(const struct config *c, const char *name);

/* ---- loading ---- */

/*
 * Resolve an IANA name. Returns the zone (kept for ever by the resolver) or
 * NULL with *ret_why (static text) set.
 */
typedef const struct zone *config_zone_fn(
    void *arg, const char *name, const char **ret_why);

struct config_load;

/* Borrows `zone_fn` and `arg` until finished. */
struct config_load *config_load_new(config_zone_fn *zone_fn, void *arg);

/*
 * Directories that this build of Reeve has as defaults, instead of those of
 * the tables; NULL leaves one as it is. Before the first step.
 */
void config_load_dirs(struct config_load *l, const char *state_dir,
    const char *run_dir, const char *workers_dir);

/*
 * Give a file's text; takes `text` (malloc'ed). The first file is the main
 * one; the others are of jobs.d (one job or an array of jobs). `name` is for
 * messages and is copied; relative paths in the file are resolved against its
 * directory, so it should be absolute. All files are given before the first
 * step.
 */
void config_load_file(
    struct config_load *l, const char *name, char *text, size_t len);
/* An error that the caller found (a file that cannot be read, its mode). */
void config_load_error(struct config_load *l, const char *file, const char *fmt,
    ...) PRINTF_LIKE(3, 4);

/*
 * Go on for a bounded amount of work (some 64 KiB of text or 100 jobs: under
 * 2 ms). Returns 1 while there is more, 0 when done: then config_load_finish().
 */
MUSTUSE int config_load_step(struct config_load *l);

/*
 * Free the load and give the result: 0 with *ret when there was no error,
 * -EINVAL otherwise. Errors and warnings are appended to `messages`, one a
 * line, in the order of the files; at most 1,000, the last then says how many
 * more.
 */
MUSTUSE int config_load_finish(struct config_load *l, struct config **ret,
    struct buf *ret_errors, struct buf *ret_warnings);

/* Give up a load that was not finished. NULL is fine. */
void config_load_free(struct config_load *l);

/* ---- comparing ---- */

enum config_change {
	CONFIG_JOB_ADDED,
	CONFIG_JOB_REMOVED,
	CONFIG_JOB_CHANGED,
	CONFIG_SETTING_CHANGED,
	CONFIG_NEEDS_RESTART, /* a setting that does not reload */
};
/* `name`: job, or key path of a setting. Borrowed. */
typedef void config_diff_fn(void *arg, enum config_change change,
    const char *name, const struct job *before, const struct job *after);

/*
 * Compare in slices: calls fn for each difference; *cursor starts 0. Compares
 * at most `max_jobs` jobs a call; returns 1 while there is more, else 0.
 */
struct config_diff_pos {
	unsigned before, after;
	bool settings_done;
};
int config_diff(const struct config *before, const struct config *after,
    struct config_diff_pos *pos, unsigned max_jobs, config_diff_fn *fn,
    void *arg);

/* ---- printing; all generated from the tables ---- */

/* The effective configuration as JSON, secrets as "***". */
void config_dump(const struct config *c, struct buf *out);
/* One job, as under "jobs"; what the API shows. Secrets never. */
void config_dump_job(const struct job *j, struct buf *out);

#endif
