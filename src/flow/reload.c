/*
 * reload.c - HUP: read in slices beside what is in force, validate, then
 * swap. Running attempts are untouched; due fires of an old schedule settle
 * first; a changed schedule starts at now.
 * Must never change anything before the whole of the new is known to be good.
 *
 * Steps: IDLE -> READ (parse and check) -> APPLY (the settings in one turn,
 * then each job) -> REMOVE (jobs that are gone) -> FREE (the old) -> IDLE.
 */
#include <config.h>

#include "flow/reload.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "flow/claim.h"
#include "flow/due.h"
#include "flow/quota.h"
#include "flow/recovery.h"
#include "flow/slots.h"
#include "flow/zones.h"

#define MOST_FILE_BYTES ((size_t)512 * 1024 * 1024)
/* Changes told one by one; the rest is in the counts. */
#define MOST_LOGGED 200

enum step {
	STEP_IDLE,
	STEP_READ,
	STEP_APPLY,
	STEP_REMOVE,
	STEP_FREE,
};

struct reload {
	struct road *rd;
	char *path;
	struct zones *zones;
	reload_applied_fn *applied;
	void *arg;

	enum step step;
	bool again; /* another HUP came meanwhile */
	struct config_load *load;
	struct config *old;
	unsigned pos; /* job that is next in this step */
	int64_t began_boot_us;
	int64_t added, removed, changed, unchanged;
	struct reload_result last;
};

/* ---- files ---- */

static void
give_file(struct config_load *l, const char *path)
{
	struct buf text;
	size_t len;
	int rc;

	buf_init(&text, MOST_FILE_BYTES);
	rc = fd_read_file(path, MOST_FILE_BYTES, true, &text);
	len = text.len;
	if (rc == -EPERM)
		config_load_error(l, path,
		    "must belong to root or to reeved's user, and be writable "
		    "by nobody else");
	else if (rc != 0)
		config_load_error(l, path, "%s", strerror(-rc));
	else
		config_load_file(l, path, buf_steal(&text), len);
	buf_clear(&text);
}

static int
is_job_file(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > 5 &&
	       strcmp(e->d_name + len - 5, ".json") == 0;
}

static char *
jobs_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return xstrdup("jobs.d");
	return xasprintf("%.*s/jobs.d", (int)(slash - path), path);
}

static struct config_load *
open_files(const char *path, struct zones *zones)
{
	struct config_load *l = config_load_new(zones_get, zones);
	char *dir = jobs_dir(path);
	struct dirent **names = NULL;
	int n;

	config_load_dirs(l, REEVE_STATEDIR, REEVE_RUNDIR, REEVE_WORKERSDIR);
	give_file(l, path);
	n = scandir(dir, &names, is_job_file, alphasort);
	if (n < 0 && errno != ENOENT)
		config_load_error(l, dir, "%s", strerror(errno));
	for (int i = 0; i < n; i++) {
		char *file = xasprintf("%s/%s", dir, names[i]->d_name);

		give_file(l, file);
		free(file);
		free(names[i]);
	}
	free(names);
	free(dir);
	return l;
}

int
reload_read(const char *path, struct zones *zones, struct config **ret,
    struct buf *errors, struct buf *warnings)
{
	struct config_load *l = open_files(path, zones);

	while (config_load_step(l) > 0)
		continue;
	return config_load_finish(l, ret, errors, warnings);
}

/* ---- one job ---- */

static void
tell(struct reload *rl, int64_t *count, const char *message, const char *job)
{
	if ((*count)++ < MOST_LOGGED)
		log_info("Config", message, LF_STR("job", job));
	(void)rl;
}

/* The live job goes by another definition, and is found by its name. */
static void
redefine(struct live_job *live, struct job *def)
{
	struct job *before = live->def;

	map_del(live->road->jobs, before->name);
	live->def = job_ref(def);
	map_set(live->road->jobs, def->name, live);
	job_unref(before);
}

static bool
same_schedule(const struct job *a, const struct job *b)
{
	struct buf ta, tb;
	bool same;

	if (a->schedule == NULL || b->schedule == NULL ||
	    a->enabled != b->enabled)
		return false;
	buf_init(&ta, 0);
	buf_init(&tb, 0);
	schedule_normal(a->schedule, a->zone, a->dst, &ta);
	schedule_normal(b->schedule, b->zone, b->dst, &tb);
	same = strcmp(buf_str(&ta), buf_str(&tb)) == 0;
	buf_clear(&ta);
	buf_clear(&tb);
	return same;
}

