/*
 * loop.h - the event loop: turns, timers on two clocks, descriptors, signals,
 * the graveyard. Owns libevent together with httpd.c; blind to what a run is.
 *
 * One turn is loop_turn(): wait, call callbacks, return. What a turn must do
 * afterwards (commit, act) is the caller's.
 */
#ifndef REEVE_SYS_LOOP_H
#define REEVE_SYS_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/macros.h"

struct loop;

/* Who goes first when several things are ready. */
enum loop_prio {
	LOOP_PRIO_URGENT, /* timers, children, signals */
	LOOP_PRIO_NORMAL, /* the ledger's event */
	LOOP_PRIO_BULK, /* HTTP and workers' output, in turns */
};

MUSTUSE int loop_new(struct loop **ret);
/* All timers, watches and signals must be gone before. NULL is fine. */
void loop_free(struct loop *lp);

/*
 * One turn: wait until something is ready (not at all when loop_wake() was
 * called since), call callbacks. Returns 0 or -errno.
 */
MUSTUSE int loop_turn(struct loop *lp);
/* The next turn does not wait. */
void loop_wake(struct loop *lp);

/* Times of this turn, read once when it woke; all callbacks see the same. */
int64_t loop_real_us(const struct loop *lp);
int64_t loop_boot_us(const struct loop *lp);
/* Read the clocks again, for work that goes on long in one turn. */
void loop_clock_refresh(struct loop *lp);
/*
 * The caller calls this at the very end of a turn, after its own work (commit,
 * effects, graveyard), so that the turn's measured length includes it.
 */
void loop_turn_end(struct loop *lp);
/* Longest turn, from waking to its end, since the last call; resets it. */
int64_t loop_longest_turn_us(struct loop *lp);

/* ---- timers ---- */

enum timer_clock {
	TIMER_REAL, /* the calendar; re-checked when the clock is set */
	TIMER_BOOT, /* deadlines: elapsed time with suspend */
};

struct timer;
typedef void timer_fn(void *arg);

/* Embedded; plain memory, O(log n) to set and clear; 100,000 are fine. */
struct timer {
	struct heap_node node;
	enum timer_clock clock;
	timer_fn *fn;
	void *arg;
};

void timer_init(
    struct timer *t, enum timer_clock clock, timer_fn *fn, void *arg);
/*
 * Call fn once, from the loop, at `at_us` of the timer's clock or after it
 * (timerfd precision, never early). Setting again moves it.
 */
void timer_set(struct loop *lp, struct timer *t, int64_t at_us);
void timer_clear(struct loop *lp, struct timer *t);
bool timer_is_set(const struct timer *t);
/*
 * At most so many due timers are called a turn, half of them of each clock;
 * the rest in the next ones, so that 100,000 jobs due in one second starve
 * nothing.
 */
#define LOOP_TIMERS_A_TURN 256

/*
 * fn is called when CLOCK_REALTIME was set discontinuously
 * (TFD_TIMER_CANCEL_ON_SET, timerfd_create(2)) or, in debug builds, when the
 * offset of clock.h changed.
 */
typedef void loop_clock_fn(void *arg);
void loop_on_clock_step(struct loop *lp, loop_clock_fn *fn, void *arg);

/* ---- descriptors ---- */

struct loop_io;
enum {
	LOOP_READ = 1,
	LOOP_WRITE = 2
};
typedef void loop_io_fn(void *arg, int fd, unsigned ready);

/*
 * Watch `fd` (borrowed: the caller closes it after loop_io_free). Level
 * triggered, but fn is called at most once a turn. Begins enabled. Returns 0
 * or -errno (-EPERM for what cannot be polled, as a regular file).
 */
MUSTUSE int loop_io_new(struct loop *lp, int fd, unsigned want,
    enum loop_prio prio, loop_io_fn *fn, void *arg, struct loop_io **ret);
void loop_io_enable(struct loop_io *io, bool on);
/* NULL is fine; may be called from its own callback. A callback that was
 * already due in this turn is not called any more. */
void loop_io_free(struct loop_io *io);

/* ---- signals ---- */

typedef void loop_signal_fn(void *arg, int signo);
/* Call fn from the loop for each `signo` from now on. Lives until loop_free. */
MUSTUSE int loop_signal(
    struct loop *lp, int signo, loop_signal_fn *fn, void *arg);

/* ---- graveyard ---- */

/* Call free_fn(ptr) once this turn is over: for objects whose callbacks may
 * still be on the stack. */
void loop_bury(struct loop *lp, void (*free_fn)(void *ptr), void *ptr);
/* The end of a turn: frees what was buried. */
void loop_graveyard_empty(struct loop *lp);

#endif
