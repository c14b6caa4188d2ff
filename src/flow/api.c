/*
 * api.c - the door: listeners, who is asking, which route. Must never answer
 * anything to somebody who may not ask, nor say why a token was wrong.
 */
#include <config.h>

#include "flow/api.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "flow/api_internal.h"
#include "flow/credentials.h"

#define MAX_HEADER_BYTES    ((size_t)8 * 1024)
#define MAX_BODY_BYTES	    ((size_t)128 * 1024)
#define MAX_CONNECTIONS	    1024
#define REQUEST_DEADLINE_US (10 * USEC_PER_SEC)
#define IDLE_US		    (60 * USEC_PER_SEC)
#define SECRET_BYTES	    4096

struct route {
	enum http_method method;
	const char *before; /* the path up to the name, or all of it */
	const char *after; /* the path after the name; NULL: no name in it */
	enum api_role role; /* over loopback */
	void (*handler)(struct api_call *c);
};

/* The first that fits counts: fixed paths stand before those with a name. */
static const struct route routes[] = {
    {HTTP_GET, "/health", NULL, ROLE_NONE, api_health},
    {HTTP_GET, "/health/live", NULL, ROLE_NONE, api_health_live},
    {HTTP_GET, "/health/ready", NULL, ROLE_NONE, api_health_ready},
    {HTTP_GET, "/api/jobs/status", NULL, ROLE_NONE, api_status},
    {HTTP_GET, "/api/jobs/history/", "", ROLE_NONE, api_history},
    {HTTP_POST, "/api/jobs/", "/run", ROLE_OPERATOR, api_run},
    {HTTP_GET, "/api/jobs/", "", ROLE_VIEWER, api_job},
};

/* ---- answers ---- */

void
api_reply(struct api_call *c, int code, struct buf *body)
{
	buf_addch(body, '\n');
	http_reply(c->req, code, "application/json", buf_str(body), body->len);
	buf_clear(body);
}

void
api_refuse(struct api_call *c, int code, const char *word, const char *message)
{
	struct buf body;
	struct jsonw w;

	buf_init(&body, 0);
	jsonw_init(&w, &body, false);
	jsonw_object(&w);
	jsonw_key(&w, "error");
	jsonw_object(&w);
	jsonw_kstr(&w, "code", word);
	jsonw_kstr(&w, "message", message);
	jsonw_object_end(&w);
	jsonw_object_end(&w);
	api_reply(c, code, &body);
}

void
api_refuse_later(struct api_call *c, const char *message)
{
	http_req_add_header(c->req, "Retry-After", "5");
	api_refuse(c, 503, "UNAVAILABLE", message);
}

/* ---- who is asking ---- */

