/*
 * test_ledger_faults.c - sys/ledger on a disk that fails: writes and fsyncs
 * that fail once or for long, a full disk, a limit on file size, a disk that
 * hangs. Whatever happens, the loop turns, and once the disk is well again
 * every record is there once, in order.
 *
 * The faults are made by a layer between SQLite and its own VFS. A failed
 * fsync loses what was written since the last good one, as a kernel may that
 * marks pages clean whose write-back failed.
 */
#include <config.h>

#include "sys/ledger.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ledger_fixture.h"

/* ---- a disk that fails ---- */

struct extent {
	sqlite3_int64 at;
	int len;
};

struct shaky_file {
	sqlite3_file base;
	sqlite3_file *real; /* in the memory behind this struct */
	bool wal, main_db;
	struct extent *unsynced;
	size_t count, cap;
};

/* What goes wrong; set by the test's thread, seen by the writer's. */
static struct {
	sqlite3_vfs vfs, *real;
	pthread_t loop_thread;
	atomic_int after; /* operations until it begins; < 0: never */
	atomic_int faults; /* how many then; INT_MAX: until told */
	atomic_int hit; /* how many there were */
	atomic_int ops; /* writes, fsyncs and truncations seen */
	atomic_bool full; /* fail as a full disk does, not by EIO */
	atomic_bool only_main_db, no_writes, no_reads;
	atomic_bool stall; /* fsync does not return */
	atomic_int stalled; /* fsyncs that hang now */
} disk;

static struct shaky_file *
shaky(sqlite3_file *f)
{
	return (struct shaky_file *)(void *)f;
}

static bool
fault_now(struct shaky_file *f, bool is_write)
{
	if (!f->wal && !f->main_db)
		return false;
	if (atomic_load(&disk.only_main_db) && !f->main_db)
		return false;
	if (atomic_load(&disk.no_writes) && is_write)
		return false;
	atomic_fetch_add(&disk.ops, 1);
	if (atomic_load(&disk.after) < 0)
		return false;
	if (atomic_fetch_sub(&disk.after, 1) > 0)
		return false;
	atomic_store(&disk.after, 0);
	if (atomic_load(&disk.faults) <= 0)
		return false;
	if (atomic_load(&disk.faults) != INT32_MAX)
		atomic_fetch_sub(&disk.faults, 1);
	atomic_fetch_add(&disk.hit, 1);
	return true;
}

static void
disk_well(void)
{
	atomic_store(&disk.after, -1);
	atomic_store(&disk.faults, 0);
	atomic_store(&disk.full, false);
	atomic_store(&disk.only_main_db, false);
	atomic_store(&disk.no_writes, false);
	atomic_store(&disk.no_reads, false);
	atomic_store(&disk.stall, false);
}

static void
disk_fails(int after, int faults)
{
	atomic_store(&disk.hit, 0);
	atomic_store(&disk.faults, faults);
	atomic_store(&disk.after, after);
}

static void
remember(struct shaky_file *f, sqlite3_int64 at, int len)
{
	if (f->count == f->cap) {
		f->cap = f->cap != 0 ? f->cap * 2 : 64;
		f->unsynced =
		    xreallocarray(f->unsynced, f->cap, sizeof(*f->unsynced));
	}
	f->unsynced[f->count++] = (struct extent){at, len};
}

/* The kernel drops the pages it could not write. */
static void
lose_unsynced(struct shaky_file *f)
{
	char junk[8192];
	sqlite3_int64 at;
	size_t i;
	int n;

	memset(junk, 0xa5, sizeof(junk));
	for (i = 0; i < f->count; i++) {
		at = f->unsynced[i].at;
		for (int left = f->unsynced[i].len; left > 0; left -= n) {
			n = left < (int)sizeof(junk) ? left : (int)sizeof(junk);
			assert_int_equal(
			    f->real->pMethods->xWrite(f->real, junk, n, at),
			    SQLITE_OK);
			at += n;
		}
	}
	f->count = 0;
}

static int
shaky_close(sqlite3_file *file)
{
	struct shaky_file *f = shaky(file);

	free(f->unsynced);
	return f->real->pMethods->xClose(f->real);
}

