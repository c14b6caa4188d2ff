/*
 * ledger_writer.c - the one thread of the supervisor: commits what waits,
 * tells what is durable, tries again what failed. It never logs, never calls
 * the loop; it speaks by an eventfd and by what `lock` guards. The lock is
 * never held across a call of SQLite, so the loop never waits for the disk.
 */
#include <config.h>

#include "sys/ledger_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/xalloc.h"

/* The log is copied into the file when the thread has nothing else to do and
 * it is this long; at the larger mark also when it has. In pages. */
#define CHECKPOINT_IDLE_PAGES 1000
#define CHECKPOINT_MUST_PAGES 4000
/* After the deadline of ledger_close: for a thread that can still end. */
#define ABANDON_MS 20

/* ---- trouble ---- */

static bool
must_reopen(int rc)
{
	int primary = rc & 0xff;

	return primary != SQLITE_BUSY && primary != SQLITE_LOCKED &&
	       primary != SQLITE_INTERRUPT;
}

static int
on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct ledger_writer *w = arg;

	(void)db;
	(void)name;
	w->wal_frames = pages;
	return SQLITE_OK;
}

static void
use_connection(struct ledger_writer *w, const struct ledger_tx *tx)
{
	w->tx = *tx;
	(void)sqlite3_wal_hook(w->tx.db, on_wal, w);
}

/*
 * After an error of the file nothing is believed that its descriptor says:
 * pages whose fsync failed are marked clean by the kernel, and a second fsync
 * would succeed without them. A new connection writes the whole transaction
 * again. It is opened before the old one is closed: as long as somebody has
 * the log's index open, the failed transaction's frames stay invisible and
 * are overwritten; were it built anew, they could come alive and count twice.
 */
static int
reopen(struct ledger_writer *w, char reason[LEDGER_REASON_BYTES])
{
	struct ledger_tx fresh = {0};
	int64_t n;
	int rc;

	rc = ledger_db_open_writer(w->path, &fresh.db);
	if (rc == SQLITE_OK)
		rc = ledger_db_use_wal(fresh.db);
	if (rc == SQLITE_OK)
		rc =
		    ledger_db_int(fresh.db, "SELECT count(*) FROM meta", 0, &n);
	if (rc == SQLITE_OK)
		rc = ledger_tx_prepare(&fresh);
	if (rc != SQLITE_OK) {
		ledger_db_reason(fresh.db, rc, 0, "cannot reopen", reason);
		ledger_db_close(fresh.db);
		return rc;
	}
	ledger_db_close(w->tx.db);
	use_connection(w, &fresh);
	return SQLITE_OK;
}

/* The words first: aborting overwrites them. */
static void
give_up_transaction(struct ledger_writer *w, int rc, const char *doing)
{
	char reason[LEDGER_REASON_BYTES], again[LEDGER_REASON_BYTES];

	ledger_db_reason(w->tx.db, rc, w->tx.sys_errno, doing, reason);
	ledger_tx_abort(&w->tx);
	ledger_queue_failing(w, reason);
	if (must_reopen(rc) && reopen(w, again) != SQLITE_OK)
		ledger_queue_failing(w, again);
}

/* ---- work ---- */

static unsigned
count_records(const struct ledger_batch *list)
{
	unsigned n = 0;

	for (; list != NULL; list = list->next)
		n += list->records;
	return n;
}

/* False when told to leave it unwritten; then the list is freed too. */
static bool
commit_batches(struct ledger_writer *w, struct ledger_batch *list)
{
	int rc, pause_ms = 0;

	w->tx.conflicts = w->tx.rejected = 0;
	if (count_records(list) != 0) {
		while ((rc = ledger_tx_batches(&w->tx, list)) != SQLITE_OK) {
			give_up_transaction(w, rc, "cannot commit");
			if (!ledger_queue_pause(w, &pause_ms)) {
				ledger_batch_free_all(list);
				return false;
			}
		}
		ledger_queue_healed(w);
	}
	ledger_queue_done(w, list);
	return true;
}

/* False when it failed; it is tried again like anything else. */
static bool
prune_slice(struct ledger_writer *w, const struct ledger_prune_state *p)
{
	struct ledger_prune_state next = *p;
	uint64_t removed;
	int rc;

	rc = ledger_tx_prune(&w->tx, &next, &w->work, &removed);
	if (rc != SQLITE_OK) {
		give_up_transaction(w, rc, "cannot prune");
		return false;
	}
	ledger_queue_healed(w);
	ledger_queue_pruned(w, p, &next, removed);
	return true;
}

/*
 * Copy committed pages into the file. Never waits for readers. An error is
 * no failure of a commit: what is in the log is durable, and what the file
 * did not take is copied again later, by a new connection.
 */
