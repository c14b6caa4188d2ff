/*
 * test_loop.c - turns, priorities, fairness, signals, the graveyard.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/macros.h"
#include "sys/loop.h"

struct fixture {
	struct loop *lp;
	char log[64]; /* a letter per callback */
};

/* One watch on an eventfd that is always readable, unless drained. */
struct bell {
	struct fixture *f;
	struct loop_io *io;
	int fd;
	char letter;
	bool drain;
	unsigned rings;
	int64_t work_us;
	struct bell *kills; /* frees this one's watch */
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(loop_new(&f->lp), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	loop_free(f->lp);
	free(f);
	return 0;
}

static void
note(struct fixture *f, char letter)
{
	size_t len = strlen(f->log);

	if (len + 1 < sizeof(f->log))
		f->log[len] = letter;
}

static void
busy(int64_t us)
{
	int64_t until = clock_boot_us() + us;

	while (clock_boot_us() < until)
		;
}

static void
ring(void *arg, int fd, unsigned ready)
{
	struct bell *b = arg;
	uint64_t n;

	assert_int_equal(ready, LOOP_READ);
	b->rings++;
	note(b->f, b->letter);
	if (b->drain)
		assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
	if (b->kills != NULL) {
		loop_io_free(b->kills->io);
		b->kills->io = NULL;
		b->kills = NULL;
	}
	busy(b->work_us);
}

static void
bell_init(struct fixture *f, struct bell *b, char letter, enum loop_prio prio)
{
	*b = (struct bell){.f = f, .letter = letter};
	b->fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(b->fd >= 0);
	assert_int_equal(
	    loop_io_new(f->lp, b->fd, LOOP_READ, prio, ring, b, &b->io), 0);
}

static void
bell_clear(struct bell *b)
{
	loop_io_free(b->io);
	close(b->fd);
}

static void
turn(struct fixture *f)
{
	assert_int_equal(loop_turn(f->lp), 0);
	loop_graveyard_empty(f->lp);
	loop_turn_end(f->lp);
}

static void
urgent_goes_first(void **state)
{
	struct fixture *f = *state;
	struct bell u, n, b;

	bell_init(f, &b, 'b', LOOP_PRIO_BULK);
	bell_init(f, &n, 'n', LOOP_PRIO_NORMAL);
	bell_init(f, &u, 'u', LOOP_PRIO_URGENT);
	u.drain = n.drain = b.drain = true;
	turn(f);
	assert_string_equal(f->log, "unb");
	bell_clear(&u);
	bell_clear(&n);
	bell_clear(&b);
}

/* What is always ready is called once a turn, and starves nobody. */
static void
floods_starve_nobody(void **state)
{
	struct fixture *f = *state;
	struct bell u, n, b;

	bell_init(f, &u, 'u', LOOP_PRIO_URGENT);
	bell_init(f, &n, 'n', LOOP_PRIO_NORMAL);
	bell_init(f, &b, 'b', LOOP_PRIO_BULK);
	for (int i = 0; i < 100; i++)
		turn(f);
	assert_int_equal(u.rings, 100);
	assert_int_equal(n.rings, 100);
	assert_int_equal(b.rings, 100);
	assert_int_equal(strncmp(f->log, "unbunb", 6), 0);
	bell_clear(&u);
	bell_clear(&n);
	bell_clear(&b);
}

/* Much bulk work: a turn does its share, all get theirs, urgent is prompt. */
static void
bulk_gives_way(void **state)
{
	enum {
		N = 40
	};
	struct fixture *f = *state;
	struct bell bulk[N], u;
	unsigned least = 0, most = 0, before = 0, turns = 0;

	for (int i = 0; i < N; i++) {
		bell_init(f, &bulk[i], 'b', LOOP_PRIO_BULK);
		bulk[i].work_us = 1000;
	}
	bell_init(f, &u, 'u', LOOP_PRIO_URGENT);
	while (least < 3) {
		unsigned sum = 0;

		turn(f);
		assert_int_equal(u.rings, ++turns);
		least = UINT32_MAX;
		for (int i = 0; i < N; i++) {
			sum += bulk[i].rings;
			if (bulk[i].rings < least)
				least = bulk[i].rings;
			if (bulk[i].rings > most)
				most = bulk[i].rings;
		}
		/* 40 ms of work are ready; 8 are enough */
		assert_in_range(sum - before, 1, 12);
		assert_true(most - least <= 3);
		before = sum;
	}
	for (int i = 0; i < N; i++)
		bell_clear(&bulk[i]);
	bell_clear(&u);
}

static void
freed_in_the_same_turn(void **state)
{
	struct fixture *f = *state;
	struct bell a, b;

	bell_init(f, &a, 'a', LOOP_PRIO_BULK);
	bell_init(f, &b, 'b', LOOP_PRIO_BULK);
	a.kills = &b;
	b.kills = &a;
	turn(f);
	assert_int_equal(strlen(f->log), 1);
	assert_int_equal(a.rings + b.rings, 1);
	/* its own */
	bell_clear(&a);
	bell_clear(&b);
	bell_init(f, &a, 'a', LOOP_PRIO_URGENT);
	bell_init(f, &b, 'b', LOOP_PRIO_BULK);
	a.kills = &a;
	turn(f);
	turn(f);
	assert_int_equal(a.rings, 1);
	assert_int_equal(b.rings, 2);
	bell_clear(&a);
	bell_clear(&b);
}

static void
disabled_is_silent(void **state)
{
	struct fixture *f = *state;
	struct bell a, b;

	bell_init(f, &a, 'a', LOOP_PRIO_URGENT);
	bell_init(f, &b, 'b', LOOP_PRIO_BULK);
	loop_io_enable(a.io, false);
	loop_io_enable(a.io, false);
	turn(f);
	assert_int_equal(a.rings, 0);
	loop_io_enable(a.io, true);
	turn(f);
	assert_int_equal(a.rings, 1);
	/* between turns, while it may be muted */
	loop_io_enable(a.io, false);
	turn(f);
	turn(f);
	assert_int_equal(a.rings, 1);
	loop_io_enable(a.io, true);
	turn(f);
	assert_int_equal(a.rings, 2);
	bell_clear(&a);
	bell_clear(&b);
}

static void
writable_is_told(void *arg, int fd, unsigned ready)
{
	(void)fd;
	*(unsigned *)arg |= ready;
}

static void
read_and_write(void **state)
{
	struct fixture *f = *state;
	struct loop_io *io;
	unsigned seen = 0;
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_int_equal(loop_io_new(f->lp, fd, LOOP_READ | LOOP_WRITE,
			     LOOP_PRIO_NORMAL, writable_is_told, &seen, &io),
	    0);
	turn(f);
	assert_int_equal(seen, LOOP_READ | LOOP_WRITE);
	loop_io_free(io);
	loop_io_free(NULL);
	/* a regular file cannot be polled, a closed one even less */
	assert_int_equal(loop_io_new(f->lp, file, LOOP_READ, LOOP_PRIO_BULK,
			     writable_is_told, &seen, &io),
	    -EPERM);
	close(file);
	close(fd);
	assert_int_equal(loop_io_new(f->lp, fd, LOOP_READ, LOOP_PRIO_BULK,
			     writable_is_told, &seen, &io),
	    -EBADF);
}

static void
wake_means_no_waiting(void **state)
{
	struct fixture *f = *state;
	int64_t began = clock_boot_us();

	loop_wake(f->lp);
	turn(f);
	loop_wake(f->lp);
	turn(f);
	assert_true(clock_boot_us() - began < 2 * USEC_PER_SEC);
}

static void
stop_waiting(void *arg)
{
	note(arg, 't');
}

/* After a wake the next turn waits again. */
static void
wakes_are_used_up(void **state)
{
	struct fixture *f = *state;
	struct timer t;
	int64_t at = clock_boot_us() + 50 * USEC_PER_MSEC;

	timer_init(&t, TIMER_BOOT, stop_waiting, f);
	timer_set(f->lp, &t, at);
	loop_wake(f->lp);
	turn(f);
	assert_string_equal(f->log, "");
	turn(f);
	assert_string_equal(f->log, "t");
	assert_true(clock_boot_us() >= at);
}

static void
times_stand_still_in_a_turn(void *arg, int fd, unsigned ready)
{
	struct fixture *f = arg;
	int64_t real = loop_real_us(f->lp), boot = loop_boot_us(f->lp);
	uint64_t n;

	(void)ready;
	assert_true(clock_boot_us() - boot < USEC_PER_SEC);
	busy(2000);
	assert_int_equal(loop_real_us(f->lp), real);
	assert_int_equal(loop_boot_us(f->lp), boot);
	loop_clock_refresh(f->lp);
	assert_true(loop_boot_us(f->lp) >= boot + 2000);
	assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
}

static void
one_time_a_turn(void **state)
{
	struct fixture *f = *state;
	struct loop_io *io;
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	int64_t before;

	assert_int_equal(loop_io_new(f->lp, fd, LOOP_READ, LOOP_PRIO_NORMAL,
			     times_stand_still_in_a_turn, f, &io),
	    0);
	turn(f);
	before = loop_boot_us(f->lp);
	busy(2000);
	/* between turns too, until the next wakes */
	assert_int_equal(loop_boot_us(f->lp), before);
	assert_true(loop_longest_turn_us(f->lp) >= 2000);
	/* the caller's work after the callbacks counts */
	loop_wake(f->lp);
	assert_int_equal(loop_turn(f->lp), 0);
	busy(30000);
	loop_turn_end(f->lp);
	assert_in_range(loop_longest_turn_us(f->lp), 30000, 10 * USEC_PER_SEC);
	/* and waiting does not */
	assert_int_equal(loop_longest_turn_us(f->lp), 0);
	loop_io_free(io);
	close(fd);
}

static void
signalled(void *arg, int signo)
{
	note(arg, signo == SIGUSR1 ? '1' : '2');
}

static void
signals_come_as_callbacks(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_signal(f->lp, SIGUSR1, signalled, f), 0);
	assert_int_equal(loop_signal(f->lp, SIGUSR2, signalled, f), 0);
	assert_true(loop_signal(f->lp, 4711, signalled, f) < 0);
	(void)raise(SIGUSR1);
	turn(f);
	assert_string_equal(f->log, "1");
	(void)raise(SIGUSR2);
	turn(f);
	assert_string_equal(f->log, "12");
	(void)raise(SIGUSR1);
	turn(f);
	assert_string_equal(f->log, "121");
}

