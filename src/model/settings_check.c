/*
 * settings_check.c - demands on values that are more than a type and a range.
 * Must never look anything up: pure functions of the text.
 */
#include <config.h>

#include "model/settings_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "reeve/worker.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool
consists_of(const char *text, const char *first, const char *rest)
{
	if (*text == '\0' || strchr(first, *text) == NULL)
		return false;
	return text[strspn(text, rest)] == '\0';
}

const char *
check_job_name(const char *text)
{
	if (consists_of(text, LOWER DIGITS, LOWER DIGITS "._-"))
		return NULL;
	return "must be lower-case letters, digits, dot, underscore and dash, "
	       "beginning with a letter or digit";
}

const char *
check_env_name(const char *text)
{
	if (!consists_of(text, LOWER UPPER "_", LOWER UPPER DIGITS "_"))
		return "must be a name of letters, digits and underscore";
	if (strncmp(text, "REEVE_", 6) == 0)
		return "begins with REEVE_, which is for Reeve itself";
	return NULL;
}

const char *
check_secret_name(const char *text)
{
	if (consists_of(
		text, LOWER UPPER DIGITS "_", LOWER UPPER DIGITS "._-") &&
	    strlen(text) <= 64)
		return NULL;
	return "must be a file name of at most 64 letters, digits, dot, "
	       "underscore and dash";
}

const char *
check_label(const char *text)
{
	if (consists_of(text, LOWER UPPER DIGITS "_", LOWER UPPER DIGITS "._-"))
		return NULL;
	return "must be a name of letters, digits, dot, underscore and dash";
}

const char *
check_user(const char *text)
{
	if (consists_of(
		text, LOWER UPPER DIGITS "_", LOWER UPPER DIGITS "_.@$-"))
		return NULL;
	return "must be a name or a number";
}

const char *
check_node(const char *text)
{
	if (consists_of(text, LOWER UPPER DIGITS, LOWER UPPER DIGITS "._-"))
		return NULL;
	return "must be a name of letters, digits, dot, underscore and dash";
}

const char *
check_not_empty(const char *text)
{
	return *text != '\0' ? NULL : "must not be empty";
}

const char *
check_path(const char *text)
{
	return *text != '\0' ? NULL : "must be a path, not an empty text";
}

const char *
check_absolute(const char *text)
{
	return *text == '/' ? NULL : "must be an absolute path";
}

const char *
check_grant(const char *text)
{
	if (strcmp(text, "database") == 0 || strcmp(text, "prune") == 0)
		return NULL;
	return "must be database or prune";
}

const char *
check_host(const char *text)
{
	if (consists_of(text, LOWER UPPER DIGITS, LOWER UPPER DIGITS ".-"))
		return NULL;
	return "must be a host name without a port";
}

/* ---- listen addresses ---- */

/* Four decimal numbers up to 255; *ret_first is the first one. */
static bool
is_ipv4(const char *text, size_t len, unsigned *ret_first)
{
	const char *p = text, *end = text + len;
	int part;

	for (part = 0; part < 4; part++) {
		unsigned n = 0, digits = 0;

		for (; p < end && *p >= '0' && *p <= '9'; p++, digits++)
			n = n * 10 + (unsigned)(*p - '0');
		if (digits < 1 || digits > 3 || n > 255)
			return false;
		if (part == 0)
			*ret_first = n;
		if (part < 3 && (p >= end || *p++ != '.'))
			return false;
	}
	return p == end;
}

/* As much as matters here; the kernel has the last word at bind(2). */
static bool
is_ipv6(const char *text, size_t len)
{
	size_t i, colons = 0;

	for (i = 0; i < len; i++) {
		if (text[i] == ':')
			colons++;
		else if (strchr(DIGITS "abcdefABCDEF.", text[i]) == NULL)
			return false;
	}
	return colons >= 2 && colons <= 7;
}

/* Cuts "ADDRESS:PORT" or "[ADDRESS]:PORT"; false when it is neither. */
static bool
split_address(const char *text, const char **ret_host, size_t *ret_len)
{
	const char *colon = strrchr(text, ':');
	int64_t port;
	bool six;

	if (colon == NULL || text_parse_int(colon + 1, 0, 65535, &port) != 0)
		return false;
	six = *text == '[';
	*ret_host = text + (six ? 1 : 0);
	*ret_len = (size_t)(colon - *ret_host);
	if (six) {
		if (*ret_len == 0 || colon[-1] != ']')
			return false;
		(*ret_len)--;
	}
	return true;
}

const char *
check_listen(const char *text)
{
	const char *host;
	unsigned first;
	size_t len;

	if (strncmp(text, "unix:", 5) == 0)
		return text[5] != '\0' ? NULL : "needs a path after unix:";
	if (!split_address(text, &host, &len))
		return "must be unix:PATH, ADDRESS:PORT or [ADDRESS]:PORT";
	if (*text == '[')
		return is_ipv6(host, len) ? NULL : "has no valid IPv6 address";
	if (is_ipv4(host, len, &first))
		return NULL;
	return "needs a numeric address: names are not looked up; 0.0.0.0 "
	       "stands for all";
}

