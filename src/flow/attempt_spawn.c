/*
 * attempt_spawn.c - everything a worker is made of: argv and where it is
 * looked up, environment, request, pipes, limits, cgroup, credentials. All of
 * it is finished before the process exists.
 * Must never start anything whose claim is not durable (claim.c sees to it).
 */
#include <config.h>

#include "flow/attempt_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/jsonw.h"
#include "base/xalloc.h"
#include "flow/credentials.h"
#include "flow/quota.h"
#include "model/request.h"

#define DEFAULT_UMASK 022

/* ---- vectors ---- */

struct vector {
	char **items;
	size_t count;
};

static void
vector_add(struct vector *v, char *text)
{
	v->items = xreallocarray(v->items, v->count + 2, sizeof(*v->items));
	v->items[v->count++] = text;
	v->items[v->count] = NULL;
}

static void
vector_clear(struct vector *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i]);
	free(v->items);
}

static const char *
env_value(char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; *env != NULL; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	return "";
}

/* A name without a slash: Reeve's workers first, then each part of PATH. */
static void
candidates(struct vector *v, const char *workers_dir, const char *name,
    const char *path)
{
	if (strchr(name, '/') != NULL) {
		vector_add(v, xstrdup(name));
		return;
	}
	vector_add(v, xasprintf("%s/%s", workers_dir, name));
	while (*path != '\0') {
		size_t len = strcspn(path, ":");

		if (len > 0)
			vector_add(
			    v, xasprintf("%.*s/%s", (int)len, path, name));
		path += len + (path[len] == ':');
	}
}

static void
add_option(struct vector *argv, const char *option, const char *value)
{
	if (value == NULL)
		return;
	vector_add(argv, xstrdup(option));
	vector_add(argv, xstrdup(value));
}

static bool
sets_env(const struct job *def, const char *name)
{
	for (unsigned i = 0; i < def->env.count; i++)
		if (strcmp(def->env.items[i].key, name) == 0)
			return true;
	return false;
}

/* The chain loader's command line: see reeve-exec(8). */
static void
loader_argv(
    struct vector *argv, const struct attempt *a, const struct vector *paths)
{
	static const char *const kept[] = {"HOME", "USER", "LOGNAME", "SHELL"};
	const struct job *def = a->run->run.job;

	vector_add(argv, xstrdup("reeve-exec"));
	add_option(argv, "-u", def->user);
	add_option(argv, "-g", def->group);
	add_option(argv, "-e", def->env_file);
	add_option(argv, "-c", a->credentials);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (sets_env(def, kept[i]))
			add_option(argv, "-k", kept[i]);
	add_option(argv, "-d", def->cwd);
	for (size_t i = 0; i < paths->count; i++)
		add_option(argv, "-p", paths->items[i]);
	vector_add(argv, xstrdup("--"));
	for (char **arg = def->command; *arg != NULL; arg++)
		vector_add(argv, xstrdup(*arg));
}

/* ---- request and environment ---- */

static char *
previous_run(const struct live_job *live)
{
	const struct row *last = live->rows.newest;
	struct buf out;
	struct jsonw w;

	if (last == NULL)
		return NULL;
	buf_init(&out, 0);
	jsonw_init(&w, &out, false);
	jsonw_object(&w);
	jsonw_kstr(&w, "status", status_name(last->status));
	jsonw_ktime(&w, "completedAt", last->completed_at_us);
	jsonw_key(&w, "result");
	jsonw_raw(&w, last->json + last->result_at, last->result_len);
	jsonw_object_end(&w);
	return buf_steal(&out);
}

static void
fill_request(const struct attempt *a, struct request *req)
{
	const struct run *run = &a->run->run;

	*req = (struct request){
	    .job = run->job,
	    .run_id = run->id,
	    .attempt_id = a->id,
	    .attempt = run->attempt,
	    .max_attempts = run->job->retry.max_attempts,
	    .trigger = run->trigger,
	    .scheduled_at_us = run->scheduled_at_us,
	    .deadline_us = a->deadline_us,
	    .params = run->params != NULL ? run->params : run->job->params,
	    .credentials_dir = a->credentials,
	};
}