static void
change_job(struct reload *rl, struct live_job *live, struct job *def)
{
	bool reschedule = !live->configured || !same_schedule(live->def, def);

	if (reschedule)
		due_settle(live);
	redefine(live, def);
	slots_redefine(live);
	if (reschedule) {
		due_stop(live);
		live->configured = true;
		due_start(live, true);
	}
	claim_job_free(live);
	tell(rl, &rl->changed, "Job changed", def->name);
}

static void
add_job(struct reload *rl, struct job *def)
{
	struct live_job *live = live_job_new(rl->rd, def);

	live->configured = true;
	live->boot = due_boot_text(); /* @reboot: from the next one on */
	if (recovery_load_history(live) != 0)
		log_error("Config", "History of a job cannot be read",
		    LF_STR("job", def->name));
	due_start(live, true);
	tell(rl, &rl->added, "Job added", def->name);
}

static void
apply_job(struct reload *rl, struct job *def)
{
	struct live_job *live = road_job(rl->rd, def->name);

	if (live == NULL) {
		add_job(rl, def);
	} else if (!live->configured || live->def->hash != def->hash) {
		change_job(rl, live, def);
	} else {
		redefine(live, def);
		rl->unchanged++;
	}
}

/* Who waits or is between attempts goes; who runs may end. */
static void
remove_job(struct reload *rl, struct job *def)
{
	struct live_job *live = road_job(rl->rd, def->name);

	due_settle(live);
	due_stop(live);
	live->configured = false;
	due_start(live, false);
	LIST_EACH_SAFE (it, &live->runs) {
		struct open_run *r = LIST_ENTRY(it, struct open_run, in_job);

		if (r->attempt == NULL)
			claim_give_up(r, STOP_CANCEL, "the job was removed");
	}
	tell(rl, &rl->removed, "Job removed", def->name);
	live_job_release(live);
}

/* ---- the steps ---- */

static void
tell_setting(void *arg, enum config_change change, const char *name,
    const struct job *before, const struct job *after)
{
	(void)arg;
	(void)before;
	(void)after;
	if (change == CONFIG_NEEDS_RESTART)
		log_warn("Config", "Setting changes at the next restart only",
		    LF_STR("setting", name));
	else if (change == CONFIG_SETTING_CHANGED)
		log_info("Config", "Setting changed", LF_STR("setting", name));
}

static void
tell_lines(enum log_level level, const char *message, const struct buf *lines)
{
	const char *at = buf_str(lines);

	while (*at != '\0') {
		size_t len = strcspn(at, "\n");
		char *line = xstrndup(at, len);

		log_write(level, "Config", message, LF_STR("error", line));
		free(line);
		at += len + (at[len] == '\n');
	}
}

static void
finish(struct reload *rl, bool ok)
{
	int64_t took_ms = (clock_boot_us() - rl->began_boot_us) / USEC_PER_MSEC;

	rl->step = STEP_IDLE;
	rl->last = (struct reload_result){
	    .at_us = loop_real_us(rl->rd->loop), .ok = ok, .took_ms = took_ms};
	if (!ok)
		log_error("Config", "Configuration not changed",
		    LF_STR("file", rl->path));
	else
		log_info("Config", "Configuration reloaded",
		    LF_INT("added", rl->added), LF_INT("removed", rl->removed),
		    LF_INT("changed", rl->changed),
		    LF_INT("unchanged", rl->unchanged),
		    LF_INT("tookMs", took_ms));
	if (rl->again) {
		rl->again = false;
		reload_request(rl);
	}
}

static void
swap(struct reload *rl, struct config *new)
{
	struct config_diff_pos settings_only = {
	    .before = rl->rd->config->njobs, .after = new->njobs};

	(void)config_diff(
	    rl->rd->config, new, &settings_only, 0, tell_setting, NULL);
	rl->old = rl->rd->config;
	rl->rd->config = new;
	log_set_level(new->log.level);
	slots_configure(rl->rd);
	quota_configure(rl->rd->quota, new);
	rl->applied(rl->arg);
	rl->pos = 0;
	rl->step = STEP_APPLY;
}

