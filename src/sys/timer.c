/*
 * timer.c - two queues of timers, each a heap behind one timerfd: the calendar
 * on CLOCK_REALTIME and deadlines on CLOCK_BOOTTIME.
 *
 * The kernel is told about the earliest timer once a turn, before the wait.
 * The calendar's timerfd is armed also when nothing is set, because it is how
 * we learn that somebody set the clock (TFD_TIMER_CANCEL_ON_SET). A daemon
 * with nothing due must not wake up.
 */
#include <config.h>

#include "sys/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/fd.h"
#include "sys/loop_internal.h"

/* The year 2200: armed when no timer of the calendar is set. */
#define FAR_FUTURE_US (INT64_C(7258118400) * USEC_PER_SEC)
/* Each clock has half of a turn, so that neither starves the other. */
#define TIMERS_A_CLOCK (LOOP_TIMERS_A_TURN / 2)

static struct timer_queue *
queue_of(struct loop *lp, const struct timer *t)
{
	return &lp->timers[t->clock];
}

/* ---- what the kernel is told ---- */

/* When the kernel is to wake us, in its clock; TIME_NEVER: not at all. */
static int64_t
wanted_us(const struct timer_queue *q)
{
	struct heap_node *first = heap_min(&q->heap);
	int64_t at = first != NULL ? first->key : TIME_NEVER;

	if (q->clock == TIMER_BOOT)
		return at < FAR_FUTURE_US ? at : TIME_NEVER;
	if (at >= FAR_FUTURE_US)
		return FAR_FUTURE_US;
	if (__builtin_sub_overflow(at, q->lp->debug_offset_us, &at))
		return FAR_FUTURE_US;
	return at;
}

static int
queue_arm(struct timer_queue *q)
{
	struct itimerspec spec = {0};
	int64_t at = wanted_us(q);
	int flags = TFD_TIMER_ABSTIME;

	if (at == q->armed_us && !q->spent)
		return 0;
	q->armed_us = at;
	q->spent = false;
	if (q->clock == TIMER_REAL)
		flags |= TFD_TIMER_CANCEL_ON_SET;
	if (at != TIME_NEVER) {
		/* Zero would mean: disarm. */
		if (at < 1)
			at = 1;
		spec.it_value.tv_sec = (time_t)(at / USEC_PER_SEC);
		spec.it_value.tv_nsec = (long)(at % USEC_PER_SEC) * 1000;
	}
	if (timerfd_settime(q->fd, flags, &spec, NULL) == 0)
		return 0;
	if (errno != ECANCELED)
		return -errno;
	/* The clock was set since we last looked: told in this turn, armed
	 * again in the next. */
	q->spent = true;
	q->lp->clock_stepped = true;
	event_active(q->ev, EV_READ, 0);
	return 0;
}

int
timer_queues_arm(struct loop *lp)
{
	int64_t offset_us = clock_debug_offset();
	int r;

	if (offset_us != lp->debug_offset_us) {
		lp->debug_offset_us = offset_us;
		lp->clock_stepped = true;
		event_active(lp->timers[TIMER_REAL].ev, EV_READ, 0);
	}
	r = queue_arm(&lp->timers[TIMER_REAL]);
	if (r < 0)
		return r;
	return queue_arm(&lp->timers[TIMER_BOOT]);
}

/* ---- what the kernel tells ---- */

static int64_t
queue_now(const struct timer_queue *q)
{
	return q->clock == TIMER_REAL ? loop_real_us(q->lp)
				      : loop_boot_us(q->lp);
}

static void
queue_run(struct timer_queue *q)
{
	for (int n = 0; n < TIMERS_A_CLOCK; n++) {
		struct heap_node *first = heap_min(&q->heap);
		struct timer *t;

		if (first == NULL || first->key > queue_now(q))
			return;
		heap_remove(&q->heap, first);
		t = CONTAINER_OF(first, struct timer, node);
		/* t may be gone, or set again, after this. */
		t->fn(t->arg);
	}
}

static void
queue_ready(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct timer_queue *q = arg;
	struct loop *lp = q->lp;
	struct heap_node *first;
	uint64_t ticks;

	loop_note_begin(lp);
	if (read(fd, &ticks, sizeof(ticks)) == (ssize_t)sizeof(ticks)) {
		q->spent = true;
	} else if (errno == ECANCELED) {
		q->spent = true;
		lp->clock_stepped = true;
	}
	if (lp->clock_stepped && q->clock == TIMER_REAL) {
		lp->clock_stepped = false;
		loop_clock_refresh(lp);
		if (lp->step_fn != NULL)
			lp->step_fn(lp->step_arg);
	}
	/* It may have fired after this turn's clock was read. */
	first = heap_min(&q->heap);
	if (first != NULL && first->key > queue_now(q))
		loop_clock_refresh(lp);
	queue_run(q);
}

void
loop_on_clock_step(struct loop *lp, loop_clock_fn *fn, void *arg)
{
	lp->step_fn = fn;
	lp->step_arg = arg;
}

/* ---- life ---- */

static int
queue_open(struct loop *lp, enum timer_clock clock, clockid_t id)
{
	struct timer_queue *q = &lp->timers[clock];

	q->fd = timerfd_create(id, TFD_NONBLOCK | TFD_CLOEXEC);
	if (q->fd < 0)
		return -errno;
	q->ev =
	    event_new(lp->base, q->fd, EV_READ | EV_PERSIST, queue_ready, q);
	if (q->ev == NULL)
		return -ENOMEM;
	errno = 0;
	if (event_priority_set(q->ev, LOOP_PRIO_URGENT) < 0 ||
	    event_add(q->ev, NULL) < 0)
		return errno != 0 ? -errno : -EIO;
	return 0;
}

void
timer_queues_init(struct loop *lp)
{
	for (int i = 0; i < 2; i++) {
		lp->timers[i].lp = lp;
		lp->timers[i].clock = (enum timer_clock)i;
		lp->timers[i].fd = -1;
		lp->timers[i].armed_us = TIME_NEVER;
		heap_init(&lp->timers[i].heap);
	}
}

int
timer_queues_open(struct loop *lp)
{
	int r = queue_open(lp, TIMER_REAL, CLOCK_REALTIME);

	if (r < 0)
		return r;
	return queue_open(lp, TIMER_BOOT, CLOCK_BOOTTIME);
}

void
timer_queues_clear(struct loop *lp)
{
	for (int i = 0; i < 2; i++) {
		struct timer_queue *q = &lp->timers[i];

		if (heap_min(&q->heap) != NULL)
			BUG("loop freed with a timer set");
		if (q->ev != NULL)
			event_free(q->ev);
		fd_close(&q->fd);
		heap_clear(&q->heap);
	}
}

/* ---- timers ---- */

void
timer_init(struct timer *t, enum timer_clock clock, timer_fn *fn, void *arg)
{
	*t = (struct timer){.clock = clock, .fn = fn, .arg = arg};
}

void
timer_set(struct loop *lp, struct timer *t, int64_t at_us)
{
	struct timer_queue *q = queue_of(lp, t);

	heap_remove(&q->heap, &t->node);
	heap_add(&q->heap, &t->node, at_us);
}

void
timer_clear(struct loop *lp, struct timer *t)
{
	heap_remove(&queue_of(lp, t)->heap, &t->node);
}

bool
timer_is_set(const struct timer *t)
{
	return t->node.index != 0;
}
