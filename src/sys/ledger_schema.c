/*
 * ledger_schema.c - is this file a ledger, is it intact, and bring it up to
 * date: one static list of SQL steps, numbered by PRAGMA user_version. A
 * step that has been released is never changed, only followed by another.
 */
#include <config.h>

#include "sys/ledger_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

/*
 * Columns of history are those of the archive; the long ones stand last, so
 * that reading the others never walks their overflow pages. An index of an
 * ordinary table ends with its id by itself: (job_name) is (job_name, id).
 */
static const char *const steps[] = {
    /* 0 -> 1 */
    "CREATE TABLE meta("
    " key TEXT NOT NULL PRIMARY KEY,"
    " value TEXT"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE history("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " job_name TEXT NOT NULL,"
    " status TEXT NOT NULL,"
    " started_at INTEGER NOT NULL,"
    " completed_at INTEGER NOT NULL,"
    " duration_ms INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " run_id TEXT,"
    " attempt INTEGER,"
    " trigger TEXT,"
    " scheduled_at INTEGER,"
    " reason TEXT,"
    " exit_code INTEGER,"
    " signal INTEGER,"
    " node TEXT,"
    " error TEXT,"
    " usage TEXT,"
    " result TEXT,"
    " output TEXT"
    ") STRICT;"
    "CREATE UNIQUE INDEX history_attempt ON history(run_id, attempt);"
    "CREATE INDEX history_job ON history(job_name);"
    "CREATE INDEX history_job_status ON history(job_name, status);"
    "CREATE INDEX history_failures ON history(job_name, completed_at)"
    " WHERE status = 'failure';"
    "CREATE INDEX history_created ON history(created_at);"
    "CREATE INDEX history_outputs ON history(created_at)"
    " WHERE output IS NOT NULL;"
    "CREATE TABLE run("
    " run_id TEXT NOT NULL PRIMARY KEY,"
    " job_name TEXT NOT NULL,"
    " trigger TEXT NOT NULL,"
    " scheduled_at INTEGER,"
    " created_at INTEGER NOT NULL,"
    " state TEXT NOT NULL,"
    " attempt INTEGER NOT NULL,"
    " next_attempt_at INTEGER,"
    " first_started_at INTEGER,"
    " definition TEXT,"
    " params TEXT,"
    " forced INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX run_fire ON run(job_name, scheduled_at)"
    " WHERE trigger IN ('schedule', 'catch-up');"
    "CREATE TABLE attempt("
    " run_id TEXT NOT NULL,"
    " attempt INTEGER NOT NULL,"
    " job_name TEXT NOT NULL,"
    " attempt_id TEXT NOT NULL,"
    " started_at INTEGER NOT NULL,"
    " pid INTEGER,"
    " start_ticks INTEGER,"
    " session INTEGER,"
    " boot_id TEXT,"
    " cgroup TEXT,"
    " PRIMARY KEY(run_id, attempt)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE job_state("
    " job_name TEXT NOT NULL PRIMARY KEY,"
    " cursor INTEGER,"
    " schedule TEXT,"
    " grid INTEGER,"
    " paused_until INTEGER,"
    " breaker_closed_at INTEGER,"
    " boot TEXT"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE usage("
    " service TEXT NOT NULL,"
    " bucket TEXT NOT NULL,"
    " day TEXT NOT NULL,"
    " units INTEGER NOT NULL,"
    " PRIMARY KEY(service, bucket, day)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE rejected("
    " id INTEGER PRIMARY KEY,"
    " rejected_at INTEGER NOT NULL,"
    " seq INTEGER NOT NULL,"
    " what TEXT NOT NULL,"
    " error TEXT NOT NULL"
    ") STRICT;",
};

int
ledger_schema_version(void)
{
	return (int)ARRAY_SIZE(steps);
}

static int
failed(sqlite3 *db, int rc, const char *doing, char **ret_reason)
{
	char text[LEDGER_REASON_BYTES];

	ledger_db_reason(db, rc, 0, doing, text);
	*ret_reason = xstrdup(text);
	return ledger_db_errno(db, rc);
}

struct identity {
	int64_t application, version, tables, pages, page_bytes;
};

static int
read_identity(sqlite3 *db, struct identity *id, char **ret_reason)
{
	const struct {
		const char *sql;
		int64_t *to;
	} ask[] = {
	    {"PRAGMA application_id", &id->application},
	    {"PRAGMA user_version", &id->version},
	    {"SELECT count(*) FROM sqlite_schema", &id->tables},
	    {"PRAGMA page_count", &id->pages},
	    {"PRAGMA page_size", &id->page_bytes},
	};
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(ask); i++) {
		rc = ledger_db_int(db, ask[i].sql, 0, ask[i].to);
		if (rc != SQLITE_OK)
			return failed(db, rc, "cannot read it", ret_reason);
	}
	return 0;
}

/* quick_check of everything, or of one table. */
static int
check_part(sqlite3 *db, const char *table, char **ret_reason)
{
	char *sql, *text = NULL;
	int rc;

	sql = table == NULL ? xstrdup("PRAGMA quick_check(1)")
			    : xasprintf("PRAGMA quick_check(%s)", table);
	rc = ledger_db_text(db, sql, &text);
	free(sql);
	if (rc != SQLITE_OK)
		return failed(db, rc, "it cannot be checked", ret_reason);
	if (text == NULL || strcmp(text, "ok") != 0) {
		*ret_reason = xasprintf("it is damaged: %s",
		    text != NULL ? text : "the check says nothing");
		free(text);
		return -EUCLEAN;
	}
	free(text);
	return 0;
}

static int
check_large(sqlite3 *db, char **ret_reason)
{
	static const char *const small[] = {
	    "meta", "run", "attempt", "job_state", "usage", "rejected"};
	int64_t sum;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(small); i++) {
		r = check_part(db, small[i], ret_reason);
		if (r < 0)
			return r;
	}
	r = ledger_db_int(db,
	    "SELECT sum(length(h.job_name) + length(h.status)) FROM"
	    " (SELECT * FROM history ORDER BY id DESC LIMIT 1000) AS h"
	    " JOIN history AS same INDEXED BY history_attempt"
	    " ON same.run_id = h.run_id AND same.attempt = h.attempt",
	    0, &sum);
	if (r != SQLITE_OK)
		return failed(db, r, "it is damaged", ret_reason);
	return 0;
}

