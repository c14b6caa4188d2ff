/*
 * reeve-exec.c - the chain loader: becomes the job's user, then the job.
 *
 *	reeve-exec [-P] [-u USER] [-g GROUP] [-e ENVFILE] [-c CREDDIR]
 *	    [-k NAME]... [-d DIR] [-p PATH]... -- COMMAND [ARG]...
 *
 *	-u, -g	name or number; the supplementary groups are USER's, or
 *		GROUP alone without USER
 *	-e	KEY=VALUE lines; "-FILE": may be missing
 *	-c	directory of secrets, given to USER: 0500, files 0400
 *	-k	HOME, USER, LOGNAME or SHELL that the job set: keep it
 *	-d	directory to run in; else USER's home, else "/"
 *	-p	where COMMAND may be, tried in order; else COMMAND itself
 *	-P	go on when the supervisor dies
 *
 * Runs between the supervisor's spawn() and the worker, in a process of its
 * own: here getpwnam(3) may block and malloc may be used, and the memory of
 * the supervisor is not shared with another uid. What fails is written to
 * descriptor 3 as a struct spawn_error, and the exit status is 127; when
 * the worker runs, descriptor 3 is at its end.
 *
 * Must never run the command with more rights than were asked for: every
 * step is checked, and the result too.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "exec/creds.h"
#include "exec/environ.h"
#include "exec/identity.h"
#include "sys/spawn.h"

#define REPORT_FD      3
#define EXIT_FAILED    127
#define EXIT_WRONG_USE 64
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

struct options {
	const char *user, *group, *env_file, *creds_dir, *cwd;
	const char **keep; /* NULL-ended */
	const char **paths; /* NULL-ended */
	size_t nkeep, npaths;
	int report_fd;
	bool survive; /* the death of the supervisor */
	char **argv;
};

NORETURN static void
usage(void)
{
	fputs("usage: reeve-exec [-P] [-u USER] [-g GROUP] [-e ENVFILE] "
	      "[-c CREDDIR]\n\t[-k NAME]... [-d DIR] [-p PATH]... -- "
	      "COMMAND [ARG]...\n",
	    stderr);
	exit(EXIT_WRONG_USE);
}

static void
add(const char ***list, size_t *count, const char *item)
{
	*list = xreallocarray(*list, *count + 2, sizeof(**list));
	(*list)[(*count)++] = item;
	(*list)[*count] = NULL;
}

static void
parse_options(int argc, char **argv, struct options *o)
{
	int c;

	o->keep = xcalloc(1, sizeof(*o->keep));
	o->paths = xcalloc(1, sizeof(*o->paths));
	while ((c = getopt(argc, argv, "+Pu:g:e:c:k:d:p:")) != -1) {
		switch (c) {
		case 'P':
			o->survive = true;
			break;
		case 'u':
			o->user = optarg;
			break;
		case 'g':
			o->group = optarg;
			break;
		case 'e':
			o->env_file = optarg;
			break;
		case 'c':
			o->creds_dir = optarg;
			break;
		case 'k':
			add(&o->keep, &o->nkeep, optarg);
			break;
		case 'd':
			o->cwd = optarg;
			break;
		case 'p':
			add(&o->paths, &o->npaths, optarg);
			break;
		default:
			usage();
		}
	}
	if (optind >= argc)
		usage();
	o->argv = argv + optind;
	if (o->npaths == 0)
		add(&o->paths, &o->npaths, o->argv[0]);
}

/*
 * Before anything can be opened: what others left open, and the report, are
 * closed by the exec. Returns the report's descriptor, or -1.
 */
static int
seal_fds(void)
{
	syscall(SYS_close_range, REPORT_FD, ~0U, CLOSE_RANGE_CLOEXEC);
	return fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC) < 0 ? -1 : REPORT_FD;
}

/* Tell the supervisor, by the pipe if there is one, else by standard error. */
NORETURN static void
fail(const struct options *o, enum spawn_step step, int err)
{
	struct spawn_error report = {.step = (int)step, .err = -err};

	if (o->report_fd < 0 ||
	    write(o->report_fd, &report, sizeof(report)) != sizeof(report)) {
		errno = -err;
		fprintf(stderr, "reeve-exec: %s: %m\n", spawn_step_name(step));
	}
	exit(EXIT_FAILED);
}

static void
check(const struct options *o, enum spawn_step step, int r)
{
	if (r < 0)
		fail(o, step, r);
}

/* A change of uid cleared what spawn() had set. */
static int
watch_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}

/* As the job's user: it must not look where that one may not. */
static int
enter(const char *cwd, const char *home)
{
	if (cwd != NULL)
		return chdir(cwd) < 0 ? -errno : 0;
	if (home != NULL && chdir(home) == 0)
		return 0;
	return chdir("/") < 0 ? -errno : 0;
}

/* Returns only if it fails. The same rules as spawn(). */
static int
run(const char *const *paths, char **argv, char **envp)
{
	bool denied = false;
	int err = ENOENT;

	for (; *paths != NULL; paths++) {
		execve(*paths, argv, envp);
		err = errno;
		if (err == EACCES)
			denied = true;
		else if (err != ENOENT && err != ENOTDIR)
			return -err;
	}
	return denied ? -EACCES : -err;
}

int
main(int argc, char **argv)
{
	struct options o = {.report_fd = seal_fds()};
	struct identity id;
	struct env env;
	pid_t parent = getppid();
	enum spawn_step step;
	int r;

	parse_options(argc, argv, &o);
	r = identity_find(o.user, o.group, &id, &step);
	check(&o, step, r);
	env_init(&env, environ);
	identity_environ(&id, &env, o.keep);
	if (o.env_file != NULL)
		check(&o, SPAWN_STEP_ENVFILE, env_read_file(&env, o.env_file));
	if (o.creds_dir != NULL)
		check(&o, SPAWN_STEP_CREDENTIALS,
		    creds_give(o.creds_dir, id.uid, id.gid));
	r = identity_become(&id, &step);
	check(&o, step, r);
	if (!o.survive)
		check(&o, SPAWN_STEP_PDEATHSIG, watch_parent(parent));
	check(&o, SPAWN_STEP_CWD, enter(o.cwd, id.home));
	fail(&o, SPAWN_STEP_EXEC, run(o.paths, o.argv, env.list));
}
