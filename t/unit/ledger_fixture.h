/*
 * ledger_fixture.h - what the tests of the ledger share: a directory of
 * their own, rows, a loop that turns until something is durable.
 */
#ifndef REEVE_T_LEDGER_FIXTURE_H
#define REEVE_T_LEDGER_FIXTURE_H

#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "sys/ledger.h"
#include "sys/ledger_internal.h"
#include "sys/loop.h"

#define DEADLINE_US (30 * USEC_PER_SEC)
#define CLOSE_US    (30 * USEC_PER_SEC)

struct fixture {
	char dir[64];
	char path[96];
	struct loop *lp;
	struct ledger *l;
	struct timer tick;
	unsigned events; /* calls of `durable` */
};

static inline void
fixture_event(void *arg)
{
	struct fixture *f = arg;

	f->events++;
}

/* Turns end also when nothing happens, so that deadlines are seen. */
static inline void
fixture_tick(void *arg)
{
	struct fixture *f = arg;

	timer_set(f->lp, &f->tick, loop_boot_us(f->lp) + 5 * USEC_PER_MSEC);
}

static inline void
fixture_open(struct fixture *f)
{
	char *reason = NULL;

	assert_int_equal(loop_new(&f->lp), 0);
	timer_init(&f->tick, TIMER_BOOT, fixture_tick, f);
	timer_set(f->lp, &f->tick, 0);
	if (ledger_open(f->path, &f->l, &reason) < 0)
		fail_msg("%s", reason);
	f->events = 0;
	assert_int_equal(ledger_start(f->l, f->lp, fixture_event, f), 0);
}

static inline void
fixture_close(struct fixture *f)
{
	assert_int_equal(ledger_close(f->l, CLOSE_US), 0);
	f->l = NULL;
	timer_clear(f->lp, &f->tick);
	loop_free(f->lp);
	f->lp = NULL;
}

static inline void
fixture_reopen(struct fixture *f)
{
	fixture_close(f);
	fixture_open(f);
}

static inline void
fixture_turn(struct fixture *f)
{
	assert_int_equal(loop_turn(f->lp), 0);
	loop_graveyard_empty(f->lp);
}

static inline void
fixture_wait(struct fixture *f, uint64_t seq)
{
	int64_t end = clock_boot_us() + DEADLINE_US;

	while (ledger_durable_seq(f->l) < seq) {
		fixture_turn(f);
		assert_true(clock_boot_us() < end);
	}
}

/* Submit the turn and wait until it is on the disk. */
static inline void
fixture_commit(struct fixture *f)
{
	uint64_t seq = ledger_turn_seq(f->l);

	ledger_submit(f->l);
	fixture_wait(f, seq);
}

static inline void
fixture_dir(struct fixture *f)
{
	char name[] = "/tmp/test-ledger-XXXXXX";

	memset(f, 0, sizeof(*f));
	assert_non_null(mkdtemp(name));
	(void)snprintf(f->dir, sizeof(f->dir), "%s", name);
	(void)snprintf(f->path, sizeof(f->path), "%s/ledger.db", name);
}

static inline void
fixture_remove(struct fixture *f)
{
	DIR *d = opendir(f->dir);
	struct dirent *e;
	char path[400];

	while (d != NULL && (e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", f->dir, e->d_name);
		(void)unlink(path);
		(void)rmdir(path);
	}
	if (d != NULL)
		(void)closedir(d);
	assert_int_equal(rmdir(f->dir), 0);
}

/* A row whose texts live in `text`. */
static inline struct ledger_history
fixture_row(struct ledger *l, const char *job, char text[64], int64_t n)
{
	(void)snprintf(text, 64, "run-%012" PRId64, n);
	return (struct ledger_history){
	    .id = ledger_next_id(l),
	    .job_name = job,
	    .status = "success",
	    .started_at_us = n * 1000,
	    .completed_at_us = n * 1000 + 10,
	    .duration_ms = 0,
	    .created_at_us = n * 1000 + 20,
	    .run_id = text,
	    .attempt = 1,
	    .trigger = "schedule",
	    .scheduled_at_us = n * 1000,
	    .exit_code = 0,
	    .signal = LEDGER_NULL,
	    .node = "here",
	};
}

static inline void
fixture_add(struct fixture *f, const char *job, int64_t n)
{
	char text[64];
	struct ledger_history row = fixture_row(f->l, job, text, n);

	ledger_add_history(f->l, &row);
}

/* One number from the closed or open file, by a connection of its own. */
static inline int64_t
fixture_sql(struct fixture *f, const char *sql)
{
	sqlite3 *db = NULL;
	int64_t n = -1;

	assert_int_equal(
	    sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE, NULL), 0);
	(void)sqlite3_busy_timeout(db, 5000);
	if (ledger_db_int(db, sql, -1, &n) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), 0);
	return n;
}

#endif