static void
checkpoint(struct ledger_writer *w)
{
	char reason[LEDGER_REASON_BYTES];
	int rc;

	w->wal_frames_tried = w->wal_frames;
	rc = sqlite3_wal_checkpoint_v2(
	    w->tx.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (rc != SQLITE_OK && must_reopen(rc))
		(void)reopen(w, reason);
}

static void
checkpoint_if_due(struct ledger_writer *w)
{
	bool busy = atomic_load(&w->work);
	int due = busy ? CHECKPOINT_MUST_PAGES : CHECKPOINT_IDLE_PAGES;

	/* The log began anew from its start. */
	if (w->wal_frames < w->wal_frames_tried)
		w->wal_frames_tried = 0;
	/* A reader that stays holds it up: not again for every commit. */
	if (w->wal_frames - w->wal_frames_tried >= due)
		checkpoint(w);
}

/* ---- the thread ---- */

/* Everything is committed: mark the file clean and close it. */
static void
close_clean(struct ledger_writer *w)
{
	ledger_db_close(w->reader);
	w->reader = NULL;
	/* Where this fails, the next start checks the file: all is said. */
	(void)sqlite3_exec(w->tx.db,
	    "UPDATE meta SET value='1' WHERE key='" LEDGER_META_OWN "clean'",
	    NULL, NULL, NULL);
	ledger_db_close(w->tx.db);
	w->tx.db = NULL;
}

/* Commit until told to stop and nothing waits; false when abandoned. */
static bool
work(struct ledger_writer *w)
{
	struct ledger_prune_state p;
	struct ledger_batch *list;
	int pause_ms = 0;

	while (ledger_queue_wait(w)) {
		list = ledger_queue_take(w);
		if (list != NULL && !commit_batches(w, list))
			return false;
		if (!ledger_queue_prune(w, &p) || prune_slice(w, &p))
			pause_ms = 0;
		else if (!ledger_queue_pause(w, &pause_ms))
			return false;
		checkpoint_if_due(w);
	}
	return true;
}

static void *
thread_main(void *arg)
{
	struct ledger_writer *w = arg;

	if (work(w))
		close_clean(w);
	ledger_queue_tell(w->done_fd);
	return NULL;
}

/* ---- the loop's side ---- */

int
ledger_writer_new(const char *path, sqlite3 *db, struct ledger_writer **ret)
{
	struct ledger_writer *w = xcalloc(1, sizeof(*w));
	struct ledger_tx tx = {.db = db};
	int rc;

	*ret = NULL;
	rc = ledger_tx_prepare(&tx);
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (rc == SQLITE_OK &&
	    (w->wake_fd < 0 || w->event_fd < 0 || w->done_fd < 0))
		rc = SQLITE_CANTOPEN;
	if (rc != SQLITE_OK) {
		fd_close(&w->wake_fd);
		fd_close(&w->event_fd);
		fd_close(&w->done_fd);
		ledger_db_close(db);
		free(w);
		return rc;
	}
	w->path = xstrdup(path);
	w->last = &w->first;
	w->oldest_boot_us = TIME_NEVER;
	w->prune.at_us = w->prune.at_id = INT64_MIN;
	BUG_ON(pthread_mutex_init(&w->lock, NULL) != 0);
	use_connection(w, &tx);
	*ret = w;
	return SQLITE_OK;
}

void
ledger_writer_drop(struct ledger_writer *w)
{
	ledger_db_close(w->reader);
	ledger_db_close(w->tx.db);
	ledger_batch_free_all(w->first);
	ledger_batch_free_all(w->spare);
	fd_close(&w->wake_fd);
	fd_close(&w->event_fd);
	fd_close(&w->done_fd);
	(void)pthread_mutex_destroy(&w->lock);
	free(w->path);
	free(w);
}

int
ledger_writer_start(struct ledger_writer *w)
{
	sigset_t all, old;
	int r;

	/* The thread inherits the mask: no signal is ever for it. */
	(void)sigfillset(&all);
	r = pthread_sigmask(SIG_SETMASK, &all, &old);
	if (r != 0)
		return -r;
	r = pthread_create(&w->thread, NULL, thread_main, w);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		return -r;
	(void)pthread_setname_np(w->thread, "reeve-ledger");
	w->started = true;
	return 0;
}

/* Wait until the thread has ended; false when it has not in time. */
static bool
wait_for_end(struct ledger_writer *w, int64_t wait_us)
{
	int64_t end, now = clock_boot_us();
	struct pollfd p = {.fd = w->done_fd, .events = POLLIN};
	int64_t ms;

	end = wait_us < TIME_NEVER - now ? now + wait_us : TIME_NEVER;
	for (;;) {
		ms = (end - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
		if (ms < 0)
			ms = 0;
		if (ms > 60000)
			ms = 60000;
		if (poll(&p, 1, (int)ms) > 0)
			return true;
		now = clock_boot_us();
		if (now >= end)
			return false;
	}
}

static void
ask_to_end(struct ledger_writer *w, bool abandon)
{
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	w->abandon = abandon;
	w->idle = false;
	pthread_mutex_unlock(&w->lock);
	ledger_queue_tell(w->wake_fd);
}

int
ledger_writer_end(struct ledger_writer *w, sqlite3 *reader, int64_t wait_us)
{
	int r;

	w->reader = reader;
	if (!w->started) {
		r = ledger_writer_start(w);
		if (r < 0) {
			ledger_writer_drop(w);
			return r;
		}
	}
	ask_to_end(w, false);
	if (!wait_for_end(w, wait_us)) {
		ask_to_end(w, true);
		if (!wait_for_end(w, ABANDON_MS * USEC_PER_MSEC)) {
			(void)pthread_detach(w->thread);
			return -ETIMEDOUT;
		}
	}
	(void)pthread_join(w->thread, NULL);
	r = atomic_load(&w->backlog) == 0 ? 0 : -ETIMEDOUT;
	ledger_writer_drop(w);
	return r;
}
