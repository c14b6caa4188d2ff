/*
 * job.h - a job as configured: what to run, when, and by which rules. Plain
 * data, made by config.h from the tables of settings.def; never changed after.
 * Shared by reference count: a running attempt keeps the definition it began
 * with while a reload puts a new one beside it.
 */
#ifndef REEVE_MODEL_JOB_H
#define REEVE_MODEL_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "model/names.h"
#include "model/schedule.h"

enum backoff {
	BACKOFF_EXPONENTIAL,
	BACKOFF_LINEAR,
	BACKOFF_FIXED,
};

enum jitter {
	JITTER_NONE,
	JITTER_FULL,
	JITTER_EQUAL,
};

struct retry_policy {
	int max_attempts;
	int64_t delay_us;
	enum backoff backoff;
	double multiplier;
	int64_t max_delay_us;
	enum jitter jitter;
	bool on_lost;
};

enum breaker_count {
	BREAKER_ATTEMPTS,
	BREAKER_RUNS,
};

struct breaker_policy {
	int failures; /* 0: no breaker */
	int64_t window_us;
	enum breaker_count count;
	int64_t probe_us; /* 0: no probe */
};

enum misfire {
	MISFIRE_NONE,
	MISFIRE_LAST,
	MISFIRE_ALL,
};

struct misfire_policy {
	enum misfire policy;
	int64_t after_us;
	int64_t max_age_us;
	int max_count;
};

enum stdin_mode {
	STDIN_DEFAULT, /* by protocol: exit null, jsonl request */
	STDIN_NULL,
	STDIN_REQUEST,
	STDIN_TEXT,
};

/* NULL-ended vector of texts; NULL itself when empty. */
typedef char **text_list;

struct text_pair {
	char *key;
	char *value;
};

struct text_map {
	unsigned count;
	struct text_pair *items;
};

/* A secret: never its value, only where it is read from. */
struct secret {
	char *name; /* key under "secrets", or NULL */
	char *file; /* one of the two is set */
	char *env;
};

struct secret_list {
	unsigned count;
	struct secret *items;
};

/* Exit codes a job gives a meaning of its own; bit n of word n/64. */
struct exit_set {
	uint64_t bits[4];
};
static inline bool
exit_set_has(const struct exit_set *s, int code)
{
	return code >= 0 && code < 256 &&
	       (s->bits[code / 64] >> (code % 64) & 1) != 0;
}

struct exit_codes {
	struct exit_set success, skip, permanent;
};

struct job_limits { /* rlimits; -1: leave as it is */
	int64_t address_space_bytes;
	int64_t cpu_seconds;
	int64_t open_files;
	int64_t processes;
	int64_t file_size_bytes;
	int64_t core_bytes;
	/* of the attempt's cgroup; 0: none. Any of them asks for a cgroup. */
	int64_t memory_max_bytes;
	int64_t pids_max;
	int64_t cpu_percent;
};

struct job {
	unsigned refs;
	char *name;
	char *description;
	bool enabled;

	const struct schedule *schedule; /* NULL: triggered only */
	const char *schedule_text; /* as configured, JSON; NULL: none */
	char *timezone;
	const struct zone *zone; /* kept by the zone cache for ever */
	enum dst_rule dst;

	text_list command; /* argv; of a string: {"/bin/sh","-c",text} */
	bool command_is_shell;
	enum protocol protocol;
	enum stdin_mode stdin_mode;
	char *stdin_text;
	char *params; /* JSON object text */
	struct text_map env;
	char *env_file;
	char *cwd;
	char *user, *group;
	int umask; /* -1: 022 */
	int nice;
	int oom_score_adj;
	bool oom_score_adj_set;
	bool no_new_privs;
	bool cgroup;
	bool leave_children;
	const struct job_limits *limits; /* never NULL */
	const struct exit_codes *exit_codes; /* never NULL */
	struct secret_list secrets;
	text_list grants;
	int64_t output_max_bytes;

	int64_t timeout_us; /* 0: none */
	int64_t run_timeout_us; /* 0: none */
	int64_t kill_after_us;
	struct retry_policy retry;
	struct breaker_policy breaker;
	struct misfire_policy misfire;
	enum overlap overlap;
	int max_queued;
	int max_concurrent; /* attempts of this job; 0: no limit of its own */
	char *pool; /* name, or NULL */
	int priority; /* higher first */
	int64_t jitter_us; /* kept, but nothing acts on it yet */

	/* Where it is defined, for messages. */
	const char *file; /* kept by the config */
	uint32_t line;
	/* Of the canonical text of all settings: equal definitions, equal hash.
	 */
	uint64_t hash;

	/* Private to job.c: what jobs of one load have in common. */
	struct job_share *share;
};

/*
 * A job is one piece of memory with its texts behind it; what many jobs have
 * in common (zones, schedules, users, limits) is in a share, which lives as
 * long as one of them. Jobs are made by job_build() of config_job.c only.
 */
/*
 * A stand-in for a job that is not configured any more: a name, no schedule,
 * no command, nothing is retried. Gives one reference.
 */
struct job *job_new_removed(const char *name);
/* One more reference; returns `j`. */
struct job *job_ref(struct job *j);
/* One less; frees at zero. NULL is fine. */
void job_unref(struct job *j);
/* 16 hex digits of the hash. */
#define JOB_HASH_TEXT_BYTES 17
const char *job_hash_text(const struct job *j, char out[JOB_HASH_TEXT_BYTES]);

/* stdin as it is in effect: STDIN_DEFAULT resolved by the protocol. */
enum stdin_mode job_stdin(const struct job *j);
/* Needs the chain loader: user, group or envFile is set. */
bool job_needs_loader(const struct job *j);
/* Asks for a cgroup, by itself or by a limit that needs one. */
bool job_wants_cgroup(const struct job *j);

#endif
