/*
 * macros.h - the few words every file may use.
 */
#ifndef REEVE_BASE_MACROS_H
#define REEVE_BASE_MACROS_H

#include <stddef.h>

/* A result that must be looked at: every function that can fail has it. */
#define MUSTUSE		       __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN	       __attribute__((noreturn))
#define UNUSED		       __attribute__((unused))

#define ARRAY_SIZE(a)	       (sizeof(a) / sizeof((a)[0]))

/* The struct that holds `member`, from a pointer to that member. */
#define CONTAINER_OF(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define USEC_PER_MSEC ((int64_t)1000)
#define USEC_PER_SEC  ((int64_t)1000000)

#endif
