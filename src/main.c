/*
 * main.c - the daemon's command line. Must never do anything itself.
 */
#include <config.h>

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "flow/supervisor.h"
#include "model/run.h"

#define EXIT_USAGE 64

enum {
	OPT_DUMP_CONFIG = 256,
	OPT_DUMP_FSM,
	OPT_VERSION,
	OPT_HELP
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"daemon", no_argument, NULL, 'd'},
    {"test", no_argument, NULL, 't'},
    {"pidfile", required_argument, NULL, 'p'},
    {"dump-config", no_argument, NULL, OPT_DUMP_CONFIG},
    {"dump-fsm", no_argument, NULL, OPT_DUMP_FSM},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int
usage(FILE *to, int code)
{
	fputs("usage: reeved [-c FILE] [-d] [-t] [-p PIDFILE] [--dump-config] "
	      "[--dump-fsm] [--version]\n"
	      "  -c FILE        configuration (" REEVE_SYSCONFDIR
	      "/reeve.json)\n"
	      "  -d             detach once ready\n"
	      "  -t             check the configuration and exit\n"
	      "  -p PIDFILE     write and lock a pid file\n"
	      "  --dump-config  print the effective configuration and exit\n"
	      "  --dump-fsm     print the state table of a run and exit\n"
	      "See reeved(8) and reeve.conf(5).\n",
	    to);
	return code;
}

static int
dump_fsm(void)
{
	struct buf out;

	buf_init(&out, 0);
	run_dump_table(&out);
	fputs(buf_str(&out), stdout);
	buf_clear(&out);
	return 0;
}

/* Beside the daemon itself in a build tree, else where it is installed. */
static const char *
find_loader(char out[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (len > 0) {
		self[len] = '\0';
		slash = strrchr(self, '/');
		snprintf(out, PATH_MAX, "%.*s/reeve-exec",
		    slash == NULL ? 0 : (int)(slash - self), self);
		if (access(out, X_OK) == 0)
			return out;
	}
	return REEVE_LIBEXECDIR "/reeve-exec";
}

/* HUP reads it again, from another working directory under -d. */
static const char *
absolute_path(const char *path, char out[PATH_MAX])
{
	return realpath(path, out) != NULL ? out : path;
}

int
main(int argc, char **argv)
{
	char config[PATH_MAX], loader[PATH_MAX];
	struct supervisor_opts opts = {
	    .config_path = REEVE_SYSCONFDIR "/reeve.json",
	    .loader_path = find_loader(loader),
	};
	bool check = false, dump = false;
	int c;

	while (
	    (c = getopt_long(argc, argv, "c:dtp:h", long_options, NULL)) != -1)
		switch (c) {
		case 'c':
			opts.config_path = optarg;
			break;
		case 'd':
			opts.daemonize = true;
			break;
		case 't':
			check = true;
			break;
		case 'p':
			opts.pid_path = optarg;
			break;
		case OPT_DUMP_CONFIG:
			dump = true;
			break;
		case OPT_DUMP_FSM:
			return dump_fsm();
		case OPT_VERSION:
			puts("reeved " PACKAGE_VERSION);
			return 0;
		case 'h':
		case OPT_HELP:
			return usage(stdout, 0);
		default:
			return usage(stderr, EXIT_USAGE);
		}
	if (optind < argc)
		return usage(stderr, EXIT_USAGE);
	opts.config_path = absolute_path(opts.config_path, config);
	if (check)
		return supervisor_check(opts.config_path);
	if (dump)
		return supervisor_dump(opts.config_path);
	return supervisor_run(&opts);
}