struct corpse {
	struct fixture *f;
	struct corpse *next;
};

static void
buried(void *ptr)
{
	struct corpse *c = ptr;

	note(c->f, 'x');
	if (c->next != NULL)
		loop_bury(c->f->lp, buried, c->next);
	free(c);
}

static struct corpse *
corpse_new(struct fixture *f, struct corpse *next)
{
	struct corpse *c = malloc(sizeof(*c));

	assert_non_null(c);
	*c = (struct corpse){.f = f, .next = next};
	return c;
}

static void
the_graveyard(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 20; i++)
		loop_bury(f->lp, buried, corpse_new(f, corpse_new(f, NULL)));
	assert_string_equal(f->log, "");
	loop_graveyard_empty(f->lp);
	assert_int_equal(strlen(f->log), 40);
	loop_graveyard_empty(f->lp);
	assert_int_equal(strlen(f->log), 40);
	/* and what is left goes with the loop: the leak checker looks */
	loop_bury(f->lp, buried, corpse_new(f, NULL));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(urgent_goes_first),
	    T(floods_starve_nobody),
	    T(bulk_gives_way),
	    T(freed_in_the_same_turn),
	    T(disabled_is_silent),
	    T(read_and_write),
	    T(wake_means_no_waiting),
	    T(wakes_are_used_up),
	    T(one_time_a_turn),
	    T(signals_come_as_callbacks),
	    T(the_graveyard),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
