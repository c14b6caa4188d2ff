/*
 * spawnloop.c - the bare loop that the supervisor is measured against: start a
 * program by posix_spawn(3) with a pipe for each output stream, watch both and
 * a pidfd, read to the end, reap. Nothing is recorded.
 *
 *	spawnloop [-n COUNT] [-j IN_FLIGHT] [-r RUNS] [-v] [--] [PROGRAM
 *[ARG]...]
 *
 * Prints attempts per second: the median over the runs; with -v each run's.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IN_FLIGHT_MAX 1024
#define RUNS_MAX      101
#define EVENTS_MAX    64

enum {
	OUT,
	ERR,
	EXIT,
	NFDS
};

struct attempt {
	int fds[NFDS]; /* -1: at its end */
	int open;
};

struct bench {
	long count, in_flight, runs;
	bool verbose;
	char **argv;
	int epfd;
	struct attempt attempts[IN_FLIGHT_MAX];
};

static void
die(const char *what, int err)
{
	fprintf(stderr, "spawnloop: %s: %s\n", what, strerror(err));
	exit(1);
}

static void
watch(struct bench *b, struct attempt *a, int which)
{
	struct epoll_event ev = {.events = EPOLLIN};

	ev.data.u64 = (uint64_t)(a - b->attempts) * NFDS + (uint64_t)which;
	if (epoll_ctl(b->epfd, EPOLL_CTL_ADD, a->fds[which], &ev) < 0)
		die("epoll_ctl", errno);
	a->open++;
}

static void
start(struct bench *b, struct attempt *a)
{
	extern char **environ;
	posix_spawn_file_actions_t fa;
	int out[2], err[2], r;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		die("pipe2", errno);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, out[1], 1);
	posix_spawn_file_actions_adddup2(&fa, err[1], 2);
	r = posix_spawn(&pid, b->argv[0], &fa, NULL, b->argv, environ);
	if (r != 0)
		die(b->argv[0], r);
	posix_spawn_file_actions_destroy(&fa);
	close(out[1]);
	close(err[1]);
	a->fds[OUT] = out[0];
	a->fds[ERR] = err[0];
	a->fds[EXIT] = (int)syscall(SYS_pidfd_open, pid, 0);
	if (a->fds[EXIT] < 0)
		die("pidfd_open", errno);
	a->open = 0;
	watch(b, a, OUT);
	watch(b, a, ERR);
	watch(b, a, EXIT);
}

/* True when this was the last of the attempt. */
static bool
ready(struct bench *b, struct attempt *a, int which)
{
	char part[65536];
	siginfo_t info;

	if (which == EXIT) {
		if (waitid(P_PIDFD, (id_t)a->fds[EXIT], &info, WEXITED) < 0)
			die("waitid", errno);
	} else if (read(a->fds[which], part, sizeof(part)) > 0) {
		return false;
	}
	/* A child on its way to exec may still hold a copy: not by close alone
	 */
	epoll_ctl(b->epfd, EPOLL_CTL_DEL, a->fds[which], NULL);
	close(a->fds[which]);
	a->fds[which] = -1;
	return --a->open == 0;
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Attempts per second of one run. */
static double
run(struct bench *b)
{
	struct epoll_event evs[EVENTS_MAX];
	long started = 0, done = 0;
	double began = now();
	struct attempt *a;
	int i, n;

	while (started < b->in_flight && started < b->count)
		start(b, &b->attempts[started++]);
	while (done < b->count) {
		n = epoll_wait(b->epfd, evs, EVENTS_MAX, -1);
		for (i = 0; i < n; i++) {
			a = &b->attempts[evs[i].data.u64 / NFDS];
			if (!ready(b, a, (int)(evs[i].data.u64 % NFDS)))
				continue;
			done++;
			if (started < b->count) {
				started++;
				start(b, a);
			}
		}
	}
	return (double)b->count / (now() - began);
}

static int
by_size(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

static long
number(const char *text, long max)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (*end != '\0' || v < 1 || v > max) {
		fprintf(stderr, "spawnloop: %s: not in 1..%ld\n", text, max);
		exit(64);
	}
	return v;
}

static void
parse_options(struct bench *b, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+n:j:r:v")) != -1) {
		if (c == 'n')
			b->count = number(optarg, 100000000);
		else if (c == 'j')
			b->in_flight = number(optarg, IN_FLIGHT_MAX);
		else if (c == 'r')
			b->runs = number(optarg, RUNS_MAX);
		else if (c == 'v')
			b->verbose = true;
		else
			exit(64);
	}
	if (optind < argc)
		b->argv = argv + optind;
}

int
main(int argc, char **argv)
{
	static struct bench b = {.count = 2000, .in_flight = 2, .runs = 5};
	static char program[] = "/bin/true";
	char *program_argv[] = {program, NULL};
	double rates[RUNS_MAX];
	long i;

	b.argv = program_argv;
	parse_options(&b, argc, argv);
	b.epfd = epoll_create1(EPOLL_CLOEXEC);
	if (b.epfd < 0)
		die("epoll_create1", errno);
	for (i = 0; i < b.runs; i++) {
		rates[i] = run(&b);
		if (b.verbose)
			printf("run %ld: %.0f\n", i + 1, rates[i]);
	}
	qsort(rates, (size_t)b.runs, sizeof(rates[0]), by_size);
	printf("%.0f\n", rates[b.runs / 2]);
	return 0;
}
