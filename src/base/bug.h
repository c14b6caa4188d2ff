/*
 * bug.h - what to do when the program, not the world, is wrong.
 */
#ifndef REEVE_BASE_BUG_H
#define REEVE_BASE_BUG_H

#include "base/macros.h"

/*
 * Write one line that begins with "BUG" to standard error and abort with a
 * core. For states that only a mistake in Reeve can reach; a restart replays
 * the ledger, so stopping is safer than going on.
 */
#define BUG(...) bug_abort(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_ON(cond)                      \
	do {                              \
		if (cond)                 \
			BUG("%s", #cond); \
	} while (0)

NORETURN void bug_abort(const char *file, int line, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
