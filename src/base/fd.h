/*
 * fd.h - file descriptors: close them once, read whole files with a cap.
 */
#ifndef REEVE_BASE_FD_H
#define REEVE_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/macros.h"

/* Close *fd if it is open and set it to -1. errno is kept. */
void fd_close(int *fd);
/* Returns 0 or -errno. */
MUSTUSE int fd_set_nonblock(int fd, bool on);

/*
 * Write everything, through short writes and EINTR; for blocking descriptors
 * and small regular files. Returns 0 or -errno.
 */
MUSTUSE int fd_write_all(int fd, const void *data, size_t len);

/*
 * Read a whole regular file into `ret` (appended). -EFBIG when it is longer
 * than `max_bytes` or than the buffer's cap allows, -EINVAL when it is no
 * regular file, else -errno; nothing is appended then.
 * With `trusted`, the opened descriptor must belong to root or to the
 * effective user and be writable by nobody else: otherwise -EPERM.
 */
MUSTUSE int fd_read_file(
    const char *path, size_t max_bytes, bool trusted, struct buf *ret);

/*
 * Replace the file `path` by `data`: a temporary beside it, fsync, rename,
 * fsync of the directory. Mode is exact. Returns 0 or -errno.
 */
MUSTUSE int fd_replace_file(
    const char *path, const void *data, size_t len, mode_t mode);

/*
 * Make a directory and its parents (like mkdir -p): `mode` and the umask are
 * for the last one, parents are 0755 and the umask. One that is there stays
 * as it is. Returns 0 or -errno.
 */
MUSTUSE int fd_mkdirs(const char *path, mode_t mode);

/* How many descriptors this process has open (from /proc), or -errno. */
MUSTUSE int fd_count_open(void);

#endif