static int
shaky_read(sqlite3_file *file, void *to, int len, sqlite3_int64 at)
{
	struct shaky_file *f = shaky(file);

	if (atomic_load(&disk.no_reads) &&
	    pthread_equal(pthread_self(), disk.loop_thread))
		return SQLITE_IOERR_READ;
	return f->real->pMethods->xRead(f->real, to, len, at);
}

static int
shaky_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 at)
{
	struct shaky_file *f = shaky(file);

	if (fault_now(f, true)) {
		/* Some of it went in, as on a disk that is full. */
		(void)f->real->pMethods->xWrite(f->real, from, len / 2, at);
		return atomic_load(&disk.full) ? SQLITE_FULL
					       : SQLITE_IOERR_WRITE;
	}
	remember(f, at, len);
	return f->real->pMethods->xWrite(f->real, from, len, at);
}

static int
shaky_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct shaky_file *f = shaky(file);

	if (fault_now(f, true))
		return SQLITE_IOERR_TRUNCATE;
	return f->real->pMethods->xTruncate(f->real, size);
}

static int
shaky_sync(sqlite3_file *file, int flags)
{
	struct shaky_file *f = shaky(file);

	if (atomic_load(&disk.stall)) {
		atomic_fetch_add(&disk.stalled, 1);
		while (atomic_load(&disk.stall))
			(void)usleep(1000);
		atomic_fetch_sub(&disk.stalled, 1);
	}
	if (fault_now(f, false)) {
		lose_unsynced(f);
		return SQLITE_IOERR_FSYNC;
	}
	f->count = 0;
	return f->real->pMethods->xSync(f->real, flags);
}

static int
shaky_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return shaky(f)->real->pMethods->xFileSize(shaky(f)->real, ret);
}

static int
shaky_lock(sqlite3_file *f, int how)
{
	return shaky(f)->real->pMethods->xLock(shaky(f)->real, how);
}

static int
shaky_unlock(sqlite3_file *f, int how)
{
	return shaky(f)->real->pMethods->xUnlock(shaky(f)->real, how);
}

static int
shaky_reserved(sqlite3_file *f, int *ret)
{
	return shaky(f)->real->pMethods->xCheckReservedLock(
	    shaky(f)->real, ret);
}

static int
shaky_control(sqlite3_file *f, int op, void *arg)
{
	return shaky(f)->real->pMethods->xFileControl(shaky(f)->real, op, arg);
}

static int
shaky_sector(sqlite3_file *f)
{
	return shaky(f)->real->pMethods->xSectorSize(shaky(f)->real);
}

static int
shaky_device(sqlite3_file *f)
{
	return shaky(f)->real->pMethods->xDeviceCharacteristics(shaky(f)->real);
}

static int
shaky_shm_map(
    sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
	return shaky(f)->real->pMethods->xShmMap(
	    shaky(f)->real, page, size, extend, ret);
}

static int
shaky_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return shaky(f)->real->pMethods->xShmLock(
	    shaky(f)->real, offset, n, flags);
}

static void
shaky_shm_barrier(sqlite3_file *f)
{
	shaky(f)->real->pMethods->xShmBarrier(shaky(f)->real);
}

static int
shaky_shm_unmap(sqlite3_file *f, int delete_it)
{
	return shaky(f)->real->pMethods->xShmUnmap(shaky(f)->real, delete_it);
}

static const sqlite3_io_methods shaky_methods = {
    .iVersion = 2,
    .xClose = shaky_close,
    .xRead = shaky_read,
    .xWrite = shaky_write,
    .xTruncate = shaky_truncate,
    .xSync = shaky_sync,
    .xFileSize = shaky_size,
    .xLock = shaky_lock,
    .xUnlock = shaky_unlock,
    .xCheckReservedLock = shaky_reserved,
    .xFileControl = shaky_control,
    .xSectorSize = shaky_sector,
    .xDeviceCharacteristics = shaky_device,
    .xShmMap = shaky_shm_map,
    .xShmLock = shaky_shm_lock,
    .xShmBarrier = shaky_shm_barrier,
    .xShmUnmap = shaky_shm_unmap,
};

