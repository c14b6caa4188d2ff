/*
 * supervisor.c - owns everything: the order of start, the turn of the loop
 * (collect, commit, act), the order of the end.
 * Must never block once the loop turns.
 */
#include <config.h>

#include "flow/supervisor.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "flow/api.h"
#include "flow/claim.h"
#include "flow/credentials.h"
#include "flow/due.h"
#include "flow/life.h"
#include "flow/quota.h"
#include "flow/recovery.h"
#include "flow/reload.h"
#include "flow/slots.h"
#include "flow/zones.h"
#include "sys/lockfile.h"
#include "sys/notify.h"

#define EXIT_USAGE_CONFIG 78
#define EXIT_HELD	  75
#define EXIT_SYSTEM	  71

/* Parts of a turn: together with the callbacks under 20 ms. */
#define EFFECTS_BUDGET_US  (8 * USEC_PER_MSEC)
#define CATCH_UP_BUDGET_US (2 * USEC_PER_MSEC)
#define PUMP_BUDGET_US	   (2 * USEC_PER_MSEC)
#define RELOAD_BUDGET_US   (3 * USEC_PER_MSEC)

/* All row caches together. */
#define ROW_CACHE_BYTES ((int64_t)64 * 1024 * 1024)
#define LEDGER_CLOSE_US (2 * USEC_PER_SEC)

struct supervisor {
	struct road road;
	struct supervisor_opts opts;
	struct zones *zones;
	struct reload *reload;
	struct api *api;
	struct life *life;
	int report_fd; /* of -d; -1: in the foreground, or ready */
	int lock_fd, pid_fd;
	char *lock_path;
	struct passwd user;
	char *user_buf;
};

/* ---- words of a start that fails ---- */

static int
refuse(struct supervisor *s, int code, const char *what, const char *why)
{
	char *words = xasprintf("%s: %s", what, why);

	if (s->report_fd >= 0)
		spawn_daemon_failed(&s->report_fd, words, code);
	else
		fprintf(stderr, "reeved: %s\n", words);
	free(words);
	return code;
}

static int
refuse_errno(struct supervisor *s, const char *what, int rc)
{
	return refuse(s, EXIT_SYSTEM, what, strerror(-rc));
}

/* ---- the configuration ---- */

static int
read_config(const char *path, struct zones *zones, struct config **ret)
{
	struct buf errors, warnings;
	int rc;

	buf_init(&errors, 0);
	buf_init(&warnings, 0);
	rc = reload_read(path, zones, ret, &errors, &warnings);
	fputs(buf_str(&warnings), stderr);
	fputs(buf_str(&errors), stderr);
	buf_clear(&errors);
	buf_clear(&warnings);
	return rc;
}

int
supervisor_check(const char *config_path)
{
	struct zones *zones = zones_new();
	struct config *c = NULL;
	int rc = read_config(config_path, zones, &c);

	if (rc == 0)
		fprintf(stderr, "reeved: %s is good: %u jobs\n", config_path,
		    c->njobs);
	config_free(c);
	zones_free(zones);
	return rc == 0 ? 0 : EXIT_USAGE_CONFIG;
}

int
supervisor_dump(const char *config_path)
{
	struct zones *zones = zones_new();
	struct config *c = NULL;
	int rc = read_config(config_path, zones, &c);
	struct buf out;

	buf_init(&out, 0);
	if (rc == 0) {
		config_dump(c, &out);
		fputs(buf_str(&out), stdout);
	}
	buf_clear(&out);
	config_free(c);
	zones_free(zones);
	return rc == 0 ? 0 : EXIT_USAGE_CONFIG;
}

/* ---- start, in this order ---- */

static void
ignore_signal(int signo)
{
	struct sigaction sa = {.sa_handler = SIG_IGN};

	(void)sigaction(signo, &sa, NULL);
}

