/*
 * crash.c - points where tests kill the daemon, in debug builds only.
 *
 * Must be callable from any thread, and die without any cleaning up: that is
 * the point. This is the one place that may signal without a pidfd, because
 * it kills itself.
 */
#include <config.h>

#include "base/crash.h"

#ifdef REEVE_DEBUG

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"

#define MAX_POINTS 256

/* What was passed so far, under the lock. */
struct passed {
	const char *names[MAX_POINTS]; /* literals of the program */
	unsigned count;
	int64_t hits; /* of the chosen point */
};

/* Is `name` the point that `spec` (name[:k]) chose? Gives k. */
static bool
is_chosen(const char *spec, const char *name, int64_t *ret_k)
{
	size_t len = strlen(name);

	if (strncmp(spec, name, len) != 0)
		return false;
	*ret_k = 1;
	if (spec[len] == '\0')
		return true;
	if (spec[len] != ':')
		return false;
	return text_parse_int(spec + len + 1, 1, INT64_MAX, ret_k) == 0;
}

static void
append_line(const char *path, const char *name)
{
	char line[128];
	int fd, n;

	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	n = snprintf(line, sizeof(line), "%s\n", name);
	if (n > 0 && (size_t)n < sizeof(line))
		/* a missing line fails the test that looks for it */
		if (fd_write_all(fd, line, (size_t)n) < 0)
			fd_close(&fd);
	fd_close(&fd);
}

static void
note(struct passed *p, const char *path, const char *name)
{
	unsigned i;

	for (i = 0; i < p->count; i++)
		if (strcmp(p->names[i], name) == 0)
			return;
	if (p->count == MAX_POINTS)
		return;
	p->names[p->count++] = name;
	append_line(path, name);
}

void
crash_point(const char *name)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct passed passed;
	const char *spec = getenv("REEVE_CRASH_POINT");
	const char *list = getenv("REEVE_CRASH_LIST");
	int64_t k;

	if (spec == NULL && list == NULL)
		return;
	pthread_mutex_lock(&lock);
	if (list != NULL)
		note(&passed, list, name);
	if (spec != NULL && is_chosen(spec, name, &k) && ++passed.hits == k)
		kill(getpid(), SIGKILL);
	pthread_mutex_unlock(&lock);
}

#endif /* REEVE_DEBUG */
