/*
 * bug.c - the last words of a program that found itself wrong.
 *
 * Must work in any state: no allocation, no lock, no log. Must not hang on a
 * full pipe before it reaches abort(3).
 */
#include <config.h>

#include "base/bug.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LAST_WORDS_WAIT_MS 100

/* Keeps the message one line, whatever was put into it. */
static void
flatten(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
}

static void
say(const char *line, size_t len)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&p, 1, LAST_WORDS_WAIT_MS) != 1)
		return;
	if (write(STDERR_FILENO, line, len) < 0)
		return; /* nobody is left to be told */
}

void
bug_abort(const char *file, int line, const char *fmt, ...)
{
	char text[1024];
	size_t len;
	va_list ap;

	if (snprintf(text, sizeof(text), "BUG at %s:%d: ", file, line) < 0)
		text[0] = '\0';
	len = strlen(text);
	va_start(ap, fmt);
	/* the analyzer does not see what va_start does */
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	if (vsnprintf(text + len, sizeof(text) - len, fmt, ap) < 0)
		text[len] = '\0';
	va_end(ap);
	flatten(text);
	len = strlen(text);
	/* the line ends also when the message was cut */
	if (len == sizeof(text) - 1)
		len--;
	text[len++] = '\n';
	say(text, len);
	abort();
}
