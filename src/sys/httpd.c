/*
 * httpd.c - the HTTP server: its life, and who gets in.
 *
 * A listener is watched at bulk priority and let accept one batch at a time,
 * so that a flood of connections is one watcher among others; before, a
 * descriptor is tried for, because evhttp with none left spins.
 */
#include <config.h>

#include "sys/httpd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "base/bug.h"
#include "base/fd.h"
#include "base/xalloc.h"
#include "sys/httpd_internal.h"
#include "sys/loop_internal.h"

/* Connections accepted at once. */
#define BATCH_MAX 32
/* Without descriptors, try again so much later. */
#define NO_FD_PAUSE_US (200 * USEC_PER_MSEC)

static struct evconnlistener *
accepter(const struct httpd_listener *l)
{
	return evhttp_bound_socket_get_listener(l->bound);
}

/* ---- accepting ---- */

void
httpd_hold(struct httpd *h)
{
	LIST_EACH (it, &h->listeners) {
		struct httpd_listener *l =
		    LIST_ENTRY(it, struct httpd_listener, link);

		if (l->bound != NULL)
			(void)evconnlistener_disable(accepter(l));
	}
}

static void
watch_listeners(struct httpd *h, bool on)
{
	LIST_EACH (it, &h->listeners) {
		struct httpd_listener *l =
		    LIST_ENTRY(it, struct httpd_listener, link);

		if (l->io != NULL)
			loop_io_enable(l->io, on);
	}
}

static void
resume(void *arg)
{
	watch_listeners(arg, true);
}

/* Somebody knocks at a listener. */
static void
listener_ready(void *arg, int fd, unsigned ready UNUSED)
{
	struct httpd_listener *l = arg;
	struct httpd *h = l->h;
	int probe = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (probe < 0) {
		httpd_hold(h);
		watch_listeners(h, false);
		timer_set(
		    h->lp, &h->resume, loop_boot_us(h->lp) + NO_FD_PAUSE_US);
		return;
	}
	fd_close(&probe);
	h->batch = 0;
	(void)evconnlistener_enable(accepter(l));
}

/* accept(2) failed: the watcher will look why. */
static void
accept_failed(struct evconnlistener *listener, void *arg UNUSED)
{
	(void)evconnlistener_disable(listener);
}

/* evhttp is about to make a connection of what it accepted. */
static struct bufferevent *
on_accept(struct event_base *base, void *arg)
{
	struct httpd_listener *l = arg;
	struct httpd *h = l->h;

	loop_note_begin(h->lp);
	if (++h->batch >= BATCH_MAX)
		httpd_hold(h);
	event_active(h->adopt_ev, EV_TIMEOUT, 0);
	return httpd_conn_new(l, base)->bev;
}

/* One too many: the one that was idle for longest goes, else the new one. */
static void
make_room(struct httpd *h, struct httpd_conn *newcomer)
{
	struct httpd_conn *oldest =
	    LIST_ENTRY(h->idle.next, struct httpd_conn, place);

	if (oldest == newcomer)
		httpd_conn_refuse(newcomer, 503);
	httpd_conn_kill(oldest);
}

/* Right after the batch, before anything is read from it. */
static void
adopt_fresh(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct httpd *h = arg;

	httpd_hold(h);
	while (!list_empty(&h->fresh)) {
		struct httpd_conn *c =
		    LIST_ENTRY(h->fresh.next, struct httpd_conn, place);

		list_remove(&c->place);
		if (httpd_conn_adopt(c) && h->nconns > h->opts.max_connections)
			make_room(h, c);
	}
}

/* ---- listening ---- */

static struct evhttp *
new_evhttp(struct httpd_listener *l)
{
	struct evhttp *http = evhttp_new(loop_event_base(l->h->lp));

	if (http == NULL)
		return NULL;
	/* It only ever sees requests that httpd_conn.c wrote. */
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(http, 1024);
	evhttp_set_max_body_size(http, 0);
	evhttp_set_default_content_type(http, NULL);
	evhttp_set_bevcb(http, on_accept, l);
	evhttp_set_gencb(http, httpd_conn_request, l);
	return http;
}