static int
shaky_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
    int *ret_flags)
{
	struct shaky_file *f = shaky(file);
	int rc;

	(void)vfs;
	memset(f, 0, sizeof(*f));
	f->real = (sqlite3_file *)(void *)(f + 1);
	f->wal = (flags & SQLITE_OPEN_WAL) != 0;
	f->main_db = (flags & SQLITE_OPEN_MAIN_DB) != 0;
	rc = disk.real->xOpen(disk.real, name, f->real, flags, ret_flags);
	if (f->real->pMethods != NULL)
		f->base.pMethods = &shaky_methods;
	return rc;
}

static void
disk_install(void)
{
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real;
	disk.vfs.zName = "shaky";
	disk.vfs.szOsFile =
	    (int)sizeof(struct shaky_file) + disk.real->szOsFile;
	disk.vfs.xOpen = shaky_open;
	disk.loop_thread = pthread_self();
	disk_well();
	assert_int_equal(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
}

/* ---- what each test does ---- */

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	disk_well();
	fixture_dir(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	disk_well();
	if (f->l != NULL)
		fixture_close(f);
	fixture_remove(f);
	free(f);
	return 0;
}

/* Three records that belong together, as one turn. Gives its number. */
static uint64_t
add_turn(struct fixture *f, int64_t n)
{
	const struct ledger_usage u = {"s", "b", "d", 1};
	uint64_t seq = ledger_turn_seq(f->l);
	char value[32];

	fixture_add(f, "j", n);
	ledger_add_usage(f->l, &u);
	(void)snprintf(value, sizeof(value), "%" PRId64, n);
	ledger_put_meta(f->l, "last", value);
	ledger_submit(f->l);
	return seq;
}

/* Turns 1..n are there, each once, in order; nothing else is. */
static void
check_exact(struct fixture *f, int64_t n)
{
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM history"), n);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM history WHERE"
					" run_id = printf('run-%012d', id)"),
	    n);
	assert_int_equal(fixture_sql(f, "SELECT max(id) FROM history"), n);
	assert_int_equal(fixture_sql(f, "SELECT units FROM usage"), n);
	assert_int_equal(
	    fixture_sql(f, "SELECT value FROM meta WHERE key='last'"), n);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM rejected"), 0);
	assert_int_equal(
	    fixture_sql(f, "SELECT count(*) FROM pragma_integrity_check"
			   " WHERE integrity_check != 'ok'"),
	    0);
}

static void
check_exact_and_again(struct fixture *f, int64_t n)
{
	check_exact(f, n);
	assert_int_equal(ledger_conflicts(f->l), 0);
	fixture_reopen(f);
	assert_null(ledger_open_note(f->l));
	check_exact(f, n);
}

static bool
is_failing(struct fixture *f, char reason[LEDGER_REASON_BYTES])
{
	const char *why;
	int64_t since;

	if (!ledger_failing(f->l, &why, &since))
		return false;
	assert_true(since > 0 && since <= clock_boot_us());
	(void)snprintf(reason, LEDGER_REASON_BYTES, "%s", why);
	return true;
}

static void
wait_until_failing(struct fixture *f, char reason[LEDGER_REASON_BYTES])
{
	int64_t end = clock_boot_us() + DEADLINE_US;

	while (!is_failing(f, reason)) {
		fixture_turn(f);
		assert_true(clock_boot_us() < end);
	}
}

/* ---- one fault at each operation ---- */

#define TURNS 5

static bool
one_fault_at(struct fixture *f, int k)
{
	uint64_t seq = 0;
	bool hit;
	int n;

	fixture_open(f);
	disk_fails(k, 1);
	for (n = 1; n <= TURNS; n++) {
		seq = add_turn(f, n);
		fixture_wait(f, seq);
	}
	hit = atomic_load(&disk.hit) != 0;
	disk_well();
	check_exact_and_again(f, TURNS);
	fixture_close(f);
	fixture_remove(f);
	fixture_dir(f);
	return hit;
}

