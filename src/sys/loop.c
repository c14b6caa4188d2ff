/*
 * loop.c - turns, watched descriptors, signals and the graveyard on top of one
 * libevent base. Timers are in timer.c.
 *
 * libevent runs only the most urgent queue, polls again, and returns when no
 * queue has anything left. Two rules on top of it keep a turn short and fair:
 * a watch is called at most once a turn (what stays ready is muted until the
 * next, so that urgent floods cannot starve bulk), and a turn ends after a
 * bulk callback once its share of time is used up.
 *
 * Must never block outside event_base_loop(), and never look at meaning.
 */
#include <config.h>

#include "sys/loop.h"

#include <errno.h>
#include <stdlib.h>

#include <event2/event.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "sys/loop_internal.h"

/* After so long, a bulk callback is the last of its turn. */
#define TURN_SHARE_US (8 * USEC_PER_MSEC)
/* Between bulk callbacks, urgent ones are looked for this often. */
#define POLL_EVERY_US	     (2 * USEC_PER_MSEC)
#define POLL_EVERY_CALLBACKS 64

struct loop_io {
	struct loop *lp;
	struct event *ev;
	loop_io_fn *fn;
	void *arg;
	bool enabled;
	enum loop_prio prio;
	uint64_t called_turn; /* the last turn in which fn was called */
	struct list mute_link; /* in lp->muted, else of its own */
};

struct loop_sig {
	struct list link;
	struct loop *lp;
	struct event *ev;
	loop_signal_fn *fn;
	void *arg;
};

/* libevent's own complaints are details of a facility: debug, no more. */
static void
libevent_says(int severity UNUSED, const char *message)
{
	log_debug("Loop", "libevent", LF_STR("text", message));
}

static void
libevent_dies(int err)
{
	BUG("libevent gave up, error %d", err);
}

static struct event_base *
base_new(void)
{
	struct timeval poll_every = {.tv_usec = POLL_EVERY_US};
	struct event_config *cfg = event_config_new();
	struct event_base *base = NULL;

	if (cfg == NULL)
		return NULL;
	/* Its environment variables and its locks are not for us. */
	event_config_set_flag(cfg, EVENT_BASE_FLAG_IGNORE_ENV);
	event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_max_dispatch_interval(
	    cfg, &poll_every, POLL_EVERY_CALLBACKS, LOOP_PRIO_NORMAL);
	event_config_require_features(cfg, EV_FEATURE_O1);
	base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	if (base == NULL)
		return NULL;
	if (event_base_priority_init(base, LOOP_PRIO_BULK + 1) < 0) {
		event_base_free(base);
		return NULL;
	}
	return base;
}

int
loop_new(struct loop **ret)
{
	struct loop *lp = NULL;
	int r;

	event_set_log_callback(libevent_says);
	event_set_fatal_callback(libevent_dies);
	lp = xcalloc(1, sizeof(*lp));
	lp->now = xcalloc(1, sizeof(*lp->now));
	lp->scratch = xmalloc(LOOP_SCRATCH_BYTES);
	list_init(&lp->muted);
	list_init(&lp->signals);
	lp->debug_offset_us = clock_debug_offset();
	loop_clock_refresh(lp);
	timer_queues_init(lp);
	lp->base = base_new();
	r = lp->base != NULL ? timer_queues_open(lp) : -ENOMEM;
	if (r < 0) {
		loop_free(lp);
		return r;
	}
	*ret = lp;
	return 0;
}

void
loop_free(struct loop *lp)
{
	if (lp == NULL)
		return;
	loop_graveyard_empty(lp);
	LIST_EACH_SAFE (it, &lp->signals) {
		struct loop_sig *s = LIST_ENTRY(it, struct loop_sig, link);

		event_free(s->ev);
		free(s);
	}
	if (lp->watches > 0)
		BUG("loop freed with %u watches left", lp->watches);
	timer_queues_clear(lp);
	if (lp->base != NULL)
		event_base_free(lp->base);
	free(lp->graves);
	free(lp->scratch);
	free(lp->now);
	free(lp);
}

struct event_base *
loop_event_base(struct loop *lp)
{
	return lp->base;
}

/* ---- turns ---- */

static void
unmute_all(struct loop *lp)
{
	LIST_EACH_SAFE (it, &lp->muted) {
		struct loop_io *io = LIST_ENTRY(it, struct loop_io, mute_link);

		list_remove(&io->mute_link);
		event_add(io->ev, NULL);
	}
}

static void
note_length(struct loop *lp)
{
	int64_t us;

	if (lp->turn_began_boot_us == 0)
		return;
	us = clock_boot_us() - lp->turn_began_boot_us;
	if (us > lp->longest_us)
		lp->longest_us = us;
}

int
loop_turn(struct loop *lp)
{
	int flags = EVLOOP_ONCE;
	int r;

	unmute_all(lp);
	r = timer_queues_arm(lp);
	if (r < 0)
		return r;
	if (lp->wake)
		flags |= EVLOOP_NONBLOCK;
	lp->wake = false;
	lp->turn++;
	lp->turn_began_boot_us = 0;
	lp->now->stale = true;
	if (event_base_loop(lp->base, flags) < 0)
		return errno != 0 ? -errno : -EIO;
	loop_note_begin(lp);
	note_length(lp);
	return 0;
}

void
loop_turn_end(struct loop *lp)
{
	note_length(lp);
	lp->turn_began_boot_us = 0;
}

void
loop_wake(struct loop *lp)
{
	lp->wake = true;
}

