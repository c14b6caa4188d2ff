/*
 * settings_check.h - what the rows of settings.def demand of texts and of
 * whole objects. Text checks return a complaint ("must be …", static) or NULL.
 */
#ifndef REEVE_MODEL_SETTINGS_CHECK_H
#define REEVE_MODEL_SETTINGS_CHECK_H

#include <stdbool.h>

#include "model/settings.h"

#define ENV_PATTERN  "^[A-Za-z_][A-Za-z0-9_]*$"
#define USER_PATTERN "^[A-Za-z0-9_][A-Za-z0-9_.@$-]*$"

const char *check_job_name(const char *text);
const char *check_env_name(const char *text);
const char *check_secret_name(const char *text);
/* Names of pools, tokens, services, channels. */
const char *check_label(const char *text);
const char *check_user(const char *text);
const char *check_node(const char *text);
const char *check_not_empty(const char *text);
const char *check_path(const char *text);
const char *check_absolute(const char *text);
const char *check_grant(const char *text);
const char *check_host(const char *text);
const char *check_listen(const char *text);

/* Is this a listen address that only this machine can reach? */
bool listen_is_local(const char *text);

bool check_secret(struct settings_cx *cx, const struct json *v, void *base);
bool check_exit_codes(struct settings_cx *cx, const struct json *v, void *base);
bool check_api(struct settings_cx *cx, const struct json *v, void *base);
bool check_channel(struct settings_cx *cx, const struct json *v, void *base);
bool check_alerts(struct settings_cx *cx, const struct json *v, void *base);

#endif
