/*
 * settings.c - the tables of settings.def as constants, and the words of its
 * enumerations. Nothing happens here.
 */
#include <config.h>

#include "model/settings.h"

#include "base/clock.h"
#include "model/settings_check.h"
#include "reeve/worker.h"

#define SECOND USEC_PER_SEC
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define MEBI   INT64_C(1048576)

/* In the order of the enumerations. */
static const char *const backoff_words[] = {
    "exponential", "linear", "fixed", NULL};
static const char *const jitter_words[] = {"none", "full", "equal", NULL};
static const char *const breaker_count_words[] = {"attempts", "runs", NULL};
static const char *const misfire_words[] = {"none", "last", "all", NULL};
static const char *const dst_words[] = {"once", "skip", "twice", NULL};
static const char *const protocol_words[] = {"exit", "jsonl", NULL};
static const char *const overlap_words[] = {
    "skip", "queue", "allow", "replace", NULL};
static const char *const role_words[] = {"viewer", "operator", NULL};
static const char *const log_words[] = {"debug", "info", "warn", "error", NULL};
static const char *const channel_type_words[] = {
    "webhook", "email", "command", "heartbeat", NULL};
static const char *const channel_format_words[] = {
    "generic", "slack", "discord", "alertmanager", "pagerduty", "ntfy", NULL};
static const char *const rule_words[] = {"failed", "failing", "recovered",
    "skipped", "late", "slow", "output", "quota", "store", NULL};

#define LEVEL_BEGIN(level_) static const struct setting rows_of_##level_[] = {
#define ROW(key_, kind_, field_, def_, help_, ...) \
	{.key = (key_),                            \
	    .kind = &settings_kind_##kind_,        \
	    .offset = offsetof(S, field_),         \
	    .size = sizeof(((S *)0)->field_),      \
	    .def = (def_),                         \
	    .help = (help_),                       \
	    ##__VA_ARGS__},
#define ROW0(key_, kind_, def_, help_, ...) \
	{.key = (key_),                     \
	    .kind = &settings_kind_##kind_, \
	    .def = (def_),                  \
	    .help = (help_),                \
	    ##__VA_ARGS__},
#define LEVEL_END(level_, title_, help_, check_)                          \
	}                                                                 \
	;                                                                 \
	const struct settings_level settings_##level_ = {.name = #level_, \
	    .title = (title_),                                            \
	    .help = (help_),                                              \
	    .rows = rows_of_##level_,                                     \
	    .count = ARRAY_SIZE(rows_of_##level_),                        \
	    .size = sizeof(S),                                            \
	    .check = (check_)};

#include "model/settings.def"

const struct settings_level *const settings_levels[] = {
    &settings_global,
    &settings_api,
    &settings_token,
    &settings_log,
    &settings_history,
    &settings_ledger,
    &settings_database,
    &settings_pool,
    &settings_quota,
    &settings_alerts,
    &settings_channel,
    &settings_rule,
    &settings_cluster,
    &settings_job,
    &settings_retry,
    &settings_breaker,
    &settings_misfire,
    &settings_limits,
    &settings_exitCodes,
    &settings_secret,
    NULL,
};