static void
test_one_fault_at_each_operation(void **state)
{
	struct fixture *f = *state;
	int k = 0;

	while (one_fault_at(f, k))
		k += 4;
	print_message("# one fault at each 4th of %d operations\n", k);
	assert_true(k > 12);
}

static void
test_each_fsync_fails_once(void **state)
{
	struct fixture *f = *state;
	uint64_t seq;
	int n;

	fixture_open(f);
	for (n = 1; n <= 8; n++) {
		atomic_store(&disk.no_writes, true);
		disk_fails(0, 1);
		seq = add_turn(f, n);
		fixture_wait(f, seq);
		assert_int_equal(atomic_load(&disk.hit), 1);
	}
	disk_well();
	check_exact_and_again(f, 8);
}

/* ---- faults that last ---- */

static void
fails_then_heals(struct fixture *f, const char *word)
{
	char reason[LEDGER_REASON_BYTES];
	struct ledger_query q = {.job_name = "j",
	    .since_us = LEDGER_NULL,
	    .until_us = LEDGER_NULL,
	    .limit = 3};
	uint64_t before, seq = 0;
	unsigned events;
	int64_t n, end;

	fixture_open(f);
	fixture_wait(f, add_turn(f, 1));
	before = ledger_durable_seq(f->l);
	fixture_turn(f);
	events = f->events;
	disk_fails(0, INT32_MAX);
	for (n = 2; n <= 50; n++)
		seq = add_turn(f, n);
	wait_until_failing(f, reason);
	if (strstr(reason, word) == NULL)
		fail_msg("%s: no word of %s", reason, word);
	print_message("# %s\n", reason);
	/* It stays so; it is told once; reads go on. */
	end = clock_boot_us() + 400 * USEC_PER_MSEC;
	while (clock_boot_us() < end) {
		fixture_turn(f);
		assert_int_equal(
		    ledger_load_recent(f->l, "none", 1, NULL, NULL), 0);
		q.job_name = "none";
		assert_int_equal(ledger_find_recent(f->l, &q, NULL, NULL), 0);
	}
	assert_int_equal(f->events, events + 1);
	assert_int_equal(ledger_durable_seq(f->l), before);
	assert_int_equal(ledger_backlog(f->l), 49);
	assert_true(is_failing(f, reason));
	assert_true(atomic_load(&disk.hit) > 1);
	disk_well();
	fixture_wait(f, seq);
	assert_false(is_failing(f, reason));
	assert_int_equal(ledger_backlog(f->l), 0);
	check_exact_and_again(f, 50);
}

static void
test_a_full_disk(void **state)
{
	atomic_store(&disk.full, true);
	fails_then_heals(*state, "full");
}

static void
test_writes_fail(void **state)
{
	fails_then_heals(*state, "disk I/O error");
}

static void
test_fsyncs_fail(void **state)
{
	atomic_store(&disk.no_writes, true);
	fails_then_heals(*state, "1034");
}

/*
 * The copy from the log into the file fails, for long: commits go on, and
 * nothing is lost when the file is well again.
 */
static void
test_checkpoints_fail(void **state)
{
	struct fixture *f = *state;
	char reason[LEDGER_REASON_BYTES];
	uint64_t seq = 0;
	int64_t n;

	fixture_open(f);
	atomic_store(&disk.only_main_db, true);
	disk_fails(0, INT32_MAX);
	for (n = 1; n <= 3000; n++) {
		seq = add_turn(f, n);
		if (n % 5 == 0)
			fixture_wait(f, seq);
		if (n == 2000) {
			assert_true(atomic_load(&disk.hit) > 0);
			/* From here the fsync fails, not the writes. */
			atomic_store(&disk.no_writes, true);
			atomic_store(&disk.hit, 0);
		}
	}
	assert_false(is_failing(f, reason));
	assert_true(atomic_load(&disk.hit) > 0);
	disk_well();
	for (; n <= 6000; n++) {
		seq = add_turn(f, n);
		if (n % 5 == 0)
			fixture_wait(f, seq);
	}
	check_exact_and_again(f, 6000);
}

