/*
 * crash.h - points where tests kill the daemon. In builds without
 * --enable-debug CRASH_POINT() is nothing.
 *
 * REEVE_CRASH_POINT=name[:k] in the environment kills the process by SIGKILL
 * at the k-th passage (default 1). REEVE_CRASH_LIST=FILE appends the name of
 * every point passed, once each, so that a test can assert that it was hit.
 */
#ifndef REEVE_BASE_CRASH_H
#define REEVE_BASE_CRASH_H

#ifdef REEVE_DEBUG
#define CRASH_POINT(name) crash_point(name)
void crash_point(const char *name);
#else
#define CRASH_POINT(name) ((void)0)
#endif

#endif