bool
listen_is_local(const char *text)
{
	const char *host;
	unsigned first;
	size_t len;

	if (strncmp(text, "unix:", 5) == 0)
		return true;
	if (!split_address(text, &host, &len))
		return false;
	if (*text == '[')
		return len == 3 && strncmp(host, "::1", 3) == 0;
	return is_ipv4(host, len, &first) && first == 127;
}

/* ---- whole objects ---- */

bool
check_secret(struct settings_cx *cx, const struct json *v, void *base)
{
	const struct secret *s = base;

	if ((s->file != NULL) != (s->env != NULL))
		return true;
	return settings_fail(
	    cx, v, "exactly one of \"file\" and \"env\" is needed");
}

bool
check_exit_codes(struct settings_cx *cx, const struct json *v, void *base)
{
	const struct exit_codes *c = base;
	int code;

	for (code = 0; code < 256; code++) {
		if (exit_set_has(&c->success, code) +
			exit_set_has(&c->skip, code) +
			exit_set_has(&c->permanent, code) >
		    1)
			return settings_fail(cx, v,
			    "exit code %d has more than one meaning", code);
	}
	return true;
}

/* Two elements of one name; `name` is the offset of theirs. */
static bool
names_differ(struct settings_cx *cx, const struct json *list, const char *what)
{
	const struct json *a, *b;
	bool ok = true;

	if (list == NULL || list->type != JSON_ARRAY)
		return true;
	for (a = list->child; a != NULL; a = a->next) {
		const char *name = json_get_str(a, "name");

		for (b = list->child; name != NULL && b != a; b = b->next) {
			const char *before = json_get_str(b, "name");

			if (before == NULL || strcmp(name, before) != 0)
				continue;
			ok = settings_fail_member(cx, a, "name",
			    "a %s of this name is already in line %u", what,
			    (unsigned)b->line);
			break;
		}
	}
	return ok;
}

/* Element `at` of list `key`: said with its place and its path. */
static bool
fail_element(struct settings_cx *cx, const struct json *at, const char *key,
    unsigned index, const char *message)
{
	struct config_path list = {.up = cx->path, .key = key};
	struct config_path here = {.up = &list, .index = index};

	cx->path = &here;
	settings_fail(cx, at, "%s", message);
	cx->path = list.up;
	return false;
}

bool
check_api(struct settings_cx *cx, const struct json *v, void *base)
{
	const struct config_api *api = base;
	const struct json *at = json_get(v, "listen");
	bool ok = names_differ(cx, json_get(v, "tokens"), "token");
	unsigned i;

	at = at != NULL ? at->child : NULL;
	for (i = 0; api->listen != NULL && api->listen[i] != NULL; i++) {
		if (!listen_is_local(api->listen[i]) && api->ntokens == 0)
			ok = fail_element(cx, at != NULL ? at : v, "listen", i,
			    "this address can be reached from other machines: "
			    "it needs at least one token under api.tokens");
		at = at != NULL ? at->next : NULL;
	}
	return ok;
}

bool
check_channel(struct settings_cx *cx, const struct json *v, void *base)
{
	const struct alert_channel *c = base;
	bool url = c->url.text != NULL || c->url.secret.file != NULL ||
		   c->url.secret.env != NULL;

	switch (c->type) {
	case CHANNEL_COMMAND:
		return c->command != NULL ||
		       settings_fail(
			   cx, v, "a command is needed for this type");
	case CHANNEL_EMAIL:
		if (c->from == NULL || c->to == NULL)
			return settings_fail(
			    cx, v, "from and to are needed for this type");
		break;
	case CHANNEL_WEBHOOK:
	case CHANNEL_HEARTBEAT:
		break;
	}
	return url || settings_fail(cx, v, "a url is needed for this type");
}

static bool
channel_exists(const struct config_alerts *a, const char *name)
{
	unsigned i;

	for (i = 0; i < a->nchannels; i++) {
		if (a->channels[i].name != NULL &&
		    strcmp(a->channels[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool
check_rule_channels(struct settings_cx *cx, const struct config_alerts *a,
    const struct json *rule)
{
	const struct json *list = json_get(rule, "channels"), *name;
	bool ok = true;
	unsigned i = 0;

	if (list == NULL || list->type != JSON_ARRAY)
		return true;
	for (name = list->child; name != NULL; name = name->next, i++) {
		if (name->type == JSON_STRING && !channel_exists(a, name->text))
			ok = fail_element(cx, name, "channels", i,
			    "there is no such channel");
	}
	return ok;
}

bool
check_alerts(struct settings_cx *cx, const struct json *v, void *base)
{
	const struct config_alerts *a = base;
	const struct json *rules = json_get(v, "rules"), *rule;
	struct config_path list = {.up = cx->path, .key = "rules"};
	struct config_path here = {.up = &list};
	bool ok = names_differ(cx, json_get(v, "channels"), "channel");

	cx->path = &here;
	for (rule = rules != NULL ? rules->child : NULL; rule != NULL;
	     rule = rule->next, here.index++)
		ok &= check_rule_channels(cx, a, rule);
	cx->path = list.up;
	return ok;
}