static char *
stdin_bytes(const struct attempt *a, struct request *req, size_t *ret_len)
{
	const struct job *def = a->run->run.job;
	struct road *rd = a->run->live->road;
	struct buf out, quota;
	char *previous;

	buf_init(&out, 0);
	if (job_stdin(def) == STDIN_TEXT) {
		buf_addstr(&out, def->stdin_text);
	} else {
		buf_init(&quota, 0);
		quota_print(rd->quota, clock_real_us(), &quota);
		previous = previous_run(a->run->live);
		req->previous = previous;
		req->quota = buf_str(&quota);
		request_print(req, &out);
		req->previous = req->quota = NULL;
		free(previous);
		buf_clear(&quota);
	}
	*ret_len = out.len;
	return buf_steal(&out);
}

/* ---- pipes ---- */

enum {
	OURS,
	THEIRS
};
struct pipes {
	int in[2], out[2], err[2], report[2];
};

static int
make_pipe(int fds[2], bool we_read)
{
	int both[2];

	if (pipe2(both, O_CLOEXEC) != 0)
		return -errno;
	fds[OURS] = both[we_read ? 0 : 1];
	fds[THEIRS] = both[we_read ? 1 : 0];
	return 0;
}

static void
close_pipes(struct pipes *p)
{
	for (int side = OURS; side <= THEIRS; side++) {
		fd_close(&p->in[side]);
		fd_close(&p->out[side]);
		fd_close(&p->err[side]);
		fd_close(&p->report[side]);
	}
}

static int
open_pipes(const struct job *def, struct pipes *p)
{
	int rc = make_pipe(p->out, true);

	if (rc == 0)
		rc = make_pipe(p->err, true);
	if (rc == 0 && job_needs_loader(def))
		rc = make_pipe(p->report, true);
	if (rc != 0)
		return rc;
	if (job_stdin(def) != STDIN_NULL)
		return make_pipe(p->in, false);
	p->in[THEIRS] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return p->in[THEIRS] < 0 ? -errno : 0;
}

static int
take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Our ends become streams of the attempt. */
static int
wire(struct attempt *a, struct pipes *p, char *text, size_t len)
{
	struct loop *lp = a->run->live->road->loop;
	int rc = stream_reader_new(
	    lp, take_fd(&p->out[OURS]), attempt_read_out, a, &a->out);

	if (rc == 0)
		rc = stream_reader_new(
		    lp, take_fd(&p->err[OURS]), attempt_read_err, a, &a->err);
	if (rc == 0 && p->report[OURS] >= 0)
		rc = stream_reader_new(lp, take_fd(&p->report[OURS]),
		    attempt_read_report_bytes, a, &a->report);
	if (rc == 0 && p->in[OURS] >= 0)
		return stream_writer_new(lp, take_fd(&p->in[OURS]), text, len,
		    attempt_wrote_in, a, &a->in);
	free(text);
	return rc;
}

/* ---- limits ---- */

static unsigned
rlimits_of(const struct job_limits *l, struct spawn_rlimit out[6])
{
	const struct {
		int resource;
		int64_t value;
	} all[] = {
	    {RLIMIT_AS, l->address_space_bytes},
	    {RLIMIT_CPU, l->cpu_seconds},
	    {RLIMIT_NOFILE, l->open_files},
	    {RLIMIT_NPROC, l->processes},
	    {RLIMIT_FSIZE, l->file_size_bytes},
	    {RLIMIT_CORE, l->core_bytes},
	};
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].value >= 0)
			out[n++] = (struct spawn_rlimit){
			    .resource = all[i].resource,
			    .value = {(rlim_t)all[i].value,
				(rlim_t)all[i].value},
			};
	return n;
}

static int
enter_cgroup(struct attempt *a, int *ret_fd)
{
	const struct road *rd = a->run->live->road;
	const struct job_limits *l = a->run->run.job->limits;
	struct cgroup_limits limits = {
	    .memory_max_bytes = l->memory_max_bytes,
	    .pids_max = l->pids_max,
	    .cpu_percent = l->cpu_percent,
	};

	if (!job_wants_cgroup(a->run->run.job))
		return 0;
	if (rd->cgroups.path == NULL)
		return -EOPNOTSUPP;
	return cgroup_make(&rd->cgroups, a->id, &limits, &a->cgroup, ret_fd);
}

