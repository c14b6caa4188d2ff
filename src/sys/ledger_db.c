/*
 * ledger_db.c - connections to the ledger's file: how they are opened and
 * set up, small statements, words and errno for SQLite's codes. Never holds
 * state of its own: a connection belongs to whoever opened it.
 */
#include <config.h>

#include "sys/ledger_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* A shell with sqlite3, or a backup, may hold the write lock for a moment. */
#define WRITER_BUSY_MS 500
/* The log is cut back to this after a large transaction went through it. */
#define WAL_KEEP_BYTES "16777216"

static int
system_errno(sqlite3 *db, int rc)
{
	int primary = rc & 0xff;

	if (db == NULL)
		return 0;
	/* SQLite sets it for these only; otherwise it is an old one. */
	if (primary != SQLITE_IOERR && primary != SQLITE_CANTOPEN)
		return 0;
	return sqlite3_system_errno(db);
}

void
ledger_db_reason(sqlite3 *db, int rc, int e, const char *doing,
    char out[LEDGER_REASON_BYTES])
{
	char scratch[64];
	const char *text = sqlite3_errstr(rc);
	int n;

	if (e == 0)
		e = system_errno(db, rc);
	/* The connection's own words say more when they are about `rc`. */
	if (db != NULL && sqlite3_extended_errcode(db) == rc)
		text = sqlite3_errmsg(db);
	if (e != 0)
		n = snprintf(out, LEDGER_REASON_BYTES, "%s: %s (SQLite %d: %s)",
		    doing, text, rc, strerror_r(e, scratch, sizeof(scratch)));
	else
		n = snprintf(out, LEDGER_REASON_BYTES, "%s: %s (SQLite %d)",
		    doing, text, rc);
	if (n < 0)
		out[0] = '\0';
}

int
ledger_db_errno(sqlite3 *db, int rc)
{
	int e = system_errno(db, rc);

	if (e > 0)
		return -e;
	switch (rc & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return -EUCLEAN;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return -EACCES;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	default:
		return -EIO;
	}
}

int
ledger_db_exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int
open_with(const char *path, int flags, sqlite3 **ret)
{
	sqlite3 *db = NULL;
	int rc;

	*ret = NULL;
	rc = sqlite3_open_v2(path, &db,
	    flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	*ret = db;
	if (rc != SQLITE_OK)
		return rc;
	/* Memory that maps a file turns its I/O errors into SIGBUS. */
	return ledger_db_exec(db,
	    "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;"
	    "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;");
}

int
ledger_db_open_writer(const char *path, sqlite3 **ret)
{
	int rc = open_with(path, SQLITE_OPEN_READWRITE, ret);

	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(*ret, WRITER_BUSY_MS);
	return rc;
}

int
ledger_db_use_wal(sqlite3 *db)
{
	char *mode = NULL;
	int rc;

	rc = ledger_db_text(db, "PRAGMA journal_mode=WAL", &mode);
	if (rc == SQLITE_OK && (mode == NULL || strcmp(mode, "wal") != 0))
		rc = SQLITE_CANTOPEN;
	free(mode);
	if (rc != SQLITE_OK)
		return rc;
	/* The writer decides itself when to checkpoint. */
	return ledger_db_exec(db,
	    "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
	    "PRAGMA journal_size_limit=" WAL_KEEP_BYTES ";"
	    "PRAGMA cache_size=-4096;");
}

int
ledger_db_open_reader(const char *path, sqlite3 **ret)
{
	int rc = open_with(path, SQLITE_OPEN_READONLY, ret);
	int64_t n;

	if (rc == SQLITE_OK)
		rc = ledger_db_exec(*ret, "PRAGMA cache_size=-2048;");
	/* A first read maps the shared index of the log: from now on the
	 * index outlives any other connection that is closed. */
	if (rc == SQLITE_OK)
		rc = ledger_db_int(
		    *ret, "SELECT count(*) FROM sqlite_schema", 0, &n);
	return rc;
}

void
ledger_db_close(sqlite3 *db)
{
	sqlite3_stmt *s;

	if (db == NULL)
		return;
	while ((s = sqlite3_next_stmt(db, NULL)) != NULL)
		(void)sqlite3_finalize(s);
	(void)sqlite3_close_v2(db);
}

/* Prepare and step once; SQLITE_ROW leaves *ret at its row. */
static int
first_row(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
	int rc = sqlite3_prepare_v2(db, sql, -1, ret, NULL);

	return rc != SQLITE_OK ? rc : sqlite3_step(*ret);
}

static int
done_with(sqlite3_stmt *s, int rc)
{
	(void)sqlite3_finalize(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int
ledger_db_int(sqlite3 *db, const char *sql, int64_t otherwise, int64_t *ret)
{
	sqlite3_stmt *s = NULL;
	int rc = first_row(db, sql, &s);

	*ret = otherwise;
	if (rc == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
		*ret = sqlite3_column_int64(s, 0);
	return done_with(s, rc);
}

int
ledger_db_text(sqlite3 *db, const char *sql, char **ret)
{
	sqlite3_stmt *s = NULL;
	int rc = first_row(db, sql, &s);

	*ret = NULL;
	if (rc == SQLITE_ROW)
		*ret = xstrdup_null((const char *)sqlite3_column_text(s, 0));
	return done_with(s, rc);
}

int
ledger_db_meta_get(sqlite3 *db, const char *key, char **ret)
{
	sqlite3_stmt *s = NULL;
	int rc;

	*ret = NULL;
	rc = sqlite3_prepare_v2(
	    db, "SELECT value FROM meta WHERE key = ?1", -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*ret = xstrdup_null((const char *)sqlite3_column_text(s, 0));
	return done_with(s, rc);
}

int
ledger_db_meta_put(sqlite3 *db, const char *key, const char *value)
{
	sqlite3_stmt *s = NULL;
	int rc;

	rc = sqlite3_prepare_v2(db,
	    "INSERT INTO meta(key, value) VALUES(?1, ?2)"
	    " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
	    -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(s, 2, value, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	return done_with(s, rc);
}