int
ledger_schema_check(
    sqlite3 *db, int64_t max_bytes, char **ret_note, char **ret_reason)
{
	struct identity id;
	int64_t begun = clock_boot_us();
	bool whole;
	int r;

	r = read_identity(db, &id, ret_reason);
	if (r < 0)
		return r;
	whole = id.pages <= max_bytes / id.page_bytes;
	r = whole ? check_part(db, NULL, ret_reason)
		  : check_large(db, ret_reason);
	if (r < 0)
		return r;
	*ret_note = xasprintf("was not closed cleanly; %s checked"
			      " (%" PRId64 " KiB in %" PRId64 " ms)",
	    whole ? "all of it was" : "its newest rows were",
	    id.pages * id.page_bytes / 1024,
	    (clock_boot_us() - begun) / USEC_PER_MSEC);
	return 0;
}

static int
check_if_unclean(sqlite3 *db, char **ret_note, char **ret_reason)
{
	char *clean = NULL;
	bool is_clean;
	int rc;

	rc = ledger_db_meta_get(db, LEDGER_META_OWN "clean", &clean);
	is_clean = clean != NULL && strcmp(clean, "1") == 0;
	free(clean);
	if (rc != SQLITE_OK)
		return failed(db, rc, "it is damaged", ret_reason);
	if (is_clean)
		return 0;
	return ledger_schema_check(
	    db, LEDGER_CHECK_MAX_BYTES, ret_note, ret_reason);
}

static int
run_step(sqlite3 *db, int version)
{
	char *sql;
	int rc;

	sql = xasprintf("BEGIN IMMEDIATE; PRAGMA application_id=%d; %s"
			" PRAGMA user_version=%d; COMMIT;",
	    LEDGER_APPLICATION_ID, steps[version], version + 1);
	rc = ledger_db_exec(db, sql);
	free(sql);
	return rc;
}

static int
migrate(sqlite3 *db, int version, char **ret_reason)
{
	int rc;

	for (; version < ledger_schema_version(); version++) {
		rc = run_step(db, version);
		if (rc != SQLITE_OK) {
			rc = failed(db, rc,
			    "its tables cannot be brought up"
			    " to date",
			    ret_reason);
			(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
			return rc;
		}
	}
	return 0;
}

int
ledger_schema_ready(sqlite3 *db, char **ret_note, char **ret_reason)
{
	struct identity id;
	int rc, r;

	r = read_identity(db, &id, ret_reason);
	if (r < 0)
		return r;
	if (id.application != LEDGER_APPLICATION_ID &&
	    (id.application != 0 || id.version != 0 || id.tables != 0)) {
		*ret_reason =
		    xstrdup("it is an SQLite file of another program");
		return -EUCLEAN;
	}
	if (id.version > ledger_schema_version()) {
		*ret_reason =
		    xasprintf("it was written by a newer Reeve"
			      " (schema %" PRId64 ", this one knows %d)",
			id.version, ledger_schema_version());
		return -EPROTO;
	}
	if (id.version > 0) {
		r = check_if_unclean(db, ret_note, ret_reason);
		if (r < 0)
			return r;
	}
	rc = ledger_db_use_wal(db);
	if (rc != SQLITE_OK)
		return failed(db, rc, "cannot write to it", ret_reason);
	return migrate(db, (int)id.version, ret_reason);
}
