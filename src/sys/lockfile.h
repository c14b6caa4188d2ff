/*
 * lockfile.h - one daemon per state directory; pid files as a courtesy.
 */
#ifndef REEVE_SYS_LOCKFILE_H
#define REEVE_SYS_LOCKFILE_H

#include <sys/types.h>

#include "base/macros.h"

/*
 * Open `path` (0644, close-on-exec), take flock(2) on it, write our pid.
 * -EWOULDBLOCK when another process holds it; *ret_holder is its pid then, if
 * the file says. The lock lasts until *ret_fd is closed; the file's content is
 * never authority for a signal.
 */
MUSTUSE int lockfile_take(const char *path, int *ret_fd, pid_t *ret_holder);
/* Unlink (while still locked) and close. */
void lockfile_release(const char *path, int *fd);

#endif
