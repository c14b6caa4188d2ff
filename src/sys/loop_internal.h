/*
 * loop_internal.h - what loop.c shares with timer.c and httpd*.c: the inside
 * of a loop. Nobody else includes it.
 */
#ifndef REEVE_SYS_LOOP_INTERNAL_H
#define REEVE_SYS_LOOP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/macros.h"
#include "sys/loop.h"

struct event;
struct event_base;

/* The time of a turn: read when it woke, that is, when first asked for. */
struct turn_clock {
	int64_t real_us, boot_us;
	bool stale; /* nothing was read since the loop began to wait */
};

/* All timers of one clock, behind one timerfd. */
struct timer_queue {
	struct loop *lp;
	enum timer_clock clock;
	struct heap heap;
	int fd;
	struct event *ev;
	int64_t armed_us; /* what the kernel waits for; TIME_NEVER: nothing */
	bool spent; /* it fired or was cancelled: arm again in any case */
};

struct grave {
	void (*free_fn)(void *ptr);
	void *ptr;
};

struct loop {
	struct event_base *base;
	struct turn_clock *now; /* apart: read also through a const loop */
	bool wake;
	uint64_t turn; /* number of this turn, from 1 */
	int64_t turn_began_boot_us; /* 0: no callback yet */
	int64_t longest_us;
	struct list muted; /* watches that had their call in this turn */
	struct list signals;
	unsigned watches; /* how many loop_io live */
	struct timer_queue timers[2]; /* by enum timer_clock */
	int64_t debug_offset_us;
	bool clock_stepped;
	loop_clock_fn *step_fn;
	void *step_arg;
	struct grave *graves;
	size_t ngraves, graves_cap;
	char *scratch; /* LOOP_SCRATCH_BYTES that all readers share */
};

#define LOOP_SCRATCH_BYTES ((size_t)65536) /* = STREAM_READ_BYTES */

/* A callback begins: the turn's clock is read if it was not yet. */
void loop_note_begin(struct loop *lp);
/*
 * A bulk callback is over: ends the turn when it took its share, so that
 * records are committed; what is still active goes on in the next turn.
 */
void loop_note_bulk(struct loop *lp);
struct event_base *loop_event_base(struct loop *lp);

/* timer.c, for loop.c */
void timer_queues_init(struct loop *lp);
MUSTUSE int timer_queues_open(struct loop *lp);
void timer_queues_clear(struct loop *lp);
/* Before the wait: tell the kernel what comes next. Returns 0 or -errno. */
MUSTUSE int timer_queues_arm(struct loop *lp);

#endif