static void
test_somebody_holds_the_lock(void **state)
{
	struct fixture *f = *state;
	char reason[LEDGER_REASON_BYTES];
	sqlite3 *db = NULL;
	uint64_t seq;

	fixture_open(f);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(ledger_db_exec(db, "BEGIN IMMEDIATE"), SQLITE_OK);
	seq = add_turn(f, 1);
	wait_until_failing(f, reason);
	assert_non_null(strstr(reason, "locked"));
	assert_int_equal(ledger_db_exec(db, "ROLLBACK"), SQLITE_OK);
	fixture_wait(f, seq);
	assert_false(is_failing(f, reason));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	check_exact_and_again(f, 1);
}

static void
count_history(void *arg, const struct ledger_history *row)
{
	int *n = arg;

	(void)row;
	(*n)++;
}

static void
test_a_read_fails(void **state)
{
	struct fixture *f = *state;
	int rows = 0;

	fixture_open(f);
	fixture_wait(f, add_turn(f, 1));
	assert_int_equal(
	    ledger_load_recent(f->l, "j", 9, count_history, &rows), 0);
	assert_int_equal(rows, 1);
	fixture_wait(f, add_turn(f, 2));
	atomic_store(&disk.no_reads, true);
	assert_int_equal(
	    ledger_load_recent(f->l, "j", 9, count_history, &rows), -EIO);
	assert_int_equal(ledger_has_history(f->l, "j"), -EIO);
	/* Nothing of it is the writer's affair. */
	fixture_wait(f, add_turn(f, 3));
	disk_well();
	rows = 0;
	assert_int_equal(
	    ledger_load_recent(f->l, "j", 9, count_history, &rows), 0);
	assert_int_equal(rows, 3);
	check_exact_and_again(f, 3);
}

/* ---- real limits ---- */

static void
fill_until_failing(struct fixture *f, int64_t *n, const char *word)
{
	char reason[LEDGER_REASON_BYTES];
	int64_t end = clock_boot_us() + DEADLINE_US;

	while (!is_failing(f, reason)) {
		(void)add_turn(f, ++*n);
		fixture_turn(f);
		assert_true(clock_boot_us() < end);
	}
	print_message("# after %" PRId64 " turns: %s\n", *n, reason);
	assert_non_null(strstr(reason, word));
}

static void
test_file_size_limit(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, small;
	char reason[LEDGER_REASON_BYTES];
	int64_t n = 0;

	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	fixture_open(f);
	small = old;
	small.rlim_cur = 300 * 1024;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	fill_until_failing(f, &n, "File too large");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	fixture_wait(f, add_turn(f, ++n));
	assert_false(is_failing(f, reason));
	check_exact_and_again(f, n);
}

static int
mount_tmpfs(const char *dir, unsigned long flags, const char *options)
{
	return mount("tmpfs", dir, "tmpfs", flags, options);
}

static void
test_small_file_system(void **state)
{
	struct fixture *f = *state;
	char reason[LEDGER_REASON_BYTES];
	int64_t n = 0;

	if (mount_tmpfs(f->dir, 0, "size=400k,mode=0700") < 0)
		skip();
	fixture_open(f);
	fill_until_failing(f, &n, "No space left");
	assert_int_equal(
	    mount_tmpfs(f->dir, MS_REMOUNT, "size=64m,mode=0700"), 0);
	fixture_wait(f, add_turn(f, ++n));
	assert_false(is_failing(f, reason));
	check_exact_and_again(f, n);
	fixture_close(f);
	assert_int_equal(umount2(f->dir, MNT_DETACH), 0);
}

/* ---- a disk that hangs ---- */

static int64_t
stall_us(void)
{
	const char *s = getenv("REEVE_TEST_STALL_S");

	return (s != NULL ? strtol(s, NULL, 10) : 2) * USEC_PER_SEC;
}