static const char *
bearer(const struct http_req *req)
{
	static const char scheme[] = "Bearer ";
	const char *value = http_req_header(req, "Authorization");

	if (value == NULL ||
	    strncasecmp(value, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	return value + sizeof(scheme) - 1;
}

static enum api_role
role_of_token(const struct api *api, const char *token)
{
	enum api_role role = ROLE_NONE;

	/* All of them, whichever fits: no time tells which. */
	for (unsigned i = 0; i < api->nsecrets; i++)
		if (text_equal_secret(api->secrets[i].value, token))
			role = api->secrets[i].role;
	return role;
}

static enum api_role
role_of_peer(const struct api *api, const struct http_peer *peer)
{
	if (peer->uid == 0 || peer->uid == geteuid())
		return ROLE_OPERATOR;
	return api->group_reads ? ROLE_VIEWER : ROLE_NONE;
}

/* A page of somebody else must not press buttons here. */
static bool
from_elsewhere(const struct http_req *req)
{
	const char *origin = http_req_header(req, "Origin");
	const char *site = http_req_header(req, "Sec-Fetch-Site");
	const char *host = http_req_header(req, "Host");

	if (site != NULL && strcmp(site, "same-origin") != 0 &&
	    strcmp(site, "none") != 0)
		return true;
	if (origin == NULL)
		return false;
	return host == NULL || strncmp(origin, "http://", 7) != 0 ||
	       strcasecmp(origin + 7, host) != 0;
}

/* No form of a web page can send that type without asking first (CORS). What
 * comes through the unix socket is no web page. */
static bool
body_is_json(const struct http_req *req)
{
	const char *type = http_req_header(req, "Content-Type");
	size_t len;

	(void)http_req_body(req, &len);
	if (len == 0 || http_req_peer(req)->is_unix)
		return true;
	return type != NULL && strncasecmp(type, "application/json", 16) == 0 &&
	       (type[16] == '\0' || type[16] == ';' || type[16] == ' ');
}

static bool
may_ask(struct api_call *c, const struct route *route)
{
	const struct http_peer *peer = http_req_peer(c->req);
	enum api_role needed = route->role, has;
	const char *token = bearer(c->req);

	if (peer->is_unix) {
		has = role_of_peer(c->api, peer);
		if (needed == ROLE_NONE)
			needed = ROLE_VIEWER;
	} else {
		if (!peer->loopback && needed == ROLE_NONE)
			needed = ROLE_VIEWER;
		has = token == NULL ? ROLE_NONE : role_of_token(c->api, token);
	}
	if (has >= needed)
		return true;
	if (has == ROLE_NONE && !peer->is_unix) {
		http_req_add_header(c->req, "WWW-Authenticate", "Bearer");
		api_refuse(c, 401, "UNAUTHORIZED", "this needs a valid token");
	} else {
		api_refuse(c, 403, "FORBIDDEN", "this needs another role");
	}
	return false;
}

/* ---- which route ---- */

static bool
fits(const struct route *route, const char *path, char name[64])
{
	size_t before = strlen(route->before), len, after;

	name[0] = '\0';
	if (route->after == NULL)
		return strcmp(path, route->before) == 0;
	if (strncmp(path, route->before, before) != 0)
		return false;
	path += before;
	len = strlen(path);
	after = strlen(route->after);
	if (len <= after || strcmp(path + len - after, route->after) != 0)
		return false;
	len -= after;
	if (len >= 64 || memchr(path, '/', len) != NULL)
		return false;
	memcpy(name, path, len);
	name[len] = '\0';
	return true;
}

static const struct route *
find_route(struct api_call *c, bool *ret_other_method)
{
	const char *path = http_req_path(c->req);
	enum http_method method = http_req_method(c->req);

	*ret_other_method = false;
	if (method == HTTP_HEAD)
		method = HTTP_GET;
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (!fits(&routes[i], path, c->name))
			continue;
		if (routes[i].method == method)
			return &routes[i];
		*ret_other_method = true;
	}
	return NULL;
}

static void
handle(void *arg, struct http_req *req)
{
	struct api_call c = {.api = arg, .req = req};
	bool other_method;
	const struct route *route = find_route(&c, &other_method);

	if (route == NULL && other_method)
		api_refuse(&c, 405, "METHOD_NOT_ALLOWED",
		    "this route takes another method");
	else if (route == NULL)
		api_refuse(&c, 404, "NOT_FOUND", "there is no such route");
	else if (route->method == HTTP_POST && from_elsewhere(req))
		api_refuse(&c, 403, "CROSS_ORIGIN",
		    "this comes from a page of another origin");
	else if (!may_ask(&c, route))
		return;
	else if (route->method == HTTP_POST && !body_is_json(req))
		api_refuse(
		    &c, 415, "NOT_JSON", "the body must be application/json");
	else
		route->handler(&c);
}

/* ---- tokens ---- */

static void
clear_secrets(struct api *api)
{
	for (unsigned i = 0; i < api->nsecrets; i++) {
		free(api->secrets[i].name);
		if (api->secrets[i].value != NULL)
			explicit_bzero(api->secrets[i].value,
			    strlen(api->secrets[i].value));
		free(api->secrets[i].value);
	}
	free(api->secrets);
	api->secrets = NULL;
	api->nsecrets = 0;
}

static void
add_secret(struct api *api, const struct api_token *t)
{
	struct buf value;
	int rc;

	buf_init(&value, SECRET_BYTES);
	rc = credentials_read(&t->secret, &value);
	if (rc != 0)
		log_error("Api", "Token cannot be read: it lets nobody in",
		    LF_STR("token", t->name), LF_STR("error", strerror(-rc)));
	else
		api->secrets[api->nsecrets++] = (struct api_secret){
		    .name = xstrdup(t->name),
		    .value = buf_steal(&value),
		    .role = t->role,
		};
	buf_clear(&value);
}

void
api_configure(struct api *api)
{
	const struct config *c = api->rd->config;

	/* Those of before go with their configuration. */
	httpd_set_hosts(api->httpd, (const char *const *)c->api.hosts);
	clear_secrets(api);
	api->secrets = xcalloc(c->api.ntokens + 1, sizeof(*api->secrets));
	for (unsigned i = 0; i < c->api.ntokens; i++)
		add_secret(api, &c->api.tokens[i]);
}

/* ---- made and forgotten ---- */

/* A relative socket path is within runDir. */
static char *
absolute(const struct road *rd, const char *address)
{
	static const char unix_prefix[] = "unix:";
	const char *path = address + sizeof(unix_prefix) - 1;

	if (strncmp(address, unix_prefix, sizeof(unix_prefix) - 1) != 0 ||
	    *path == '/')
		return xstrdup(address);
	return xasprintf("unix:%s/%s", rd->run_dir, path);
}

static int
group_id(const char *name, gid_t *ret)
{
	const struct group *g;

	*ret = (gid_t)-1;
	if (name == NULL)
		return 0;
	g = getgrnam(name); /* before the loop turns */
	if (g == NULL)
		return -ENOENT;
	*ret = g->gr_gid;
	return 0;
}

static int
listen_all(struct api *api, char **ret_where)
{
	const struct config *c = api->rd->config;
	gid_t gid;
	int rc = group_id(c->api.socket_group, &gid);

	if (rc != 0) {
		*ret_where = xasprintf(
		    "api.socketGroup: no group %s", c->api.socket_group);
		return rc;
	}
	for (char **a = c->api.listen; a != NULL && *a != NULL; a++) {
		char *address = absolute(api->rd, *a);

		rc = httpd_listen(api->httpd, address,
		    c->api.socket_group != NULL ? 0660 : 0600, gid);
		if (rc != 0) {
			*ret_where = xasprintf("api.listen: %s", address);
			free(address);
			return rc;
		}
		free(address);
	}
	return 0;
}

int
api_new(struct road *rd, const struct reload *rl, struct api **ret,
    char **ret_where)
{
	struct api *api = xcalloc(1, sizeof(*api));
	struct httpd_opts opts = {
	    .max_header_bytes = MAX_HEADER_BYTES,
	    .max_body_bytes = MAX_BODY_BYTES,
	    .max_connections = MAX_CONNECTIONS,
	    .request_deadline_us = REQUEST_DEADLINE_US,
	    .idle_us = IDLE_US,
	    .hosts = (const char *const *)rd->config->api.hosts,
	};
	int rc;

	api->rd = rd;
	api->rl = rl;
	api->started_us = clock_real_us();
	api->group_reads = rd->config->api.socket_group != NULL;
	*ret_where = NULL;
	rc = httpd_new(rd->loop, &opts, handle, api, &api->httpd);
	if (rc == 0)
		rc = listen_all(api, ret_where);
	if (rc != 0) {
		if (*ret_where == NULL)
			*ret_where = xstrdup("HTTP server");
		api_free(api);
		return rc;
	}
	api_configure(api);
	for (unsigned i = 0; httpd_address(api->httpd, i) != NULL; i++)
		log_info("Api", "Listening",
		    LF_STR("address", httpd_address(api->httpd, i)));
	*ret = api;
	return 0;
}

void
api_stop(struct api *api)
{
	if (api->stopped)
		return;
	api->stopped = true;
	httpd_stop(api->httpd);
}

void
api_free(struct api *api)
{
	if (api == NULL)
		return;
	httpd_free(api->httpd);
	clear_secrets(api);
	free(api);
}
