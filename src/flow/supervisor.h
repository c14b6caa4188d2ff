/*
 * supervisor.h - the daemon as a whole: owns everything, in this order of
 * start, and takes it down in the opposite one.
 */
#ifndef REEVE_FLOW_SUPERVISOR_H
#define REEVE_FLOW_SUPERVISOR_H

#include <stdbool.h>

#include "base/macros.h"

struct supervisor_opts {
	const char *config_path;
	const char *pid_path; /* NULL: none */
	const char *loader_path; /* of reeve-exec */
	bool daemonize;
};

/*
 * Run until told to stop. Returns the exit status: 0 after a clean end, 78
 * (EX_CONFIG) for a configuration that is wrong, 75 (EX_TEMPFAIL) when
 * another daemon holds the state directory, 71 (EX_OSERR) otherwise. What
 * prevents the start is told on standard error.
 */
MUSTUSE int supervisor_run(const struct supervisor_opts *opts);

/* `reeved -t`: errors and warnings on standard error; 0 or 78. */
MUSTUSE int supervisor_check(const char *config_path);
/* `reeved --dump-config`: the effective configuration on standard output. */
MUSTUSE int supervisor_dump(const char *config_path);

#endif