/* ---- all together ---- */

static int
failed(struct attempt *a, const char *step, int rc)
{
	a->ending.spawn_failed = true;
	a->ending.spawn_step = step;
	a->ending.spawn_errno = -rc;
	return rc;
}

static int
make_tree(struct attempt *a, const struct pipes *p, const struct vector *paths,
    char **env, int cgroup_fd)
{
	struct road *rd = a->run->live->road;
	const struct job *def = a->run->run.job;
	bool loader = job_needs_loader(def);
	char *loader_paths[] = {rd->loader, NULL};
	struct vector loader_args = {NULL, 0};
	struct spawn_rlimit rlimits[6];
	struct spawn_error error;
	int rc;
	struct spawn req = {
	    .paths = loader ? loader_paths : paths->items,
	    .argv = def->command,
	    .envp = env,
	    .fds = {p->in[THEIRS], p->out[THEIRS], p->err[THEIRS]},
	    .status_fd = p->report[THEIRS],
	    .cwd = def->cwd,
	    .umask = (mode_t)(def->umask < 0 ? DEFAULT_UMASK : def->umask),
	    .rlimits = rlimits,
	    .nrlimits = rlimits_of(def->limits, rlimits),
	    .nice = def->nice,
	    .set_oom_score_adj = def->oom_score_adj_set,
	    .oom_score_adj = def->oom_score_adj,
	    .no_new_privs = def->no_new_privs,
	    .cgroup_fd = cgroup_fd,
	};
	struct tree_opts opts = {
	    .attempt_id = a->id,
	    .cgroup = a->cgroup,
	    .leave_children = def->leave_children,
	};

	if (loader) {
		loader_argv(&loader_args, a, paths);
		req.argv = loader_args.items;
		req.cwd = NULL; /* the loader enters it, as the job's user */
	} else if (def->cwd == NULL) {
		req.cwd = rd->user.home;
		req.cwd_optional = true;
	}
	rc = tree_spawn(
	    rd->trees, &req, &opts, &attempt_tree_events, a, &a->tree, &error);
	vector_clear(&loader_args);
	if (rc != 0)
		return failed(a, spawn_step_name(error.step), rc);
	return 0;
}

int
attempt_spawn(struct attempt *a)
{
	struct road *rd = a->run->live->road;
	const struct job *def = a->run->run.job;
	struct pipes p = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
	struct vector paths = {NULL, 0};
	const char *secret;
	char **env = NULL, *text = NULL;
	size_t len = 0;
	struct request req;
	int cgroup_fd = -1, rc;

	attempt_set_deadline(a);
	rc =
	    credentials_make(rd->run_dir, def, a->id, &a->credentials, &secret);
	if (rc != 0) {
		rc = failed(a, "secret", rc);
		goto out;
	}
	rc = enter_cgroup(a, &cgroup_fd);
	if (rc != 0) {
		rc = failed(a, "cgroup", rc);
		goto out;
	}
	rc = open_pipes(def, &p);
	if (rc != 0) {
		rc = failed(a, "pipe", rc);
		goto out;
	}
	fill_request(a, &req);
	env = request_env(&req, def->user != NULL ? NULL : &rd->user);
	candidates(&paths, rd->config->workers_dir, def->command[0],
	    env_value(env, "PATH"));
	if (p.in[OURS] >= 0)
		text = stdin_bytes(a, &req, &len);
	rc = make_tree(a, &p, &paths, env, cgroup_fd);
	if (rc != 0) {
		free(text);
		goto out;
	}
	/* Without its streams the worker runs on, unheard: its end is seen. */
	if (wire(a, &p, text, len) != 0)
		log_error("JobRunner", "Worker's pipes cannot be watched",
		    LF_STR("job", def->name), LF_STR("run", a->run->run.id));
out:
	fd_close(&cgroup_fd);
	close_pipes(&p);
	vector_clear(&paths);
	request_env_free(env);
	return rc;
}

void
attempt_read_report(struct attempt *a)
{
	struct spawn_error e;

	if (a->report_bytes.len < sizeof(e))
		return;
	memcpy(&e, a->report_bytes.data, sizeof(e));
	(void)failed(a, spawn_step_name(e.step), -e.err);
}
