/*
 * ledger.c - the ledger as the loop sees it: open, close, sequence numbers,
 * what is durable, how the disk is doing. Nothing here waits for the disk
 * but ledger_open() and ledger_close().
 */
#include <config.h>

#include "sys/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/uuid.h"
#include "base/xalloc.h"
#include "sys/ledger_internal.h"

/* ---- opening ---- */

static int
make_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int r;

	if (slash == NULL || slash == path)
		return 0;
	dir = xstrndup(path, (size_t)(slash - path));
	r = fd_mkdirs(dir, 0700);
	free(dir);
	return r;
}

/* It holds what jobs printed: for nobody else's eyes. */
static int
own_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EUCLEAN;
	if ((st.st_mode & 07777) != 0600 && fchmod(fd, 0600) < 0)
		return -errno;
	return 0;
}

/*
 * Make the file and see what the system says, in words that SQLite has not.
 * Closing a descriptor of the file drops all locks that this process has on
 * it: so before SQLite opens it, and never again.
 */
static int
prepare_file(const char *path, char **ret_reason)
{
	char scratch[64];
	int fd, r;

	r = make_parent(path);
	if (r < 0) {
		*ret_reason = xasprintf("its directory cannot be made: %s",
		    strerror_r(-r, scratch, sizeof(scratch)));
		return r;
	}
	fd = open(
	    path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	r = fd < 0 ? -errno : own_file(fd);
	fd_close(&fd);
	if (r == -EUCLEAN)
		*ret_reason = xstrdup("it is no regular file");
	else if (r < 0)
		*ret_reason = xasprintf("it cannot be opened for writing: %s",
		    strerror_r(-r, scratch, sizeof(scratch)));
	return r;
}

static int
sql_failed(sqlite3 *db, int rc, const char *doing, char **ret_reason)
{
	char text[LEDGER_REASON_BYTES];

	ledger_db_reason(db, rc, 0, doing, text);
	*ret_reason = xstrdup(text);
	return ledger_db_errno(db, rc);
}

static int
load_uuid(sqlite3 *db, char **ret)
{
	char text[UUID_TEXT_BYTES];
	struct uuid u;
	int rc;

	rc = ledger_db_meta_get(db, LEDGER_META_OWN "uuid", ret);
	if (rc != SQLITE_OK || *ret != NULL)
		return rc;
	uuid_v7(&u, clock_real_us());
	*ret = xstrdup(uuid_format(&u, text));
	return ledger_db_meta_put(db, LEDGER_META_OWN "uuid", *ret);
}

/* Who the file is, where its ids stand; from now on it counts as unclean. */
static int
load_facts(struct ledger *l, sqlite3 *db)
{
	int64_t seq = 0, id = 0;
	int rc;

	rc = load_uuid(db, &l->uuid);
	if (rc == SQLITE_OK)
		rc = ledger_db_int(db,
		    "SELECT seq FROM sqlite_sequence WHERE name = 'history'", 0,
		    &seq);
	if (rc == SQLITE_OK)
		rc = ledger_db_int(db, "SELECT max(id) FROM history", 0, &id);
	l->last_id = seq > id ? seq : id;
	if (rc == SQLITE_OK)
		rc = ledger_db_meta_put(db, LEDGER_META_OWN "clean", "0");
	return rc;
}

/* Takes `db`. */
static int
open_rest(struct ledger *l, const char *path, sqlite3 *db, char **ret_reason)
{
	int r, rc;

	r = ledger_schema_ready(db, &l->note, ret_reason);
	if (r == 0) {
		rc = load_facts(l, db);
		if (rc != SQLITE_OK)
			r = sql_failed(
			    db, rc, "cannot write to it", ret_reason);
	}
	if (r < 0) {
		ledger_db_close(db);
		return r;
	}
	rc = ledger_writer_new(path, db, &l->w);
	if (rc == SQLITE_OK)
		rc = ledger_reader_open(&l->r, l->w->path);
	if (rc != SQLITE_OK)
		return sql_failed(NULL, rc, "cannot read it", ret_reason);
	return 0;
}

static void
ledger_free(struct ledger *l)
{
	ledger_batch_free(l->turn);
	free(l->uuid);
	free(l->note);
	free(l);
}

static int
open_ledger(struct ledger *l, const char *path, char **ret_reason)
{
	sqlite3 *db = NULL;
	int r, rc;

	r = prepare_file(path, ret_reason);
	if (r < 0)
		return r;
	rc = ledger_db_open_writer(path, &db);
	if (rc != SQLITE_OK) {
		r = sql_failed(db, rc, "cannot open it", ret_reason);
		ledger_db_close(db);
		return r;
	}
	return open_rest(l, path, db, ret_reason);
}

int
ledger_open(const char *path, struct ledger **ret, char **ret_reason)
{
	struct ledger *l = xcalloc(1, sizeof(*l));
	char *why = NULL;
	int r;

	*ret = NULL;
	*ret_reason = NULL;
	l->turn = ledger_batch_new();
	r = open_ledger(l, path, &why);
	if (r < 0) {
		*ret_reason = xasprintf(
		    "ledger %s: %s", path, why != NULL ? why : "no reason");
		free(why);
		if (l->w != NULL)
			ledger_writer_drop(l->w);
		ledger_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

int
ledger_close(struct ledger *l, int64_t wait_us)
{
	int r;

	if (l == NULL)
		return 0;
	ledger_submit(l);
	loop_io_free(l->io);
	r = ledger_writer_end(l->w, l->r.db, wait_us);
	ledger_free(l);
	return r;
}

const char *
ledger_uuid(const struct ledger *l)
{
	return l->uuid;
}

const char *
ledger_open_note(const struct ledger *l)
{
	return l->note;
}

int64_t
ledger_next_id(struct ledger *l)
{
	BUG_ON(l->last_id == INT64_MAX);
	return ++l->last_id;
}

/* ---- the writer's event ---- */

static void
on_event(void *arg, int fd, unsigned ready)
{
	struct ledger *l = arg;
	uint64_t count;

	(void)ready;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	l->durable(l->durable_arg);
}

int
ledger_start(
    struct ledger *l, struct loop *lp, ledger_event_fn *durable, void *arg)
{
	int r;

	BUG_ON(l->io != NULL);
	l->durable = durable;
	l->durable_arg = arg;
	r = loop_io_new(lp, l->w->event_fd, LOOP_READ, LOOP_PRIO_NORMAL,
	    on_event, l, &l->io);
	if (r < 0)
		return r;
	r = ledger_writer_start(l->w);
	if (r < 0) {
		loop_io_free(l->io);
		l->io = NULL;
	}
	return r;
}

/* ---- the turn ---- */

uint64_t
ledger_turn_seq(const struct ledger *l)
{
	/* Somebody waits for this number: it is given also to a turn that
	 * turns out to have no records. */
	l->turn->awaited = true;
	return l->last_seq + 1;
}

void
ledger_submit(struct ledger *l)
{
	struct ledger_batch *b = l->turn;

	if (b->records == 0 && !b->awaited)
		return;
	b->seq = ++l->last_seq;
	l->turn = ledger_writer_submit(l->w, b);
}

void
ledger_prune(struct ledger *l, int64_t before_us, int64_t output_before_us,
    int64_t max_rows)
{
	ledger_writer_prune(l->w, before_us, output_before_us, max_rows);
}

/* ---- how it goes ---- */

uint64_t
ledger_durable_seq(const struct ledger *l)
{
	return atomic_load(&l->w->durable_seq);
}

bool
ledger_failing(
    const struct ledger *l, const char **ret_reason, int64_t *ret_since_boot_us)
{
	struct ledger_writer *w = l->w;
	bool failing;

	pthread_mutex_lock(&w->lock);
	failing = w->failing;
	if (failing) {
		memcpy(w->reason_seen, w->reason, sizeof(w->reason));
		if (ret_reason != NULL)
			*ret_reason = w->reason_seen;
		if (ret_since_boot_us != NULL)
			*ret_since_boot_us = w->failing_since_boot_us;
	}
	pthread_mutex_unlock(&w->lock);
	return failing;
}

int64_t
ledger_waits_since_boot_us(const struct ledger *l)
{
	int64_t since;

	pthread_mutex_lock(&l->w->lock);
	since = l->w->oldest_boot_us;
	pthread_mutex_unlock(&l->w->lock);
	return since;
}

uint64_t
ledger_backlog(const struct ledger *l)
{
	return atomic_load(&l->w->backlog);
}

uint64_t
ledger_take_pruned(struct ledger *l)
{
	uint64_t n;

	pthread_mutex_lock(&l->w->lock);
	n = l->w->pruned;
	l->w->pruned = 0;
	pthread_mutex_unlock(&l->w->lock);
	return n;
}

bool
ledger_pruning(const struct ledger *l)
{
	bool yes;

	pthread_mutex_lock(&l->w->lock);
	yes = l->w->pruning;
	pthread_mutex_unlock(&l->w->lock);
	return yes;
}

uint64_t
ledger_conflicts(const struct ledger *l)
{
	return atomic_load(&l->w->conflicts);
}

uint64_t
ledger_rejected(const struct ledger *l)
{
	return atomic_load(&l->w->rejected);
}