static void
prepare_process(void)
{
	struct rlimit rl;

	ignore_signal(SIGPIPE);
	ignore_signal(SIGXFSZ);
	umask(022); /* every mode that matters is explicit */
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

/* The daemon's own user: whoever it runs as, or root's view of nobody. */
static void
find_user(struct supervisor *s)
{
	struct passwd *found = NULL;
	size_t size = (size_t)16 * 1024;

	s->user_buf = xmalloc(size);
	if (getpwuid_r(geteuid(), &s->user, s->user_buf, size, &found) != 0 ||
	    found == NULL) {
		s->road.user = (struct request_user){
		    .name = "nobody", .home = "/", .shell = "/bin/sh"};
		return;
	}
	s->road.user = (struct request_user){.name = s->user.pw_name,
	    .home = s->user.pw_dir,
	    .shell =
		s->user.pw_shell[0] != '\0' ? s->user.pw_shell : "/bin/sh"};
}

static char *
node_name(const struct config *c)
{
	char host[256];

	if (c->node != NULL)
		return xstrdup(c->node);
	if (gethostname(host, sizeof(host)) != 0)
		return xstrdup("localhost");
	host[sizeof(host) - 1] = '\0';
	return xstrndup(host, 64);
}

static int
take_locks(struct supervisor *s)
{
	pid_t holder = 0;
	char *words;
	int rc;

	s->lock_path = xasprintf("%s/lock", s->road.state_dir);
	rc = lockfile_take(s->lock_path, &s->lock_fd, &holder);
	if (rc == -EWOULDBLOCK) {
		words = xasprintf(
		    "another reeved runs on it (pid %d)", (int)holder);
		rc = refuse(s, EXIT_HELD, s->road.state_dir, words);
		free(words);
		return rc;
	}
	if (rc != 0)
		return refuse_errno(s, s->lock_path, rc);
	if (s->opts.pid_path == NULL)
		return 0;
	rc = lockfile_take(s->opts.pid_path, &s->pid_fd, &holder);
	if (rc == -EWOULDBLOCK)
		return refuse(s, EXIT_HELD, s->opts.pid_path,
		    "another process holds this pid file");
	return rc == 0 ? 0 : refuse_errno(s, s->opts.pid_path, rc);
}

static int
make_directories(struct supervisor *s)
{
	int rc = fd_mkdirs(s->road.state_dir, 0700);

	if (rc != 0)
		return refuse_errno(s, s->road.state_dir, rc);
	rc = fd_mkdirs(s->road.run_dir, 0755);
	return rc == 0 ? 0 : refuse_errno(s, s->road.run_dir, rc);
}

static void
ledger_event(void *arg)
{
	struct supervisor *s = arg;

	life_ledger_event(s->life);
}

static int
open_ledger(struct supervisor *s)
{
	struct road *rd = &s->road;
	char *path = xasprintf("%s/ledger.db", rd->state_dir);
	char *why = NULL;
	int rc = ledger_open(path, &rd->ledger, &why);

	if (rc != 0)
		rc = refuse(
		    s, EXIT_SYSTEM, path, why != NULL ? why : strerror(-rc));
	free(why);
	free(path);
	if (rc == 0)
		ledger_put_meta(rd->ledger, "node", rd->node);
	return rc;
}

static void
make_jobs(struct road *rd)
{
	for (unsigned i = 0; i < rd->config->njobs; i++) {
		struct live_job *live = live_job_new(rd, rd->config->jobs[i]);

		live->configured = true;
	}
}

static void
config_applied(void *arg)
{
	struct supervisor *s = arg;

	api_configure(s->api);
}

static void
clock_step(void *arg)
{
	struct road *rd = arg;

	log_plain(LOG_WARN, "Scheduler", "The clock was set");
	due_clock_step(rd);
}

static int
make_machinery(struct supervisor *s)
{
	struct road *rd = &s->road;
	int rc = loop_new(&rd->loop);

	if (rc == 0)
		rc = trees_new(rd->loop, &rd->trees);
	if (rc != 0)
		return refuse_errno(s, "event loop", rc);
	loop_on_clock_step(rd->loop, clock_step, rd);
	/* Without cgroups only the jobs that ask for one fail. */
	if (cgroup_root_open("reeve", &rd->cgroups) != 0)
		log_plain(LOG_INFO, "Supervisor", "No cgroup2 for attempts");
	rd->quota = quota_new();
	quota_configure(rd->quota, rd->config);
	slots_configure(rd);
	s->reload =
	    reload_new(rd, s->opts.config_path, s->zones, config_applied, s);
	rc = life_new(rd, s->reload, &s->life);
	return rc == 0 ? 0 : refuse_errno(s, "signals", rc);
}

static int
load_past(struct supervisor *s)
{
	struct road *rd = &s->road;
	int rc;

	credentials_sweep(rd->run_dir);
	make_jobs(rd);
	rc = recovery_load(rd);
	if (rc != 0)
		return refuse_errno(s, "ledger cannot be read", rc);
	rc = ledger_start(rd->ledger, rd->loop, ledger_event, s);
	return rc == 0 ? 0 : refuse_errno(s, "ledger's writer", rc);
}

static int
open_api(struct supervisor *s)
{
	char *where = NULL;
	int rc = api_new(&s->road, s->reload, &s->api, &where);

	if (rc != 0)
		rc = refuse(s, EXIT_SYSTEM, where, strerror(-rc));
	free(where);
	return rc;
}

static int
open_log(struct supervisor *s)
{
	const struct config *c = s->road.config;
	int rc;

	log_set_level(c->log.level);
	if (c->log.file == NULL)
		return s->opts.daemonize
			   ? refuse(s, EXIT_USAGE_CONFIG, "log.file",
				 "-d needs a file to log to")
			   : 0;
	rc = log_open(c->log.file);
	return rc == 0 ? 0 : refuse_errno(s, c->log.file, rc);
}

static int
start(struct supervisor *s)
{
	struct road *rd = &s->road;
	int rc;

	rd->run_dir = xstrdup(rd->config->run_dir);
	rd->state_dir = xstrdup(rd->config->state_dir);
	rd->node = node_name(rd->config);
	rd->loader = xstrdup(s->opts.loader_path);
	rd->row_budget = ROW_CACHE_BYTES;
	find_user(s);
	rc = make_directories(s);
	if (rc == 0)
		rc = take_locks(s);
	if (rc == 0)
		rc = open_log(s);
	if (rc == 0)
		rc = open_ledger(s);
	if (rc == 0)
		rc = make_machinery(s);
	if (rc == 0)
		rc = load_past(s);
	if (rc == 0)
		rc = open_api(s);
	return rc;
}

/* ---- the turn ---- */

/* What the durable records allow, for a while. */
static bool
act(struct road *rd)
{
	int64_t until_us;

	if (rd->effects.count == 0)
		return false;
	until_us = clock_boot_us() + EFFECTS_BUDGET_US;
	while (effects_run(&rd->effects, ledger_durable_seq(rd->ledger), 1) > 0)
		if (clock_boot_us() > until_us)
			return true;
	return false;
}

static void
after_turn(struct supervisor *s)
{
	struct road *rd = &s->road;
	bool more = act(rd);

	more |= due_catch_up(rd, CATCH_UP_BUDGET_US);
	more |= reload_step(s->reload, RELOAD_BUDGET_US);
	more |= claim_pump(rd, PUMP_BUDGET_US);
	ledger_submit(rd->ledger);
	loop_graveyard_empty(rd->loop);
	log_flush();
	if (more)
		loop_wake(rd->loop);
	loop_turn_end(rd->loop);
}

static int
run(struct supervisor *s)
{
	struct road *rd = &s->road;
	int rc = 0;

	recovery_begin(rd);
	after_turn(s);
	while (!life_over(s->life)) {
		rc = loop_turn(rd->loop);
		if (rc != 0) {
			log_error("Supervisor", "The event loop failed",
			    LF_INT("errno", -rc));
			return EXIT_SYSTEM;
		}
		if (rd->stopping)
			api_stop(s->api);
		after_turn(s);
	}
	return 0;
}

/* ---- the end, in the opposite order ---- */

static void
forget_runs(struct road *rd)
{
	size_t pos = 0;
	struct live_job *live;

	while ((live = map_next(rd->jobs, &pos)) != NULL)
		live_job_forget(live);
}

static void
stop(struct supervisor *s)
{
	struct road *rd = &s->road;

	if (rd->open != NULL)
		road_end_waits(rd);
	api_free(s->api);
	if (rd->ledger != NULL &&
	    ledger_close(rd->ledger, LEDGER_CLOSE_US) == -ETIMEDOUT)
		log_plain(LOG_ERROR, "Ledger",
		    "The disk did not take the last records");
	if (rd->jobs != NULL)
		forget_runs(rd);
	life_free(s->life);
	reload_free(s->reload);
	effects_clear(&rd->effects);
	slots_free(rd);
	quota_free(rd->quota);
	trees_free(rd->trees);
	cgroup_root_clear(&rd->cgroups);
	if (rd->loop != NULL)
		loop_graveyard_empty(rd->loop);
	loop_free(rd->loop);
	map_free(rd->open);
	map_free(rd->jobs);
	config_free(rd->config);
	zones_free(s->zones);
	if (s->opts.pid_path != NULL)
		lockfile_release(s->opts.pid_path, &s->pid_fd);
	if (s->lock_path != NULL)
		lockfile_release(s->lock_path, &s->lock_fd);
	free(s->lock_path);
	free(s->user_buf);
	free(rd->run_dir);
	free(rd->state_dir);
	free(rd->node);
	free(rd->loader);
}

static void
ready(struct supervisor *s)
{
	log_info("Supervisor", "Started", LF_STR("version", PACKAGE_VERSION),
	    LF_INT("pid", getpid()), LF_STR("config", s->opts.config_path),
	    LF_INT("jobs", s->road.config->njobs),
	    LF_INT("maxConcurrent", s->road.slots_limit));
	if (s->report_fd >= 0)
		spawn_daemon_ready(&s->report_fd);
	notify_ready("running");
}

int
supervisor_run(const struct supervisor_opts *opts)
{
	struct supervisor s = {
	    .opts = *opts, .report_fd = -1, .lock_fd = -1, .pid_fd = -1};
	struct road *rd = &s.road;
	int rc;

	list_init(&rd->catch_ups);
	list_init(&rd->held);
	list_init(&rd->freed);
	rd->jobs = map_new();
	rd->open = map_new();
	s.zones = zones_new();
	prepare_process();
	rc = read_config(opts->config_path, s.zones, &rd->config) == 0
		 ? 0
		 : EXIT_USAGE_CONFIG;
	if (rc == 0 && opts->daemonize && spawn_daemon(&s.report_fd) != 0)
		rc = refuse(&s, EXIT_SYSTEM, "-d", "cannot detach");
	if (rc == 0)
		rc = start(&s);
	if (rc == 0) {
		ready(&s);
		rc = run(&s);
		log_plain(LOG_INFO, "Supervisor", "Stopped");
	}
	stop(&s);
	log_flush();
	log_close();
	return rc;
}
