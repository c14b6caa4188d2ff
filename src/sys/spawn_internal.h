/*
 * spawn_internal.h - between the two sides of spawn(): spawn.c, the parent, and
 * spawn_child.c, which runs in the child.
 */
#ifndef REEVE_SYS_SPAWN_INTERNAL_H
#define REEVE_SYS_SPAWN_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/macros.h"
#include "sys/spawn.h"

/* clang keeps entry hooks under no_sanitize("thread"); this drops all. */
#if defined(__clang__) && __has_attribute(disable_sanitizer_instrumentation)
#define IN_CHILD                                                    \
	__attribute__((noinline, disable_sanitizer_instrumentation, \
	    no_sanitize("address", "thread", "undefined")))
#elif defined(__clang__)
#define IN_CHILD \
	__attribute__((noinline, no_sanitize("address", "thread", "undefined")))
#else
#define IN_CHILD \
	__attribute__((noinline, no_sanitize("address,thread,undefined")))
#endif

#define KERNEL_SIGNALS	    64
#define KERNEL_SIGSET_BYTES (KERNEL_SIGNALS / 8)
#define OOM_TEXT_BYTES	    16

struct spawn_child {
	const struct spawn *req;
	pid_t parent;
	bool join_cgroup; /* clone3 could not do it */
	char oom_text[OOM_TEXT_BYTES];
	size_t oom_text_len;
	struct spawn_error error; /* the one thing the parent reads */
};

/* Entry of the child, with every signal blocked. `arg`: struct spawn_child. */
NORETURN void spawn_child_run(void *arg);

#endif