static void
test_a_hanging_disk_stops_no_turn(void **state)
{
	struct fixture *f = *state;
	char reason[LEDGER_REASON_BYTES];
	int64_t begun, now, last, worst = 0;
	int64_t n = 1, rows;
	uint64_t seq = 0;
	int got = 0;

	fixture_open(f);
	fixture_wait(f, add_turn(f, 1));
	atomic_store(&disk.stall, true);
	begun = last = clock_boot_us();
	/* Turns with records, reads and timers, every 5 ms. */
	for (now = begun; now < begun + stall_us(); now = clock_boot_us()) {
		seq = add_turn(f, ++n);
		fixture_turn(f);
		rows = got;
		assert_int_equal(
		    ledger_load_recent(f->l, "j", 1, count_history, &got), 0);
		assert_int_equal(got, rows + 1);
		if (now - last > worst)
			worst = now - last;
		last = now;
	}
	assert_int_equal(ledger_durable_seq(f->l), 1);
	assert_int_equal(ledger_backlog(f->l), (uint64_t)(n - 1));
	assert_false(is_failing(f, reason));
	assert_true(ledger_waits_since_boot_us(f->l) < begun + USEC_PER_SEC);
	atomic_store(&disk.stall, false);
	fixture_wait(f, seq);
	print_message("# fsync hung for %" PRId64 " ms: %" PRId64
		      " turns, the longest %" PRId64 " us\n",
	    (last - begun) / 1000, n - 1, worst);
	assert_true(worst < 500 * USEC_PER_MSEC);
	check_exact_and_again(f, n);
}

/* In a process of its own: what hangs is left to its end. */
static int
close_while_hanging(struct fixture *f)
{
	int64_t begun, took;

	fixture_open(f);
	fixture_wait(f, add_turn(f, 1));
	atomic_store(&disk.stall, true);
	(void)add_turn(f, 2);
	while (atomic_load(&disk.stalled) == 0)
		fixture_turn(f);
	begun = clock_boot_us();
	if (ledger_close(f->l, 200 * USEC_PER_MSEC) != -ETIMEDOUT)
		return 1;
	took = clock_boot_us() - begun;
	if (took < 200 * USEC_PER_MSEC || took > 5 * USEC_PER_SEC)
		return 2;
	return 0;
}

static void
test_close_has_a_deadline(void **state)
{
	struct fixture *f = *state;
	int64_t rows;
	int status;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		disk.loop_thread = pthread_self();
		_exit(close_while_hanging(f));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fixture_open(f);
	assert_non_null(ledger_open_note(f->l));
	rows = fixture_sql(f, "SELECT count(*) FROM history");
	assert_true(rows == 1 || rows == 2);
}

static void
test_close_gives_up_what_fails(void **state)
{
	struct fixture *f = *state;
	char reason[LEDGER_REASON_BYTES];

	fixture_open(f);
	fixture_wait(f, add_turn(f, 1));
	disk_fails(0, INT32_MAX);
	(void)add_turn(f, 2);
	(void)add_turn(f, 3);
	wait_until_failing(f, reason);
	assert_int_equal(ledger_close(f->l, 300 * USEC_PER_MSEC), -ETIMEDOUT);
	disk_well();
	f->l = NULL;
	timer_clear(f->lp, &f->tick);
	loop_free(f->lp);
	fixture_open(f);
	assert_non_null(ledger_open_note(f->l));
	assert_true(fixture_sql(f, "SELECT count(*) FROM history") >= 1);
}

static void
test_close_waits_for_the_disk_to_heal(void **state)
{
	struct fixture *f = *state;
	char reason[LEDGER_REASON_BYTES];
	int n;

	fixture_open(f);
	disk_fails(0, 4);
	for (n = 1; n <= 3; n++)
		(void)add_turn(f, n);
	wait_until_failing(f, reason);
	fixture_close(f); /* asserts that nothing was left */
	check_exact(f, 3);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_one_fault_at_each_operation),
	    TEST(test_each_fsync_fails_once),
	    TEST(test_a_full_disk),
	    TEST(test_writes_fail),
	    TEST(test_fsyncs_fail),
	    TEST(test_checkpoints_fail),
	    TEST(test_somebody_holds_the_lock),
	    TEST(test_a_read_fails),
	    TEST(test_file_size_limit),
	    TEST(test_small_file_system),
	    TEST(test_a_hanging_disk_stops_no_turn),
	    TEST(test_close_has_a_deadline),
	    TEST(test_close_gives_up_what_fails),
	    TEST(test_close_waits_for_the_disk_to_heal),
	};

	disk_install();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