static void
end_of_read(struct reload *rl)
{
	struct config *new = NULL;
	struct buf errors, warnings;
	int rc;

	buf_init(&errors, 0);
	buf_init(&warnings, 0);
	rc = config_load_finish(rl->load, &new, &errors, &warnings);
	rl->load = NULL;
	tell_lines(LOG_WARN, "Configuration warning", &warnings);
	tell_lines(LOG_ERROR, "Configuration error", &errors);
	if (rc == 0)
		swap(rl, new);
	else
		finish(rl, false);
	buf_clear(&errors);
	buf_clear(&warnings);
}

static void
step_read(struct reload *rl)
{
	if (config_load_step(rl->load) == 0)
		end_of_read(rl);
}

static void
step_apply(struct reload *rl)
{
	const struct config *new = rl->rd->config;

	if (rl->pos < new->njobs) {
		apply_job(rl, new->jobs[rl->pos++]);
		return;
	}
	rl->pos = 0;
	rl->step = STEP_REMOVE;
}

static void
step_remove(struct reload *rl)
{
	if (rl->pos < rl->old->njobs) {
		struct job *def = rl->old->jobs[rl->pos++];

		if (config_job(rl->rd->config, def->name) == NULL)
			remove_job(rl, def);
		return;
	}
	rl->step = STEP_FREE;
}

/* Its jobs one by one, the rest at once. */
static void
step_free(struct reload *rl)
{
	if (config_free_some(rl->old) > 0)
		return;
	rl->old = NULL;
	finish(rl, true);
}

static void
one_step(struct reload *rl)
{
	switch (rl->step) {
	case STEP_READ:
		step_read(rl);
		break;
	case STEP_APPLY:
		step_apply(rl);
		break;
	case STEP_REMOVE:
		step_remove(rl);
		break;
	case STEP_FREE:
		step_free(rl);
		break;
	case STEP_IDLE:
		break;
	}
}

/* Fires that are due must be settled by what was in force: not while the
 * ledger takes nothing. */
static bool
must_wait(const struct reload *rl)
{
	return (rl->step == STEP_APPLY || rl->step == STEP_REMOVE) &&
	       !road_may_start(rl->rd);
}

bool
reload_step(struct reload *rl, int64_t budget_us)
{
	int64_t until_us;

	if (rl->step == STEP_IDLE || must_wait(rl))
		return false;
	until_us = clock_boot_us() + budget_us;
	do {
		/* Many jobs are compared in the time of one look at the clock.
		 */
		for (int i = 0; i < 16 && rl->step != STEP_READ &&
				rl->step != STEP_IDLE && !must_wait(rl);
		     i++)
			one_step(rl);
		if (rl->step == STEP_READ)
			one_step(rl);
	} while (rl->step != STEP_IDLE && !must_wait(rl) &&
		 clock_boot_us() < until_us);
	return rl->step != STEP_IDLE && !must_wait(rl);
}

/* ---- from outside ---- */

struct reload *
reload_new(struct road *rd, const char *path, struct zones *zones,
    reload_applied_fn *applied, void *arg)
{
	struct reload *rl = xcalloc(1, sizeof(*rl));

	rl->rd = rd;
	rl->path = xstrdup(path);
	rl->zones = zones;
	rl->applied = applied;
	rl->arg = arg;
	rl->last.at_us = TIME_NEVER;
	return rl;
}

void
reload_free(struct reload *rl)
{

	if (rl == NULL)
		return;
	config_load_free(rl->load);
	config_free(rl->old);
	free(rl->path);
	free(rl);
}

void
reload_request(struct reload *rl)
{
	if (rl->step != STEP_IDLE) {
		rl->again = true;
		return;
	}
	rl->began_boot_us = clock_boot_us();
	rl->added = rl->removed = rl->changed = rl->unchanged = 0;
	rl->load = open_files(rl->path, rl->zones);
	rl->step = STEP_READ;
	loop_wake(rl->rd->loop);
}

bool
reload_busy(const struct reload *rl)
{
	return rl->step != STEP_IDLE;
}

struct reload_result
reload_last(const struct reload *rl)
{
	return rl->last;
}