int64_t
loop_longest_turn_us(struct loop *lp)
{
	int64_t us = lp->longest_us;

	lp->longest_us = 0;
	return us;
}

void
loop_note_begin(struct loop *lp)
{
	if (lp->now->stale)
		loop_clock_refresh(lp);
	if (lp->turn_began_boot_us == 0)
		lp->turn_began_boot_us = lp->now->boot_us;
}

void
loop_note_bulk(struct loop *lp)
{
	if (lp->turn_began_boot_us != 0 &&
	    clock_boot_us() - lp->turn_began_boot_us > TURN_SHARE_US)
		event_base_loopbreak(lp->base);
}

/* ---- the clock of the turn ---- */

static void
clock_read(struct turn_clock *now)
{
	now->real_us = clock_real_us();
	now->boot_us = clock_boot_us();
	now->stale = false;
}

int64_t
loop_real_us(const struct loop *lp)
{
	if (lp->now->stale)
		clock_read(lp->now);
	return lp->now->real_us;
}

int64_t
loop_boot_us(const struct loop *lp)
{
	if (lp->now->stale)
		clock_read(lp->now);
	return lp->now->boot_us;
}

void
loop_clock_refresh(struct loop *lp)
{
	clock_read(lp->now);
}

/* ---- descriptors ---- */

static void
io_ready(evutil_socket_t fd, short what, void *arg)
{
	struct loop_io *io = arg;
	struct loop *lp = io->lp;
	bool bulk = io->prio == LOOP_PRIO_BULK;
	unsigned ready = 0;

	loop_note_begin(lp);
	if (io->called_turn == lp->turn) {
		event_del(io->ev);
		list_append(&lp->muted, &io->mute_link);
		return;
	}
	io->called_turn = lp->turn;
	if (what & EV_READ)
		ready |= LOOP_READ;
	if (what & EV_WRITE)
		ready |= LOOP_WRITE;
	/* io may be gone after this. */
	io->fn(io->arg, fd, ready);
	if (bulk)
		loop_note_bulk(lp);
}

int
loop_io_new(struct loop *lp, int fd, unsigned want, enum loop_prio prio,
    loop_io_fn *fn, void *arg, struct loop_io **ret)
{
	struct loop_io *io = xcalloc(1, sizeof(*io));
	short what = EV_PERSIST;

	if (want & LOOP_READ)
		what |= EV_READ;
	if (want & LOOP_WRITE)
		what |= EV_WRITE;
	io->lp = lp;
	io->fn = fn;
	io->arg = arg;
	io->prio = prio;
	io->enabled = true;
	list_init(&io->mute_link);
	io->ev = event_new(lp->base, fd, what, io_ready, io);
	if (io->ev == NULL) {
		free(io);
		return -ENOMEM;
	}
	errno = 0;
	if (event_priority_set(io->ev, (int)prio) < 0 ||
	    event_add(io->ev, NULL) < 0) {
		int r = errno != 0 ? -errno : -EIO;

		event_free(io->ev);
		free(io);
		return r;
	}
	lp->watches++;
	*ret = io;
	return 0;
}

void
loop_io_enable(struct loop_io *io, bool on)
{
	if (io->enabled == on)
		return;
	io->enabled = on;
	if (on) {
		event_add(io->ev, NULL);
		return;
	}
	list_remove(&io->mute_link);
	event_del(io->ev);
}

void
loop_io_free(struct loop_io *io)
{
	if (io == NULL)
		return;
	/* Also takes it out of the queue of what is ready in this turn. */
	event_free(io->ev);
	list_remove(&io->mute_link);
	io->lp->watches--;
	free(io);
}

/* ---- signals ---- */

static void
signal_came(evutil_socket_t signo, short what UNUSED, void *arg)
{
	struct loop_sig *s = arg;

	loop_note_begin(s->lp);
	s->fn(s->arg, (int)signo);
}

int
loop_signal(struct loop *lp, int signo, loop_signal_fn *fn, void *arg)
{
	struct loop_sig *s = xcalloc(1, sizeof(*s));

	s->lp = lp;
	s->fn = fn;
	s->arg = arg;
	s->ev = evsignal_new(lp->base, signo, signal_came, s);
	if (s->ev == NULL) {
		free(s);
		return -EINVAL;
	}
	errno = 0;
	if (event_priority_set(s->ev, LOOP_PRIO_URGENT) < 0 ||
	    event_add(s->ev, NULL) < 0) {
		int r = errno != 0 ? -errno : -EINVAL;

		event_free(s->ev);
		free(s);
		return r;
	}
	list_append(&lp->signals, &s->link);
	return 0;
}

/* ---- graveyard ---- */

void
loop_bury(struct loop *lp, void (*free_fn)(void *ptr), void *ptr)
{
	if (lp->ngraves == lp->graves_cap) {
		lp->graves_cap = lp->graves_cap == 0 ? 16 : lp->graves_cap * 2;
		lp->graves = xreallocarray(
		    lp->graves, lp->graves_cap, sizeof(*lp->graves));
	}
	lp->graves[lp->ngraves++] =
	    (struct grave){.free_fn = free_fn, .ptr = ptr};
}

void
loop_graveyard_empty(struct loop *lp)
{
	/* A free_fn may bury more: by index, the array may move. */
	for (size_t i = 0; i < lp->ngraves; i++) {
		struct grave g = lp->graves[i];

		g.free_fn(g.ptr);
	}
	lp->ngraves = 0;
}