/* Takes fd. */
static int
listener_start(struct httpd_listener *l, int fd)
{
	int r;

	l->http = new_evhttp(l);
	if (l->http != NULL)
		l->bound = evhttp_accept_socket_with_handle(l->http, fd);
	if (l->bound == NULL) {
		fd_close(&fd);
		return -ENOMEM;
	}
	(void)evconnlistener_disable(accepter(l));
	evconnlistener_set_error_cb(accepter(l), accept_failed);
	r = loop_io_new(
	    l->h->lp, fd, LOOP_READ, LOOP_PRIO_BULK, listener_ready, l, &l->io);
	if (r < 0)
		return r;
	/* A pause that is on holds for it too. */
	if (timer_is_set(&l->h->resume))
		loop_io_enable(l->io, false);
	return 0;
}

static void
listener_stop(struct httpd_listener *l)
{
	loop_io_free(l->io);
	l->io = NULL;
	if (l->bound == NULL)
		return;
	httpd_socket_unlink(l);
	evhttp_del_accept_socket(l->http, l->bound);
	l->bound = NULL;
}

static void
listener_free(struct httpd_listener *l)
{
	listener_stop(l);
	if (l->http != NULL)
		evhttp_free(l->http);
	list_remove(&l->link);
	free(l);
}

int
httpd_listen(struct httpd *h, const char *address, mode_t mode, gid_t gid)
{
	struct httpd_listener *l = xcalloc(1, sizeof(*l));
	int fd = -1;
	int r;

	l->h = h;
	list_append(&h->listeners, &l->link);
	r = httpd_socket_open(address, mode, gid, l, &fd);
	if (r == 0)
		r = listener_start(l, fd);
	if (r < 0)
		listener_free(l);
	return r;
}

const char *
httpd_address(const struct httpd *h, unsigned n)
{
	LIST_EACH (it, &h->listeners) {
		if (n-- == 0)
			return LIST_ENTRY(it, struct httpd_listener, link)
			    ->address;
	}
	return NULL;
}

/* ---- life ---- */

int
httpd_new(struct loop *lp, const struct httpd_opts *opts, httpd_fn *handler,
    void *arg, struct httpd **ret)
{
	struct httpd *h = xcalloc(1, sizeof(*h));

	h->lp = lp;
	h->opts = *opts;
	h->handler = handler;
	h->arg = arg;
	list_init(&h->listeners);
	list_init(&h->conns);
	list_init(&h->idle);
	list_init(&h->fresh);
	timer_init(&h->resume, TIMER_BOOT, resume, h);
	h->adopt_ev = event_new(loop_event_base(lp), -1, 0, adopt_fresh, h);
	if (h->adopt_ev == NULL ||
	    event_priority_set(h->adopt_ev, LOOP_PRIO_NORMAL) < 0)
		BUG("no memory for an event");
	*ret = h;
	return 0;
}

void
httpd_set_hosts(struct httpd *h, const char *const *hosts)
{
	h->opts.hosts = hosts;
}

void
httpd_stop(struct httpd *h)
{
	timer_clear(h->lp, &h->resume);
	LIST_EACH (it, &h->listeners) {
		listener_stop(LIST_ENTRY(it, struct httpd_listener, link));
	}
}

void
httpd_free(struct httpd *h)
{
	if (h == NULL)
		return;
	httpd_stop(h);
	adopt_fresh(-1, 0, h);
	/* NOLINTBEGIN(clang-analyzer-unix.Malloc): each leaves its list first
	 */
	while (!list_empty(&h->conns))
		httpd_conn_kill(
		    LIST_ENTRY(h->conns.next, struct httpd_conn, link));
	while (!list_empty(&h->listeners))
		listener_free(
		    LIST_ENTRY(h->listeners.next, struct httpd_listener, link));
	/* NOLINTEND(clang-analyzer-unix.Malloc) */
	event_free(h->adopt_ev);
	free(h->by_fd);
	free(h);
}

unsigned
httpd_connections(const struct httpd *h)
{
	return h->nconns;
}
