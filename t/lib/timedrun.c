/*
 * timedrun.c - timedrun SECONDS PROGRAM [ARGUMENT...]: runs a test, at most so
 * long, and lets nothing of it live on: what it left behind is named and
 * killed, and makes the test fail. A subreaper, so nothing can hide from it
 * by forking twice; a leftover would hold the harness's pipe for ever.
 */
#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	EXIT_TIMEOUT = 124,
	EXIT_NO_START = 127,
	TERM_GRACE_S = 5,
	LEFTOVER_GRACE_S = 2,
	MAX_CHILDREN = 256,
};

struct leader {
	pid_t pid;
	bool over;
	int status;
};

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Reap what has ended; remember the leader's end. */
static void
reap(struct leader *leader)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == leader->pid) {
			leader->over = true;
			leader->status = status;
		}
	}
}

/* Living children of ours, adopted ones too. Returns how many. */
static size_t
children(pid_t out[MAX_CHILDREN])
{
	char path[64];
	FILE *f;
	size_t n = 0;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (n < MAX_CHILDREN && fscanf(f, "%d", &pid) == 1)
		out[n++] = (pid_t)pid;
	fclose(f);
	return n;
}

static void
name_process(pid_t pid)
{
	char path[64], text[200];
	size_t len, i;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	for (i = 0; i < len; i++) {
		if (!isprint((unsigned char)text[i]))
			text[i] = ' ';
	}
	text[len] = '\0';
	fprintf(stderr, "# left behind: %d %s\n", pid, text);
}

/*
 * Wait until `leader` is over, or until `deadline`, or until a signal asks us
 * to end. Returns whether it is over.
 */
static bool
await(struct leader *leader, const sigset_t *set, double deadline)
{
	struct timespec left;
	double s;
	int signo;

	for (;;) {
		reap(leader);
		if (leader->over)
			return true;
		s = deadline - now_s();
		if (s <= 0)
			return false;
		left.tv_sec = (time_t)s;
		left.tv_nsec = (long)((s - (double)left.tv_sec) * 1e9);
		signo = sigtimedwait(set, NULL, &left);
		if (signo > 0 && signo != SIGCHLD)
			return false;
	}
}

/* Kill what is left, again until nothing appears. Returns whether there was. */
static bool
sweep(struct leader *leader, const sigset_t *set)
{
	double deadline = now_s() + LEFTOVER_GRACE_S;
	struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
	pid_t pids[MAX_CHILDREN];
	size_t n, i;
	bool named = false;

	for (;;) {
		reap(leader);
		n = children(pids);
		if (n == 0)
			return named;
		if (now_s() >= deadline) {
			for (i = 0; i < n; i++) {
				if (!named)
					name_process(pids[i]);
				kill(pids[i], SIGKILL);
			}
			named = true;
		}
		sigtimedwait(set, NULL, &pause);
	}
}

static void
start(struct leader *leader, char **argv, const sigset_t *old)
{
	leader->pid = fork();
	if (leader->pid < 0) {
		perror("timedrun: fork");
		exit(EXIT_NO_START);
	}
	if (leader->pid > 0)
		return;
	sigprocmask(SIG_SETMASK, old, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execvp(argv[0], argv);
	fprintf(stderr, "timedrun: %s: %s\n", argv[0], strerror(errno));
	_exit(EXIT_NO_START);
}

int
main(int argc, char **argv)
{
	struct leader leader = {.pid = -1};
	sigset_t set, old;
	double seconds;
	bool timely;

	if (argc < 3 || (seconds = strtod(argv[1], NULL)) <= 0) {
		fprintf(stderr, "usage: timedrun SECONDS PROGRAM...\n");
		return 64;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	start(&leader, argv + 2, &old);

	timely = await(&leader, &set, now_s() + seconds);
	if (!timely) {
		fprintf(stderr, "# timedrun: stopped after %g s at most\n",
		    seconds);
		kill(leader.pid, SIGTERM);
		if (!await(&leader, &set, now_s() + TERM_GRACE_S))
			kill(leader.pid, SIGKILL);
	}
	if (sweep(&leader, &set) && timely)
		return 1;
	if (!timely)
		return EXIT_TIMEOUT;
	if (WIFSIGNALED(leader.status)) {
		fprintf(stderr, "# timedrun: killed by signal %d\n",
		    WTERMSIG(leader.status));
		return 128 + WTERMSIG(leader.status);
	}
	return WEXITSTATUS(leader.status);
}
